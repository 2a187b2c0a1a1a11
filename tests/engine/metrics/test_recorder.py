from __future__ import annotations

import itertools
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from leaven.engine.metrics import events
from leaven.engine.metrics.recorder import Recorder
from leaven.ground.errors import BadInput
from leaven.study.step import Graph, Step

from .material import EFFECT, Shelf, Told, row, run_stage

FIRST = "text-only/seed-1/pretrain"


class Killed(BaseException):
    """As if the process were gone: nothing is told any more."""


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def record(tmp_path: Path, graph: Graph, store: Shelf, said: list[str]) -> Any:
    def make(*sinks: Any, **more: Any) -> Recorder:
        return Recorder(tmp_path, "micro", graph, store, sinks=sinks, warn=said.append, **more)  # type: ignore[arg-type]

    return make


def told(folder: Path, event: str = "") -> list[dict[str, Any]]:
    return [row for row in events.read(folder / events.NAME)[0] if event in ("", row["event"])]


def vanish(recorder: Recorder) -> None:
    """What SIGKILL leaves: no last words, and threads that hear nothing more."""
    recorder._log.close()


def test_a_run_from_its_beginning_to_its_end(
    record: Any, graph: Graph, store: Shelf, tmp_path: Path, said: list[str]
) -> None:
    sink = Told()
    with record(sink) as recorder:
        for step in graph.of_kind("stage"):
            run_stage(recorder, store, step, [3, 5, 10])
        verdict = graph.find("verdict")
        recorder.hear(verdict, {"event": "started"})
        recorder.hear(verdict, {"event": "where", "where": "node-7"})
        store.finish(verdict)
        recorder.hear(verdict, {"event": "ended", "outcome": "finished", "note": ""})
    rows = told(tmp_path)
    assert [row["event"] for row in rows][:6] == [
        "run_started",
        "step_started",
        "measured",
        "measured",
        "measured",
        "step_finished",
    ]
    assert rows[-1]["event"] == "run_finished"
    assert rows[-1]["outcome"] == "finished"
    assert rows[-1]["finished"] == len(graph.steps)
    assert {row["run"] for row in rows} == {1}
    measured = rows[3]
    assert measured["step"] == FIRST
    assert measured["identity"] == graph.find(FIRST).identity
    assert {name: measured[name] for name in ("at", "tokens", "train_loss", "bpb_text", "gradient_norm")} == {
        "at": 5,
        "tokens": 40,
        "train_loss": 1.6,
        "bpb_text": 0.8,
        "gradient_norm": None,
    }
    assert rows[-2]["where"] == "node-7"
    assert sink.calls[0] == ("started", "micro", 1)
    assert sink.rows(FIRST) == [3, 5, 10]
    assert ["verdict", "finished", {"effects": [EFFECT]}] in sink.of("ended")
    assert sink.calls[-1] == ("close",)
    assert said == []


def test_a_killed_run_goes_on_and_tells_nothing_twice(record: Any, graph: Graph, store: Shelf, tmp_path: Path) -> None:
    step = graph.find(FIRST)
    recorder = record().__enter__()
    recorder.hear(step, {"event": "started"})
    for at in (2, 3, 5, 7):
        recorder.hear(step, {"event": "measured", "row": row(at)})
    vanish(recorder)
    with (tmp_path / events.NAME).open("ab") as file:
        file.write(b'{"event": "measu')
    sink = Told()
    with record(sink) as recorder:
        recorder.hear(step, {"event": "started"})
        # from the checkpoint after 3 steps: the curve so far and what is made again come once more
        for at in (5, 4, 5, 6, 8):
            recorder.hear(step, {"event": "measured", "row": row(at)})
        store.finish(step)  # nobody heard of its last row
        recorder.hear(step, {"event": "ended", "outcome": "finished", "note": ""})
    assert [row["at"] for row in told(tmp_path, "measured")] == [2, 3, 5, 7, 8, 10]
    assert sink.rows(FIRST) == [2, 3, 5, 7, 8, 10]
    assert [row["run"] for row in told(tmp_path, "run_started")] == [1, 2]
    assert [row["event"] for row in told(tmp_path) if row["run"] == 1] == [
        "run_started",
        "step_started",
        *["measured"] * 4,
    ]


def test_what_another_run_computed_is_told_from_its_results_once(
    record: Any, graph: Graph, store: Shelf, tmp_path: Path
) -> None:
    step = graph.find(FIRST)
    store.finish(step)
    for turn in range(2):
        sink = Told()
        with record(sink):
            pass
        assert sink.rows(FIRST) == [5, 10], turn
        assert [FIRST, "finished", {}] in sink.of("ended")
    assert [row["at"] for row in told(tmp_path, "measured")] == [5, 10]
    found = told(tmp_path, "step_finished")
    assert [(row["step"], row["found"]) for row in found] == [(FIRST, True)]
    assert [row["found"] for row in told(tmp_path, "run_started")] == [1, 1]


def test_a_row_of_the_curve_that_was_not_heard_is_told_by_the_stage_that_resumes(
    record: Any, graph: Graph, tmp_path: Path
) -> None:
    step = graph.find(FIRST)
    with record() as recorder:
        recorder.hear(step, {"event": "started"})
        for at in (6, 5, 4, 8):  # the row after 5 was lost with the machine; the one after 4 is not of the curve
            recorder.hear(step, {"event": "measured", "row": row(at)})
    assert [row["at"] for row in told(tmp_path, "measured")] == [6, 5, 8]


def test_rows_between_become_sparse_and_those_of_the_curve_do_not(
    record: Any, graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("leaven.engine.metrics.recorder.time.monotonic", lambda: now[0])
    big = dict(graph.find(FIRST).fields) | {"steps": 10**9, "curve": {"every": 10**5, "rows": {}}}
    graph.add("stage", "long", big, {})
    step = graph.find("long")
    recorder = record().__enter__()
    for second in range(100_000):  # a little more than a day, a step and a row every second
        now[0] = float(second)
        recorder.hear(step, {"event": "measured", "row": {"step": second + 1, "tokens": 8 * second}})
    vanish(recorder)
    at = [row["at"] for row in told(tmp_path, "measured")]
    assert at[:1000] == list(range(1, 1001))
    assert 4000 < len(at) < 7000
    assert max(b - a for a, b in itertools.pairwise(at)) <= 61
    assert at[-1] == 10**5


def test_failures_losses_and_why_it_stopped(record: Any, graph: Graph, tmp_path: Path) -> None:
    step = graph.find(FIRST)
    messages = [
        {"event": "started"},
        {"event": "where", "where": "a"},
        {"event": "lost", "note": "the machine is gone"},
        {"event": "progress", "done": 1, "total": 2, "note": ""},
        {"event": "failed", "note": "diverged", "code": 3},
        {"event": "exit", "code": 3},
        {"event": "ended", "outcome": "failed", "note": "diverged"},
    ]

    def run() -> None:
        with record() as recorder:
            for message in messages:
                recorder.hear(step, message)
            raise BadInput("a source is too small")

    with pytest.raises(BadInput):
        run()
    rows = [{name: row.get(name) for name in ("event", "note", "where", "outcome")} for row in told(tmp_path)[2:]]
    assert rows == [
        {"event": "step_lost", "note": "the machine is gone", "where": "a", "outcome": None},
        {"event": "step_failed", "note": "diverged", "where": "", "outcome": None},
        {"event": "run_finished", "note": "a source is too small", "where": None, "outcome": "stopped"},
    ]
    assert told(tmp_path)[-1]["failed"] == {FIRST: "diverged"}


def test_an_interrupted_run_says_so(record: Any, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), record():
        raise KeyboardInterrupt
    assert told(tmp_path)[-1]["event"] == "interrupted"


def test_numbers_that_are_none_are_told_as_none(record: Any, graph: Graph, tmp_path: Path) -> None:
    with record() as recorder:
        recorder.hear(
            graph.find(FIRST), {"event": "measured", "row": {"step": 1, "tokens": 8, "train_loss": float("nan")}}
        )
    text = (tmp_path / events.NAME).read_text(encoding="utf-8")
    assert told(tmp_path, "measured")[0]["train_loss"] is None
    assert "NaN" not in text
    assert all(json.loads(line) for line in text.splitlines())


class Breaks(Told):
    name = "Breaks"

    def measured(self, step: Step, row: Any, time: float) -> None:
        super().measured(step, row, time)
        raise RuntimeError("no\nnetwork")


def test_a_sink_that_breaks_is_said_once_and_the_others_hear_everything(
    record: Any, graph: Graph, store: Shelf, tmp_path: Path, said: list[str]
) -> None:
    broken, whole = Breaks(), Told()
    with record(broken, whole) as recorder:
        run_stage(recorder, store, graph.find(FIRST), [3, 5, 10])
    assert len(said) == 1
    assert "Breaks cannot be told what is measured: no network" in said[0]
    assert len(broken.of("measured")) == 1
    assert broken.calls[-1] == ("close",)
    assert whole.rows(FIRST) == [3, 5, 10]
    assert told(tmp_path)[-1]["outcome"] == "finished"


def test_a_sink_that_hangs_holds_up_the_end_for_its_patience_only(
    record: Any, graph: Graph, store: Shelf, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leaven.engine.metrics.recorder.PATIENCE", 0.2)
    let = threading.Event()

    class Hangs(Told):
        name = "Hangs"

        def measured(self, step: Step, row: Any, time: float) -> None:
            let.wait(60)

    with record(Hangs()) as recorder:
        run_stage(recorder, store, graph.find(FIRST), [5, 10])
    let.set()
    assert len(said) == 1
    assert "Hangs did not take in" in said[0]


def test_a_damaged_curve_is_left_out(record: Any, graph: Graph, store: Shelf, tmp_path: Path) -> None:
    step = graph.find(FIRST)
    store.finish(step)
    (store.folder(step.identity) / "curve.parquet").write_bytes(b"PAR1")
    with record():
        pass
    assert told(tmp_path, "measured") == []


def test_events_of_steps_that_are_no_longer_in_the_study_stay(record: Any, tmp_path: Path) -> None:
    line = {"time": "?", "event": "measured", "run": 7, "step": "x", "identity": "gone", "kind": "stage", "at": 5}
    (tmp_path / events.NAME).write_text(json.dumps(line) + "\n", encoding="utf-8")
    sink = Told()
    with record(sink):
        pass
    assert told(tmp_path)[0] == line
    assert told(tmp_path)[1]["run"] == 8
    assert sink.of("measured") == []
