"""The steps of a study as it was last run, in `RUNS/<study>/steps.json`: what is to be done, and which store keeps what
is done. Status and events say how far it is.

The graph itself takes the raw files and every option of the run to expand; whoever watches has neither.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leaven.engine.keeping.records import readable
from leaven.engine.store import Store
from leaven.ground.files import read_json, write_json
from leaven.study.step import Graph
from leaven.study.step import Run as StudyRun

FILE = "steps.json"
BESIDE = "store"
"""The store in a folder of runs, beside the studies."""


@dataclass(frozen=True)
class Known:
    """A step: its names (the first is shown), the places in the outline of the steps that it reads, the tokens that it
    trains on (0 for anything but a stage)."""

    identity: str
    kind: str
    names: tuple[str, ...]
    inputs: tuple[int, ...]
    tokens: int

    @property
    def name(self) -> str:
        return self.names[0]


@dataclass(frozen=True)
class Run:
    """One variant with one seed at one size: the places of its stages, in order, and of what is done with its models.
    Without a seed: a model that is no variant's, by the name of its stage."""

    variant: str
    seed: int | None
    size: str
    stages: tuple[int, ...]
    after: tuple[int, ...] = ()


@dataclass(frozen=True)
class Outline:
    """Steps in an order in which every step follows its inputs, and the runs through its stages.

    `store`: that of the run as `--store` says it, None for the one in the folder of runs; `root`: the folder of it, or
    of this machine's copy, whose lock the run holds; None where it was not told.
    """

    steps: tuple[Known, ...] = ()
    runs: tuple[Run, ...] = ()
    places: dict[str, int] = field(default_factory=dict)
    """Of every step, by identity and by each of its names."""
    store: str | None = None
    root: Path | None = None

    def below(self, places: Iterable[int]) -> set[int]:
        """Every step that reads one of these, itself or through others; they themselves only where they do."""
        above, found = set(places), set()
        for place, step in enumerate(self.steps):
            if not above.isdisjoint(step.inputs):
                above.add(place)
                found.add(place)
        return found


def of(graph: Graph) -> dict[str, Any]:
    """What is kept of a graph."""
    places = {identity: place for place, identity in enumerate(graph.steps)}
    return {
        "steps": [
            {
                "identity": step.identity,
                "kind": step.kind,
                "names": list(step.names),
                "inputs": sorted({places[other] for other in step.inputs.values()}),
                "tokens": step.tokens,
            }
            for step in graph.steps.values()
        ],
        "runs": [
            {
                "variant": run.variant,
                "seed": run.seed,
                "size": run.size,
                "stages": [places[step_id] for step_id in run.stages],
                "after": [places[step_id] for step_id in _after(run)],
            }
            for run in graph.runs
        ],
    }


def _after(run: StudyRun) -> list[str]:
    """Evaluations, completions, judgements."""
    return [*run.evaluations.values(), *([run.completion] if run.completion else []), *run.judgements.values()]


def keep(graph: Graph, folder: Path, store: Store) -> None:
    """Write the outline of a study that is about to run to its folder. A disk that is full stops no run here: the run
    itself says it better."""
    with contextlib.suppress(OSError):
        write_json(folder / FILE, {**of(graph), "store": _told(store, folder)})


def _told(store: Store, folder: Path) -> dict[str, str]:
    """Where a store is; empty for the one beside the study's folder, which moves along with it. No URL has a key."""
    where = store.where()
    beside = str(folder.parent.resolve() / BESIDE)
    return {name: str(where[name]) for name in ("root", "url") if name in where and where[name] != beside}


def read(folder: Path) -> Outline | None:
    """The outline in a study's folder; None where there is none, or none that can be read."""
    try:
        return outline(read_json(folder / FILE), folder.parent)
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def of_record(store: Store, study: str) -> Outline:
    """The steps of a study that was not run here but came from another machine, as its latest record tells them; what
    reads what, and which stages follow one another, it does not. Raises LeavenError."""
    mine = [record for record in readable(store)[0] if record.name == study]
    steps = tuple(
        Known(step_id, kind, (name,), (), 0) for record in mine[-1:] for step_id, (kind, name) in record.steps.items()
    )
    return Outline(steps, (), {name: place for place, step in enumerate(steps) for name in (step.name, step.identity)})


def outline(data: Any, folder: Path) -> Outline:
    """An outline from what was kept of it, of a study in a folder of runs. Raises KeyError, TypeError or ValueError for
    anything else."""
    steps = tuple(
        Known(
            str(row["identity"]), str(row["kind"]), tuple(map(str, row["names"])), tuple(row["inputs"]), row["tokens"]
        )
        for row in data["steps"]
    )
    runs = tuple(
        Run(str(row["variant"]), int(row["seed"]), str(row["size"]), tuple(row["stages"]), tuple(row["after"]))
        for row in data["runs"]
    )
    places = {name: place for place, step in enumerate(steps) for name in (*step.names, step.identity)}
    named = [*(at for run in runs for at in (*run.stages, *run.after)), *(at for step in steps for at in step.inputs)]
    if not all(0 <= at < len(steps) for at in named):
        raise ValueError("an outline names a step that it does not hold")
    told = data.get("store")
    if not isinstance(told, dict):
        return Outline(steps, runs, places)
    store, root = told.get("url") or told.get("root"), told.get("root")
    return Outline(steps, runs, places, str(store) if store else None, Path(root) if root else folder / BESIDE)
