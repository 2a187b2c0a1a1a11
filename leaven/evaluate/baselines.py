"""What answers without a model score, and when a score beats them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from scipy import special

from leaven.evaluate.item import Answerable
from leaven.evaluate.short import normalise

ONE_SIDED = 0.05
"""How often guessing may be called better than guessing."""
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

    The exact binomial test against the level, P(X ≥ k) ≤ 5 % under Binomial(n, level), because a standard error taken
    at the score itself is far too wide near 0 and 1: of 164 programs one that passes is above a level of 0. Where items
    share a group, n is divided by the design effect se² / (value (1 − value) / n), if that is above 1 (Kish 1965). An
    exact tie with the level never beats it.
    """
    if value <= level:
        return False
    plain = value * (1 - value) / n
    effective = n / max(1.0, se**2 / plain) if se and plain else n
    right = value * effective
    return bool(special.betainc(right, effective - right + 1, level) <= ONE_SIDED)
