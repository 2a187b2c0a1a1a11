"""Tables of items as evidence: every measure sampled in every arm, tasks at chance told apart.

Arms are the variants of a size at a point of training. A variant whose chain has no such point (it ends before a
cooldown, say) stands with its end of training, which is the same state.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leaven.analyze.chance import Exclusion, at_chance
from leaven.analyze.contamination import whole_gates
from leaven.analyze.evidence import Evidence
from leaven.analyze.gates import FEWEST_CLUSTERS, Gate, few_items
from leaven.analyze.measures import Measure
from leaven.analyze.request import FINAL, Request
from leaven.analyze.results import Sampled, average, columns_of, sample_task
from leaven.analyze.scores import score_rows
from leaven.analyze.table import Run, Table
from leaven.analyze.text import listing
from leaven.ground.errors import BadInput, did_you_mean
from leaven.ground.progress import Progress

Tasks = dict[str, dict[str, Sampled]]
"""Task -> variant -> its statistic."""


@dataclass
class Samples:
    """What accumulates over sizes and measures; the fields are those of `evidence.Context`.

    `tasks`: (size, measure) -> its tasks at the verdict's point, for `commonly`.
    """

    evidence: list[Evidence] = field(default_factory=list)
    clean: list[Evidence] = field(default_factory=list)
    excluded: list[dict[str, Any]] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    dirty: dict[str, int] = field(default_factory=dict)
    tasks: dict[tuple[str, str], Tasks] = field(default_factory=dict)


def points_of(asked: Request, there: Collection[tuple[str, str]], size: str) -> dict[str, str]:
    """Variant -> the point at which the verdict looks at it; a variant that is at neither point is missing.

    Args: `there`: (variant, point) that were evaluated.
    """
    variants = asked.at(size).variants
    return {v: p for v in variants for p in (FINAL, asked.point) if (v, p) in there}


def sample(
    asked: Request, tables: Mapping[str, Table], dirty: Mapping[str, frozenset[str]], progress: Progress
) -> Samples:
    """Evidence on every measure at every size and point.

    Args: `tables` by size; `dirty`: task -> items that occur in training documents. Raises BadInput for a task or
    statistic that no evaluation has.
    """
    found = Samples()
    every = len(asked.sizes) * len(asked.measures)
    for place, size in enumerate(tables):
        uncounted = []
        for done, measure in enumerate(asked.measures):
            progress(place * len(asked.measures) + done, every, measure.name)
            if not _measure(asked, size, tables, measure, dirty, found):
                uncounted.append(measure.name)
        if uncounted:
            where = f"at {size} " if len(asked.sizes) > 1 else ""
            found.notes.append(f"{where}nothing is said on {listing(uncounted)}: no task counts")
    return found


def _arms(asked: Request, size: str, table: Table, point: str) -> dict[str, list[Run]]:
    """Variant -> its runs at this point, one a seed."""
    looked = points_of(asked, table.seeds, size)
    at = looked if point == asked.point else {v: point for v in looked if (v, point) in table.seeds}
    return {variant: [(variant, where, seed) for seed in table.seeds[variant, where]] for variant, where in at.items()}


def _measure(
    asked: Request,
    size: str,
    tables: Mapping[str, Table],
    measure: Measure,
    dirty: Mapping[str, frozenset[str]],
    found: Samples,
) -> bool:
    """Sample one measure at every point of one size; whether any of its tasks counts."""
    table = tables[size]
    present = _present_tasks(size, tables, measure, found)
    points = [asked.point, *sorted({point for _, point in table.seeds} - {asked.point})]
    arms = {point: runs for point in points if (runs := _arms(asked, size, table, point))}
    sampled = {
        point: {
            task: sample_task(table, task, measure.columns, runs, asked.draws, asked.seed)
            for task in present
            if point == asked.point or _everywhere(table, task, measure, runs)
        }
        for point, runs in arms.items()
    }
    here = sampled.get(asked.point, {})
    kept = []
    for task, of_arms in here.items():
        weak = at_chance(task, measure.name, of_arms, table.chance.get(task, 0.0)) if measure.columns.chance else None
        if weak:
            found.excluded.append({"size": size, **weak.row()})
        else:
            kept.append(task)
        for point, tasks in sampled.items():
            if task in tasks:
                found.scores += score_rows(measure, task, weak is None, tasks[task], size, point)
    if not kept:
        return False
    found.tasks[size, measure.name] = {task: here[task] for task in kept}
    for point, tasks in sampled.items():
        absent = [task for task in kept if task not in tasks]
        if absent:
            at = f"at {size}, {point}," if len(asked.sizes) > 1 else f"at {point}"
            what = f"{listing(absent)} {'was' if len(absent) == 1 else 'were'} not evaluated in every run"
            found.notes.append(f"{at} nothing is said on {measure.name}: {what}")
        else:
            found.evidence.append(Evidence(size, point, measure, average([tasks[task] for task in kept]), tuple(kept)))
    _without(asked, size, table, measure, arms[asked.point], dirty, found)
    _few(size, measure, found)
    return True


def _few(size: str, measure: Measure, found: Samples) -> None:
    """Tasks of few items that others of the measure outweigh: a measure of few items in all is told as a whole."""
    counts = {
        task: (arm.items, arm.clusters)
        for task, of_arms in found.tasks[size, measure.name].items()
        for arm in list(of_arms.values())[:1]
    }
    if sum(clusters for _, clusters in counts.values()) >= FEWEST_CLUSTERS:
        for task, (items, clusters) in counts.items():
            found.gates += few_items(size, measure.name, task, items, clusters)


def _without(
    asked: Request,
    size: str,
    table: Table,
    measure: Measure,
    runs: Mapping[str, Sequence[Run]],
    dirty: Mapping[str, frozenset[str]],
    found: Samples,
) -> None:
    """The measure once more without the items that occur in training documents, where it has such items. A task that
    is left with none does not count there."""
    tasks = found.tasks[size, measure.name]
    masks = {task: _mask(table, task, measure, dirty[task]) for task in tasks if task in dirty}
    masks = {task: keep for task, keep in masks.items() if not keep.all()}
    if not masks:
        return
    found.dirty |= {task: int((~keep).sum()) for task, keep in masks.items()}
    whole = {task: len(keep) for task, keep in masks.items() if not keep.any()}
    found.gates += whole_gates(size, measure.name, whole, left=len(whole) < len(tasks))
    parts = {
        task: sample_task(table, task, measure.columns, runs, asked.draws, asked.seed, masks[task])
        if task in masks
        else of_arms
        for task, of_arms in tasks.items()
        if task not in masks or masks[task].any()
    }
    if parts:
        found.clean.append(Evidence(size, asked.point, measure, average(list(parts.values())), tuple(parts)))


def _everywhere(table: Table, task: str, measure: Measure, arms: Mapping[str, Sequence[Run]]) -> bool:
    """Whether all these runs were evaluated on the task."""
    columns = [column for column in columns_of(table, task, measure.columns) or () if column is not None]
    return all(run in column.runs for column in columns for runs in arms.values() for run in runs)


def _mask(table: Table, task: str, measure: Measure, dirty: frozenset[str]) -> NDArray[np.bool_]:
    """Which items of a task do not occur [I]."""
    keep: NDArray[np.bool_] = ~np.isin(table.columns[task, measure.columns.numerator].items, sorted(dirty))
    return keep


def _present_tasks(size: str, tables: Mapping[str, Table], measure: Measure, found: Samples) -> list[str]:
    """Tasks of the measure that were evaluated; those the evaluation left out are recorded with its reason."""
    present, table = [], tables[size]
    known = sorted({task for task, _ in table.columns} | set(table.left_out))
    for task in measure.tasks:
        if task in table.left_out:
            gone = Exclusion(task, measure.name, table.left_out[task], {}, table.chance.get(task))
            found.excluded.append({"size": size, **gone.row()})
        elif columns_of(table, task, measure.columns) is not None:
            present.append(task)
        elif task in known:
            raise BadInput(
                f"task {task} has no {measure.columns.numerator}", field=f"measures.{measure.name}.statistic"
            )
        elif others := [name for name, other in tables.items() if any(task == one for one, _ in other.columns)]:
            raise BadInput(
                f"task {task} was evaluated at {listing(others)} and not at {size}",
                field=f"measures.{measure.name}.tasks",
                fix="A measure is compared at every size: evaluate its tasks at all of them.",
            )
        else:
            raise BadInput(f'unknown task "{task}"{did_you_mean(task, known)}', field=f"measures.{measure.name}.tasks")
    return present


def commonly(asked: Request, samples: Samples) -> list[Evidence]:
    """Measures whose tasks differ between sizes, on those that count at every size that has the measure: only so is a
    difference between sizes one of size. A measure without a common task takes no part (no arms)."""
    found = []
    for measure in asked.measures:
        parts = {size: tasks for (size, name), tasks in samples.tasks.items() if name == measure.name}
        if len({tuple(tasks) for tasks in parts.values()}) < 2:
            continue
        shared = [task for task in next(iter(parts.values())) if all(task in tasks for tasks in parts.values())]
        for size, tasks in parts.items():
            arms = average([tasks[task] for task in shared]) if shared else {}
            found.append(Evidence(size, asked.point, measure, arms, tuple(shared)))
    return found
