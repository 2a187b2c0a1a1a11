"""Relative changes of near-zero scores: when a percentage of the baseline misleads, and what is told instead.

The paper's "12×" in code is 4.8 % against 0.4 % (PAPER.md §6): a ratio whose denominator is nearly nothing, so that a
few items decide whether it is 5 or 50. Such a comparison is made in the statistic's own unit instead, and says so. It
keeps its verdict of a difference, which needs no ratio; a smallest effect of interest in per cent of nearly nothing has
no meaning, so "equivalent" cannot follow.
"""

from __future__ import annotations

from leaven.analyze.crossed import Crossed, difference, scaled
from leaven.analyze.measures import Measure
from leaven.analyze.results import Sampled
from leaven.analyze.text import effect_text

LEAST_POINTS = 2.0
"""Points below which a share is near zero. At 2 % of 164 programs three are right, and one more or less changes the
ratio by a third."""


def near_zero(measure: Measure, base: Sampled) -> bool:
    """Whether a relative change of this baseline says little: its 95 % interval reaches zero, or it is a share below
    LEAST_POINTS."""
    if measure.effect != "relative":
        return False
    crossed = base.crossed()
    factor, unit = measure.columns.points
    return crossed.interval(0.95)[0] <= 0 or (unit == "points" and factor * crossed.estimate < LEAST_POINTS)


def effect(measure: Measure, arm: Sampled, base: Sampled, *, absolute: bool) -> Crossed:
    """The paired effect in the measure's unit, or in the statistic's own where `absolute`. Arms have equal seeds."""
    relative = measure.effect == "relative" and not absolute
    found = difference(arm.per_seed, base.per_seed, arm.draws, base.draws, "relative" if relative else "difference")
    return found if relative else scaled(found, measure.columns.points[0])


def sentence(measure: Measure, arm: Sampled, base: Sampled, found: Crossed) -> str:
    """What is told instead of the relative change. `found`: the absolute effect."""
    factor, unit = measure.columns.points
    shown = "%" if unit == "points" else unit
    low, high = (factor * end for end in base.crossed().interval(0.95))
    below, above = factor * float(base.per_seed.mean()), factor * float(arm.per_seed.mean())
    head = f"the baseline is near zero ({below:.2g} {shown} [{low:.2g}, {high:.2g}])"
    times = f"{above / below:.2g} times that" if below > 0 else "a multiple of nothing"
    told = effect_text(found.estimate, *found.interval(0.95), unit)
    return f"{head}, so {times} says little; the absolute change is told: {told}"
