"""`verdict.json`: everything a report, a terminal or a notebook needs to say what was found, and how it was found."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leaven.analyze.decision import Comparison
from leaven.analyze.measures import Measure
from leaven.analyze.power import power_note, smallest_effect
from leaven.analyze.request import Request
from leaven.analyze.text import answer

PROXY = "proxy scale: transfer to larger models is unproven"


@dataclass(frozen=True)
class Verdicts:
    """What the analysis found, as rows. `kept`: measure -> tasks that count; `primary` and `secondary` are families."""

    kept: Mapping[str, tuple[str, ...]]
    excluded: list[dict[str, Any]]
    notes: list[str]
    comparisons: list[dict[str, Any]]
    primary: tuple[Comparison, ...]
    secondary: tuple[Comparison, ...]
    winrates: list[dict[str, Any]]
    scores: list[dict[str, Any]]
    noise: list[dict[str, Any]]


def verdict_data(asked: Request, found: Verdicts) -> dict[str, Any]:
    """The content of `verdict.json`, floats not yet rounded."""
    return {
        "study": asked.study,
        "question": asked.question,
        "baseline": asked.baseline,
        "variants": list(asked.variants),
        "seeds": list(asked.seeds),
        "alpha": asked.alpha,
        "method": method(asked, len(found.primary)),
        "proxy_sentence": PROXY if asked.proxy else "",
        "measures": [_measure_row(m, found.kept[m.name]) for m in asked.measures if m.name in found.kept],
        "excluded": found.excluded,
        "left_out": found.notes,
        "comparisons": found.comparisons,
        "winrates": found.winrates,
        "strengths": [],
        "scores": found.scores,
        "noise": found.noise,
        "power": power_rows(found.primary, asked.alpha) + power_rows(found.secondary, asked.alpha),
        "answers": [answer(row) for row in found.comparisons if row["primary"]],
    }


def _measure_row(measure: Measure, tasks: Sequence[str]) -> dict[str, Any]:
    return {
        "name": measure.name,
        "statistic": measure.statistic,
        "better": measure.better,
        "effect": measure.effect,
        "margin": measure.margin,
        "primary": measure.primary,
        "tasks": list(tasks),
        "unit": measure.unit,
    }


def power_rows(family: Sequence[Comparison], alpha: float) -> list[dict[str, Any]]:
    """Per measure of a family the effects this study tells four times in five, at Holm's strictest step.

    Noise differs between comparisons and is not pooled: `smallest_effect` is at the noise of the noisiest one,
    `smallest_effect_quietest` at that of the quietest; None where no effect is large enough (a single seed, or a
    difference of two shares that would have to exceed 100 points).
    """
    rows = []
    for name in dict.fromkeys(comparison.measure.name for comparison in family):
        pairs = [comparison for comparison in family if comparison.measure.name == name]
        level = alpha / len(family)
        sizes = [
            smallest_effect(p.effect.seeds, p.effect.seed_se * math.sqrt(p.effect.seeds), p.effect.item_se, level)
            for p in pairs
        ]
        first = pairs[0]
        most = 100.0 if first.measure.unit == "points" else sys.float_info.max
        rows.append(
            {
                "measure": name,
                "smallest_effect": max(sizes) if max(sizes) <= most else None,
                "smallest_effect_quietest": min(sizes) if min(sizes) <= most else None,
                "unit": first.measure.unit,
                "note": power_note(first.effect.seeds, first.clusters, alpha, len(family), noun=first.noun),
            }
        )
    return rows


def method(asked: Request, family: int) -> str:
    """One paragraph to paste into a paper, including what the numbers do not say."""
    return (
        f"Every variant was compared with {asked.baseline} within seeds (arms of one seed share initialisation, data "
        "order and trunk) and on the same items. An effect in % is 100 · (variant / baseline − 1), both averaged over "
        "seeds; in points or bits it is their difference. The error of an effect combines two parts: the spread of the "
        "paired per-seed effects, as a t with one degree of freedom fewer than seeds, and a bootstrap of items "
        f"({asked.draws:,} draws, whole groups such as documents or packages at once, the same draws in every arm and "
        "seed; a task's few large kinds of item are no groups in this sense), less the item noise that the seeds' "
        "spread contains already. In simulations with normal seed effects "
        "these 95 % intervals covered 94.5 to 98 %; strongly skewed seed effects lower that, and no method can check "
        "the shape of so few seeds. Intervals are not corrected for multiplicity. Verdicts are: better and worse where "
        f"the two-sided test is significant at {asked.alpha:g} after Holm's correction over the "
        f"{family} primary comparison{'' if family == 1 else 's'}; equivalent where two one-sided tests, corrected by "
        "Holm as a family of their own, place the effect within the smallest effect of interest, even if it differs "
        "from zero; unresolved otherwise. Secondary comparisons are corrected among themselves and are exploratory. A "
        "task counts only if every model compared beats the larger of exact chance and the best constant answer, "
        "one-sided at 95 %, and a measure without such a task is no member of its family. Judged completions were "
        "shown in both orders, and only agreement of the two wins; errors are no ties. Preferences are tested with an "
        "exact sign test on prompts, corrected by Holm over all judged pairs, which speaks about these trained models; "
        "their intervals resample prompts, together with one win and one loss of half a prompt's weight, and include "
        "the seeds. The effect of length is a logistic slope on tanh of the standardised length gap with ties as half "
        "a win: a diagnostic and no correction."
    )
