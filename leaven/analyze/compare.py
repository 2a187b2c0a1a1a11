"""Which arms are compared: every variant with its baselines, paired by the seeds that both have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leaven.analyze import ratio
from leaven.analyze.crossed import Crossed
from leaven.analyze.decision import Comparison, Role
from leaven.analyze.measures import Measure
from leaven.analyze.request import Request
from leaven.analyze.results import Sampled

if TYPE_CHECKING:
    from leaven.analyze.evidence import Evidence


def compare(asked: Request, evidence: Sequence[Evidence]) -> list[Comparison]:
    """Comparisons in the order of sizes, variants, baselines and measures. A pair without a common seed is none.

    Args: `evidence` of one point of training.
    """
    found = []
    for each in asked.sizes:
        mine = [one for one in evidence if one.size == each.size]
        for variant, baselines in each.against.items():
            for place, baseline in enumerate(baselines):
                found += [pair for one in mine if (pair := _pair(one, variant, baseline, first=not place))]
    return found


def _pair(one: Evidence, variant: str, baseline: str, *, first: bool) -> Comparison | None:
    if variant not in one.arms or baseline not in one.arms:
        return None
    arm, base = one.arms[variant], one.arms[baseline]
    paired = paired_seeds(arm, base)
    if not paired:
        return None
    role: Role = "other baseline" if not first else "primary" if one.measure.primary else "secondary"
    # Whether the baseline is near zero is asked of all its seeds, so that it is the same for all variants.
    absolute = ratio.near_zero(one.measure, base)
    arm, base = arm.of(paired), base.of(paired)
    effect = ratio.effect(one.measure, arm, base, absolute=absolute)
    told = ratio.sentence(one.measure, arm, base, effect) if absolute else ""
    return Comparison(variant, baseline, one.measure, effect, arm.items, arm.clusters, one.size, role, told)


def paired_seeds(arm: Sampled, base: Sampled) -> tuple[int, ...]:
    """The seeds that both have: arms are compared within a seed."""
    return tuple(sorted(set(arm.seeds) & set(base.seeds)))


def against_baseline(measure: Measure, arm: Sampled, base: Sampled, *, absolute: bool) -> Crossed | None:
    """The effect of any arm over any other; None without a common seed."""
    paired = paired_seeds(arm, base)
    return ratio.effect(measure, arm.of(paired), base.of(paired), absolute=absolute) if paired else None
