"""Do two sizes order the same variants alike? Decision accuracy, also by size of the gap, rank correlation, regret.

A decision is a pair of variants: the proxy says which is better, the target has the last word (METHODS.md §2.4). Target
ties are no decisions and are left out; a tie at the proxy is a coin toss and counts half, so that a proxy which cannot
tell anything apart scores ½, not 0 or 1.

`accuracy_interval` treats the variants as the sample, since pairs share them: a bootstrap of variants where there are
many, and where there are few the Wilson interval of ⌊V/2⌋ disjoint pairs, of which a mean over all pairs is never less
certain (W. Hoeffding, JASA 58, 1963, §5b).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import special

from leaven.analyze.bootstrap import Floats

GAPS = (0.0, 0.0025, 0.005, 0.01, 0.02, 0.05, math.inf)
"""Edges of |Δ|/min, as METHODS.md §2.4 has them."""
MANY = 20
"""Variants from which on they are resampled; below, a percentile interval is too narrow."""


@dataclass(frozen=True)
class Pairs:
    """Decisions [P]: `gaps` |Δ|/min at the target (NaN where the smaller value is not positive), `agreed` 1, ½ or 0."""

    gaps: Floats
    agreed: Floats

    @property
    def accuracy(self) -> float:
        """Share of pairs ordered alike; NaN without a pair."""
        return float(self.agreed.mean()) if len(self.agreed) else math.nan


@dataclass(frozen=True)
class Bin:
    """Decisions whose gap lies in [low, high)."""

    low: float
    high: float
    pairs: int
    accuracy: float


@dataclass(frozen=True)
class Regret:
    """What trusting the proxy costs: positions of its `pick` and of the target's `best`, how much worse the pick is at
    the target (`value`, in the score's unit, never negative), and that as a share of the target's spread."""

    pick: int
    best: int
    value: float
    share: float


def pairs_of(proxy: Floats, target: Floats) -> Pairs:
    """All decisions between variants whose scores are `proxy` [V] and `target` [V]."""
    i, j = np.triu_indices(len(target), 1)
    here, there = proxy[i] - proxy[j], target[i] - target[j]
    decided = there != 0
    smaller = np.minimum(target[i], target[j])
    gaps = np.where(smaller > 0, np.abs(there) / np.where(smaller > 0, smaller, 1.0), np.nan)
    return Pairs(gaps[decided], (1 + np.sign(here[decided]) * np.sign(there[decided])) / 2)


def by_gap(pairs: Pairs, edges: Sequence[float] = GAPS) -> list[Bin]:
    """Accuracy of the pairs in each bin of their gap; bins without a pair are left out."""
    found = []
    for low, high in pairwise(edges):
        here = pairs.agreed[(pairs.gaps >= low) & (pairs.gaps < high)]
        if len(here):
            found.append(Bin(low, high, len(here), float(here.mean())))
    return found


def spearman(first: Floats, second: Floats) -> float:
    """Rank correlation, equal values sharing their mean rank; NaN where one side has no order."""
    a, b = (_ranks(values) - (len(values) + 1) / 2 for values in (first, second))
    below = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / below if below > 0 else math.nan


def regret(proxy: Floats, target: Floats, better: str) -> Regret:
    """Regret of the variant that the proxy scores best. Args: `better`: "lower" or "higher"."""
    sign = -1.0 if better == "lower" else 1.0
    pick, best = int(np.argmax(sign * proxy)), int(np.argmax(sign * target))
    value = float(sign * (target[best] - target[pick]))
    spread = float(target.max() - target.min())
    return Regret(pick, best, value, value / spread if spread > 0 else 0.0)


def accuracy_interval(
    proxy: Floats, target: Floats, draws: int, key: int, level: float = 0.95, edges: tuple[float, float] | None = None
) -> tuple[float, float]:
    """Interval of the decision accuracy over variants like these; (0, 1) where nothing is known.

    Args: `edges`: only decisions whose gap lies in [low, high).
    """
    count = len(target)
    every = pairs = pairs_of(proxy, target)
    if edges is not None:
        inside = (every.gaps >= edges[0]) & (every.gaps < edges[1])
        pairs = Pairs(every.gaps[inside], every.agreed[inside])
    if not len(pairs.agreed):
        return 0.0, 1.0
    apart = disjoint(count, len(pairs.agreed), len(every.agreed))
    if count < MANY:
        return wilson(pairs.accuracy, apart, level)
    here, there = np.subtract.outer(proxy, proxy), np.subtract.outer(target, target)
    decided = there != 0
    if edges is not None:
        smaller = np.minimum.outer(target, target)
        gaps = np.abs(there) / np.where(smaller > 0, smaller, np.nan)
        decided &= (gaps >= edges[0]) & (gaps < edges[1])
    agreed = np.where(decided, (1 + np.sign(here) * np.sign(there)) / 2, 0.0)
    generator = np.random.Generator(np.random.Philox(key=key))
    weights = generator.multinomial(count, np.full(count, 1 / count), size=draws).astype(np.float64)
    above = np.einsum("bi,bi->b", weights @ agreed, weights)
    below = np.einsum("bi,bi->b", weights @ decided.astype(np.float64), weights)
    shares = above[below > 0] / below[below > 0]
    if not len(shares):
        return 0.0, 1.0
    low, high = np.quantile(shares, [(1 - level) / 2, (1 + level) / 2])
    # Where every pair agrees, so does every resample, and that is no certainty.
    return wilson(float(low), apart, level) if low == high else (float(low), float(high))


def disjoint(variants: int, pairs: int, of: int) -> int:
    """So many of ⌊V/2⌋ disjoint pairs are among `pairs` of all `of` decisions on average, rounded down."""
    return variants // 2 * pairs // of


def wilson(share: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share of n; (0, 1) of none."""
    if n < 1:
        return 0.0, 1.0
    z = float(special.ndtri((1 + level) / 2))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks
