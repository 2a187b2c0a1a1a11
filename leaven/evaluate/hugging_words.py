"""A tokenizer of `transformers` as the tokenizer of a model under evaluation.

Texts are encoded as the tokenizer itself does, without anything put in front or behind; a special token written out in
a text is that token, unless the tokenizer says `split_special_tokens`. Bytes are counted token by token, exactly, for
the two kinds that nearly all models have: byte-level (each character of a token is one byte) and sentencepiece with its
fall-back to bytes ("▁" is a space, `<0x0A>` one byte). A token of another kind need not be a whole text; there, the
bytes of the decoded text are counted. The space that sentencepiece puts before the first word of a text counts as one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from leaven.ground.errors import BadInput

BYTE = re.compile(r"<0x[0-9A-F]{2}>\Z")
SPACE = "▁"
TAIL = 16
"""Tokens of the prompt that are decoded with a continuation, so that a space at its beginning is kept: decoders of
sentencepiece take the first one away."""


class HuggingWords:
    """Text ↔ token ids of one tokenizer.

    Args:
        tokenizer: a `PreTrainedTokenizerBase`, kept under this name.
        end: the token that ends a document where the tokenizer does not say.
        where: what errors call it.

    Raises:
        BadInput: neither it nor `end` names a token that ends a document.
    """

    def __init__(self, tokenizer: Any, end: int | None, where: str) -> None:
        eot = tokenizer.eos_token_id if tokenizer.eos_token_id is not None else end
        if eot is None:
            raise BadInput(
                "the tokenizer has no token that ends a text",
                where=where,
                field="eos_token",
                fix="Name it in tokenizer_config.json or config.json.",
            )
        self.eot = int(eot)
        self.size = len(tokenizer)
        self.tokenizer = tokenizer
        self._bytes = _token_bytes(tokenizer)

    @property
    def begin(self) -> int | None:
        """The token that begins a text, where the tokenizer has one."""
        found = self.tokenizer.bos_token_id
        return None if found is None else int(found)

    @property
    def front(self) -> tuple[int, ...]:
        """What the tokenizer itself puts in front of a text."""
        bare = self.encode("a")
        whole: list[int] = self.tokenizer.encode("a", add_special_tokens=True)
        at = next((i for i in range(len(whole)) if whole[i : i + len(bare)] == bare), 0)
        return tuple(whole[:at])

    def encode(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def count_bytes(self, ids: Sequence[int]) -> int:
        """UTF-8 bytes that the tokens stand for in the middle of a text; see the module for what is exact."""
        if self._bytes is None:
            return len(self.decode(ids).encode())
        return int(self._bytes[list(ids)].sum())

    def continuation(self, prompt: Sequence[int], ids: Sequence[int]) -> str:
        """What `ids` add to the text of `prompt`, without special tokens."""
        before = list(prompt[-TAIL:])
        head, whole = self._plain(before), self._plain([*before, *ids])
        return whole[len(head) :] if whole.startswith(head) else self._plain(ids)

    def _plain(self, ids: Iterable[int]) -> str:
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text


def load_words(folder: Path, end: int | None) -> HuggingWords:
    """The tokenizer of a folder; no code that lies in it is run. Raises BadInput where it cannot be read."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except Exception as error:  # their readers raise anything that a damaged file makes
        raise BadInput(
            f"transformers cannot read the tokenizer ({said(error)})",
            where=str(folder),
            fix="Is the folder complete? A tokenizer that needs code of its own is never loaded.",
        ) from None
    return HuggingWords(tokenizer, end, str(folder))


def said(error: BaseException) -> str:
    """The first line of an error of somebody else's."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


def _token_bytes(tokenizer: Any) -> npt.NDArray[np.int64] | None:
    """Bytes of each token (size,), None where tokens of this kind are no bytes."""
    kinds = _decoders(tokenizer)
    if "ByteLevel" not in kinds and not {"ByteFallback", "Metaspace"} & kinds:
        return None
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    written = {int(place): str(token.content) for place, token in tokenizer.added_tokens_decoder.items()}
    sizes = np.zeros(1 + max([*vocabulary.values(), *written]), np.int64)
    for token, place in vocabulary.items():
        if "ByteLevel" in kinds:
            sizes[place] = len(token)
        else:
            sizes[place] = 1 if BYTE.match(token) else len(token.replace(SPACE, " ").encode())
    for place, content in written.items():
        sizes[place] = len(content.encode())
    return sizes


def _decoders(tokenizer: Any) -> set[str]:
    """Types of the steps by which a tokenizer of the library `tokenizers` makes text of tokens."""
    decoder = getattr(getattr(tokenizer, "backend_tokenizer", None), "decoder", None)
    if decoder is None:
        return set()
    steps = json.loads(decoder.__getstate__())
    return {step["type"] for step in steps.get("decoders", [steps])}
