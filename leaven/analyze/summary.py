"""`verdict.json`: everything a report, a terminal or a notebook needs to say what was found, and how it was found."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leaven.analyze.decision import ROLES, Comparison
from leaven.analyze.divergence import BROKEN, SPREADS
from leaven.analyze.headline import headlines
from leaven.analyze.measures import Measure
from leaven.analyze.power import power_note, smallest_effect
from leaven.analyze.request import Request
from leaven.analyze.text import answer

PROXY = "proxy scale: transfer to larger models is unproven"


@dataclass(frozen=True)
class Found:
    """What the analysis found, as rows. `tasks`: (size, measure) -> tasks that count; `rows` are of `comparisons`, by
    role."""

    rows: list[dict[str, Any]]
    comparisons: Sequence[Comparison]
    tasks: Mapping[tuple[str, str], tuple[str, ...]]
    scores: list[dict[str, Any]]
    noise: list[dict[str, Any]]
    gates: list[dict[str, Any]]
    gates_run: list[dict[str, Any]]
    excluded: list[Mapping[str, Any]]
    notes: list[str]
    winrates: list[Mapping[str, Any]]
    strengths: list[Mapping[str, Any]]
    averages: Mapping[str, Any] | None
    optimum: Mapping[str, Any] | None
    transfer: Mapping[str, Any] | None


def verdict_data(asked: Request, found: Found) -> dict[str, Any]:
    """The content of `verdict.json`, floats not yet rounded."""
    families = [[one for one in found.comparisons if one.role == role] for role in ROLES]
    data = {
        "study": asked.study,
        "question": asked.question,
        "baseline": asked.baseline,
        "variants": list(asked.variants),
        "seeds": list(asked.seeds),
        "point": asked.point,
        "sizes": [
            {
                "size": each.size,
                "parameters": each.parameters,
                "baseline": each.baseline,
                "variants": list(each.variants),
                "seeds": list(each.seeds),
                "against": {variant: list(others) for variant, others in each.against.items()},
            }
            for each in asked.sizes
        ],
        "figures": list(asked.figures),
        "alpha": asked.alpha,
        "method": method(asked, len(families[0])),
        "proxy_sentence": PROXY if asked.proxy else "",
        "measures": [row for measure in asked.measures if (row := _measure_row(asked, measure, found.tasks))],
        "excluded": found.excluded,
        "left_out": found.notes,
        "gates": found.gates,
        "gates_run": found.gates_run,
        "comparisons": found.rows,
        "winrates": found.winrates,
        "strengths": found.strengths,
        "scores": found.scores,
        "noise": found.noise,
        "power": [row for family in families for row in power_rows(family, asked.alpha)],
        "optimum": found.optimum,
        "transfer": found.transfer,
        "answers": [answer(row) for row in found.rows if row["primary"]],
        "headlines": headlines(found.rows),
    }
    return data if found.averages is None else {**data, "averages": found.averages}


def _measure_row(
    asked: Request, measure: Measure, tasks: Mapping[tuple[str, str], tuple[str, ...]]
) -> dict[str, Any] | None:
    """A measure's row, None where it counts at no size. `tasks` are those of the first size where it does;
    `tasks_by_size` is there where sizes differ."""
    kept = {each.size: tasks[each.size, measure.name] for each in asked.sizes if (each.size, measure.name) in tasks}
    if not kept:
        return None
    row = {
        "name": measure.name,
        "statistic": measure.statistic,
        "better": measure.better,
        "effect": measure.effect,
        "margin": measure.margin,
        "primary": measure.primary,
        "tasks": list(next(iter(kept.values()))),
        "unit": measure.unit,
    }
    if len(set(kept.values())) > 1:
        row["tasks_by_size"] = {size: list(names) for size, names in kept.items()}
    return row


def power_rows(family: Sequence[Comparison], alpha: float) -> list[dict[str, Any]]:
    """Per size, measure and unit of a family the effects this study tells four times in five, at Holm's strictest step.

    Noise differs between comparisons and is not pooled: `smallest_effect` is at the noise of the noisiest one,
    `smallest_effect_quietest` at that of the quietest. Two units of a measure (a near-zero baseline has its own) are no
    range of each other and make two rows. None where no effect is large enough (a single seed, or a
    difference of two shares that would have to exceed 100 points).
    """
    rows = []
    for size, name, unit in dict.fromkeys((one.size, one.measure.name, one.unit) for one in family):
        pairs = [one for one in family if (one.size, one.measure.name, one.unit) == (size, name, unit)]
        level = alpha / len(family)
        sizes = [
            smallest_effect(p.effect.seeds, p.effect.seed_se * math.sqrt(p.effect.seeds), p.effect.item_se, level)
            for p in pairs
        ]
        first = pairs[0]
        most = 100.0 if unit == "points" else sys.float_info.max
        rows.append(
            {
                "size": size,
                "measure": name,
                "role": first.role,
                "smallest_effect": max(sizes) if max(sizes) <= most else None,
                "smallest_effect_quietest": min(sizes) if min(sizes) <= most else None,
                "unit": unit,
                "note": power_note(
                    min(pair.effect.seeds for pair in pairs), first.clusters, alpha, len(family), noun=first.noun
                ),
            }
        )
    return rows


def _who(asked: Request) -> str:
    others = {baseline for each in asked.sizes for named in each.against.values() for baseline in named}
    if others <= {asked.baseline}:
        return f"Every variant was compared with {asked.baseline}"
    return "Every variant was compared with the baseline that the study names for it (of several the first)"


def method(asked: Request, family: int) -> str:
    """One paragraph to paste into a paper, including what the numbers do not say."""
    sizes = " of all sizes" if len(asked.sizes) > 1 else ""
    count = f"the {family} primary comparison{'' if family == 1 else 's'}{sizes}"
    compared = count if family else "the primary comparisons, of which there are none here"
    return (
        f"{_who(asked)} within seeds (arms of one seed share initialisation, data order and trunk) and on the same "
        "items. An effect in % is 100 · (variant / baseline − 1), both averaged over seeds; in points or bits it is "
        "their difference, and so it is where a baseline is near zero. The error of an effect combines two parts: the "
        "spread of the paired per-seed effects, as a t with one degree of freedom fewer than seeds, and a bootstrap of "
        f"items ({asked.draws:,} draws, whole groups such as documents or packages at once, the same draws in every "
        "arm and seed; a task's few large kinds of item are no groups in this sense), less the item noise that the "
        "seeds' spread contains already. In simulations with normal seed effects these 95 % intervals covered 94.5 to "
        "98 %; strongly skewed seed effects lower that, and no method can check the shape of so few seeds. Intervals "
        "are not corrected for multiplicity. Verdicts are: better and worse where the two-sided test is significant at "
        f"{asked.alpha:g} after Holm's correction over {compared}; equivalent where two one-sided tests, corrected by "
        "Holm as a family of their own, place the effect within the smallest effect of interest, even if it differs "
        "from zero; unresolved otherwise. Secondary "
        "comparisons, and those with further baselines, are corrected among themselves and are exploratory. A task "
        "counts only if every model compared beats the larger of exact chance and the best constant answer, one-sided "
        "at 95 %, and a measure without such a task is no member of its family. A seed whose final loss is not finite, "
        f"or is more than {100 * BROKEN:.0f} % and {SPREADS:.0f} robust standard deviations above the other seeds of "
        "its variant, is left out with its pairs. Judged completions were shown in both orders, and only agreement of "
        "the two wins; errors are no ties. Preferences are tested with an exact sign test on prompts, corrected by "
        "Holm over all judged pairs, which speaks about these trained models; their intervals resample prompts, "
        "together with one win and one loss of half a prompt's weight, and include the seeds. The effect of length is "
        "a logistic slope on tanh of the standardised length gap with ties as half a win: a diagnostic and no "
        "correction."
    )
