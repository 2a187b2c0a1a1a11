"""Rows of tokens, their padded lengths, and the batches they are computed in.

Invariant: the shape a row is computed in (its padded length, and the number of rows beside it) is a function of the
row alone. A batch that is not full is filled up with empty rows, never moved to another length, so what a row's
questions are answered does not depend, to the last bit, on what else is asked.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int32]

WIDEST = 2
"""Most tokens of a row, in lengths of the model's longest input. A row with branches may be longer than an input,
because no branch is; twice as long costs little more attention, and more would save little more."""


@dataclass(frozen=True)
class Asked:
    """One question's targets in a row.

    Args:
        question: the question's place in its group.
        at: columns of the row after which the targets stand, one for each.
        targets: the tokens.
    """

    question: int
    at: tuple[int, ...]
    targets: tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """A trunk and the branches that grow out of its end, one after the other.

    Args:
        tokens, positions, branches: of each column: its token, where it stands in its own text, and the number of its
            branch (0: the trunk).
    """

    tokens: tuple[int, ...]
    positions: tuple[int, ...]
    branches: tuple[int, ...]
    asked: tuple[Asked, ...]

    @property
    def forked(self) -> bool:
        return any(self.branches)


@dataclass(frozen=True)
class Shape:
    """What a batch is compiled for. `forked`: whether its program knows branches."""

    length: int
    forked: bool


@lru_cache(maxsize=64)
def lengths(longest: int) -> tuple[int, ...]:
    """The padded lengths: 32, 64, 96, 128, 192, 256, … (powers of two and halfway between) up to twice the longest
    input, the longest input itself among them."""
    end = WIDEST * longest
    powers = [1 << power for power in range(5, end.bit_length())]
    steps = {length for step in powers for length in (step, step + step // 2) if length < end and length != 48}
    return tuple(sorted({*steps, longest, end}))


def padded(size: int, longest: int) -> int:
    """The padded length of a row of `size` tokens."""
    every = lengths(longest)
    return every[bisect_left(every, size)]


def rows_of_batch(length: int, tokens: int) -> int:
    """Rows of a batch of about `tokens` padded tokens on one device."""
    return max(1, tokens // length)


def batches(
    rows: Sequence[Row], longest: int, tokens: int, devices: int, always_forked: bool
) -> list[tuple[Shape, list[int]]]:
    """Places of rows, cut into batches of one shape each, in the order of the lengths and then of the rows.

    Args:
        tokens: padded tokens of a batch on one device.
        always_forked: whether one program serves rows with branches and rows without.
    """
    queues: dict[tuple[int, bool], list[int]] = {}
    for place, row in enumerate(rows):
        queues.setdefault((padded(len(row.tokens), longest), always_forked or row.forked), []).append(place)
    cut = []
    for (length, forked), queue in sorted(queues.items()):
        size = rows_of_batch(length, tokens) * devices
        cut += [(Shape(length, forked), queue[start : start + size]) for start in range(0, len(queue), size)]
    return cut


def fill(rows: Sequence[Row], length: int, count: int) -> Numbers:
    """Tokens, positions and branches of up to `count` rows, padded with zeros: [3, count, length]."""
    filled = np.zeros((3, count, length), np.int32)
    for line, row in enumerate(rows):
        filled[:, line, : len(row.tokens)] = (row.tokens, row.positions, row.branches)
    return filled
