"""pass@k: the chance that at least one of k programs written for a problem passes its tests.

The unbiased estimator of Chen et al. 2021 (arXiv 2107.03374, eq. 1): of n samples c pass, so k drawn from them without
replacement all fail with probability C(n - c, k) / C(n, k).
"""

from __future__ import annotations

import math


def pass_at_k(n: int, c: int, k: int) -> float:
    """1 - C(n - c, k) / C(n, k), from whole numbers and rounded once.

    Args:
        n: samples.
        c: how many of them pass.

    Raises:
        ValueError: fewer samples than k, or more that pass than there are.
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"pass@{k} of {c} passes in {n} samples is not defined")
    every = math.comb(n, k)
    return (every - math.comb(n - c, k)) / every
