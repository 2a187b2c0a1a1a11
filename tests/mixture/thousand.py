"""A mixture of a thousand sources in memory: one of nine tenths, one of two ten-thousandths, the others of one."""

from __future__ import annotations

import numpy as np

from leaven.mixture.shard import Shard

NAMES = [f"s{number:03}" for number in range(1000)]
WEIGHTS = dict.fromkeys(NAMES, 0.0001) | {"s000": 0.9, "s001": 2e-4}
"""They sum to one, so a source's ideal share is its weight as declared."""


def shards(sequence: int, rows: int = 40) -> dict[str, Shard]:
    """Source number k holds rows + k % 7 windows; its tokens count up from 1,000 k."""
    return {name: in_memory(name, (rows + k % 7) * sequence + 1, 1000 * k) for k, name in enumerate(NAMES)}


def in_memory(source: str, tokens: int, first: int) -> Shard:
    """A train split of the tokens first, first + 1, … in one document."""
    numbers = np.arange(first, first + tokens, dtype="<u4")
    return Shard(source, "train", numbers, np.array([tokens], "<u8"), 3 * tokens)
