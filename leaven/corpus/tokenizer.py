"""One byte-level BPE for all sources: trained with Hugging Face tokenizers, encoding with tiktoken.

The vocabulary file is Hugging Face's; tiktoken reads the same vocabulary and gives the same ids several
times faster (tested against each other on real files). Every byte string has a token sequence and decodes
back to itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import tiktoken
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as HubTokenizer

from leaven.corpus.document import read_documents
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import write_bytes, write_json
from leaven.ground.progress import Progress, silent

END_OF_TEXT = "<|endoftext|>"
SMALLEST = 257
"""The 256 bytes and the end of text."""

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


class Tokenizer:
    """Text ↔ token ids. Token 0 ends a text; encoding never yields it."""

    def __init__(self, vocabulary: dict[bytes, int], pattern: str, eot: int) -> None:
        self.eot = eot
        self.size = len(vocabulary) + 1
        self._encoding = tiktoken.Encoding(
            "leaven", pat_str=pattern, mergeable_ranks=vocabulary, special_tokens={END_OF_TEXT: eot}
        )

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Read a `tokenizer.json` that `train_tokenizer` wrote. Raises BadInput for any other file."""
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
            vocabulary = {token: number for token, number in data["model"]["vocab"].items() if token != END_OF_TEXT}
            pattern = data["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
            characters = _characters()
            ranks = {bytes(characters[c] for c in token): number for token, number in vocabulary.items()}
            return cls(ranks, pattern, data["model"]["vocab"][END_OF_TEXT])
        except OSError as error:
            raise BadInput(error.strerror or "cannot be read", where=str(path)) from error
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise BadInput("this is not a tokenizer that leaven has trained", where=str(path)) from error

    def encode(self, text: str) -> list[int]:
        """The ids of a text; `<|endoftext|>` in it is ordinary text."""
        ids: list[int] = self._encoding.encode_ordinary(text)
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

    Args:
        corpus: folder of the corpus step.
        vocab: tokens wanted, end of text and the 256 bytes included.
        sample_bytes: UTF-8 bytes taken of each source's training documents, in the corpus's order.
        progress: told once before and after.

    Raises:
        BadInput: the vocabulary is smaller than 257, or the sample has too few merges for it.
    """
    if vocab < SMALLEST:
        raise BadInput(f"a byte-level vocabulary has at least {SMALLEST} tokens, not {vocab}", field="vocab")
    sources = sorted(path.stem for path in (corpus / "train").glob("*.parquet"))
    progress(0, vocab)
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
    tokenizer.train_from_iterator(
        (text for source in sources for text in _sample(corpus / "train" / f"{source}.parquet", sample_bytes)),
        trainer,
    )
    achieved = tokenizer.get_vocab_size()
    if achieved != vocab:
        raise BadInput(
            f"the sample yields {achieved} tokens, not {vocab}",
            field="vocab",
            fix="Ask for a smaller vocabulary, or give more text or a larger sample.",
        )
    write_bytes(out / "tokenizer.json", (tokenizer.to_str(pretty=True) + "\n").encode())
    rates = _bytes_per_token(Tokenizer.load(out / "tokenizer.json"), corpus, sources)
    write_json(out / "report.json", {"vocab": achieved, "requested": vocab, "bytes_per_token": rates})
    progress(vocab, vocab)


def _bytes_per_token(tokenizer: Tokenizer, corpus: Path, sources: Sequence[str]) -> dict[str, float]:
    """UTF-8 bytes per token of each source: on held-out documents where there are any."""
    rates = {}
    for source in sources:
        for side in ("heldout", "train"):
            texts = list(_sample(corpus / side / f"{source}.parquet", 500_000))
            tokens = sum(map(len, tokenizer.encode_many(texts)))
            if tokens:
                rates[source] = round(sum(len(text.encode()) for text in texts) / tokens, 4)
                break
    return rates


def _sample(path: Path, most: int) -> Iterator[str]:
    """Texts from the beginning of a file of documents, the last one cut, `most` bytes in all."""
    for document in read_documents(path):
        data = document.text.encode()
        if len(data) >= most:
            yield data[:most].decode(errors="ignore")
            return
        most -= len(data)
        yield document.text


def _characters() -> dict[str, int]:
    """The byte that each character of a byte-level vocabulary stands for (GPT-2's table): printable Latin-1
    for itself, the others, in order, from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}
