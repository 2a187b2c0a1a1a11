"""What the data say about the means of a sweep, jointly over shares: draws in which each contrast has its t interval.

The best share depends on differences between shares only, so what all shares of a seed have in common is taken out
first (seeds are paired: the same initial weights and the same order of data). What is left of a seed is drawn *jointly*
over the shares: deviations are random combinations of the seeds' own residuals over √(χ²(S−1)/(S−1)). Every contrast
Σ wₖ·meanₖ, so also every slope, then deviates as its own paired t with S−1 degrees of freedom, however unequal the
noise of the shares is and however it is correlated between them. Resampling three seeds with replacement does the same
with a third too little variance (docs/notebook.md). Under resampled items each share deviates as `crossed.cross` says.

With one seed nothing is known of the noise between runs: `variance` is None and the smooth curve has to tell noise from
shape. Where seeds do not pair, each share deviates by its own t. Items count in either case: what resampled items do to
all shares alike is taken out, the rest widens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leaven.analyze.bootstrap import Floats
from leaven.analyze.crossed import cross
from leaven.ground.canonical import key64

PRIOR_SEEDS = 4.0
"""Degrees of freedom that the average variance of all shares counts for in each share's own (weights only, never in an
interval: three seeds tell little of a variance, and a share that seems free of noise by luck would rule the fit)."""


@dataclass(frozen=True)
class Means:
    """`means` [K]; `variance` [K] of their noise, for weights (None: unknown); `deviations` [draws × K]; `seeds`."""

    means: Floats
    variance: Floats | None
    deviations: Floats
    seeds: int


def measured(
    per_seed: Sequence[Floats], items: Sequence[Floats] | None, draws: int, seed: int, *, paired: bool = True
) -> Means:
    """The means of K shares with their joint noise.

    Args:
        per_seed: for each share the values of its seeds [S], in the same order of seeds.
        items: for each share the values under resampled items [draws × S], or None.
        seed: of the study's analysis. All measures with as many seeds get the same combinations of seeds, so what one
            seed does to two measures stays together in their draws.
        paired: the n-th value of every share is of the same seed; never so where shares have different numbers.
    """
    counts = {len(values) for values in per_seed}
    means = np.array([float(values.mean()) for values in per_seed])
    paired = paired and len(counts) == 1
    generator = np.random.Generator(np.random.Philox(key=key64("analyze/optimum/seeds/1", seed, sorted(counts))))
    if paired:
        own = list(np.stack(per_seed) - np.mean(per_seed, axis=0))
        deviations, spread = _jointly(np.stack(own), draws, generator)
    else:
        own = list(per_seed)
        deviations, spread = _apart(per_seed, draws, generator)
    if items is None:
        return Means(means, spread, deviations, min(counts))
    under = [rows[np.arange(draws) % len(rows)] for rows in items]
    if paired:
        common = np.mean(under, axis=0)
    else:
        moved = [(rows - values).mean(axis=1) for rows, values in zip(under, per_seed, strict=True)]
        common = np.mean(moved, axis=0)[:, None]
    parts = [cross(mine, rows - common, float(mine.mean())) for mine, rows in zip(own, under, strict=True)]
    deviations = deviations + np.stack([part.deviations for part in parts], axis=1)
    if spread is not None:
        spread = spread + np.array([part.item_se**2 for part in parts])
    return Means(means, spread, deviations, min(counts))


def _jointly(own: Floats, draws: int, generator: np.random.Generator) -> tuple[Floats, Floats | None]:
    """Deviations [draws × K] and the variances of the means [K] from residuals [K × S] around each seed's level."""
    shares, seeds = own.shape
    if seeds < 2:
        return np.zeros((draws, shares)), None
    around = own - own.mean(axis=1, keepdims=True)
    normal = generator.standard_normal((draws, seeds))
    scale = np.sqrt(generator.chisquare(seeds - 1, draws) / (seeds - 1))
    deviations = (normal @ around.T) / np.sqrt(seeds * (seeds - 1)) / scale[:, None]
    # Taking out the seeds' level hides 1/K of a share's own variance.
    variance = around.var(axis=1, ddof=0) * seeds / (seeds - 1) * shares / (shares - 1)
    return deviations, _moderated(variance, seeds - 1) / seeds


def _apart(per_seed: Sequence[Floats], draws: int, generator: np.random.Generator) -> tuple[Floats, Floats | None]:
    """The same without pairs; one share with a single seed leaves the noise unknown."""
    counts = np.array([len(values) for values in per_seed])
    if counts.min() < 2:
        return np.zeros((draws, len(counts))), None
    variance = np.array([values.var(ddof=1) for values in per_seed])
    deviations = generator.standard_t(counts - 1, (draws, len(counts))) * np.sqrt(variance / counts)
    return deviations, _moderated(variance, counts - 1) / counts


def _moderated(variance: Floats, freedom: Floats | int) -> Floats:
    """Each variance drawn towards the average of all."""
    drawn: Floats = (PRIOR_SEEDS * variance.mean() + freedom * variance) / (PRIOR_SEEDS + freedom)
    return drawn
