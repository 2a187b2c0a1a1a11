from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("wandb", reason="the peer environment holds it: make test-peers")

from leaven.engine.metrics.recorder import Recorder
from leaven.engine.metrics.sink import openers
from leaven.engine.metrics.to_wandb import IDS
from leaven.engine.metrics.wandb_files import BLOCK, held, name_of, records
from leaven.ground.errors import BadInput
from leaven.ground.files import read_json
from leaven.study.step import Graph

from .material import Shelf, changed, curve_of, row, run_stage, told

pytestmark = pytest.mark.peer

FIRST = "text-only/seed-1/pretrain"


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_API_KEY", "WANDB_PROJECT", "WANDB_ENTITY", "WANDB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def record(tmp_path: Path, graph: Graph, store: Shelf, said: list[str]) -> Any:
    return lambda: Recorder(tmp_path, "micro", graph, store, sinks=openers("wandb"), warn=said.append)  # type: ignore[arg-type]


def kept(folder: Path) -> tuple[dict[str, list[dict[str, Any]]], dict[str, dict[str, Any]], dict[str, Any]]:
    """By name of run: rows in the order of the files, summary, and (id, group, project, config)."""
    rows: dict[str, list[dict[str, Any]]] = {}
    summaries: dict[str, dict[str, Any]] = {}
    about: dict[str, Any] = {}
    for path in sorted(folder.glob("wandb/offline-run-*/*.wandb"), key=lambda path: path.stat().st_mtime_ns):
        name = ""
        for record in records(path):
            if record.HasField("run"):
                run = record.run
                name = run.display_name
                config = {item.key: json.loads(item.value_json) for item in run.config.update}
                about.setdefault(name, []).append((run.run_id, run.run_group, run.project, config))
            elif record.HasField("history"):
                items = {name_of(item): json.loads(item.value_json) for item in record.history.item}
                rows.setdefault(name, []).append({"step": record.history.step.num, **items})
            elif record.HasField("summary"):
                for item in record.summary.update:
                    summaries.setdefault(name, {})[name_of(item)] = json.loads(item.value_json)
    return rows, summaries, about


def test_offline_a_run_for_each_variant_and_seed(
    record: Any, graph: Graph, store: Shelf, tmp_path: Path, said: list[str]
) -> None:
    with record() as recorder:
        for step in graph.of_kind("stage"):
            run_stage(recorder, store, step, [3, 5, 10])
        verdict = graph.find("verdict")
        store.finish(verdict)
        recorder.hear(verdict, {"event": "ended", "outcome": "finished", "note": ""})
    assert said == []
    rows, summaries, about = kept(tmp_path)
    assert sorted(rows) == sorted(
        [curve_of(graph, "text-only"), curve_of(graph, "code→text"), curve_of(graph, "", "reference/pretrain")]
    )
    told = rows[curve_of(graph, "code→text")]
    assert [row["tokens"] for row in told] == [24, 40, 80, 104, 120, 160]
    assert told[1]["train_loss"] == pytest.approx(1.6)
    assert "gradient_norm" not in told[1]
    summary = summaries[curve_of(graph, "code→text")]
    assert summary["verdict/pass@1 against text-only/effect"] == 2.0
    assert summary["verdict/pass@1 against text-only/verdict"] == "better"
    assert not any(name.startswith("verdict") for name in summaries[curve_of(graph, "text-only")])
    ((_, group, project, config),) = about[curve_of(graph, "code→text")]
    assert (group, project) == ("micro", "leaven")
    assert {name: config[name] for name in ("study", "size", "variant", "seed")} == {
        "study": "micro",
        "size": "0.3m",
        "variant": "code→text",
        "seed": 1,
    }


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
    with record() as recorder:
        for at in (5, 6):
            recorder.hear(step, {"event": "measured", "row": row(at)})
        store.finish(step)
        recorder.hear(step, {"event": "ended", "outcome": "finished", "note": ""})
    files = list(tmp_path.glob("wandb/offline-run-*/*.wandb"))
    with record():
        pass
    assert list(tmp_path.glob("wandb/offline-run-*/*.wandb")) == files
    assert said == []
    rows, _, about = kept(tmp_path)
    told = rows[curve_of(graph, "text-only")]
    assert [row["tokens"] for row in told] == [16, 24, 40, 48, 80]
    assert [row["step"] for row in told] == [0, 1, 2, 3, 4]
    assert len({run_id for run_id, *_ in about[curve_of(graph, "text-only")]}) == 1


def test_what_was_trained_otherwise_is_another_run_and_a_later_verdict_takes_the_place_of_the_one_before(
    graph: Graph, store: Shelf, tmp_path: Path, said: list[str]
) -> None:
    later = changed(graph)
    alone = changed(graph)  # the same stages, judged once more
    alone.steps.pop(alone.find("verdict").identity)
    runs = alone.runs
    alone.add("verdict", "verdict", {"kind": "none", "effect": 9.0}, {"a": runs[0].stages[-1], "b": runs[1].stages[-1]})
    for study in (graph, later, alone, alone):
        told(Recorder(tmp_path, "micro", study, store, sinks=openers("wandb"), warn=said.append), study, store)  # type: ignore[arg-type]
    assert said == []
    rows, summaries, about = kept(tmp_path)
    assert len([name for name in rows if name.startswith("0.3m/text-only/")]) == 1
    for study, effect in ((graph, 2.0), (later, 9.0)):
        name = curve_of(study, "code→text")
        assert [row["tokens"] for row in rows[name]] == [24, 40, 80, 104, 120, 160]
        assert summaries[name]["verdict/pass@1 against text-only/effect"] == effect
        assert len({own for own, *_ in about[name]}) == 1
    assert len(about[curve_of(later, "code→text")]) == 2  # nothing was new to the last


def test_nobody_is_asked_for_a_key_in_the_middle_of_a_run(
    record: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with pytest.raises(BadInput) as error:
        record().__enter__()
    assert "WANDB_MODE=offline" in error.value.fix
    (tmp_path / "netrc").write_text("machine elsewhere.example login user password secret\n")
    with pytest.raises(BadInput):
        record().__enter__()


KILLED = """
import os, pathlib, signal, sys, time
from leaven.engine.metrics.recorder import Recorder
from leaven.engine.metrics.sink import openers
from leaven.study.step import Graph, Run
from tests.engine.metrics.material import Shelf, row, stage

folder, rows = pathlib.Path(sys.argv[1]), int(sys.argv[2])
graph = Graph()
step = graph.steps[stage(graph, "text-only/seed-1/pretrain", steps=10**6)]
graph.runs.append(Run("text-only", 1, (step.identity,), {}, size="0.3m"))
recorder = Recorder(folder, "micro", graph, Shelf(folder / "store"), sinks=openers("wandb")).__enter__()
for at in range(5, 5 * rows + 1, 5):
    recorder.hear(step, {"event": "measured", "row": row(at)})
time.sleep(float(sys.argv[3]))
if sys.argv[4] == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
recorder.__exit__(None, None, None)
"""


def own_service() -> dict[str, str]:
    """The environment of a process that does not use the background process of this one."""
    return {name: value for name, value in os.environ.items() if name != "WANDB_SERVICE"}


def test_what_a_killed_process_did_not_write_is_told_again(tmp_path: Path) -> None:
    for rows, wait, end in ((40, 2.0, "kill"), (1000, 2.5, "kill"), (1010, 0.0, "")):
        command = [sys.executable, "-c", KILLED, str(tmp_path), str(rows), str(wait), end]
        subprocess.run(command, timeout=60, check=not end, env=own_service())
    (own,) = read_json(tmp_path / IDS).values()
    there = held(tmp_path, own).tokens
    assert there == [8 * at for at in range(5, 5 * 1010 + 1, 5)]
    files = len(list(tmp_path.glob("wandb/offline-run-*/*.wandb")))
    assert files >= 2


SILENT = """
import os, pathlib, socket, sys
from leaven.engine.metrics import recorder, to_wandb
from leaven.engine.metrics.sink import openers
from leaven.study.step import Graph, Run
from tests.engine.metrics.material import Shelf, row, stage

recorder.PATIENCE = 2.0
to_wandb.TIMES = dict.fromkeys(to_wandb.TIMES, 4.0)
server = socket.create_server(("127.0.0.1", 0))  # takes what comes and never answers
os.environ |= {"WANDB_BASE_URL": f"http://127.0.0.1:{server.getsockname()[1]}", "WANDB_API_KEY": "0" * 40}
folder = pathlib.Path(sys.argv[1])
graph = Graph()
step = graph.steps[stage(graph, "text-only/seed-1/pretrain")]
graph.runs.append(Run("text-only", 1, (step.identity,), {}, size="0.3m"))
with recorder.Recorder(folder, "micro", graph, Shelf(folder / "store"), sinks=openers("wandb")) as told:
    told.hear(step, {"event": "measured", "row": row(5)})
"""


def test_a_server_that_never_answers_does_not_keep_the_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SILENT, str(tmp_path)]
    environment = own_service() | {"WANDB_MODE": "online"}
    ended = subprocess.run(command, timeout=60, check=True, env=environment, capture_output=True, text=True)
    assert "Weights & Biases did not take in all that was measured within 2 s" in ended.stderr


def test_a_file_that_was_cut_anywhere_is_read_up_to_there(tmp_path: Path) -> None:
    folder = tmp_path / "wandb" / "offline-run-1-x"
    folder.mkdir(parents=True)
    command = [sys.executable, "-c", KILLED, str(tmp_path), "300", "0", ""]
    subprocess.run(command, timeout=60, check=True, env=own_service())
    (path,) = tmp_path.glob("wandb/offline-run-2*/*.wandb")
    data, target = path.read_bytes(), folder / "run-x.wandb"
    assert len(data) > 2 * BLOCK
    counts = []
    for size in range(0, len(data), 1009):
        target.write_bytes(data[:size])
        counts.append(len(held(tmp_path, "x").tokens))
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert 290 < counts[-1] <= 300
