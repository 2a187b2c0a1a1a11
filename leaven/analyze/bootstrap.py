"""Resampling items: one set of draws a task, shared by every arm and every seed.

Seeds and items are crossed random effects: each seed's model meets the same items, each item is met by every seed.
An item that happens to be hard is hard for all of them, so an item draw must hit all arms and seeds alike, and that
is what makes a comparison paired. Seeds are not resampled here: with three of them a percentile bootstrap covers 73 %
instead of 95 % (docs/notebook.md); `crossed.py` adds them as a t component. Items of one group (a document, a
package) are drawn together, since their results rise and fall together.

`ratios_reference` says in plain loops what `ratios_resampled` does with counts and matrix products.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

CHUNK = 250
"""Draws held in memory at once; part of the algorithm's version, since it fixes how the generator is read."""


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
    """Clusters drawn with replacement, in chunks [≤ CHUNK × groups]; the same for the same key."""
    generator = np.random.Generator(np.random.Philox(key=key))
    for start in range(0, draws, CHUNK):
        yield generator.integers(0, groups, size=(min(CHUNK, draws - start), groups), dtype=np.int64)


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
    numerators = np.concatenate([arm.numerator for arm in arms])
    denominators = np.concatenate([arm.denominator for arm in arms])
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
        for b, chosen in enumerate(drawn):
            for s in range(arm.numerator.shape[0]):
                full = float(arm.numerator[s].sum() / arm.denominator[s].sum())
                above = sum(float(arm.numerator[s, g]) for g in chosen)
                below = sum(float(arm.denominator[s, g]) for g in chosen)
                value = above / below if below > 0 else full
                result[a, b, s] = full + widening(groups) * (value - full)
    return result
