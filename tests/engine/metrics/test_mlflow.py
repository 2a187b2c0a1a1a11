from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mlflow", reason="the peer environment holds it: make test-peers")

from leaven.engine.metrics.recorder import Recorder
from leaven.engine.metrics.sink import openers
from leaven.engine.metrics.to_mlflow import CURVE, FOLDER, VERDICT
from leaven.study.step import Graph

from .material import Shelf, changed, curve_of, row, run_stage, told

pytestmark = pytest.mark.peer

FIRST = "text-only/seed-1/pretrain"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def record(tmp_path: Path, graph: Graph, store: Shelf, said: list[str]) -> Any:
    return lambda: Recorder(tmp_path, "micro", graph, store, sinks=openers("mlflow"), warn=said.append)  # type: ignore[arg-type]


def logged(folder: Path) -> dict[str, Any]:
    """Curve → (status, metric → [(step, value)], parameters, tags), as MLflow tells them."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=(folder / FOLDER).as_uri())
    experiment = client.get_experiment_by_name("micro")
    assert experiment is not None
    found: dict[str, Any] = {}
    for run in client.search_runs([experiment.experiment_id]):
        metrics = {
            key: [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, key)]
            for key in run.data.metrics
        }
        assert run.data.tags[CURVE] not in found
        found[run.data.tags[CURVE]] = (run.info.status, metrics, run.data.params, run.data.tags)
    return found


def test_a_run_for_each_variant_and_seed(
    record: Any, graph: Graph, store: Shelf, tmp_path: Path, said: list[str]
) -> None:
    with record() as recorder:
        for step in graph.of_kind("stage"):
            run_stage(recorder, store, step, [3, 5, 10])
        verdict = graph.find("verdict")
        store.finish(verdict)
        recorder.hear(verdict, {"event": "ended", "outcome": "finished", "note": ""})
    assert said == []
    found = logged(tmp_path)
    assert sorted(found) == sorted(
        [curve_of(graph, "text-only"), curve_of(graph, "code→text"), curve_of(graph, "", "reference/pretrain")]
    )
    status, metrics, parameters, tags = found[curve_of(graph, "code→text")]
    assert status == "FINISHED"
    assert [at for at, _ in metrics["train_loss"]] == [24, 40, 80, 104, 120, 160]
    assert metrics["bpb_text"][0] == (40, 0.8)
    assert metrics["verdict/pass_1 against text-only/effect"] == [(0, 2.0)]
    assert tags["verdict/pass_1 against text-only"] == "better"
    assert parameters == {"size": "0.3m", "variant": "code→text", "seed": "1"}


def test_after_a_kill_nothing_is_there_twice_and_nothing_is_missing(
    record: Any, graph: Graph, store: Shelf, tmp_path: Path, said: list[str]
) -> None:
    step = graph.find(FIRST)
    recorder = record().__enter__()
    recorder.hear(step, {"event": "started"})
    for at in (2, 3, 5):
        recorder.hear(step, {"event": "measured", "row": row(at)})
    for feed in recorder._feeds:
        feed.close()
    recorder._log.close()
    assert logged(tmp_path)[curve_of(graph, "text-only")][0] == "KILLED"
    with record() as recorder:
        for at in (5, 6):
            recorder.hear(step, {"event": "measured", "row": row(at)})
        store.finish(step)
        recorder.hear(step, {"event": "ended", "outcome": "finished", "note": ""})
    with record():
        pass
    assert said == []
    _, metrics, _, _ = logged(tmp_path)[curve_of(graph, "text-only")]
    assert [at for at, _ in metrics["train_loss"]] == [16, 24, 40, 48, 80]


def test_what_was_trained_otherwise_is_another_run_and_a_later_verdict_takes_the_place_of_the_one_before(
    graph: Graph, store: Shelf, tmp_path: Path, said: list[str]
) -> None:
    later = changed(graph)
    alone = changed(graph)  # the same stages, judged once more
    alone.steps.pop(alone.find("verdict").identity)
    runs = alone.runs
    alone.add("verdict", "verdict", {"kind": "none", "effect": 9.0}, {"a": runs[0].stages[-1], "b": runs[1].stages[-1]})
    for study in (graph, later, alone):
        told(Recorder(tmp_path, "micro", study, store, sinks=openers("mlflow"), warn=said.append), study, store)  # type: ignore[arg-type]
    assert said == []
    found = logged(tmp_path)
    assert len([name for name in found if name.startswith("0.3m/text-only/")]) == 1
    for study, effect in ((graph, 2.0), (later, 9.0)):
        _, metrics, _, tags = found[curve_of(study, "code→text")]
        assert [at for at, _ in metrics["train_loss"]] == [24, 40, 80, 104, 120, 160]
        assert metrics["verdict/pass_1 against text-only/effect"][-1] == (0, effect)
        assert tags["verdict/pass_1 against text-only"] == "better"
    assert found[curve_of(later, "code→text")][3][VERDICT] == alone.find("verdict").identity


@pytest.fixture
def unwilling() -> Iterator[str]:
    """The address of a server that answers everything with an error of its own."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(400)
            self.end_headers()
            self.wfile.write(b"no")

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_server_that_refuses_is_said_once(
    record: Any,
    graph: Graph,
    store: Shelf,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
    unwilling: str,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", unwilling)
    with record() as recorder:
        run_stage(recorder, store, graph.find(FIRST), [3, 5, 10])
    assert len(said) == 1
    assert said[0].startswith("MLflow cannot be told what is measured: ")
