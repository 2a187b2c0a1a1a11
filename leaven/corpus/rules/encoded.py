"""Encoded data in code: base64, hexadecimal bytes and Unicode escapes, by the patterns of The Stack v2.

StarCoder2 (arXiv 2402.19173) publishes three patterns. Line ends are part of the one for base64, so words that stand
one in a line match it too. `solid` scores count of such a match only what stands in pieces of 32 characters or more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from leaven.corpus.rules.reading import Reading

BASE64 = re.compile(r"[a-zA-Z0-9+/\n=]{64,}+")
HEXADECIMAL = re.compile(r"(?:\b(?:0x|\\x)?[0-9a-fA-F]{2}(?:,|\b\s*+)){8,}+")
UNICODE = re.compile(r"(?:\\u[0-9a-fA-F]{4}){8,}+")
PIECE = 32
"""Characters of a line that a word of a list hardly has and a line of base64 always does, its last one aside."""

_HEX = b"0123456789abcdefABCDEF"
_BASE64_RUN = b"1" * 64


def _table(one: bytes) -> bytes:
    """A translation to `1` for these bytes and `0` for all others."""
    return bytes(49 if byte in one else 48 for byte in range(256))


_IN_BASE64 = _table(bytes(byte for byte in range(128) if chr(byte).isalnum()) + b"+/\n=")
_IN_HEXADECIMAL = _table(_HEX + b"x\\,? \t\n\r\v\f\x1c\x1d\x1e\x1f")
_SHAPE = bytes(
    ord("h" if byte in _HEX else "x" if byte == 120 else "o" if chr(byte).isalnum() or byte == 95 else " ")
    for byte in range(256)
)
_PAIRS = tuple(re.compile(rb"%s(?: ++(?:h?x)?hh){5}(?= )" % head) for head in (rb" hh", rb"xhh"))


@dataclass(frozen=True, slots=True)
class Encoded:
    """Characters of the longest match of each pattern and of all matches together, overlaps once."""

    base64_longest: int = 0
    base64_solid: int = 0
    hex_longest: int = 0
    unicode_longest: int = 0
    total: int = 0
    solid: int = 0


def encoded(reading: Reading) -> Encoded:
    """What of a text matches the three patterns."""
    text = reading.text
    base64, pairs = base64_spans(reading), hexadecimal_spans(reading)
    escapes = [match.span() for match in UNICODE.finditer(text)] if "\\u" in text else []
    if not (base64 or pairs or escapes):
        return Encoded()
    pieces = [[piece for piece in _pieces(text, *span) if piece[1] - piece[0] >= PIECE] for span in base64]
    return Encoded(
        max((end - start for start, end in base64), default=0),
        max((sum(end - start for start, end in each) for each in pieces), default=0),
        max((end - start for start, end in pairs), default=0),
        max((end - start for start, end in escapes), default=0),
        covered([*base64, *pairs, *escapes]),
        covered([*(piece for each in pieces for piece in each), *pairs, *escapes]),
    )


def covered(spans: list[tuple[int, int]]) -> int:
    """Characters in any of the spans, each counted once."""
    total = reached = 0
    for start, end in sorted(spans):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _pieces(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans = []
    for piece in text[start:end].split("\n"):
        spans.append((start, start + len(piece)))
        start += len(piece) + 1
    return spans


def base64_spans(reading: Reading) -> list[tuple[int, int]]:
    """The matches of `BASE64`: runs of 64 characters or more of its class."""
    inside = reading.one_byte.translate(_IN_BASE64)
    spans = []
    start = inside.find(_BASE64_RUN)
    while start >= 0:
        end = inside.find(b"0", start)
        end = len(inside) if end < 0 else end
        spans.append((start, end))
        start = inside.find(_BASE64_RUN, end)
    return spans


def hexadecimal_spans(reading: Reading) -> list[tuple[int, int]]:
    """The matches of `HEXADECIMAL`, looked for only where they can be.

    Of eight pairs in a row the inner six stand between characters that are no word characters, `0x` or `x` before
    them aside, with nothing else between one and the next. At least three of the six have no prefix or at least four
    have one, of which every other one at least is counted.
    """
    shape = reading.one_byte.translate(_SHAPE)
    if shape.count(b" hh ") < 2 and shape.count(b"xhh ") < 3:
        return []
    likely = sorted(match.span() for pairs in _PAIRS for match in pairs.finditer(shape))
    if not likely:
        return []
    inside = reading.one_byte.translate(_IN_HEXADECIMAL)
    spans: list[tuple[int, int]] = []
    reached = 0
    for start, end in likely:
        if start < reached:
            continue
        reached = inside.find(b"0", end)
        reached = len(inside) if reached < 0 else reached
        matches = HEXADECIMAL.finditer(reading.text, inside.rfind(b"0", 0, start) + 1, reached + 1)
        spans.extend(match.span() for match in matches)
    return spans
