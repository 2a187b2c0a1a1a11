from __future__ import annotations

import errno
import hashlib
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

from leaven.ground.errors import BadInput, Diverged, LeavenError
from leaven.ground.files import read_json
from leaven.ground.tables import read_table
from leaven.mixture.shard import Shard
from leaven.model.loss import token_log_likelihoods
from leaven.model.weights import load_params, read_arrays
from leaven.train import checkpoint
from leaven.train.plan import StagePlan
from leaven.train.stage import run_stage
from leaven.train.step import train_chunk
from leaven.train.validation import token_bytes

Plan = Callable[..., StagePlan]


class Killed(BaseException):
    """Not an error that anything could catch on the way."""


def train(plan: StagePlan, place: Path, *, kill_at: tuple[int, ...] = ()) -> dict[str, str]:
    """Run the stage in `place`, interrupted after the given numbers of calls of progress; hashes of its results."""
    out, work = place / "out", place / "work"
    for folder in (out, work):
        folder.mkdir(parents=True, exist_ok=True)
    for calls in (*kill_at, 0):
        left = [calls]

        def progress(
            done: float, total: float, note: str = "", measured: object = None, left: list[int] = left
        ) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise Killed

        try:
            run_stage(plan, out, work, progress, checkpoint_seconds=0.0)
        except Killed:
            assert not list(out.iterdir())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(out.iterdir())}


def test_two_runs_in_different_folders_give_identical_bytes(plan: Plan, tmp_path: Path) -> None:
    first, second = train(plan(), tmp_path / "a"), train(plan(name="other"), tmp_path / "b" / "c")
    assert first == second
    assert sorted(first) == ["curve.parquet", "model.safetensors", "optimizer.safetensors", "stage.json"]


def test_an_interrupted_stage_ends_in_the_same_bytes(plan: Plan, tmp_path: Path) -> None:
    whole = train(plan(), tmp_path / "whole")
    assert train(plan(), tmp_path / "killed", kill_at=(1, 2, 1)) == whole


def test_a_torn_checkpoint_falls_back_to_the_one_before(plan: Plan, tmp_path: Path) -> None:
    whole = train(plan(), tmp_path / "whole")
    place = tmp_path / "torn"
    for folder in ("out", "work"):
        (place / folder).mkdir(parents=True)
    calls = iter(range(3))

    def progress(done: float, total: float, note: str = "", measured: object = None) -> None:
        if next(calls) == 2:
            raise Killed

    with pytest.raises(Killed):
        run_stage(plan(), place / "out", place / "work", progress, checkpoint_seconds=0.0)
    newest = max((place / "work").glob("*.safetensors"))
    newest.write_bytes(newest.read_bytes()[:-100])
    assert train(plan(), place) == whole


def test_when_it_is_measured_does_not_change_what_is_learnt(plan: Plan, tmp_path: Path) -> None:
    often, seldom = train(plan(eval_every=4), tmp_path / "a"), train(plan(eval_every=1000), tmp_path / "b")
    for name in ("model.safetensors", "optimizer.safetensors", "stage.json"):
        assert often[name] == seldom[name]


def test_training_learns(plan: Plan, tmp_path: Path) -> None:
    train(plan(steps=250, eval_every=50), tmp_path)
    curve = read_table(tmp_path / "out" / "curve.parquet")
    assert curve["step"] == [50, 100, 150, 200, 250]
    assert curve["tokens"][-1] == 250 * 4 * 16
    assert curve["train_loss"][-1] < 0.5 * curve["train_loss"][0]
    assert curve["bpb_text"][-1] < curve["bpb_text"][0]
    assert curve["bpb_code"][-1] < curve["bpb_code"][0]
    about = read_json(tmp_path / "out" / "stage.json")
    assert about["ledger"]["text"]["rows"] == 750
    assert about["cursor"] == {"code": 250, "text": 750}


def test_bits_per_byte_are_those_of_the_definition(plan: Plan, corpus: Path, tmp_path: Path) -> None:
    stage = plan()
    train(stage, tmp_path)
    params = load_params(tmp_path / "out" / "model.safetensors")
    lengths = token_bytes(corpus / "tokenizer")
    assert lengths.tolist() == [0] + [2] * 23
    bits, length = 0.0, 0
    likelihoods = jax.jit(token_log_likelihoods, static_argnums=1)
    for row in range(5):
        window = Shard.open(corpus / "text", "heldout").windows(np.array([row]), 16).astype(np.int32)
        scores = np.asarray(likelihoods(params, stage.model, window))[0]
        for score, token in zip(scores, window[0, 1:], strict=True):
            if token != 0:
                bits -= float(score) / math.log(2)
                length += 2
    assert read_table(tmp_path / "out" / "curve.parquet")["bpb_text"][-1] == pytest.approx(bits / length, rel=1e-6)


def test_a_branch_takes_what_is_declared(plan: Plan, tmp_path: Path) -> None:
    train(plan(), tmp_path / "parent")
    parent = tmp_path / "parent" / "out"
    cool = plan(kind="cooldown", parent=parent, steps=5, schedule={"kind": "linear", "peak": 1e-3, "final": 1e-6})
    kept = train(replace(cool, carry="weights+optimizer"), tmp_path / "kept")
    fresh = train(cool, tmp_path / "fresh")
    restarted = train(replace(cool, cursor="restart"), tmp_path / "restarted")
    assert len({run["model.safetensors"] for run in (kept, fresh, restarted)}) == 3
    updates = [
        int(read_arrays(tmp_path / run / "out" / "optimizer.safetensors")["updates"]) for run in ("kept", "fresh")
    ]
    assert updates == [35, 5]
    about, again = (read_json(tmp_path / run / "out" / "stage.json") for run in ("kept", "restarted"))
    assert about["cursor"] == {"code": 35, "text": 105}
    assert again["cursor"] == {"code": 5, "text": 15}
    assert about["learning_rate"] == {"first": 1e-3, "last": 1e-6}


def test_another_stage_in_the_work_folder_is_refused(plan: Plan, tmp_path: Path) -> None:
    train(plan(), tmp_path)
    (tmp_path / "second").mkdir()
    with pytest.raises(LeavenError, match="another stage"):
        run_stage(plan(seed=2), tmp_path / "second", tmp_path / "work")


def test_divergence_names_the_step_and_the_learning_rate(plan: Plan, tmp_path: Path) -> None:
    wild = plan(schedule={"kind": "constant", "peak": 1e30}, name="text-only")
    with pytest.raises(Diverged, match=r"stage text-only \(seed 1\).* step \d+, .*learning rate is 1e\+30"):
        train(wild, tmp_path)


def test_stages_of_one_shape_share_one_program(plan: Plan, tmp_path: Path) -> None:
    train(plan(), tmp_path / "a")
    compiled = train_chunk._cache_size()
    other = plan(steps=11, schedule={"kind": "constant", "peak": 3e-3}, mixture={"code": 1.0}, seed=5)
    train(replace(other, parent=tmp_path / "a" / "out"), tmp_path / "b")
    assert train_chunk._cache_size() == compiled


@pytest.mark.parametrize(
    "fields",
    [
        {"steps": 0},
        {"carry": "all"},
        {"cursor": "end"},
        {"mixture": {"math": 1.0}},
        {"tokenizer": None},
        {"schedule": {"kind": "cosin", "peak": 1.0}},
    ],
)
def test_impossible_plans_are_refused(plan: Plan, fields: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        plan(**fields)


def test_a_parent_of_another_shape_is_refused(plan: Plan, tmp_path: Path) -> None:
    train(plan(steps=3), tmp_path / "a")
    other = replace(plan(parent=tmp_path / "a" / "out"), model=replace(plan().model, ffn=32))
    with pytest.raises(LeavenError, match="another model shape"):
        train(other, tmp_path / "b")


def test_a_full_disk_stops_the_stage_and_leaves_its_last_checkpoint(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(plan(), tmp_path / "whole")
    place = tmp_path / "full"
    for folder in ("out", "work"):
        (place / folder).mkdir(parents=True)
    real, calls = checkpoint.write_arrays, iter(range(100))

    def full(path: Path, arrays: object) -> str:
        if next(calls) >= 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, arrays)

    monkeypatch.setattr(checkpoint, "write_arrays", full)
    with pytest.raises(OSError, match="No space left"):
        run_stage(plan(), place / "out", place / "work", checkpoint_seconds=0.0)
    monkeypatch.setattr(checkpoint, "write_arrays", real)
    assert not list((place / "out").iterdir())
    kept = checkpoint.latest_good(place / "work")
    assert kept is not None
    assert kept.step > 0
    assert train(plan(), place) == whole
