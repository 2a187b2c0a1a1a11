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
from typing import Any, Literal

from leaven.analyze.change import difference_undone, equivalence_undone, last_level
from leaven.analyze.crossed import Crossed
from leaven.analyze.holm import holm
from leaven.analyze.measures import Measure
from leaven.analyze.power import resolve_sentence

Role = Literal["primary", "secondary", "other baseline"]
ROLES: tuple[Role, ...] = ("primary", "secondary", "other baseline")
"""Families, in the order of rows. A variant's further baselines make a family of their own: where it is open which
baseline is the right one, both denominators are told, and the verdict is about the first."""


@dataclass(frozen=True)
class Comparison:
    """A variant against a baseline on one measure, at the point of training that verdicts are about.

    `ratio` is empty, or the sentence on a near-zero baseline; then `effect` is absolute, in the statistic's own unit,
    and no margin applies (`leaven.analyze.ratio`).
    """

    variant: str
    baseline: str
    measure: Measure
    effect: Crossed  # in `unit`
    items: int
    clusters: int
    size: str = ""
    role: Role = "primary"
    ratio: str = ""

    @property
    def noun(self) -> str:
        """What `clusters` counts."""
        return "independent items" if self.clusters == self.items else "independent groups of items"

    @property
    def unit(self) -> str:
        return self.measure.columns.points[1] if self.ratio else self.measure.unit

    @property
    def margin(self) -> float:
        return 0.0 if self.ratio else self.measure.margin


def decide(effect: float, better: str, p_holm: float, p_equivalence_holm: float, alpha: float) -> str:
    """better | worse | equivalent | unresolved from the corrected p-values. `better` is "lower" or "higher"."""
    if p_equivalence_holm <= alpha:
        return "equivalent"
    if p_holm <= alpha:
        return "better" if (effect < 0) == (better == "lower") else "worse"
    return "unresolved"


def decide_all(comparisons: Sequence[Comparison], alpha: float) -> list[dict[str, Any]]:
    """Rows of every family: primary, secondary, other baselines, each corrected by itself."""
    return [row for role in ROLES for row in decide_family([one for one in comparisons if one.role == role], alpha)]


def decide_family(family: Sequence[Comparison], alpha: float) -> list[dict[str, Any]]:
    """Rows of `verdict.json` for comparisons that are corrected together."""
    differences = [comparison.effect.p_difference() for comparison in family]
    equivalences = [comparison.effect.p_equivalence(comparison.margin) for comparison in family]
    corrected, equal_corrected = holm(differences), holm(equivalences)
    rows = []
    for i, comparison in enumerate(family):
        measure, effect = comparison.measure, comparison.effect
        verdict = decide(effect.estimate, measure.better, corrected[i], equal_corrected[i], alpha)
        low, high = effect.interval(0.95)
        resolve = _would_resolve(comparison, alpha / len(family)) if verdict == "unresolved" else ""
        if verdict == "equivalent":
            level = last_level(equivalences, i, alpha)
            change = equivalence_undone(effect, level, comparison.margin, comparison.unit)
        elif verdict != "unresolved":
            change = difference_undone(effect, last_level(differences, i, alpha), comparison.unit, verdict)
        else:
            change = resolve
        rows.append(
            {
                "size": comparison.size,
                "variant": comparison.variant,
                "baseline": comparison.baseline,
                "measure": measure.name,
                "role": comparison.role,
                "primary": comparison.role == "primary",
                "verdict": verdict,
                "effect": effect.estimate,
                "low": low,
                "high": high,
                "unit": comparison.unit,
                "margin": comparison.margin,
                "better": measure.better,
                "p": differences[i],
                "p_holm": corrected[i],
                "p_equivalence": equivalences[i],
                "p_equivalence_holm": equal_corrected[i],
                "real": corrected[i] <= alpha,
                "seeds": effect.seeds,
                "items": comparison.items,
                "ratio": comparison.ratio,
                "would_resolve": resolve,
                "would_change": change,
            }
        )
    return rows


def _would_resolve(comparison: Comparison, alpha: float) -> str:
    effect = comparison.effect
    return resolve_sentence(
        effect.estimate,
        comparison.margin,
        comparison.unit,
        seeds=effect.seeds,
        items=comparison.clusters,
        seed_sd=effect.seed_se * math.sqrt(effect.seeds),
        item_se=effect.item_se,
        alpha=alpha,
        noun=comparison.noun,
    )
