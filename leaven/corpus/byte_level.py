"""What a Hugging Face `tokenizer.json` says, where it is a byte-level BPE that tiktoken can encode with.

Two kinds of files pass: those that leaven trains, and those that a study gives. A given one must encode every text,
give it back unchanged, and mean the same to both libraries. What would not is refused with the reason: normalizers
(they change the text that bits per byte are counted on), tokens cut out of ordinary text, merges that are not in the
order of their tokens' numbers (tiktoken merges by number), numbers that stand for no token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.ground.errors import BadInput

VERSION = "given/1"
ENDS = ("<|endoftext|>", "<|end_of_text|>", "<EOS_TOKEN>", "</s>", "<eos>")
"""Names that the token at the end of a document goes by: the first of these that a tokenizer has as a special token."""

WORDS = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""How GPT-2 cuts text: what `ByteLevel` does unless told otherwise."""
WORDS_AND_DIGITS = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?![^\s\p{N}])|\s+"
"""The same after every digit has been cut apart (`Digits`, one by one): no space goes with a digit, and the spaces
before one stay together."""


@dataclass(frozen=True)
class ByteLevel:
    """A vocabulary: bytes → number, how text is cut before merging, the token that ends a document, and every special
    token (that one too), which stands for no text."""

    ranks: Mapping[bytes, int]
    pattern: str
    end: int
    special: Mapping[str, int]

    @property
    def size(self) -> int:
        """One more than the largest number."""
        return max(max(self.ranks.values()), *self.special.values()) + 1


def read_byte_level(path: Path) -> ByteLevel:
    """Read a `tokenizer.json`. Raises BadInput where it cannot be read or is refused, with the reason."""
    return _read(path, given=False)


def check_given(path: Path) -> ByteLevel:
    """Read a file that leaven did not train. Raises BadInput, with the reason, also where it would encode otherwise
    here than with its own library, or not every text."""
    return _read(path, given=True)


def _read(path: Path, given: bool) -> ByteLevel:
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        found = _byte_level(data, str(path))
        if given:
            _check_parts(data, str(path))
            _check_numbers(found, data["model"], str(path))
        return found
    except OSError as error:
        raise BadInput(error.strerror or "cannot be read", where=str(path)) from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise BadInput("this is not a tokenizer that leaven has trained or can use", where=str(path)) from error


def difference(one: ByteLevel, other: ByteLevel) -> str:
    """What tells two vocabularies apart, in words; nothing where they give every text the same numbers."""
    if one.size != other.size:
        return f"{one.size} tokens against {other.size}"
    changed = [token for token in one.ranks if one.ranks[token] != other.ranks.get(token)]
    if changed:
        shown = changed[0].decode("utf-8", "backslashreplace")
        return f'{len(changed)} tokens differ, the first of them "{shown}" (number {one.ranks[changed[0]]})'
    if one.pattern != other.pattern:
        return "they cut text in different places before merging"
    if one.end != other.end:
        return f"a document ends with token {one.end} in one and {other.end} in the other"
    return ""


def _byte_level(data: Mapping[str, Any], where: str) -> ByteLevel:
    model, characters = data["model"], byte_characters()
    if model.get("type", "BPE") != "BPE":
        raise _refused(where, f"it is of type {model['type']}, not BPE")
    special = {token["content"]: token["id"] for token in data["added_tokens"] if token["special"]}
    ordinary = {token: number for token, number in model["vocab"].items() if token not in special}
    if not set("".join(ordinary)) <= characters.keys():
        strange = next(token for token in ordinary if not set(token) <= characters.keys())
        raise _refused(where, f"its token {strange!r} is not made of bytes")
    end = next((special[name] for name in ENDS if name in special), None)
    if end is None:
        raise BadInput(
            "the tokenizer has no token that ends a document",
            where=where,
            fix=f"One of its special tokens must be called {', '.join(ENDS[:-1])} or {ENDS[-1]}.",
        )
    ranks = {bytes(characters[c] for c in token): number for token, number in ordinary.items()}
    return ByteLevel(ranks, _pattern(data["pre_tokenizer"], where), end, special)


def _check_parts(data: Mapping[str, Any], where: str) -> None:
    if data.get("normalizer") is not None:
        kind = data["normalizer"].get("type")
        raise _refused(where, f"its normalizer ({kind}) changes texts, and what is counted per byte would be off")
    cut = next((token["content"] for token in data["added_tokens"] if not token["special"]), None)
    if cut is not None:
        raise _refused(where, f"its added token {cut!r} is not special and would be cut out of ordinary text")
    for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix"):
        if data["model"].get(name):
            raise _refused(where, f"its model has a {name}")


def _pattern(cut: Mapping[str, Any], where: str) -> str:
    """The one expression whose matches are the pieces that the file's pre-tokenizers cut."""
    parts = cut["pretokenizers"] if cut["type"] == "Sequence" else [cut]
    *before, last = parts
    if last["type"] != "ByteLevel" or last.get("add_prefix_space"):
        raise _refused(where, "its last pre-tokenizer is not ByteLevel without a space put in front")
    words = last.get("use_regex", True)
    if not before and words:
        return WORDS
    if len(before) == 1 and before[0]["type"] == "Digits" and before[0].get("individual_digits") and words:
        return WORDS_AND_DIGITS
    if len(before) == 1 and before[0]["type"] == "Split" and not words:
        split = before[0]
        if split["behavior"] == "Isolated" and not split.get("invert"):
            return str(split["pattern"]["Regex"])
    kinds = ", ".join(part["type"] for part in parts)
    raise _refused(where, f"text is cut in a way that is not known here ({kinds})")


def _check_numbers(found: ByteLevel, model: Mapping[str, Any], where: str) -> None:
    """tiktoken merges the pair whose token has the lowest number: that must be the order of the file's merges."""
    vocabulary: dict[str, int] = model["vocab"]
    if not byte_characters().keys() <= vocabulary.keys():
        raise _refused(where, "it has not all 256 bytes")
    if {*found.ranks.values(), *found.special.values()} != set(range(found.size)):
        raise _refused(where, "some numbers below its largest stand for no token")
    merged = ["".join(merge.split(" ") if isinstance(merge, str) else merge) for merge in model["merges"]]
    numbers = [vocabulary[token] for token in merged]
    late = next(
        (token for token, one, next_one in zip(merged[1:], numbers, numbers[1:], strict=False) if next_one <= one), None
    )
    if late is not None:
        raise _refused(where, f"its merges are not in the order of their tokens' numbers ({late!r})")
    alone = [token for token in vocabulary.keys() - set(merged) - found.special.keys() if len(token) > 1]
    if alone:
        raise _refused(where, f"nothing merges to its token {min(alone)!r}")


def _refused(where: str, why: str) -> BadInput:
    return BadInput(
        f"the tokenizer cannot be used: {why}",
        where=where,
        fix="Give a byte-level BPE, or leave `corpus.tokenizer.path` out and have one trained.",
    )


def byte_characters() -> dict[str, int]:
    """The byte that each character of a byte-level vocabulary stands for (GPT-2's table): printable Latin-1
    for itself, the others, in order, from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}
