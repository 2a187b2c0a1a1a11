"""One byte-level BPE for all sources: trained with Hugging Face tokenizers, or given; encoding with tiktoken.

The vocabulary file is Hugging Face's; tiktoken reads the same vocabulary and gives the same ids several
times faster (tested against each other on real files). Every byte string has a token sequence and decodes
back to itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tiktoken
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as HubTokenizer

from leaven.corpus.byte_level import ByteLevel, check_given, read_byte_level
from leaven.corpus.document import read_documents
from leaven.corpus.files import document_files, sources_of
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import sha256_file, write_bytes, write_json
from leaven.ground.progress import Progress, silent

END_OF_TEXT = "<|endoftext|>"
SMALLEST = 257
"""The 256 bytes and the end of text."""

LARGEST_SAMPLE = 2**31 - 1
"""UTF-8 bytes of the largest sample, all sources together: the trainer counts pairs of neighbours in 32 bits with a
sign (tokenizers 0.23), and no sample has more pairs than bytes."""

TOLD = 16 << 20
"""Characters of the sample between two reports of progress."""

PATTERN = (
    r"'(?:[sdmtSDMT]|[lL][lL]|[vV][eE]|[rR][eE])"
    r"|[^\r\n\p{L}\p{N}]?\p{L}{1,48}"
    r"|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]{1,32}[\r\n]{0,4}"
    r"|[\r\n]{1,8}"
    r"|[^\S\r\n]{1,32}(?!\S)"
    r"|\s"
)
"""How text is cut before merging: the manner of GPT-4 (digits by three, a word with the space before it),
every chunk bounded so that no input can make merging slow. Each character is in some alternative, so nothing
is ever lost."""

TRIED = (
    "The quick brown fox, it's said, didn't jump: 3 dogs; 1234567 cats!\n\n  And then?  \n\tNothing ",
    "def f(x_1, y=0x1F):\n    return {'a': [x_1 ** 2, -y]}  # комментарий 注释\n",
    "  leading, trailing   \r\n\r\n\t\t . 12 3 45  6\u00a0\u2028 x\u0301 é ½ ² Ⅷ ٣ 🙂👩‍👩‍👧 \x00\x7f aaaaaaaaaaaaaaaa",
    "I'LL I'll we've WE'VE 'tis 'S don''t — …",
)
"""Texts that a given tokenizer must encode alike with both libraries: the rest is `check_given`'s."""


class Tokenizer:
    """Text ↔ token ids. Token `eot` ends a text; encoding never yields it, nor any other special token."""

    def __init__(self, vocabulary: ByteLevel) -> None:
        self.eot = vocabulary.end
        self.size = vocabulary.size
        self._encoding = tiktoken.Encoding(
            "leaven",
            pat_str=vocabulary.pattern,
            mergeable_ranks=dict(vocabulary.ranks),
            special_tokens=dict(vocabulary.special),
        )

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Read a `tokenizer.json` that `train_tokenizer` or `give_tokenizer` wrote. Raises BadInput for others."""
        return cls(read_byte_level(path))

    def encode(self, text: str) -> list[int]:
        """The ids of a text; `<|endoftext|>` in it is ordinary text."""
        ids: list[int] = self._encoding.encode_ordinary(text)
        return ids

    def encode_array(self, text: str) -> npt.NDArray[np.uint32]:
        """`encode` as an array (tokens,), without a Python number for each id."""
        try:
            ids: npt.NDArray[np.uint32] = self._encoding.encode_to_numpy(text, disallowed_special=())
        except UnicodeEncodeError:
            return self.encode_array(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
        return ids

    def encode_many(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text."""
        ids: list[list[int]] = self._encoding.encode_ordinary_batch(list(texts), num_threads=1)
        return ids

    def count_bytes(self, ids: Sequence[int]) -> int:
        """Bytes that ids stand for."""
        return len(self._encoding.decode_bytes(list(ids)))

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; what is not UTF-8 becomes U+FFFD. Raises LeavenError for unknown ids."""
        try:
            data: bytes = self._encoding.decode_bytes(list(ids))
        except (KeyError, OverflowError) as error:
            raise LeavenError(f"token {error} is not in this vocabulary of {self.size}") from error
        return data.decode("utf-8", errors="replace")


def train_tokenizer(
    corpus: Path, out: Path, *, vocab: int, sample_bytes: int = 2_000_000, progress: Progress = silent
) -> None:
    """Train on an even sample of a corpus step; write `tokenizer.json` and `report.json` into the empty
    folder `out`.

    Memory grows with the number of different chunks in the sample (see `docs/benchmarks.md` for measured figures), not
    with the corpus.

    Args:
        corpus: folder of the corpus step.
        vocab: tokens wanted, end of text and the 256 bytes included.
        sample_bytes: UTF-8 bytes taken of each source's training documents, in the corpus's order.
        progress: told in tokens, at the beginning and the end; while the sample is read, how much of it in the note.

    Raises:
        BadInput: the vocabulary is smaller than 257, the sample is larger than `LARGEST_SAMPLE`, or it has too few
            merges for the vocabulary.
    """
    if vocab < SMALLEST:
        raise BadInput(f"a byte-level vocabulary has at least {SMALLEST} tokens, not {vocab}", field="vocab")
    samples = {source: document_files(corpus, "train", source) for source in sources_of(corpus)}
    total = _sample_size(list(samples.values()), sample_bytes)
    tokenizer = HubTokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )

    def texts() -> Iterator[str]:
        read = told = 0
        progress(0, vocab)
        for files in samples.values():
            for text in _sample(files, sample_bytes):
                yield text
                read += len(text)
                if read - told >= TOLD:
                    told = read
                    progress(0, vocab, f"{read >> 20} of at most {total >> 20} MB read")
        progress(0, vocab, "merging")

    tokenizer.train_from_iterator(texts(), trainer)
    achieved = tokenizer.get_vocab_size()
    if achieved != vocab:
        raise BadInput(
            f"the sample yields {achieved} tokens, not {vocab}",
            field="vocab",
            fix="Ask for a smaller vocabulary, or give more text or a larger sample.",
        )
    write_bytes(out / "tokenizer.json", (tokenizer.to_str(pretty=True) + "\n").encode())
    rates = _bytes_per_token(Tokenizer.load(out / "tokenizer.json"), corpus, list(samples))
    write_json(out / "report.json", {"vocab": achieved, "requested": vocab, "bytes_per_token": rates})
    progress(vocab, vocab)


def give_tokenizer(path: Path, out: Path, *, expected: str = "") -> None:
    """Take a tokenizer trained elsewhere: write `tokenizer.json`, byte for byte, and `report.json` into `out`.

    `expected` is the file's SHA-256 when the corpus was planned. Raises BadInput where it cannot be used, or where
    tiktoken and its own library encode a text differently, LeavenError where it has changed.
    """
    vocabulary = check_given(path)
    ours, theirs = Tokenizer(vocabulary), HubTokenizer.from_file(str(path))
    theirs.no_truncation()
    theirs.no_padding()
    for text in TRIED:
        if ours.encode(text) != theirs.encode(text, add_special_tokens=False).ids:
            raise BadInput(
                f"the tokenizer cannot be used: {text[:40]!r} is encoded otherwise than by its own library",
                where=str(path),
                fix="Give a byte-level BPE, or leave `corpus.tokenizer.path` out and have one trained.",
            )
    write_bytes(out / "tokenizer.json", path.read_bytes())
    if expected and sha256_file(out / "tokenizer.json") != expected:
        raise LeavenError(f"{path} has changed since the corpus was planned\n  Run again.")
    write_json(out / "report.json", {"vocab": vocabulary.size, "given": True})


def _sample_size(sources: Sequence[Sequence[Path]], sample_bytes: int) -> int:
    """The most bytes that will be sampled. Raises BadInput where they are too many for the trainer to count."""
    total = sample_bytes * len(sources)
    if total > LARGEST_SAMPLE:
        total = sum(min(_size(files), sample_bytes) for files in sources)
    if total > LARGEST_SAMPLE:
        raise BadInput(
            f"a sample of {total:,} bytes is too large: its pairs are counted in 32 bits",
            field="sample",
            fix=f"Sample at most {LARGEST_SAMPLE // len(sources):,} bytes of each of the {len(sources)} sources.",
        )
    return total


def _size(files: Sequence[Path]) -> int:
    """UTF-8 bytes of the texts in files of documents."""
    total = 0
    for path in files:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=["text"]):
                total += pc.sum(pc.binary_length(batch.column(0))).as_py() or 0
    return total


def _bytes_per_token(tokenizer: Tokenizer, corpus: Path, sources: Sequence[str]) -> dict[str, float]:
    """UTF-8 bytes per token of each source: on held-out documents where there are any."""
    rates = {}
    for source in sources:
        for side in ("heldout", "train"):
            texts = list(_sample(document_files(corpus, side, source), 500_000))
            tokens = sum(len(tokenizer.encode_array(text)) for text in texts)
            if tokens:
                rates[source] = round(sum(len(text.encode()) for text in texts) / tokens, 4)
                break
    return rates


def _sample(files: Sequence[Path], most: int) -> Iterator[str]:
    """Texts from the beginning of files of documents, the last one cut, `most` bytes in all."""
    for path in files:
        for document in read_documents(path):
            data = document.text.encode()
            if len(data) >= most:
                yield data[:most].decode(errors="ignore")
                return
            most -= len(data)
            yield document.text
