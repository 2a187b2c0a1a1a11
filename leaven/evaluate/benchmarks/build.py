"""All benchmarks of a suite: found by name, their documents found, their items frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.evaluate.benchmarks.freeze import Documents, freeze
from leaven.evaluate.benchmarks.load import Data, data_of, own_files, own_hashes, own_rows
from leaven.evaluate.benchmarks.named import Named, find_task
from leaven.evaluate.benchmarks.plan import Benchmark
from leaven.evaluate.data.places import Missing, Wanted, find
from leaven.evaluate.item import Task
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput
from leaven.ground.progress import Progress, silent


@dataclass(frozen=True)
class Gathered:
    """The benchmarks of a suite.

    Args:
        tasks: in the order of the benchmarks.
        left_out: {benchmark: why}, those without data.
    """

    tasks: tuple[Task, ...]
    left_out: dict[str, str]


def gather(
    benchmarks: Sequence[Benchmark],
    places: Sequence[str],
    include: Sequence[Path] = (),
    progress: Progress = silent,
) -> Gathered:
    """Freeze every benchmark whose data is there.

    Args:
        places: where data is looked for: folders, mapping files, `hub`.
        include: folders of lm-eval task files of the user's own.

    Raises:
        BadInput: a task is unknown or unusable, a file of it is malformed, or its data does not fit it. All names are
        looked up before any data is read.
    """
    named = [_named(benchmark, include) for benchmark in benchmarks]
    tasks: list[Task] = []
    left_out: dict[str, str] = {}
    for done, (benchmark, task) in enumerate(zip(benchmarks, named, strict=True)):
        progress(done, len(benchmarks), benchmark.name)
        found = documents_of(task, places, benchmark.name)
        if isinstance(found, Missing):
            left_out[benchmark.name] = " ".join(part for part in (found.reason, found.fix) if part)
        else:
            tasks.append(freeze(benchmark, task, found))
    progress(len(benchmarks), len(benchmarks), f"{sum(len(task.items) for task in tasks)} items")
    return Gathered(tuple(tasks), left_out)


def _named(benchmark: Benchmark, include: Sequence[Path]) -> Named:
    try:
        return find_task(benchmark.asked, include)
    except BadInput as error:
        field = f"tasks.{benchmark.name}" + (f".{error.field}" if error.field else "")
        raise BadInput(error.what, where=error.where, field=field, fix=error.fix) from None


def wanted(named: Named, data: Data, split: str, name: str = "") -> Wanted:
    """What is asked of the places for a split.

    Args:
        name: the suite's own name of the task.
    """
    known = str(named.metadata.get("data", named.name))
    names = dict.fromkeys(other for other in (name, named.name) if other and other != known)
    return Wanted(known, data.dataset, data.config, split, tuple(names))


def documents_of(named: Named, places: Sequence[str], name: str = "") -> Documents | Missing:
    """A task's documents, and those that its examples are drawn from. Raises as `gather` does.

    Args:
        name: the suite's own name of the task.
    """
    data = data_of(named)
    if data.dataset is None:
        return _own(named, data)
    found = find(wanted(named, data, data.split, name), places)
    if isinstance(found, Missing):
        return found
    shots = None
    origin: dict[str, Any] = {**found.origin, "sha256": found.sha256}
    if data.shots == data.split:
        shots = found.rows
    elif data.shots:
        examples = find(wanted(named, data, data.shots, name), places)
        if isinstance(examples, Missing):
            raise BadInput(
                f'{named.name} shows examples of the split "{data.shots}", which is not there: {examples.reason}',
                where=named.file,
                field="num_fewshot",
                fix=examples.fix,
            )
        shots = examples.rows
        about = dict(examples.origin)
        notes = [f"examples: {note}" for note in about.pop("notes", None) or ()]
        # what holds of both splits is told once
        told = origin.get("notes") or []
        origin["notes"] = [*told, *(note for note in notes if note.removeprefix("examples: ") not in told)]
        origin["shots"] = {**about, "sha256": examples.sha256}
    return Documents(found.rows, origin, shots, found.overrides)


def _own(named: Named, data: Data) -> Documents:
    """The documents that the task file itself names."""
    config = named.config()
    rows = own_rows(named, config, data.split)
    shots = own_rows(named, config, data.shots) if data.shots and data.shots != data.split else None
    files = own_files(named, data.split) if not callable(config.get("custom_dataset")) else []
    hashes = own_hashes(named, {data.split: rows, **({data.shots: shots} if data.shots and shots else {})})
    origin = {
        "file": ", ".join(file.name for file in files) or "made by the task's own function",
        "split": data.split,
        "rows": len(rows),
        "sha256": hashes[0] if len(hashes) == 1 else identity(hashes),
    }
    return Documents(rows, origin, shots)
