"""How an effect changes with size: its slope over log10 of parameters, on three sizes or more.

The slope is Σ c·effect over sizes, with the c of a least squares line in which each size weighs as many seeds as it
has; estimated variances as weights would make intervals of three seeds too narrow (measured in docs/notebook.md). Its
error keeps each size's own noise: the seed part is √Σ c²·se² with Welch and Satterthwaite's degrees of freedom, rounded
down; the item part is the same sum over the bootstrap's deviations, which all sizes share because they answer the same
resampled items. So what makes an item hard at every size cancels, and what comes out is a confidence distribution like
any other effect's (`crossed.py`).

It speaks of a straight line through the sizes that were trained. A few sizes cannot show whether the line goes on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from leaven.analyze.bootstrap import Floats
from leaven.analyze.crossed import Crossed

SIZES = 3
"""Fewest sizes. Two always lie on a line."""
NORMAL: Floats = special.ndtri((np.arange(2000) + 0.5) / 2000)
"""A standard normal as equally likely points."""


@dataclass(frozen=True)
class Slope:
    """Change of the effect for each tenfold of parameters, in the effect's unit, and the two-sided p of "none"."""

    slope: float
    low: float
    high: float
    p: float
    seeds: int


def weights(parameters: Sequence[int], seeds: Sequence[int]) -> Floats:
    """Coefficients c [K] of the least squares slope over log10 of parameters, sizes weighing as many seeds."""
    x, w = np.log10(np.asarray(parameters, dtype=np.float64)), np.asarray(seeds, dtype=np.float64)
    centred = x - (w * x).sum() / w.sum()
    coefficients: Floats = w * centred / (w * centred * centred).sum()
    return coefficients


def interaction(parameters: Sequence[int], effects: Sequence[Crossed], level: float = 0.95) -> Slope | None:
    """The slope of one effect at several sizes; None with fewer than three sizes that have at least two seeds each."""
    usable = [(n, effect) for n, effect in zip(parameters, effects, strict=True) if effect.seeds > 1]
    if len({n for n, _ in usable}) < SIZES:
        return None
    c = weights([n for n, _ in usable], [effect.seeds for _, effect in usable])
    parts = [(float(each), effect) for each, (_, effect) in zip(c, usable, strict=True)]
    crossed = combined(parts)
    low, high = crossed.interval(level)
    return Slope(crossed.estimate, low, high, crossed.p_difference(), sum(effect.seeds for _, effect in parts))


def combined(parts: Sequence[tuple[float, Crossed]]) -> Crossed:
    """Σ coefficient · effect of arms with seeds of their own and items in common."""
    estimate = sum(c * effect.estimate for c, effect in parts)
    variances = [(c * effect.seed_se) ** 2 for c, effect in parts]
    below = sum(v * v / (effect.seeds - 1) for v, (_, effect) in zip(variances, parts, strict=True))
    freedom = max(1, math.floor(sum(variances) ** 2 / below + 1e-9)) if below > 0 else 1
    draws = {len(effect.deviations) for _, effect in parts}
    if len(draws) == 1:
        deviations = np.sum([c * effect.deviations for c, effect in parts], axis=0)
    else:  # Without shared draws the parts are independent: one normal of their joint spread.
        spread = math.sqrt(sum((c * effect.item_se) ** 2 for c, effect in parts))
        deviations = spread * NORMAL
    se = float(np.std(deviations))
    return Crossed(estimate, math.sqrt(sum(variances)), se, se, freedom + 1, deviations)
