"""Figures over prompts with intervals: every vote on a prompt is drawn together, over seeds and both orders.

Two kinds. A *pooled* share speaks about the judge, who is the same over seeds: prompts are the sample. A *crossed* mean
speaks about the arms: prompts and seeds are both samples (`crossed.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leaven.analyze.bootstrap import Floats, Sums, ratios_resampled
from leaven.analyze.crossed import Crossed, cross
from leaven.ground.canonical import key64


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % interval."""

    value: float
    low: float
    high: float


def prompt_key(seed: int) -> int:
    """The key of the draws of prompts: one for all figures of a verdict, so they stand on the same draws."""
    return key64("analyze/prompts/1", seed)


def pooled_share(above: Floats, below: Floats, draws: int, key: int) -> Interval | None:
    """Σ above / Σ below over votes [S × P], prompts resampled; None where `below` is zero everywhere.

    Prompts that cannot count (below = 0 in every seed) are no part of the sample, so few that can make a wide interval.
    """
    counted = below.sum(axis=0) > 0
    if not counted.any():
        return None
    sums = Sums(above[:, counted].sum(axis=0, keepdims=True), below[:, counted].sum(axis=0, keepdims=True))
    value = float(sums.ratios[0])
    drawn = cross(sums.ratios, ratios_resampled([sums], draws, key)[0], value)
    low, high = drawn.interval(0.95)
    return Interval(value, max(low, 0.0), min(high, 1.0))


def crossed_mean(values: Floats, draws: int, key: int) -> Crossed:
    """Mean of values [S × P] over both, NaN where there is none; every seed must hold a value."""
    known = ~np.isnan(values)
    sums = Sums(np.where(known, values, 0.0), known.astype(np.float64))
    return cross(sums.ratios, ratios_resampled([sums], draws, key)[0], float(sums.ratios.mean()))
