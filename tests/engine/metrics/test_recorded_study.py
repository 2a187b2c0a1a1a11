"""A whole study whose run is killed in the middle: what it told is what it found, each row once."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import leaven
from leaven.engine.metrics import events
from leaven.ground.tables import read_table

pytestmark = pytest.mark.long

RUN = """
import sys
from pathlib import Path

import leaven
from leaven.engine.executors import Where, place_of
from leaven.engine.metrics.recorder import Recorder
from leaven.engine.schedule import run

study = leaven.load(sys.argv[1], runs=sys.argv[2])
place, device = place_of(Where(), study.store, jobs=2, allow_unisolated=True, device="cpu")
study.store.prepare()
study.folder.mkdir(parents=True, exist_ok=True)
with study.store.lock():
    graph = study.prepare(allow_unisolated=True, remember=True).graph
    with Recorder(study.folder, study.name, graph, study.store) as recorder:
        state = run(graph, study.store, place, hear=recorder.hear, device=device)
sys.exit(state.exit_code)
"""


def measured(path: Path) -> list[dict[str, Any]]:
    return [event for event in events.read(path)[0] if event["event"] == "measured"]


def test_after_a_kill_every_row_of_every_curve_was_told_once(study_file: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    path = runs / "micro" / events.NAME
    command = [sys.executable, "-c", RUN, str(study_file), str(runs)]
    process = subprocess.Popen(command)
    try:
        until = time.monotonic() + 240
        while len(measured(path)) < 8 and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    assert len(measured(path)) >= 8
    subprocess.run(command, timeout=600, check=True)
    study = leaven.load(str(study_file), runs=runs)
    graph = study.prepare(allow_unisolated=True).graph
    told: dict[str, dict[int, dict[str, Any]]] = {}
    for event in measured(path):
        rows = told.setdefault(event["identity"], {})
        assert event["at"] not in rows
        rows[event["at"]] = event
    stages = list(graph.of_kind("stage"))
    assert set(told) == {stage.identity for stage in stages}
    for stage in stages:
        curve = read_table(study.store.folder(stage.identity) / "curve.parquet")
        for row in zip(*curve.values(), strict=True):
            found = dict(zip(curve, row, strict=True))
            event = told[stage.identity][found.pop("step")]
            assert {name: event[name] for name in found} == found
    everything = events.read(path)[0]
    assert [event["event"] for event in everything if "identity" not in event] == [
        "run_started",
        "run_started",
        "run_finished",
    ]
    ends = Counter(event["identity"] for event in everything if event["event"] == "step_finished")
    assert ends == Counter(list(graph.steps))
