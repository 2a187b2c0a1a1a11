"""From samples to measures: what is kept of each item, and a task's summary.

An answer is correct only if its likelihood is strictly the highest: a tie is a failure to choose (and a model
that answers everything alike scores 0, not 100 %). Likelihoods are summed, and divided by characters for
`acc_norm` and by UTF-8 bytes for `acc_bytes`; characters and bytes are those of the string that was scored.
Of an item that asks for the context all answers score the same string, so the three are one.

Standard errors here describe one model on one set of items: sd / sqrt(n) for means (ddof 1), the linearised
ratio for bits per byte (Cochran 1977, Sampling Techniques, eq. 6.13 without the finite population term).
Seeds are the analysis' business.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from leaven.evaluate.item import Answerable, Passage

SUMMARY = {
    "correct": "accuracy",
    "acc_norm": "acc_norm",
    "acc_bytes": "acc_bytes",
    "gold_bpb": "gold_bpb",
    "margin": "margin",
    "passed": "pass@1",
}
"""The name a measure of items has when it is averaged over a task."""
ONE_SIDED = 1.6448536269514722
"""95 % quantile of the standard normal distribution."""


def passage_measures(item: Passage, nats: float) -> dict[str, float]:
    return {"bits": -nats / math.log(2), "bytes": float(len(item.text.encode()))}


def choice_measures(item: Answerable, nats: Sequence[float], sizes: Sequence[int]) -> dict[str, float]:
    """`correct`, `acc_norm`, `acc_bytes` (0 or 1), `tied`, `gold_bpb` (bits per byte of the right answer) and
    `margin` (bits per byte by which the right answer is cheaper than the cheapest wrong one).

    Args:
        nats: log-likelihood of each answer.
        sizes: bytes that each of them scored.
    """
    bpb = [-value / math.log(2) / n for value, n in zip(nats, sizes, strict=True)]
    per_character = [value / len(continuation) for value, (_, continuation) in zip(nats, item.pairs, strict=True)]
    return {
        "correct": float(_alone(nats, item.gold)),
        "acc_norm": float(_alone(per_character, item.gold)),
        "acc_bytes": float(_alone([-value for value in bpb], item.gold)),
        "tied": float(sorted(nats)[-1] == sorted(nats)[-2]),
        "gold_bpb": bpb[item.gold],
        "margin": min(value for place, value in enumerate(bpb) if place != item.gold) - bpb[item.gold],
    }


def _alone(values: Sequence[float], gold: int) -> bool:
    """Whether `gold` is the only best place."""
    return all(values[gold] > value for place, value in enumerate(values) if place != gold)


def mean(values: Sequence[float]) -> dict[str, Any]:
    """{value, n, se} of a mean; the standard error of a single item is null."""
    n = len(values)
    return {
        "value": math.fsum(values) / n,
        "n": n,
        "se": float(np.std(values, ddof=1)) / math.sqrt(n) if n > 1 else None,
    }


def ratio(bits: Sequence[float], sizes: Sequence[float]) -> dict[str, Any]:
    """{value, n, se} of Σ bits / Σ bytes."""
    n, total = len(bits), math.fsum(sizes)
    value = math.fsum(bits) / total
    rest = math.fsum((b - value * s) ** 2 for b, s in zip(bits, sizes, strict=True))
    return {"value": value, "n": n, "se": math.sqrt(rest * n / (n - 1)) / total if n > 1 else None}


def summarise(
    measured: Sequence[Mapping[str, float]], baselines: Mapping[str, Any], degenerate: float
) -> dict[str, Any]:
    """A task's entry in `scores.json`: {measure: {value, n, se}} and what to hold it against.

    `above_chance_hint`: one-sided 95 %, this model alone; the analysis pools seeds before it excludes a task.
    """
    columns: dict[str, list[float]] = {}
    for row in measured:
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    entry: dict[str, Any] = {SUMMARY[name]: mean(values) for name, values in columns.items() if name in SUMMARY}
    if "bits" in columns:
        entry["bits_per_byte"] = ratio(columns["bits"], columns["bytes"])
    bound = max((value for value in baselines.values() if value is not None), default=None)
    hint = None
    score = entry.get("accuracy") or entry.get("pass@1")
    if score and bound is not None:
        hint = score["value"] - ONE_SIDED * (score["se"] or 0.0) > bound
    return {**entry, **baselines, "above_chance_hint": hint, "degenerate": degenerate}


def choice_baselines(items: Sequence[Answerable]) -> dict[str, float]:
    """What an answer without a model scores: `chance`, the best constant position, the best constant answer."""
    n = len(items)
    texts = Counter(item.answer for item in items)
    return {
        "chance": math.fsum(1 / len(item.pairs) for item in items) / n,
        "constant": max(Counter(item.gold for item in items).values()) / n,
        "majority": max(texts.values()) / n,
    }


def predicted_shares(nats: Sequence[Sequence[float]]) -> dict[str, float]:
    """How often each position was the (first) likeliest: a model that always gives one answer shows here."""
    counts = Counter(int(np.argmax(values)) for values in nats)
    return {str(place): counts[place] / len(nats) for place in sorted(counts)}
