"""What is compared: a measure is one statistic over one or several tasks, with its smallest effect of interest.

Why its own file: the statistic decides which columns of `items.parquet` are read, in which unit a difference is
told, and whether a chance level exists. A study file declares measures; this is where that declaration is checked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leaven.ground.errors import BadInput, did_you_mean


@dataclass(frozen=True)
class Statistic:
    """How items become one number: Σ numerator / Σ denominator; no denominator column means a plain mean."""

    numerator: str
    denominator: str | None
    chance: bool  # whether a guessing model has a known score, so that the at-chance rule applies
    points: tuple[float, str]  # factor and unit of an absolute difference
    bounds: tuple[float, float]  # values the statistic can take, for clipping intervals of scores


STATISTICS: dict[str, Statistic] = {
    "bits_per_byte": Statistic("bits", "bytes", False, (1.0, "bits per byte"), (0.0, math.inf)),
    "gold_bpb": Statistic("gold_bpb", None, False, (1.0, "bits per byte"), (0.0, math.inf)),
    "margin": Statistic("margin", None, False, (1.0, "units"), (-math.inf, math.inf)),
    "accuracy": Statistic("correct", None, True, (100.0, "points"), (0.0, 1.0)),
    "acc_norm": Statistic("acc_norm", None, True, (100.0, "points"), (0.0, 1.0)),
    "acc_bytes": Statistic("acc_bytes", None, True, (100.0, "points"), (0.0, 1.0)),
    "exact_match": Statistic("exact_match", None, True, (100.0, "points"), (0.0, 1.0)),
    "exact_match_lm_eval": Statistic("exact_match_lm_eval", None, True, (100.0, "points"), (0.0, 1.0)),
    "value": Statistic("value", None, False, (1.0, "units"), (-math.inf, math.inf)),
    "pass@1": Statistic("passed", None, True, (100.0, "points"), (0.0, 1.0)),
}
"""Statistics by their name in a study file. EVALUATION.md §2.5 (bits-per-byte: Σ bits / Σ UTF-8 bytes, never a mean of
per-document ratios) and METHODS.md §5 (which measures carry signal in small models)."""


@dataclass(frozen=True)
class Measure:
    """One thing a study compares. `margin` is in `unit`: the smallest effect of interest and the equivalence bound."""

    name: str
    tasks: tuple[str, ...]
    statistic: str
    better: str  # "lower" or "higher"
    effect: (
        str  # "relative" (per cent of the baseline); "points" and "difference" are absolute, in the statistic's unit
    )
    margin: float
    primary: bool

    @property
    def columns(self) -> Statistic:
        return STATISTICS[self.statistic]

    @property
    def unit(self) -> str:
        return "%" if self.effect == "relative" else self.columns.points[1]


def parse_measure(data: Mapping[str, Any], index: int) -> Measure:
    """A measure from the study file. Raises BadInput naming the field `measures[index].…`."""
    field = f"measures[{index}]"
    missing = [key for key in ("name", "tasks", "statistic", "better", "effect") if not data.get(key)]
    if missing:
        raise BadInput(f"a measure needs {missing[0]}", field=f"{field}.{missing[0]}")
    if data["statistic"] not in STATISTICS:
        hint = did_you_mean(str(data["statistic"]), STATISTICS)
        raise BadInput(f'unknown statistic "{data["statistic"]}"{hint}', field=f"{field}.statistic")
    for key, allowed in (("better", ("lower", "higher")), ("effect", ("relative", "points", "difference"))):
        if data[key] not in allowed:
            raise BadInput(f'"{data[key]}" is not one of {", ".join(allowed)}', field=f"{field}.{key}")
    if data["statistic"] == "margin" and data["effect"] == "relative":
        raise BadInput(
            "a margin can be zero or negative, so a relative difference of margins has no meaning",
            field=f"{field}.effect",
            fix="Say effect: difference.",
        )
    margin = float(data.get("margin", 0.0))
    if not (math.isfinite(margin) and margin >= 0):
        raise BadInput("the smallest effect of interest is a number of at least 0", field=f"{field}.margin")
    tasks = tuple(str(task) for task in data["tasks"])
    if len(set(tasks)) != len(tasks):
        raise BadInput("a task is named twice", field=f"{field}.tasks")
    return Measure(
        str(data["name"]),
        tasks,
        str(data["statistic"]),
        str(data["better"]),
        str(data["effect"]),
        margin,
        bool(data.get("primary", False)),
    )
