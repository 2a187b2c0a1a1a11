"""DataDecide's table (`allenai/DataDecide-eval-results`): params, data, task, step, seed, and metrics in one cell.

25 recipes, 14 sizes, 3 seeds, many steps and 66 tasks; `primary_metric` is the accuracy that the task is scored by.
Without a mapping the comparison is about the mean of the ten OLMES tasks, or their average where the table has it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from leaven.analyze.imported.mapping import Columns, Mapping, Metric
from leaven.analyze.imported.sheet import Sheet, read
from leaven.ground.errors import BadInput

NEEDED = frozenset({"params", "data", "task", "step", "seed"})
CELL = "metrics"
PRIMARY = "primary_metric"
PROBABILITIES = ("correct_prob", "norm_correct_prob", "margin")
HIGHER = (
    PRIMARY,
    *("acc_raw", "acc_per_token", "acc_per_char", "acc_per_byte", "acc_uncond"),
    *("sum_logits_corr", "logits_per_token_corr", "logits_per_char_corr"),
    *(f"{name}{per}" for name in PROBABILITIES for per in ("", "_per_token", "_per_char")),
)
LOWER = ("bits_per_byte_corr",)
OLMES = (
    *("arc_challenge", "arc_easy", "boolq", "csqa", "hellaswag"),
    *("openbookqa", "piqa", "socialiqa", "winogrande", "mmlu_average", "mmlu"),
)
"""The ten tasks, by the names this table has for them, the tenth by either."""
AVERAGE = "olmes_10_macro_avg"
LONGEST = 100_000
"""Characters of a cell with metrics."""


def is_one(sheet: Sheet) -> bool:
    return set(sheet.columns) >= NEEDED and (CELL in sheet.columns or PRIMARY in sheet.columns)


def opened(sheet: Sheet, mapping: Mapping) -> Sheet:
    """The table with a column for each metric that is asked for, where they stand in one cell."""
    if not is_one(sheet):
        raise BadInput("this table is not DataDecide's, as the others are", where=str(sheet.path))
    if CELL not in sheet.columns:
        return sheet
    wanted = _wanted(mapping)
    others = [name for name in sheet.columns if name != CELL]
    frame = read(sheet, [*others, CELL])
    cells = frame[CELL].astype("category")
    parsed = [_parsed(str(text), sheet) for text in cells.cat.categories]
    codes = cells.cat.codes.to_numpy()
    columns = {name: frame[name] for name in others}
    for name in wanted:
        values = np.array([_number(each.get(name)) for each in parsed] + [np.nan])
        columns[name] = pd.Series(values[codes])
    return replace(sheet, columns=(*others, *wanted), held=pd.DataFrame(columns))


def _parsed(text: str, sheet: Sheet) -> dict[str, Any]:
    try:
        found = json.loads(text) if len(text) < LONGEST else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadInput(f"a cell of {CELL} is no JSON object: {text[:60]!r}", where=str(sheet.path), field=CELL)
    return found


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return np.nan
    return float(value) if abs(value) < 10**300 else np.nan


def _wanted(mapping: Mapping) -> tuple[str, ...]:
    """Metrics that the mapping names behind a task or by themselves; without any the primary one."""
    known = (*HIGHER, *LOWER)
    said = [part for name, metric in mapping.metrics.items() for part in ((metric and metric.of) or (name,))]
    found = dict.fromkeys(part.rpartition(":")[2] for part in said if part.rpartition(":")[2] in known)
    return tuple(found) or (PRIMARY,)


def completed(sheets: Sequence[Sheet], mapping: Mapping) -> Mapping:
    """The mapping with DataDecide's columns and, where it names no metric, the average of the ten tasks."""
    given = mapping.columns.model_dump(exclude_none=True)
    columns = Columns(**{"variant": "data", "seed": "seed", "size": "params", "point": "step", "task": "task"} | given)
    metrics = mapping.metrics
    if not metrics:
        tasks = {str(task) for sheet in sheets for task in read(sheet, ["task"])["task"].unique()}
        ten = [f"{name}:{PRIMARY}" for name in OLMES if name in tasks][:10]
        parts = [f"{AVERAGE}:{PRIMARY}"] if AVERAGE in tasks else ten or [f"*:{PRIMARY}"]
        name = "OLMES average" if AVERAGE in tasks or len(ten) == 10 else f"mean of {PRIMARY}"
        metrics = {name: Metric(of=tuple(parts), better="higher", scale="share", effect="points")}
    else:
        metrics = {name: _directed(name, metric or Metric()) for name, metric in metrics.items()}
    return mapping.model_copy(update={"columns": columns, "metrics": metrics})


def _directed(name: str, metric: Metric) -> Metric:
    ends = {part.rpartition(":")[2] for part in metric.of or (name,)}
    if metric.better is not None or not (ends <= set(HIGHER) or ends <= set(LOWER)):
        return metric
    return metric.model_copy(update={"better": "higher" if ends <= set(HIGHER) else "lower"})
