"""A stage on eight simulated devices, and in two processes, against the same stage on one device."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from leaven.ground.files import read_json
from leaven.ground.tables import read_table
from leaven.model.config import ModelConfig
from leaven.model.execution import Execution
from leaven.model.init import flatten
from leaven.model.weights import load_params
from leaven.train.mesh import make_mesh
from leaven.train.plan import StagePlan
from leaven.train.stage import run_stage
from leaven.train.step import TrainState
from leaven.train.training import Training

Plan = Callable[..., StagePlan]

PROGRAM = Path(__file__).with_name("stage_on.py")
PLAN = {
    "model": asdict(ModelConfig(width=16, layers=2, heads=2, ffn=24, vocab=24, sequence=16)),
    "seed": 1,
    "kind": "pretrain",
    "mixture": {"text": 0.75, "code": 0.25},
    "steps": 24,
    "batch": 8,
    "sequence": 16,
    "schedule": {"kind": "cosine", "peak": 1e-2, "final": 1e-3, "warmup": 3},
    "validation": {"text": 5, "code": 5},
    "eval_every": 6,
}
TOLERANCE = 2e-4
"""Relative difference of losses after 24 steps that is still the rounding of sums."""


def settings(corpus: Path, place: Path, **fields: Any) -> dict[str, Any]:
    usual = {"corpus": str(corpus), "out": str(place / "out"), "work": str(place / "work"), "devices": 1, "plan": PLAN}
    return {**usual, **fields}


def start(told: dict[str, Any], place: Path, process: int = 0) -> subprocess.Popen[str]:
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"settings-{process}.json"
    file.write_text(json.dumps(told))
    command = [sys.executable, str(PROGRAM), str(file), str(process)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    """The last line it said: what the processes talk through speaks on its own before."""
    said, wrong = process.communicate(timeout=300)
    assert process.returncode == 0, wrong[-3000:]
    return said.splitlines()[-1]


def train(corpus: Path, place: Path, **fields: Any) -> str:
    return finish(start(settings(corpus, place, **fields), place))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def assert_alike(one: Path, many: Path) -> None:
    """The same data exactly; losses and weights up to rounding."""
    alone, spread = (read_json(place / "out" / "stage.json") for place in (one, many))
    for field in ("ledger", "cursor", "first_batch_sha256", "learning_rate", "steps"):
        assert alone[field] == spread[field]
    curves = [read_table(place / "out" / "curve.parquet") for place in (one, many)]
    for name, column in curves[0].items():
        np.testing.assert_allclose(curves[1][name], column, rtol=TOLERANCE, err_msg=name)
    weights = [flatten(load_params(place / "out" / "model.safetensors")) for place in (one, many)]
    for name, weight in weights[0].items():
        np.testing.assert_allclose(weights[1][name], weight, atol=2e-3, err_msg=name)


@pytest.fixture(scope="module")
def alone(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("alone")
    assert train(corpus, place) == "done on 1"
    return place


@pytest.mark.parametrize(
    ("model", "how"),
    [(1, {}), (2, {"remat": "block"}), (1, {"accumulate": 1, "remat": "projections"})],
    ids=["8x1", "4x2", "8x1 recomputed"],
)
def test_eight_devices_train_what_one_does(
    corpus: Path, alone: Path, tmp_path: Path, model: int, how: dict[str, Any]
) -> None:
    assert train(corpus, tmp_path, devices=8, model=model, how=how) == "done on 8"
    assert_alike(alone, tmp_path)


def test_micro_batches_on_four_devices_train_what_one_batch_does(corpus: Path, alone: Path, tmp_path: Path) -> None:
    train(corpus, tmp_path, devices=4, how={"accumulate": 2})
    assert_alike(alone, tmp_path)


@pytest.mark.long
def test_the_number_of_devices_may_change_between_restarts(corpus: Path, alone: Path, tmp_path: Path) -> None:
    for devices, stop in ((8, 1), (2, 2), (1, 1)):
        assert train(corpus, tmp_path, devices=devices, stop=stop) == "interrupted"
    assert not list((tmp_path / "out").iterdir())
    assert train(corpus, tmp_path, devices=4) == "done on 4"
    assert_alike(alone, tmp_path)


def test_two_processes_train_what_one_does_and_resume_as_one(corpus: Path, alone: Path, tmp_path: Path) -> None:
    def both(stop: int) -> list[str]:
        told = settings(corpus, tmp_path, devices=2, processes=2, port=free_port(), stop=stop)
        started = [start(told, tmp_path, process) for process in range(2)]
        try:
            return [finish(process) for process in started]
        finally:
            for process in started:
                process.kill()

    assert both(stop=2) == ["interrupted"] * 2
    assert list((tmp_path / "work").glob("*-of-2.safetensors"))
    assert both(stop=0) == ["done on 4"] * 2
    assert_alike(alone, tmp_path)


def test_a_whole_state_is_made_on_the_host_before_it_is_spread(plan: Plan, tmp_path: Path, monkeypatch: Any) -> None:
    """Weights and moments of the paper's larger size do not fit into one chip of the pod that trains it."""
    begin, made = Training.begin, []

    def watched(training: Training) -> TrainState:
        made.append(jax.config.jax_default_device)
        return begin(training)

    monkeypatch.setattr(Training, "begin", watched)
    run_stage(plan(steps=4), tmp_path, tmp_path, how=Execution(mesh=make_mesh(jax.devices()[:1])))
    assert made == jax.local_devices(backend="cpu")[:1]
    assert jax.config.jax_default_device is None
