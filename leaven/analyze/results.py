"""A measure in every arm: its value per seed and under resampled items, ready to be compared.

Why: scores, noise and effects all need the same resampled statistics, with the same draws; they are made once here.
Invariant: draws depend on the study's analysis seed, the task and its number of clusters only, so every arm, seed, size
and measure of a task sees the same resampled items, and adding a variant changes no other variant's interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leaven.analyze.bootstrap import Floats, Sums, cluster_sums, ratios_resampled
from leaven.analyze.crossed import Crossed, cross
from leaven.analyze.measures import Statistic
from leaven.analyze.table import Column, Run, Table
from leaven.ground.canonical import key64
from leaven.ground.errors import LeavenError


@dataclass(frozen=True)
class Sampled:
    """A statistic of one arm: per seed [S] and under resampled items [draws × S]."""

    seeds: tuple[int, ...]
    per_seed: Floats
    draws: Floats
    items: int
    clusters: int

    def crossed(self) -> Crossed:
        """The mean over seeds, with its two kinds of noise."""
        return cross(self.per_seed, self.draws, float(self.per_seed.mean()))

    def of(self, seeds: Sequence[int]) -> Sampled:
        """The same arm with these of its seeds, in this order."""
        if tuple(seeds) == self.seeds:
            return self
        places = [self.seeds.index(seed) for seed in seeds]
        return Sampled(tuple(seeds), self.per_seed[places], self.draws[:, places], self.items, self.clusters)


def columns_of(table: Table, task: str, statistic: Statistic) -> tuple[Column, Column | None] | None:
    """The columns a statistic reads, or None where the task has none of the kind."""
    above = table.columns.get((task, statistic.numerator))
    if above is None:
        return None
    if statistic.denominator is None:
        return above, None
    below = table.columns.get((task, statistic.denominator))
    if below is None or not np.array_equal(below.items, above.items):
        raise LeavenError(f"task {task}: {statistic.numerator} and {statistic.denominator} are not of the same items")
    return above, below


def sample_task(
    table: Table,
    task: str,
    statistic: Statistic,
    arms: Mapping[str, Sequence[Run]],
    draws: int,
    seed: int,
    keep: NDArray[np.bool_] | None = None,
) -> dict[str, Sampled]:
    """A task's statistic in every arm, which is a name and its runs, one a seed.

    Args: `keep`: which items count [I], None for all. Raises LeavenError where a denominator adds up to zero.
    """
    found = columns_of(table, task, statistic)
    if found is None:
        raise LeavenError(f"task {task} has no {statistic.numerator}")
    above, below = found
    chosen = np.arange(len(above.items)) if keep is None else np.flatnonzero(keep)
    clusters = above.clusters if keep is None else np.unique(above.clusters[chosen], return_inverse=True)[1].reshape(-1)
    runs = [run for arm in arms.values() for run in arm]
    numerator = above.of(runs)[:, chosen]
    denominator = np.ones_like(numerator) if below is None else below.of(runs)[:, chosen]
    empty = np.flatnonzero(denominator.sum(axis=1) <= 0)
    if empty.size:
        variant, point, _ = runs[int(empty[0])]
        raise LeavenError(f"task {task}: {statistic.denominator} of {variant} ({point}) adds up to nothing")
    # One row a run, so that arms may have different numbers of seeds.
    sums = Sums(cluster_sums(numerator, clusters), cluster_sums(denominator, clusters))
    resampled = ratios_resampled([sums], draws, key64("analyze/items/1", seed, task))[0]
    sampled, first, groups = {}, 0, int(clusters.max()) + 1
    for name, arm in arms.items():
        rows = slice(first, first + len(arm))
        seeds = tuple(run[2] for run in arm)
        sampled[name] = Sampled(seeds, sums.ratios[rows], resampled[:, rows], len(chosen), groups)
        first = rows.stop
    return sampled


def average(parts: Sequence[Mapping[str, Sampled]]) -> dict[str, Sampled]:
    """A measure from its tasks: the unweighted mean of their statistics, their items resampled independently."""
    return {
        arm: Sampled(
            parts[0][arm].seeds,
            np.mean([part[arm].per_seed for part in parts], axis=0),
            np.mean([part[arm].draws for part in parts], axis=0),
            sum(part[arm].items for part in parts),
            sum(part[arm].clusters for part in parts),
        )
        for arm in parts[0]
    }
