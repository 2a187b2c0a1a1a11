"""Random documents that are the same ones for everybody who asks the same."""

from __future__ import annotations

import numpy as np

from leaven.ground.canonical import key64


def draw(candidates: np.ndarray, n: int, seed: int, *of: str) -> np.ndarray:
    """Up to `n` different candidates in random order: a function of the seed, the words `of` and the candidates."""
    wanted = min(n, len(candidates))
    picked: dict[int, None] = {}
    turn = 0
    while len(picked) < wanted:
        picked.setdefault(key64("look/1", seed, *of, turn) % len(candidates))
        turn += 1
    return candidates[np.fromiter(picked, np.int64, wanted)]
