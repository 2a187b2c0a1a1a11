"""The at-chance rule: a task counts only if every compared model beats guessing.

The paper's rule (PAPER.md §4). Guessing is the larger of the exact chance and the best constant answer's score, since a
model that always says "yes" reaches 62 % on BoolQ (EVALUATION.md §6). The test is one-sided at 95 %, on the mean over
seeds, with a normal quantile and a standard error of items clustered by group plus what the seeds add to it. A normal
quantile, because the rule decides what is looked at and claims nothing: a t with 2 degrees of freedom would throw out
tasks that three models have plainly learned. Measures in bits have no chance level and no rule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import special

from leaven.analyze.results import Sampled
from leaven.analyze.text import listing

ONE_SIDED = 0.95


@dataclass(frozen=True)
class Exclusion:
    """A task that does not count in a measure; `values` are the means over seeds of the variants compared."""

    task: str
    measure: str
    reason: str
    values: dict[str, float]
    chance: float | None

    def row(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "measure": self.measure,
            "reason": self.reason,
            "values": self.values,
            "chance": self.chance,
        }


def beats(sampled: Sampled, chance: float) -> bool:
    """Whether the mean over seeds is above chance, one-sided at 95 %.

    Variance: items' total (which holds the noise private to a seed and an item) plus the part of the seeds' spread that
    exceeds it. All seeds and items alike leaves no noise: then above is above. Nothing scores by guessing where chance
    is 0, so any success is above it.
    """
    crossed = sampled.crossed()
    if chance <= 0:
        return crossed.estimate > 0
    private = crossed.total_item_se**2 - crossed.item_se**2
    se = math.sqrt(crossed.total_item_se**2 + max(crossed.seed_se**2 - private, 0.0))
    return crossed.estimate - float(special.ndtri(ONE_SIDED)) * se > chance


def at_chance(task: str, measure: str, arms: Mapping[str, Sampled], chance: float) -> Exclusion | None:
    """The exclusion of a task on which some variant does not beat chance, or None."""
    values = {variant: sampled.crossed().estimate for variant, sampled in arms.items()}
    failing = [variant for variant, sampled in arms.items() if not beats(sampled, chance)]
    if not failing:
        return None
    return Exclusion(task, measure, reason(failing, values, chance), values, chance)


def reason(failing: Sequence[str], values: Mapping[str, float], chance: float) -> str:
    """`text-only not above chance: 51.2 % of 50 %`; of several failing variants, the range of their scores.

    `values` hold the score of every variant compared, failing or not.
    """
    shown = list(dict.fromkeys(f"{100 * value:.1f}" for value in sorted(values[name] for name in failing)))
    scores = shown[0] if len(shown) == 1 else f"{shown[0]} to {shown[-1]}"
    who = "no variant" if len(failing) == len(values) > 1 else f"{listing(failing)} not"
    return f"{who} above chance: {scores} % of {100 * chance:.3g} %"
