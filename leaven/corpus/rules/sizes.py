"""Scores of size and of the kinds of characters: what most rules for code look at."""

from __future__ import annotations

from collections.abc import Callable

from leaven.corpus.rules.reading import Reading

_PUNCTUATION_OR_SPACE = frozenset(r"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~""") | frozenset(" \t\n\r\v\f")
_BARE = bytes(ord(character) for character in sorted(_PUNCTUATION_OR_SPACE)) + bytes(range(28, 32))


def characters(reading: Reading) -> float:
    """Characters (code points)."""
    return float(len(reading.text))


def size(reading: Reading) -> float:
    """Bytes of UTF-8."""
    return float(len(reading.text) if reading.text.isascii() else len(reading.data))


def lines(reading: Reading) -> float:
    """Lines; a text without a character has none."""
    return float(len(reading.lines))


def max_line(reading: Reading) -> float:
    """Characters of the longest line; 0 for a text without lines."""
    return float(max(map(len, reading.lines), default=0))


def mean_line(reading: Reading) -> float:
    """Mean characters of a line, without line ends; 0 for a text without lines."""
    return sum(map(len, reading.lines)) / max(len(reading.lines), 1)


def alphanumeric(reading: Reading) -> float:
    """Share of characters that are letters or digits; 0 for an empty text."""
    return reading.alnum / max(len(reading.text), 1)


def alphabetic(reading: Reading) -> float:
    """Share of characters that are letters; 0 for an empty text."""
    return reading.alpha / max(len(reading.text), 1)


def bare_characters(reading: Reading) -> float:
    """Characters that are neither ASCII punctuation nor white space."""
    inside = len(reading.data.translate(None, _BARE + bytes(range(128, 256))))
    return float(inside + sum(1 for character in reading.foreign if not character.isspace()))


def fertility(text: str, tokens: Callable[[str], int]) -> float:
    """Characters per token, `tokens` being how many tokens a tokenizer makes of a text; 0 for an empty text."""
    return len(text) / max(tokens(text), 1)
