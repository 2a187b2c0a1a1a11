"""The layout of a file alone: its lines in another order, or its white space with nothing between."""

from __future__ import annotations

import re

import numpy as np

_VISIBLE = re.compile(r"\S+")
_ASCII = bytes(byte if chr(byte).isspace() else ord("x") for byte in range(128)) + bytes(range(128, 256))
_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def shuffled_lines(text: str, key: int) -> str:
    """A file's lines, unchanged, in an order that `key` (64 bits) settles: by the numbers that splitmix64 draws for
    them. A line end at the end stays there, and none comes there: where an empty line would be the last of a file that
    does not end with a line end, it changes places with the last line that is not empty."""
    lines = text.split("\n")
    tail = [lines.pop()] if lines[-1] == "" else []
    order = np.argsort(splitmix64(key, len(lines)), kind="stable")
    made = [lines[place] for place in order.tolist()]
    if not tail and made[-1] == "":
        last = max(place for place, line in enumerate(made) if line)
        made[last], made[-1] = made[-1], made[last]
    return "\n".join([*made, *tail])


def whitespace_only(text: str) -> str:
    """Every character but white space as an `x`: indentation, gaps and the length of lines stay, in characters."""
    if text.isascii():
        return text.encode().translate(_ASCII).decode()
    return _VISIBLE.sub(lambda run: "x" * len(run[0]), text)


def splitmix64(seed: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """The first `count` numbers of the generator splitmix64 (Steele, Lea, Flood 2014), each 64 bits."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.uint64(_GOLDEN) * np.arange(1, count + 1, dtype=np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(_FIRST)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(_SECOND)
        return z ^ (z >> np.uint64(31))
