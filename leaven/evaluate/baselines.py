"""What answers without a model score, and when a score beats them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from leaven.evaluate.item import Answerable
from leaven.evaluate.short import normalise

ONE_SIDED = 1.6448536269514722
"""95 % quantile of the standard normal distribution."""
GUESSED = ("accuracy", "acc_lm_eval", "acc_norm", "acc_bytes", "exact_match", "exact_match_lm_eval")
"""Measures that guessing scores on, besides pass@k; measures in bits have no such level."""

Baselines = dict[str, float | None]
"""`chance`, `constant` (the best constant position), `majority` (the best constant answer text); null where a task has
none."""
NONE: Baselines = {"chance": None, "constant": None, "majority": None}
PROGRAMS: Baselines = {"chance": 0.0, "constant": 0.0, "majority": 0.0}


def guessed(measure: str) -> bool:
    """Whether the baselines are a level for this measure."""
    return measure in GUESSED or measure.startswith("pass@")


def choice_baselines(items: Sequence[Answerable]) -> Baselines:
    """`chance` is exact: the mean of 1 / number of choices."""
    n = len(items)
    texts = Counter(item.answer for item in items)
    return {
        "chance": math.fsum(1 / len(item.pairs) for item in items) / n,
        "constant": max(Counter(item.gold for item in items).values()) / n,
        "majority": max(texts.values()) / n,
    }


def text_baselines(answers: Sequence[Sequence[str]]) -> Baselines:
    """Of tasks whose answer is written: `majority` is the share of items for which the most frequent known answer,
    normalised as `exact_match` does it, is right; nobody guesses a text, so chance is 0.

    Args:
        answers: the known answers of each item.
    """
    counts = Counter(alias for known in answers for alias in {normalise(text) for text in known} - {""})
    return {"chance": 0.0, "constant": None, "majority": max(counts.values(), default=0) / len(answers)}


def bound(baselines: Baselines) -> float | None:
    """The largest of the baselines."""
    return max((value for value in baselines.values() if value is not None), default=None)


def beats(value: float, se: float | None, n: int, level: float) -> bool:
    """Whether a share of n items is above a level, one-sided at 95 %.

    A normal quantile of the standard error, as in `leaven.analyze.chance`. Where all items came out alike there is no
    standard error to speak of, and the exact binomial test stands in: n right of n beat a level b if bⁿ ≤ 5 %. An exact
    tie with the level never beats it.
    """
    if se:
        return value - ONE_SIDED * se > level
    return value > level and level**n <= 0.05
