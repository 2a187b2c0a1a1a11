"""A measure in every arm: its value per seed and under resampled items, ready to be compared.

Why: scores, noise and effects all need the same resampled statistics, with the same draws; they are made once here.
Invariant: draws depend on the study's analysis seed, the task and its number of clusters only, so every arm, seed and
measure of a task sees the same resampled items, and adding a variant changes no other variant's interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leaven.analyze.bootstrap import Floats, Sums, cluster_sums, ratios_resampled
from leaven.analyze.crossed import Crossed, cross
from leaven.analyze.measures import Statistic
from leaven.analyze.table import Column, Table
from leaven.ground.canonical import key64
from leaven.ground.errors import LeavenError

Arm = tuple[str, str]
"""(variant, point)."""


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
    table: Table, task: str, statistic: Statistic, arms: Sequence[Arm], seeds: Sequence[int], draws: int, seed: int
) -> dict[Arm, Sampled]:
    """A task's statistic in the arms given, all with these seeds. LeavenError where a denominator adds up to zero."""
    found = columns_of(table, task, statistic)
    if found is None:
        raise LeavenError(f"task {task} has no {statistic.numerator}")
    above, below = found
    sums = []
    for variant, point in arms:
        numerator = above.matrix(variant, point, seeds)
        denominator = np.ones_like(numerator) if below is None else below.matrix(variant, point, seeds)
        if (denominator.sum(axis=1) <= 0).any():
            raise LeavenError(f"task {task}: {statistic.denominator} of {variant} ({point}) adds up to nothing")
        sums.append(Sums(cluster_sums(numerator, above.clusters), cluster_sums(denominator, above.clusters)))
    resampled = ratios_resampled(sums, draws, key64("analyze/items/1", seed, task))
    return {
        arm: Sampled(tuple(seeds), sums[i].ratios, resampled[i], len(above.items), above.groups)
        for i, arm in enumerate(arms)
    }


def average(parts: Sequence[Mapping[Arm, Sampled]]) -> dict[Arm, Sampled]:
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
