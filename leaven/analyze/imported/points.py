"""The point of training that a verdict is about, where a table holds several: the last that every run has."""

from __future__ import annotations

import math

import pandas as pd

from leaven.analyze.imported.conventions import natural
from leaven.analyze.imported.mapping import Mapping
from leaven.analyze.imported.readings import Readings, noted
from leaven.analyze.request import FINAL
from leaven.ground.errors import BadInput, did_you_mean


def at_the_end(readings: Readings, mapping: Mapping) -> Readings:
    """Rows of one point for each size. Raises BadInput where the last cannot be told, or no run has another's."""
    rows = readings.rows
    known = readings.names("point")
    if known == [""]:
        return readings
    if mapping.point is not None:
        if mapping.point not in known:
            raise BadInput(
                f'there is no point "{mapping.point}"{did_you_mean(mapping.point, known[:40])}', field="point"
            )
        kept = rows[rows["point"] == mapping.point]
        return noted(readings, kept, _absent(rows, kept))
    if len(known) == 1 or FINAL in known:
        return noted(readings, rows[rows["point"] == (FINAL if FINAL in known else known[0])])
    if any(math.isnan(_number(point)) for point in known):
        raise BadInput(
            f"which of the points is the last cannot be told: {', '.join(known[:12])}",
            field="point",
            fix="Say it in the mapping file: point: NAME.",
        )
    parts, notes = [], []
    for size, here in rows.groupby("size", observed=True, sort=True):
        runs = here[["variant", "seed", "point"]].drop_duplicates()
        many = runs[["variant", "seed"]].drop_duplicates().shape[0]
        having = runs.groupby("point", observed=True).size()
        shared = [str(point) for point, count in having.items() if count == many]
        at = f" at {size}" if size else ""
        if not shared:
            raise BadInput(
                f"no point of training{at} is in every run",
                field="point",
                fix="Name one, and the variants that have it: point: STEP, variants: [...].",
            )
        last = max(shared, key=_number)
        further = int((runs.groupby(["variant", "seed"], observed=True)["point"].agg(_furthest) > _number(last)).sum())
        beyond = f"; {further} of {many} runs go on, but not all" if further else ""
        notes.append(f"verdicts{at} are about point {last}, the last that all {many} runs have{beyond}")
        parts.append(here[here["point"] == last])
    return noted(readings, pd.concat(parts), notes)


def _number(point: str) -> float:
    try:
        return float(point)
    except ValueError:
        return math.nan


def _furthest(points: pd.Series) -> float:
    return max(_number(str(point)) for point in points)


def _absent(rows: pd.DataFrame, kept: pd.DataFrame) -> list[str]:
    runs = [frame[["variant", "size", "seed"]].drop_duplicates() for frame in (rows, kept)]
    lost = len(runs[0]) - len(runs[1])
    names = sorted(set(rows["variant"].astype(str)) - set(kept["variant"].astype(str)), key=natural)
    return [f"{lost} runs have no such point and are left out{f': {names[0]}' if names else ''}"] if lost else []
