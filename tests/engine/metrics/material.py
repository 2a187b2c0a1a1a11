"""Stages, rows and a store made by hand, and a sink that keeps what it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from leaven.ground.files import write_json
from leaven.ground.tables import write_table
from leaven.study.step import Graph, Run, Step

EVERY, STEPS, BATCH, SEQUENCE = 5, 10, 2, 4
EFFECT = {
    "size": "0.3m",
    "variant": "code→text",
    "baseline": "text-only",
    "measure": "pass@1",
    "effect": 2.0,
    "low": 1.0,
    "high": None,
    "unit": "points",
    "verdict": "better",
}


class Shelf:
    """As much of a store as recorders ask for."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def has(self, step_id: str) -> bool:
        return (self.root / step_id).is_dir()

    def folder(self, step_id: str) -> Path:
        return self.root / step_id

    def file(self, step_id: str, name: str) -> Path:
        return self.folder(step_id) / name

    def finish(self, step: Step) -> None:
        folder = self.folder(step.identity)
        folder.mkdir(parents=True)
        if step.kind == "stage":
            rows = [row(at) for at in (EVERY, STEPS)]
            names = [name for name in rows[0] if name != "tokens_per_second"]
            kinds = [(name, pa.int64() if name in ("step", "tokens") else pa.float64()) for name in names]
            columns = {name: [row[name] for row in rows] for name in names}
            write_table(folder / "curve.parquet", columns, pa.schema(kinds))
        elif step.kind == "verdict":
            write_json(folder / "verdict.json", {"comparisons": [{**EFFECT, "effect": step.fields.get("effect", 2.0)}]})


def row(at: int) -> dict[str, Any]:
    """A row of a curve, or between (`at` no multiple of EVERY)."""
    found = {
        "step": at,
        "tokens": at * BATCH * SEQUENCE,
        "learning_rate": 0.5 / at,
        "train_loss": 8.0 / at,
        "gradient_norm": None,
        "tokens_per_second": 1000.0,
    }
    return {**found, "bpb_text": 4.0 / at} if at % EVERY == 0 else found


class Told:
    """A sink that keeps what it is told, as long as it lives."""

    name = "Told"

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __call__(self, folder: Path, places: Any) -> Told:
        """Told opens itself."""
        return self

    def started(self, study: str, run: int) -> None:
        self.calls.append(("started", study, run))

    def measured(self, step: Step, row: Mapping[str, Any], time: float) -> None:
        self.calls.append(("measured", step.name, dict(row), time))

    def ended(self, step: Step, outcome: str, summary: Mapping[str, Any]) -> None:
        self.calls.append(("ended", step.name, outcome, dict(summary)))

    def flush(self) -> None:
        self.calls.append(("flush",))

    def close(self) -> None:
        self.calls.append(("close",))

    def of(self, call: str) -> list[tuple[Any, ...]]:
        return [rest for first, *rest in map(list, self.calls) if first == call]

    def rows(self, step: str) -> list[int]:
        return [told[1]["step"] for told in self.of("measured") if told[0] == step]


def curve_of(graph: Graph, variant: str, beside: str = "") -> str:
    """The name of the curve of a run of the graph, or of a stage beside them."""
    if beside:
        return f"beside/{beside}-{graph.find(beside).identity[:8]}"
    (end,) = (run.stages[-1] for run in graph.runs if run.variant == variant)
    return f"0.3m/{variant}/seed-1-{end[:8]}"


def stage(graph: Graph, name: str, parent: str | None = None, **fields: Any) -> str:
    held = {
        "kind": "pretrain",
        "steps": STEPS,
        "batch": BATCH,
        "sequence": SEQUENCE,
        "curve": {"every": EVERY, "rows": {}},
        **fields,
    }
    return graph.add("stage", name, held, {"parent": parent} if parent else {})


def run_stage(recorder: Any, store: Shelf, step: Step, rows: Sequence[int]) -> None:
    """What the scheduler tells of a stage that measures after these steps and finishes."""
    recorder.hear(step, {"event": "started"})
    for at in rows:
        recorder.hear(step, {"event": "measured", "row": row(at)})
    store.finish(step)
    recorder.hear(step, {"event": "ended", "outcome": "finished", "note": ""})


def changed(graph: Graph) -> Graph:
    """The study after a change: another last stage of `code→text`, so another verdict, with another effect."""
    found = Graph()
    first = stage(found, "text-only/seed-1/pretrain")
    ends = [stage(found, f"{name}/seed-1/cooldown", first, peak=i) for i, name in ((0, "text-only"), (7, "code→text"))]
    stage(found, "reference/pretrain", other=1)
    found.add("verdict", "verdict", {"kind": "none", "effect": 7.0}, {"a": ends[0], "b": ends[1]})
    for name, end in zip(("text-only", "code→text"), ends, strict=True):
        found.runs.append(Run(name, 1, (first, end), {}, size="0.3m"))
    assert found.find("text-only/seed-1/cooldown").identity == graph.find("text-only/seed-1/cooldown").identity
    return found


def told(recorder: Any, graph: Graph, store: Shelf) -> None:
    """A whole run: what the store does not hold is executed."""
    with recorder:
        for step in graph.steps.values():
            if store.has(step.identity):
                continue
            if step.kind == "stage":
                run_stage(recorder, store, step, [3, 5, 10])
            else:
                store.finish(step)
                recorder.hear(step, {"event": "ended", "outcome": "finished", "note": ""})
