"""Resampling items: one set of draws a task, shared by every arm and every seed.

Seeds and items are crossed random effects: each seed's model meets the same items, each item is met by every seed.
An item that happens to be hard is hard for all of them, so an item draw must hit all arms and seeds alike, and that
is what makes a comparison paired. Seeds are not resampled here: with three of them a percentile bootstrap covers 73 %
instead of 95 % (docs/notebook.md); `crossed.py` adds them as a t component. Items of one group (a document, a
package) are drawn together, since their results rise and fall together.

Sums of floats depend on the order in which they are added, and with it on the threads and kernels of the linear algebra
library. Here they do not: values are first rounded to a grid of a power of two so fine (2⁻⁵³ of the largest possible
sum) that every sum of resampled items is exact, and an exact sum has no order. What is rounded off is at most the count
of items times 2⁻⁵³ of the largest value: nothing that printed digits show.

`ratios_reference` says in plain loops what `ratios_resampled` does with counts and matrix products; the two are equal
to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

PICKS = 5_000_000
"""Clusters drawn at once: what memory holds. The generator is read one pick at a time, so this decides no result."""


@dataclass(frozen=True)
class Sums:
    """One task in one arm, summed within clusters: numerator and denominator [seed × cluster]."""

    numerator: Floats
    denominator: Floats

    @property
    def ratios(self) -> Floats:
        """The statistic of each seed [S]."""
        ratios: Floats = self.numerator.sum(axis=1) / self.denominator.sum(axis=1)
        return ratios


def cluster_sums(values: Floats, clusters: NDArray[np.int64]) -> Floats:
    """Sum values [S × I] within clusters -> [S × G]."""
    groups = int(clusters.max()) + 1
    return np.stack([np.bincount(clusters, weights=row, minlength=groups) for row in values])


def picks(groups: int, draws: int, key: int) -> Iterator[NDArray[np.int64]]:
    """Clusters drawn with replacement, in chunks of whole draws [? × groups]; the same for the same key."""
    generator = np.random.Generator(np.random.Philox(key=key))
    chunk = max(1, PICKS // groups)
    for start in range(0, draws, chunk):
        yield generator.integers(0, groups, size=(min(chunk, draws - start), groups), dtype=np.int64)


def on_grid(values: Floats) -> Floats:
    """Values [rows × G] of each row rounded to multiples of a power of two, so that any G of them, repeated or not, add
    up without error in any order."""
    groups = values.shape[1]
    largest = np.abs(values).max(axis=1, keepdims=True)
    # Of G multiples of 2^e, each at most 2^m, every partial sum is a multiple of 2^e below G · 2^m ≤ 2^(53 + e).
    exponent = np.frexp(largest)[1] + (groups - 1).bit_length() - 53
    rounded: Floats = np.ldexp(np.rint(np.ldexp(values, -exponent)), exponent)
    return rounded


def widening(groups: int) -> float:
    """Factor on item deviations that makes the percentile bootstrap of few clusters as wide as a t interval.

    √(G/(G−1)) undoes the bootstrap's downward bias of the variance (it divides by G); t₀.₉₇₅(G−1)/z₀.₉₇₅ stands for the
    variance itself being estimated. 1.003 at 500 clusters, 1.22 at 10. One cluster says nothing: 0, and a note.
    """
    if groups < 2:
        return 0.0
    t_over_z = special.stdtrit(groups - 1, 0.975) / special.ndtri(0.975)
    return float(np.sqrt(groups / (groups - 1)) * t_over_z)


def ratios_resampled(arms: list[Sums], draws: int, key: int) -> Floats:
    """Statistics of resampled items [arm × draw × seed], deviations widened for few clusters.

    All arms must hold the same clusters and equally many seeds. A draw whose denominator is zero (all its items were
    errors) keeps the statistic of the full set.
    """
    groups = arms[0].numerator.shape[1]
    numerators = on_grid(np.concatenate([arm.numerator for arm in arms]))
    denominators = on_grid(np.concatenate([arm.denominator for arm in arms]))
    # Bytes and counts are the same in every run, so one column usually serves as every denominator.
    shared = bool((denominators == denominators[0]).all())
    full = numerators.sum(axis=1) / denominators.sum(axis=1)
    rows = []
    for chunk in picks(groups, draws, key):
        offsets = np.arange(len(chunk), dtype=np.int64)[:, None] * groups
        counts = np.bincount((chunk + offsets).ravel(), minlength=chunk.size).reshape(chunk.shape)
        weights = counts.astype(np.float64)
        below = weights @ (denominators[:1] if shared else denominators).T
        above = weights @ numerators.T
        rows.append(np.where(below > 0, above / np.where(below > 0, below, 1.0), full))
    drawn = np.concatenate(rows)
    drawn = full + widening(groups) * (drawn - full)
    return np.stack(np.split(drawn, len(arms), axis=1))


def ratios_reference(arms: list[Sums], draws: int, key: int) -> Floats:
    """The same as `ratios_resampled`, one draw, arm, seed and cluster at a time."""
    groups = arms[0].numerator.shape[1]
    result = np.empty((len(arms), draws, arms[0].numerator.shape[0]))
    drawn = [row for chunk in picks(groups, draws, key) for row in chunk]
    for a, arm in enumerate(arms):
        numerator, denominator = on_grid(arm.numerator), on_grid(arm.denominator)
        for b, chosen in enumerate(drawn):
            for s in range(numerator.shape[0]):
                full = sum(map(float, numerator[s])) / sum(map(float, denominator[s]))
                above = sum(float(numerator[s, g]) for g in chosen)
                below = sum(float(denominator[s, g]) for g in chosen)
                value = above / below if below > 0 else full
                result[a, b, s] = full + widening(groups) * (value - full)
    return result
