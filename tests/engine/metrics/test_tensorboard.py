from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tensorboard", reason="the peer environment holds it: make test-peers")

from leaven.engine.metrics.places import Places
from leaven.engine.metrics.recorder import Recorder
from leaven.engine.metrics.sink import openers
from leaven.engine.metrics.to_tensorboard import FOLDER, TensorBoard
from leaven.study.step import Graph

from .material import Shelf, changed, curve_of, row, run_stage, told

pytestmark = pytest.mark.peer

FIRST = "text-only/seed-1/pretrain"


def never(text: str) -> None:
    raise AssertionError(text)


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard itself would draw."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    found.Reload()
    return {tag: [(event.step, event.value) for event in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


@pytest.fixture
def record(tmp_path: Path, graph: Graph, store: Shelf) -> Any:
    return lambda: Recorder(tmp_path, "micro", graph, store, sinks=openers("tensorboard"), warn=never)  # type: ignore[arg-type]


def test_one_run_a_variant_and_seed_on_an_axis_of_tokens(
    record: Any, graph: Graph, store: Shelf, tmp_path: Path
) -> None:
    with record() as recorder:
        for step in graph.of_kind("stage"):
            run_stage(recorder, store, step, [3, 5, 10])
        verdict = graph.find("verdict")
        store.finish(verdict)
        recorder.hear(verdict, {"event": "ended", "outcome": "finished", "note": ""})
    root = tmp_path / FOLDER
    for variant in ("text-only", "code→text"):
        found = scalars(root / curve_of(graph, variant))
        assert [at for at, _ in found["train_loss"]] == [24, 40, 80, 104, 120, 160]
        assert [at for at, _ in found["bpb_text"]] == [40, 80, 120, 160]
        assert found["train_loss"][1][1] == pytest.approx(1.6)
        assert "gradient_norm" not in found
    assert scalars(root / curve_of(graph, "", "reference/pretrain"))["train_loss"]
    assert scalars(root / "0.3m" / "code→text" / f"verdict-{verdict.identity[:8]}") == {
        "verdict/pass@1 against text-only/effect": [(0, 2.0)],
        "verdict/pass@1 against text-only/low": [(0, 1.0)],
    }
    assert not list((root / "0.3m" / "text-only").glob("verdict*"))


def test_after_a_kill_nothing_is_there_twice_and_nothing_is_missing(
    graph: Graph, store: Shelf, tmp_path: Path, record: Any
) -> None:
    step = graph.find(FIRST)
    recorder = record().__enter__()
    recorder.hear(step, {"event": "started"})
    for at in (2, 3, 5):
        recorder.hear(step, {"event": "measured", "row": row(at)})
    for feed in recorder._feeds:
        feed.close()
    recorder._log.close()
    folder = tmp_path / FOLDER / curve_of(graph, "text-only")
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes()[:-20])  # in the middle of the row after 5 steps
    with record() as recorder:
        for at in (5, 6):
            recorder.hear(step, {"event": "measured", "row": row(at)})
        store.finish(step)
        recorder.hear(step, {"event": "ended", "outcome": "finished", "note": ""})
    for _ in range(2):  # a run that finds all done adds no file
        with record():
            pass
    assert len(list(folder.iterdir())) == 2
    assert [at for at, _ in scalars(folder)["train_loss"]] == [16, 24, 40, 48, 80]


def test_no_file_before_there_is_a_row(graph: Graph, tmp_path: Path) -> None:
    sink = TensorBoard(tmp_path, Places(graph))
    sink.started("micro", 1)
    sink.flush()
    sink.close()
    assert not (tmp_path / FOLDER).exists()


def test_what_was_trained_or_judged_otherwise_has_a_folder_of_its_own(
    graph: Graph, store: Shelf, tmp_path: Path
) -> None:
    later = changed(graph)
    for study in (graph, later, graph):
        told(Recorder(tmp_path, "micro", study, store, sinks=openers("tensorboard"), warn=never), study, store)  # type: ignore[arg-type]
    root = tmp_path / FOLDER
    assert curve_of(graph, "code→text") != curve_of(later, "code→text")
    for study in (graph, later):
        for variant in ("text-only", "code→text"):
            found = scalars(root / curve_of(study, variant))["train_loss"]
            assert [at for at, _ in found] == [24, 40, 80, 104, 120, 160]
    assert len(list((root / "0.3m" / "text-only").iterdir())) == 1  # its stages are the same
    effects = {
        study.find("verdict").identity: scalars(
            root / "0.3m" / "code→text" / f"verdict-{study.find('verdict').identity[:8]}"
        )["verdict/pass@1 against text-only/effect"]
        for study in (graph, later)
    }
    assert list(effects.values()) == [[(0, 2.0)], [(0, 7.0)]]
