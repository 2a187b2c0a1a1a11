"""The point of training that a verdict is about, where a table holds several: of each metric the last of every run."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from leaven.analyze.imported.conventions import natural
from leaven.analyze.imported.mapping import Mapping
from leaven.analyze.imported.readings import Readings, noted
from leaven.analyze.request import FINAL
from leaven.analyze.text import listing
from leaven.ground.errors import BadInput, did_you_mean


def at_the_end(readings: Readings, mapping: Mapping) -> Readings:
    """Rows of one point for each metric and size: what is measured less often is compared where it was measured.

    Raises BadInput where the last cannot be told, or no point is in every run.
    """
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
        return noted(readings, kept, [*_absent(rows, kept), *_unmeasured(rows, kept, mapping.point)])
    if len(known) == 1 or FINAL in known:
        last = FINAL if FINAL in known else known[0]
        kept = rows[rows["point"] == last]
        return noted(readings, kept, _unmeasured(rows, kept, last))
    if any(math.isnan(_number(point)) for point in known):
        raise BadInput(
            f"which of the points is the last cannot be told: {', '.join(known[:12])}",
            field="point",
            fix="Say it in the mapping file: point: NAME.",
        )
    parts, notes = [], []
    for size, here in rows.groupby("size", observed=True, sort=True):
        found, said = _last(here, f" at {size}" if size else "")
        parts.append(found)
        notes += said
    return noted(readings, pd.concat(parts), notes)


def _last(here: pd.DataFrame, at: str) -> tuple[pd.DataFrame, list[str]]:
    """Of one size the rows at each metric's last point that all of its runs have, and what is said of it."""
    runs = here[["metric", "variant", "seed", "point"]].drop_duplicates()
    lasts: dict[tuple[str, int, int], list[str]] = {}
    nowhere, parts = [], []
    for metric, own in runs.groupby("metric", observed=True, sort=True):
        many = own[["variant", "seed"]].drop_duplicates().shape[0]
        having = own.groupby("point", observed=True).size()
        shared = [str(point) for point, count in having.items() if count == many]
        if not shared:
            nowhere.append(str(metric))
            continue
        last = max(shared, key=_number)
        further = int((own.groupby(["variant", "seed"], observed=True)["point"].agg(_furthest) > _number(last)).sum())
        lasts.setdefault((last, many, further), []).append(str(metric))
        parts.append(here[(here["metric"] == metric) & (here["point"] == last)])
    if not lasts:
        raise BadInput(
            f"no point of training{at} is in every run",
            field="point",
            fix="Name one, and the variants that have it: point: STEP, variants: [...].",
        )
    notes = []
    for (last, many, further), metrics in sorted(lasts.items(), key=lambda each: -_number(each[0][0])):
        on = f" on {_some(metrics)}" if len(lasts) > 1 or nowhere else ""
        beyond = f"; {further} of {many} runs {'goes' if further == 1 else 'go'} on, but not all" if further else ""
        notes.append(f"verdicts{on}{at} are about point {last}, the last that all {many} runs have{beyond}")
    if nowhere:
        notes.append(f"no point{at} has {_some(nowhere)} of every run, so nothing is said on that")
    return pd.concat(parts), notes


def _some(names: Sequence[str], most: int = 5) -> str:
    return listing(list(names)) if len(names) <= most else f"{', '.join(names[:most])} and {len(names) - most} more"


def _unmeasured(rows: pd.DataFrame, kept: pd.DataFrame, point: str) -> list[str]:
    """Metrics that nothing has at the chosen point."""
    lost = sorted(set(rows["metric"].astype(str)) - set(kept["metric"].astype(str)), key=natural)
    return [f"{_some(lost)}: not measured at point {point}, so nothing is said on that"] if lost else []


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
