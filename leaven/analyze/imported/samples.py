"""Single items of lm-eval's results: `samples_<task>_<time>.jsonl` beside each results file, where they were kept.

Items count only if every run has them and their mean is each run's printed score; else the scores of all runs do, with
their standard errors, so that all runs of a metric are compared in one way.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from leaven.analyze.imported.harness_files import HUGE, NONE, Result
from leaven.ground.errors import BadInput

CLOSE = 1e-6
"""Relative: how far the mean of samples may lie from the score."""
Score = tuple[float, float]
"""A score and its standard error, NaN where there is none."""


def parts(part: str, mine: Sequence[tuple[Result, Score]]) -> tuple[list[tuple[Result, dict[str, Any]]], list[str]]:
    """Rows of every result of one metric, items or scores, and what is said of that.

    Raises BadInput for a line of a samples file that is no sample.
    """
    task, _, metric = part.rpartition(":")
    whole: list[tuple[Result, dict[str, Any]]] = []
    wrong = []
    kept = any(result.samples(task).is_file() for result, _ in mine)
    for result, score in mine if kept else ():
        found, said = _whole(result, task, metric, score)
        if found is None:
            wrong.append(said)
        elif not wrong:
            whole.append((result, found))
    if kept and not wrong:
        return whole, []
    more = f" ({len(wrong) - 1} more such files)" if len(wrong) > 1 else ""
    notes = [f"{part}: {wrong[0]}{more}, so the scores of all runs count"] if wrong else []
    return [(result, _alone(result, task, score)) for result, score in mine], notes


def _whole(result: Result, task: str, metric: str, score: Score) -> tuple[dict[str, Any] | None, str]:
    """Items that make up a score; None where they do not, and why."""
    path = result.samples(task)
    name = f"{path.parent.name}/{path.name}"
    if not path.is_file():
        return None, f"{name} is missing"
    found = _items(path, metric)
    if found is None:
        return None, f"the samples in {name} hold no single numbers that make up the score"
    weights = found["weight"]
    made = found["value"].sum() / (weights.sum() if np.isfinite(weights).all() else len(found["value"]))
    if not abs(made - score[0]) <= CLOSE * max(1.0, abs(score[0])):
        many = f"{len(found['value']):,} in {name}"
        return None, f"the mean of the samples is not the score in {result.name} ({many})"
    missing = np.full(len(found["value"]), math.nan)
    return {**found, "se": missing, "n": missing}, ""


def _alone(result: Result, task: str, score: Score) -> dict[str, Any]:
    """A score with its standard error and its number of items."""
    row = result.content["results"][task].get("sample_len")
    known = (each for each in (result.effective(task), row) if isinstance(each, int) and not isinstance(each, bool))
    count = float(next(known, math.nan))
    return {"item": [""], "value": [score[0]], "se": [score[1]], "n": [count], "weight": [math.nan]}


def _items(path: Path, metric: str) -> dict[str, Any] | None:
    """Items of a samples file by document: values, and bytes where the score is a ratio; None where they are no
    numbers. Raises BadInput for a line that is no sample."""
    name, _, kind = metric.partition(",")
    ids: list[str] = []
    values: list[float] = []
    weights: list[float] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                sample = json.loads(line)
                said = sample.get("filter", NONE)
                item = f"{sample['doc_id']}:{str(sample.get('doc_hash', ''))[:12]}"
            except (ValueError, KeyError, AttributeError, RecursionError):
                raise BadInput("this line is no sample of lm-eval", where=f"{path}:{number}") from None
            if said != (kind or NONE) and (kind or said != NONE):
                continue
            value: Any = sample.get(name)
            weight = math.nan
            if name == "bits_per_byte" and isinstance(value, list) and len(value) == 2:
                value, weight = -float(value[0]) / math.log(2), float(value[1])
            if not isinstance(value, int | float) or not abs(value) < HUGE:
                return None
            ids.append(item)
            values.append(float(value))
            weights.append(weight)
    if not ids:
        return None
    return {"item": ids, "value": np.array(values), "weight": np.array(weights)}
