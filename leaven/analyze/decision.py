"""The verdict on one comparison: better, worse, equivalent, or unresolved.

Two claims are tested, each in its own Holm family over the primary comparisons (secondary ones form families of their
own and are exploratory):

* *different*: two-sided p of "no effect". The chance of any false better/worse in the family is at most α.
* *equivalent*: TOST's p of "the effect is at least ±margin". The chance of any false "equivalent" is at most α.

A comparison's two null hypotheses exclude each other, so with either nothing or everything truly different the whole
list is wrong somewhere with chance at most α; in mixed cases at most 2α. A false better *direction* is rarer than a
false difference.

Both claims can hold at once: a difference that is real and smaller than the smallest effect of interest. Then the
verdict is *equivalent*, because the study said beforehand that such a difference does not matter; the effect, its
interval and p stay in the row, and the sentence says that the difference is real.

Intervals are printed at 95 % *without* correction. The verdict follows the corrected p-values, so an interval that
excludes zero can go with *unresolved*.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from leaven.analyze.crossed import Crossed
from leaven.analyze.holm import holm
from leaven.analyze.measures import Measure
from leaven.analyze.power import resolve_sentence


@dataclass(frozen=True)
class Comparison:
    """A variant against the baseline on one measure, at the end of training."""

    variant: str
    baseline: str
    measure: Measure
    effect: Crossed  # in the measure's unit
    items: int
    clusters: int

    @property
    def noun(self) -> str:
        """What `clusters` counts."""
        return "independent items" if self.clusters == self.items else "independent groups of items"


def decide(effect: float, better: str, p_holm: float, p_equivalence_holm: float, alpha: float) -> str:
    """better | worse | equivalent | unresolved from the corrected p-values. `better` is "lower" or "higher"."""
    if p_equivalence_holm <= alpha:
        return "equivalent"
    if p_holm <= alpha:
        return "better" if (effect < 0) == (better == "lower") else "worse"
    return "unresolved"


def decide_family(family: Sequence[Comparison], alpha: float) -> list[dict[str, Any]]:
    """Rows of `verdict.json` for comparisons that are corrected together."""
    differences = [comparison.effect.p_difference() for comparison in family]
    equivalences = [comparison.effect.p_equivalence(comparison.measure.margin) for comparison in family]
    rows = []
    for comparison, p, p_holm, p_equal, p_equal_holm in zip(
        family, differences, holm(differences), equivalences, holm(equivalences), strict=True
    ):
        measure, effect = comparison.measure, comparison.effect
        verdict = decide(effect.estimate, measure.better, p_holm, p_equal_holm, alpha)
        low, high = effect.interval(0.95)
        rows.append(
            {
                "variant": comparison.variant,
                "baseline": comparison.baseline,
                "measure": measure.name,
                "primary": measure.primary,
                "verdict": verdict,
                "effect": effect.estimate,
                "low": low,
                "high": high,
                "unit": measure.unit,
                "margin": measure.margin,
                "better": measure.better,
                "p": p,
                "p_holm": p_holm,
                "p_equivalence": p_equal,
                "p_equivalence_holm": p_equal_holm,
                "real": p_holm <= alpha,
                "seeds": effect.seeds,
                "items": comparison.items,
                "would_resolve": _would_resolve(comparison, alpha / len(family)) if verdict == "unresolved" else "",
            }
        )
    return rows


def _would_resolve(comparison: Comparison, alpha: float) -> str:
    effect, measure = comparison.effect, comparison.measure
    return resolve_sentence(
        effect.estimate,
        measure.margin,
        measure.unit,
        seeds=effect.seeds,
        items=comparison.clusters,
        seed_sd=effect.seed_se * math.sqrt(effect.seeds),
        item_se=effect.item_se,
        alpha=alpha,
        noun=comparison.noun,
    )
