"""What a stage takes from its parent, and what is done when its loss goes wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from leaven.ground.errors import BadInput, Diverged, LeavenError
from leaven.ground.files import read_json, write_json
from leaven.ground.tables import read_table
from leaven.model.execution import HERE
from leaven.model.init import flatten
from leaven.model.weights import load_params
from leaven.train.checkpoint import latest_good, save
from leaven.train.optimizer import OptimizerConfig
from leaven.train.plan import StagePlan, identity_of, settle
from leaven.train.stage import run_stage
from leaven.train.training import Training

Plan = Callable[..., StagePlan]


def train(plan: StagePlan, place: Path) -> Path:
    for folder in (place / "out", place / "work"):
        folder.mkdir(parents=True, exist_ok=True)
    run_stage(plan, place / "out", place / "work")
    return place / "out"


def test_a_child_takes_its_parents_last_learning_rate_and_optimizer_from_its_results(
    plan: Plan, tmp_path: Path
) -> None:
    own = OptimizerConfig(b2=0.9, weight_decay=0.03)
    parent = train(plan(optimizer=own, steps=8), tmp_path / "parent")
    last = read_json(parent / "stage.json")["learning_rate"]["last"]
    child = plan(
        parent=parent, carry="weights+optimizer", steps=5, schedule={"kind": "linear", "peak": "parent", "final": 1e-6}
    )
    settled = settle(child)
    assert settled.schedule["peak"] == last == 1e-3
    assert settled.optimizer == own
    about = read_json(train(child, tmp_path / "child") / "stage.json")
    assert about["learning_rate"] == {"first": last, "last": 1e-6}
    assert about["optimizer"]["weight_decay"] == 0.03


def test_optimizer_state_is_not_carried_into_other_settings(plan: Plan, tmp_path: Path) -> None:
    parent = train(plan(steps=3), tmp_path)
    child = plan(parent=parent, carry="weights+optimizer", optimizer=OptimizerConfig(b1=0.8))
    with pytest.raises(LeavenError, match=r"other settings: b1 0.9 → 0.8"):
        settle(child)
    settle(replace(child, carry="weights"))


def test_weights_from_elsewhere_have_no_rate_and_no_moments(plan: Plan, tmp_path: Path) -> None:
    parent = train(plan(steps=3), tmp_path)
    about = read_json(parent / "stage.json")
    write_json(parent / "stage.json", {"model": about["model"], "cursor": {}})
    warm = plan(parent=parent, carry="weights")
    assert settle(warm).cursor == {}
    with pytest.raises(LeavenError, match="states no learning rate"):
        settle(replace(warm, schedule={"kind": "constant", "peak": "parent"}))
    with pytest.raises(LeavenError, match="no optimizer state"):
        settle(replace(warm, carry="weights+optimizer"))


def test_a_peak_of_the_parent_needs_one(plan: Plan) -> None:
    with pytest.raises(BadInput, match="no parent"):
        plan(schedule={"kind": "constant", "peak": "parent"})


@pytest.mark.parametrize(
    "fields",
    [{"precision": "bfloat16"}, {"z_loss": 1e-4}, {"document_mask": True}, {"spike": {"policy": "skip"}}],
    ids=lambda fields: next(iter(fields)),
)
def test_each_new_choice_decides_results_and_identity(plan: Plan, tmp_path: Path, fields: dict) -> None:
    plain, other = plan(steps=6), plan(steps=6, **fields)
    assert identity_of(plain) != identity_of(other)
    weights = [
        flatten(load_params(train(stage, tmp_path / name) / "model.safetensors"))
        for name, stage in (("plain", plain), ("other", other))
    ]
    if "spike" in fields:  # nothing out of the ordinary happened, so nothing was skipped
        np.testing.assert_allclose(weights[1]["embedding"], weights[0]["embedding"], atol=1e-5)
    else:
        assert not np.allclose(weights[1]["embedding"], weights[0]["embedding"], atol=1e-5)
        np.testing.assert_allclose(weights[1]["embedding"], weights[0]["embedding"], atol=0.2)


JUMP = {"kind": "constant", "peak": 2.0}
"""A learning rate at which the toy model's loss jumps but stays a number."""
TIGHT = {"window": 4, "sigma": 2.0}


def test_a_spike_is_recorded(plan: Plan, tmp_path: Path) -> None:
    out = train(plan(schedule=JUMP, spike={**TIGHT, "policy": "record"}), tmp_path)
    spikes = read_json(out / "stage.json")["spikes"]
    assert spikes["policy"] == "record"
    assert spikes["events"]
    assert all(event["kind"] == "spike" and event["action"] == "recorded" for event in spikes["events"])
    curve = read_table(out / "curve.parquet")
    assert max(curve["gradient_norm"]) > 0


def test_a_spike_is_skipped(plan: Plan, tmp_path: Path) -> None:
    """A step that is skipped leaves weights as they were: with every step after the window skipped, nothing moves."""
    short = plan(steps=4, schedule={"kind": "constant", "peak": 1e-2}, eval_every=50)
    spike = {"window": 4, "sigma": 1e-9, "policy": "skip", "patience": 1000}
    before = flatten(load_params(train(replace(short, spike=spike), tmp_path / "short") / "model.safetensors"))
    long = train(replace(short, steps=30, spike=spike), tmp_path / "long")
    events = read_json(long / "stage.json")["spikes"]["events"]
    assert {event["action"] for event in events} == {"skipped"}
    moments = int(load_updates(long))
    assert moments == 30 - len(events)
    if len(events) == 26:
        after = flatten(load_params(long / "model.safetensors"))
        assert all(np.array_equal(before[name], after[name]) for name in before)


def load_updates(out: Path) -> int:
    from leaven.model.weights import read_arrays

    return int(read_arrays(out / "optimizer.safetensors")["updates"])


def test_a_spike_stops_the_stage_and_is_remembered(plan: Plan, tmp_path: Path) -> None:
    stage = plan(schedule=JUMP, spike={**TIGHT, "policy": "stop"}, name="text-only")
    with pytest.raises(Diverged, match=r"text-only \(seed 1\): the loss jumped to .* step \d+"):
        train(stage, tmp_path)
    with pytest.raises(Diverged, match="Known from an earlier run"):
        train(stage, tmp_path)
    train(replace(stage, spike={"window": 4, "sigma": 1e6, "policy": "stop"}), tmp_path)


def test_too_many_skipped_in_a_row_stop_the_stage(plan: Plan, tmp_path: Path) -> None:
    spike = {"window": 4, "sigma": 1e-9, "policy": "skip", "patience": 1}
    with pytest.raises(Diverged, match="2 steps in a row"):
        train(plan(steps=60, spike=spike), tmp_path)
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("last", [math.nan, 2.5], ids=["a broken step", "a step after it"])
def test_a_checkpoint_after_a_broken_step_that_was_skipped(plan: Plan, tmp_path: Path, last: float) -> None:
    """JSON has no NaN: what was skipped must not keep a stage from being saved, and is the same after it."""
    stage = plan(spike={"policy": "skip"}, validation={})
    heard = [np.array(column) for column in ([3.0, math.nan, last], [1.0, math.inf, 1.5], [0, 2, 0])]

    def begun() -> Training:
        training = Training.open(stage, tmp_path)
        training.hear(*heard)
        return training

    whole = begun()
    state = whole.begin()
    save(tmp_path, whole.checkpoint(state))
    resumed = Training.open(stage, tmp_path)
    checkpoint = latest_good(tmp_path)
    assert checkpoint is not None
    resumed.restore(checkpoint)
    for training in (whole, resumed):
        training.measure(state.params, HERE)
    assert resumed.curve == whole.curve
    numbers = [loss for loss in (3.0, last) if math.isfinite(loss)]
    assert resumed.curve["train_loss"] == [sum(numbers) / len(numbers)]
    assert (resumed.done, resumed.events) == (whole.done, whole.events)
    assert resumed.events[0]["loss"] is None
    assert resumed.last == pytest.approx(last, nan_ok=True)


def test_steps_that_are_no_numbers_are_skipped_too(plan: Plan, tmp_path: Path) -> None:
    """An infinite learning rate would break the weights; the broken steps after it are given up, not trained on."""
    wild = plan(schedule={"kind": "constant", "peak": 1e30}, spike={"policy": "skip", "patience": 2})
    with pytest.raises(Diverged, match="3 steps in a row"):
        train(wild, tmp_path)
