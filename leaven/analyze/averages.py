"""Category scores of the compared variants by the suite's own formulas, as the paper's Table 2 has them.

The rule of `leaven.evaluate.categories` is applied over every run at the end of training: each variant with each seed
is a compared model, and a task counts only if all of them beat what guessing scores. A variant's average is the mean
over its seeds. Its standard error is √(items² + seeds²): the seeds answer the same items, so the item part √(mean of
se²) does not shrink with more seeds; the seed part is sd / √S (ddof 1), and missing with one seed.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leaven.evaluate.categories import Average, Categories, categories
from leaven.ground.files import read_json


def average_data(
    evaluations: Sequence[Mapping[str, Any]], averages: Mapping[str, Sequence[str]], primary: Mapping[str, str]
) -> dict[str, Any]:
    """Rows {size, average, rule, variant, value, se, seeds, tasks}, tasks left out by the rule, and tasks that did not
    run. The rule holds at each size by itself; of several, a task's reason names the size.

    Args:
        evaluations: `{size, variant, seed, folder}`, all of the point that verdicts are about.
        averages: members of each average: tasks, or averages named before it.
        primary: the measure that stands for each task.
    """
    sizes = dict.fromkeys(str(row.get("size") or "") for row in evaluations)
    data: dict[str, Any] = {"rows": [], "at_chance": {}, "missing": {}}
    for size in sizes:
        rows, found = _at([row for row in evaluations if str(row.get("size") or "") == size], averages, primary)
        data["rows"] += [{"size": size, **row} for row in rows]
        weak = {entry.task: entry.reason for entry in found.at_chance}
        for name, reasons in (("at_chance", weak), ("missing", dict(found.missing))):
            for task, reason in reasons.items():
                said = f"at {size}: {reason}" if len(sizes) > 1 else reason
                data[name][task] = "; ".join(filter(None, (data[name].get(task), said)))
    return data


def _at(
    evaluations: Sequence[Mapping[str, Any]], averages: Mapping[str, Sequence[str]], primary: Mapping[str, str]
) -> tuple[list[dict[str, Any]], Categories]:
    runs: dict[str, dict[str, Any]] = {}
    owner: dict[str, str] = {}
    for row in evaluations:
        name = f"{row['variant']}/seed-{row['seed']}"
        runs[name], owner[name] = read_json(Path(row["folder"]) / "scores.json"), str(row["variant"])
    found = categories(runs, averages, primary)
    rows = []
    for rule, table in (("every task that ran", found.every), ("at-chance rule", found.above)):
        for average, per_run in table.items():
            for variant in dict.fromkeys(owner.values()):
                mine = [per_run[run] for run in runs if owner[run] == variant]
                rows.append({"average": average, "rule": rule, "variant": variant, **_over_seeds(mine)})
    return rows, found


def _over_seeds(mine: Sequence[Average]) -> dict[str, Any]:
    values = [each.value for each in mine if each.value is not None]
    if len(values) < len(mine):
        return {"value": None, "se": None, "seeds": len(mine), "tasks": list(mine[0].tasks)}
    errors = [each.se for each in mine if each.se is not None]
    error = None
    if len(errors) == len(mine):
        seeds = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
        error = math.hypot(math.sqrt(statistics.fmean(each**2 for each in errors)), seeds)
    return {
        "value": statistics.fmean(values),
        "se": error,
        "seeds": len(mine),
        "tasks": list(mine[0].tasks),
    }
