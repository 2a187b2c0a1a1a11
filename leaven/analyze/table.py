"""Evaluation folders as arrays: every run's items side by side, paired by item id.

Why: each later statistic compares runs item by item, so the pairing is made once and checked here. Invariants: in one
column (task × measure) all runs hold the same items in the same order with the same groups; all values are finite.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from leaven.ground.errors import LeavenError
from leaven.ground.files import read_json

FEWEST_GROUPS, LARGE_GROUP = 5, 30
"""Fewer groups than five, of thirty items or more on average, are kinds of item (depths of a block, operations), not a
sample of documents: another study of the same task has the same kinds, so they are not resampled. As clusters, three
kinds would widen an interval 2.7-fold and more (`bootstrap.widening`), for a noise that does not exist."""

Run = tuple[str, str, int]
"""(variant, point, seed)."""


@dataclass(frozen=True)
class Column:
    """One measure of one task in all runs.

    `clusters` [I] numbers the group of each item (package, document, template); items without a group are their own,
    and so are items of a group that is but a kind of item (`FEWEST_GROUPS`).
    """

    items: NDArray[np.str_]
    clusters: NDArray[np.int64]
    runs: dict[Run, NDArray[np.float64]]

    @property
    def groups(self) -> int:
        return int(self.clusters.max()) + 1

    def of(self, runs: Sequence[Run]) -> NDArray[np.float64]:
        """Values [run × item]. Raises LeavenError when a run lacks this column."""
        absent = [run for run in runs if run not in self.runs]
        if absent:
            raise LeavenError(f"{run_name(absent[0])} was not evaluated on a task that others were")
        return np.stack([self.runs[run] for run in runs])


@dataclass(frozen=True)
class Table:
    """All evaluations of a study.

    `chance` holds per task the larger of its exact chance and the best constant answer's score (EVALUATION.md §6);
    `left_out` the tasks the evaluation itself could not run, with its reason; `notes` what a reader must know.
    """

    columns: dict[tuple[str, str], Column]
    seeds: dict[tuple[str, str], tuple[int, ...]]  # (variant, point) -> seeds evaluated
    chance: dict[str, float]
    left_out: dict[str, str]
    notes: tuple[str, ...]


def run_name(run: Run) -> str:
    return f"{run[0]} seed {run[2]} ({run[1]})"


def read_table(evaluations: Sequence[Mapping[str, Any]], looked: Collection[tuple[str, str]] | None = None) -> Table:
    """Read evaluate folders, one `{variant, seed, point, folder}` each.

    Args: `looked`: (variant, point) whose runs must all have the same tasks; None for all.

    Raises LeavenError for a folder without items, a run given twice, an item twice in a run, a value that is not a
    number, and an item that one run has and another lacks: the message names task, item and runs.
    """
    columns: dict[tuple[str, str], Column] = {}
    seeds: dict[tuple[str, str], set[int]] = {}
    chance: dict[str, float] = {}
    left_out: dict[str, str] = {}
    notes: set[str] = set()
    ordered = sorted(evaluations, key=lambda e: (str(e["variant"]), str(e["point"]), int(e["seed"])))
    for evaluation in ordered:
        run: Run = (str(evaluation["variant"]), str(evaluation["point"]), int(evaluation["seed"]))
        if run[2] in seeds.setdefault(run[:2], set()):
            raise LeavenError(f"{run_name(run)} was given twice")
        seeds[run[:2]].add(run[2])
        folder = Path(evaluation["folder"])
        _read_items(folder, run, columns, notes)
        _read_levels(folder, chance, left_out)
    whole = {key: numbers for key, numbers in seeds.items() if looked is None or key in looked}
    _check_complete(columns, whole, left_out)
    return Table(
        columns, {key: tuple(sorted(value)) for key, value in seeds.items()}, chance, left_out, tuple(sorted(notes))
    )


def _read_items(folder: Path, run: Run, columns: dict[tuple[str, str], Column], notes: set[str]) -> None:
    path = folder / "items.parquet"
    if not path.is_file():
        raise LeavenError(f"{run_name(run)}: its evaluation holds no items.parquet")
    frame = pq.read_table(path, columns=["task", "item", "measure", "value", "group"]).to_pandas()
    for (task, measure), part in frame.groupby(["task", "measure"], sort=True):
        items = part["item"].to_numpy(dtype=str)
        order = np.argsort(items, kind="stable")
        items, values = items[order], part["value"].to_numpy(dtype=np.float64)[order]
        groups = part["group"].fillna("").to_numpy(dtype=str)[order]
        twice = np.flatnonzero(items[1:] == items[:-1])
        if twice.size:
            raise LeavenError(f"task {task}: item {items[twice[0]]} occurs twice in {run_name(run)}")
        wrong = np.flatnonzero(~np.isfinite(values))
        if wrong.size:
            raise LeavenError(f"task {task}: item {items[wrong[0]]} has no finite {measure} in {run_name(run)}")
        clusters, note = clusters_of(items, groups)
        if note:
            notes.add(f"task {task}: {note}")
        known = columns.get((task, measure))
        if known is None:
            columns[task, measure] = Column(items, clusters, {run: values})
        else:
            _check_paired(str(task), known, items, clusters, run)
            known.runs[run] = values


def clusters_of(items: NDArray[np.str_], groups: NDArray[np.str_]) -> tuple[NDArray[np.int64], str]:
    """Cluster numbers of items [I], and a note. An empty group means that the item stands alone, a large one of few
    (FEWEST_GROUPS) is a kind of item, whose items stand alone too."""
    if "" not in groups:
        count = len(np.unique(groups))
        if 1 < count < FEWEST_GROUPS and len(items) >= LARGE_GROUP * count:
            return np.arange(len(items), dtype=np.int64), ""
    if len(items) > 1 and groups[0] and (groups == groups[0]).all():
        # One group cannot tell how results vary between groups; items are the best that is left, and it is said.
        return np.arange(len(items), dtype=np.int64), "all items belong to one group; they are treated as independent"
    # "g" and "i" keep an item's id from being mistaken for a group of the same name.
    labels = np.where(groups == "", np.char.add("i", items), np.char.add("g", groups))
    return np.unique(labels, return_inverse=True)[1].astype(np.int64).reshape(-1), ""


def _check_paired(task: str, known: Column, items: NDArray[np.str_], clusters: NDArray[np.int64], run: Run) -> None:
    other = run_name(next(iter(known.runs)))
    if not np.array_equal(known.items, items):
        missing = np.setdiff1d(known.items, items)
        if missing.size:
            raise LeavenError(f"task {task}: item {missing[0]} is in {other} but missing from {run_name(run)}")
        extra = np.setdiff1d(items, known.items)
        raise LeavenError(f"task {task}: item {extra[0]} is in {run_name(run)} but missing from {other}")
    if not np.array_equal(known.clusters, clusters):
        item = items[int(np.flatnonzero(known.clusters != clusters)[0])]
        raise LeavenError(f"task {task}: item {item} has another group in {run_name(run)} than in {other}")


def _read_levels(folder: Path, chance: dict[str, float], left_out: dict[str, str]) -> None:
    """Chance levels and reasons from `scores.json`."""
    path = folder / "scores.json"
    if not path.is_file():
        return
    for task, scores in read_json(path).items():
        if scores.get("left_out"):
            left_out[task] = str(scores["left_out"])
        levels = [float(scores[key]) for key in ("chance", "constant", "majority") if scores.get(key) is not None]
        if levels:
            chance[task] = max([chance.get(task, 0.0), *levels])


def _check_complete(
    columns: Mapping[tuple[str, str], Column], seeds: Mapping[tuple[str, str], set[int]], left_out: Mapping[str, str]
) -> None:
    """A task that one run of a point has, all runs of that point must have, unless some evaluation left it out."""
    for (task, measure), column in columns.items():
        if task in left_out:
            continue
        for point in sorted({run[1] for run in column.runs}):
            for (variant, at), numbers in sorted(seeds.items()):
                for seed in sorted(numbers) if at == point else ():
                    if (variant, point, seed) not in column.runs:
                        other = run_name(next(run for run in column.runs if run[1] == point))
                        raise LeavenError(
                            f"task {task}: {measure} is in {other} but missing from {run_name((variant, point, seed))}"
                        )
