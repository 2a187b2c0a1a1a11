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
    """Of the arms told in the unit of most of them: one may stand apart whose baseline scored nearly nothing."""
    units = [str(arm["unit"]) for arm in arms]
    unit = max(units, key=units.count)
    arms = [arm for arm in arms if arm["unit"] == unit]
    seeds = [float(arm["paired_seed_sd"]) for arm in arms]
    items = [float(arm["paired_item_sd"] or 0.0) for arm in arms]
    noisiest = max(range(len(arms)), key=lambda place: seeds[place])
    return Noise(
        _root_mean_square(seeds),
        _root_mean_square(items),
        max(int(arm["clusters"] or 0) for arm in arms),
        unit,
        source,
        str(arms[noisiest]["variant"]) if len(arms) > 1 else "",
        seeds[noisiest] if len(arms) > 1 else 0.0,
    )


def _root_mean_square(values: Sequence[float]) -> float:
    return math.sqrt(sum(value**2 for value in values) / len(values))


def read_noise(path: Path, size: str = "") -> dict[str, Noise]:
    """The noise in a file of the form of `noise.csv`; `size` as of `pooled`. Raises BadInput naming file and line."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        told = error.strerror if isinstance(error, OSError) else "it is no CSV file"
        raise BadInput(f"cannot be read: {told}", where=str(path), field="--pilot") from None
    missing = [name for name in COLUMNS if not rows or name not in rows[0]]
    if missing:
        raise BadInput(
            f"there is no column {missing[0]}" if rows else "it is empty",
            where=str(path),
            field="--pilot",
            fix="Give noise.csv of a finished study: leaven report writes it, and it lies beside verdict.json.",
        )
    for line, row in enumerate(rows, start=2):
        for name in ("paired_seed_sd", "paired_item_sd", "clusters"):
            if not _is_amount(row[name]):
                raise BadInput(f'"{row[name]}" is no amount of noise', where=f"{path}:{line}", field=name)
    found = pooled(rows, f"{path.name}{f' of {path.parent.name}' if path.parent.name else ''}", size)
    if not found:
        raise BadInput(
            "no arm in it was compared over several seeds",
            where=str(path),
            field="--pilot",
            fix="A pilot needs at least two seeds.",
        )
    return found


def _is_amount(text: str | None) -> bool:
    try:
        return not text or 0 <= float(text) < math.inf
    except ValueError:
        return False
