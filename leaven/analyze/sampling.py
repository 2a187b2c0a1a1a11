"""Tables of items as evidence: every measure sampled in every arm, tasks at chance told apart.

Arms are the variants of a size at a point of training. A variant whose chain has no such point (it ends before a
cooldown, say) stands with its end of training, which is the same state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leaven.analyze.chance import Exclusion, at_chance
from leaven.analyze.evidence import Evidence
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
    notes: list[str] = field(default_factory=list)
    dirty: dict[str, int] = field(default_factory=dict)
    tasks: dict[tuple[str, str], Tasks] = field(default_factory=dict)


def points_of(asked: Request, table: Table, size: str) -> dict[str, str]:
    """Variant -> the point at which the verdict looks at it; a variant that is at neither point is missing."""
    variants = asked.at(size).variants
    return {v: p for v in variants for p in (FINAL, asked.point) if (v, p) in table.seeds}


def sample(
    asked: Request, tables: Mapping[str, Table], dirty: Mapping[str, frozenset[str]], progress: Progress
) -> Samples:
    """Evidence on every measure at every size and point.

    Args: `tables` by size; `dirty`: task -> items that occur in training documents. Raises BadInput for a task or
    statistic that no evaluation has.
    """
    found = Samples()
    every = len(asked.sizes) * len(asked.measures)
    for place, (size, table) in enumerate(tables.items()):
        uncounted = []
        for done, measure in enumerate(asked.measures):
            progress(place * len(asked.measures) + done, every, measure.name)
            if not _measure(asked, size, table, measure, dirty, found):
                uncounted.append(measure.name)
        if uncounted:
            where = f"at {size} " if len(asked.sizes) > 1 else ""
            found.notes.append(f"{where}nothing is said on {listing(uncounted)}: no task counts")
    return found


def _arms(asked: Request, size: str, table: Table, point: str) -> dict[str, list[Run]]:
    """Variant -> its runs at this point, one a seed."""
    looked = points_of(asked, table, size)
    at = looked if point == asked.point else {v: point for v in looked if (v, point) in table.seeds}
    return {variant: [(variant, where, seed) for seed in table.seeds[variant, where]] for variant, where in at.items()}


def _measure(
    asked: Request, size: str, table: Table, measure: Measure, dirty: Mapping[str, frozenset[str]], found: Samples
) -> bool:
    """Sample one measure at every point of one size; whether any of its tasks counts."""
    present = _present_tasks(size, table, measure, found)
    points = [asked.point, *sorted({point for _, point in table.seeds} - {asked.point})]
    arms = {point: runs for point in points if (runs := _arms(asked, size, table, point))}
    sampled = {
        point: {task: sample_task(table, task, measure.columns, runs, asked.draws, asked.seed) for task in present}
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
        for point in sampled:
            found.scores += score_rows(measure, task, weak is None, sampled[point][task], size, point)
    if not kept:
        return False
    found.tasks[size, measure.name] = {task: here[task] for task in kept}
    for point, tasks in sampled.items():
        found.evidence.append(Evidence(size, point, measure, average([tasks[task] for task in kept]), tuple(kept)))
    _without(asked, size, table, measure, arms[asked.point], dirty, found)
    return True


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
    parts = {
        task: sample_task(table, task, measure.columns, runs, asked.draws, asked.seed, masks[task])
        if task in masks
        else of_arms
        for task, of_arms in tasks.items()
        if task not in masks or masks[task].any()
    }
    if parts:
        found.clean.append(Evidence(size, asked.point, measure, average(list(parts.values())), tuple(parts)))


def _mask(table: Table, task: str, measure: Measure, dirty: frozenset[str]) -> NDArray[np.bool_]:
    """Which items of a task do not occur [I]."""
    keep: NDArray[np.bool_] = ~np.isin(table.columns[task, measure.columns.numerator].items, sorted(dirty))
    return keep


def _present_tasks(size: str, table: Table, measure: Measure, found: Samples) -> list[str]:
    """Tasks of the measure that were evaluated; those the evaluation left out are recorded with its reason."""
    present = []
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
