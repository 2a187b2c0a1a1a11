"""Noise of earlier runs, from which a study that has not run is planned.

What counts is the noise of a *paired comparison*: the sd over seeds of the paired effect, and the item part's standard
error times the root of the clusters, both in the effect's unit. `noise.csv` of a finished study holds one row of them
for every arm. Over arms they are pooled as root mean squares, because an sd from three seeds is more often too small
than too large; the noisiest arm is told beside it, because noise depends on the mixture (METHODS.md §2.2).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.ground.errors import BadInput

COLUMNS = ("measure", "variant", "paired_seed_sd", "paired_item_sd", "unit", "clusters")


@dataclass(frozen=True)
class Noise:
    """Noise of one measure's paired comparisons, in `unit`.

    Attributes:
        seed_sd: sd over seeds of the paired effect.
        item_sd: the item part's standard error × √clusters; 0 with `clusters` 0: nothing is known of the items.
        clusters: independent items, or groups of items, of the runs it is from.
        source: where it is from, for people.
        noisiest, noisiest_sd: the arm with the largest `seed_sd`, where there are several.
    """

    seed_sd: float
    item_sd: float
    clusters: int
    unit: str
    source: str
    noisiest: str = ""
    noisiest_sd: float = 0.0


def pooled(rows: Iterable[Mapping[str, Any]], source: str, size: str = "") -> dict[str, Noise]:
    """Measure → its noise over all arms of a `noise.csv` that were compared with something.

    Args:
        rows: cells as text or numbers; empty where there is nothing.
        size: the rows of this size, where there are rows of several and it is among them; else those of the first.
    """
    kept = [row for row in rows if row.get("paired_seed_sd") not in (None, "")]
    sizes = list(dict.fromkeys(str(row.get("size") or "") for row in kept))
    wanted = size if size in sizes else next(iter(sizes), "")
    arms: dict[str, list[Mapping[str, Any]]] = {}
    for row in kept:
        if str(row.get("size") or "") == wanted:
            arms.setdefault(str(row["measure"]), []).append(row)
    return {measure: _pooled(found, source) for measure, found in arms.items()}


def _pooled(arms: Sequence[Mapping[str, Any]], source: str) -> Noise:
    """Of the arms told in the unit of most of them: one may stand apart whose baseline scored nearly nothing.

    Noise of the items is that of the arms that tell theirs: one that does not has some too.
    """
    units = [str(arm["unit"]) for arm in arms]
    unit = max(units, key=units.count)
    arms = [arm for arm in arms if arm["unit"] == unit]
    seeds = [float(arm["paired_seed_sd"]) for arm in arms]
    counted = [arm for arm in arms if arm["paired_item_sd"] not in (None, "") and _count(arm["clusters"])]
    noisiest = max(range(len(arms)), key=lambda place: seeds[place])
    return Noise(
        _root_mean_square(seeds),
        _root_mean_square([float(arm["paired_item_sd"]) for arm in counted]) if counted else 0.0,
        max((_count(arm["clusters"]) for arm in counted), default=0),
        unit,
        source if counted else f"{source}, which tells no noise of items",
        str(arms[noisiest]["variant"]) if len(arms) > 1 else "",
        seeds[noisiest] if len(arms) > 1 else 0.0,
    )


def _count(cell: Any) -> int:
    """A whole number as it stands in a table: tables with empty cells write 12 as 12.0."""
    return int(float(cell or 0))


def _root_mean_square(values: Sequence[float]) -> float:
    return math.sqrt(sum(value**2 for value in values) / len(values))


def read_noise(path: Path, size: str = "") -> dict[str, Noise]:
    """The noise in a file of the form of `noise.csv`; `size` as of `pooled`. Raises BadInput naming file and line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # spreadsheets put a mark before the first name
            reader = csv.DictReader(file)
            lines = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        told = error.strerror if isinstance(error, OSError) else "it is no CSV file"
        raise BadInput(f"cannot be read: {told}", where=str(path), field="--pilot") from None
    rows = [row for _, row in lines]
    missing = [name for name in COLUMNS if not rows or name not in rows[0]]
    if missing:
        raise BadInput(
            f"there is no column {missing[0]}" if rows else "it is empty",
            where=str(path),
            field="--pilot",
            fix="Give noise.csv of a finished study: leaven report writes it, and it lies beside verdict.json.",
        )
    for line, row in lines:
        _check(row, f"{path}:{line}")
    found = pooled(rows, f"{path.name}{f' of {path.parent.name}' if path.parent.name else ''}", size)
    if not found:
        raise BadInput(
            "no arm in it was compared over several seeds",
            where=str(path),
            field="--pilot",
            fix="A pilot needs at least two seeds.",
        )
    return found


def _check(row: Mapping[Any, Any], where: str) -> None:
    """A line of the file. Raises BadInput where a cell is missing or is no number that can stand there."""
    if None in row:
        raise BadInput("the line has more cells than there are columns", where=where)
    for name in COLUMNS:
        if row[name] is None:
            raise BadInput(f"the line ends before its {name}", where=where, field=name)
    for name in ("paired_seed_sd", "paired_item_sd", "clusters"):
        if not _is_amount(row[name]):
            raise BadInput(f'"{row[name]}" is no amount of noise', where=where, field=name)
    if not float(row["clusters"] or 0).is_integer():
        raise BadInput(f'"{row["clusters"]}" is no whole number', where=where, field="clusters")
    if row["paired_seed_sd"]:
        needed = ["measure", "unit", *(["clusters"] if float(row["paired_item_sd"] or 0) else [])]
        for name in needed:
            if not row[name]:
                raise BadInput(f"there is noise, and no {name}", where=where, field=name)


def _is_amount(text: str) -> bool:
    try:
        return not text or 0 <= float(text) < math.inf
    except ValueError:
        return False
