"""Members of a pack against the same stages trained alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from leaven.ground.errors import BadInput, Diverged
from leaven.ground.files import read_json
from leaven.ground.progress import silent
from leaven.ground.tables import read_table
from leaven.model.init import flatten
from leaven.model.weights import load_params
from leaven.train.cost import Cost
from leaven.train.optimizer import OptimizerConfig
from leaven.train.packed import TOLERANCE, Member, run_pack
from leaven.train.plan import StagePlan
from leaven.train.stage import run_stage

Plan = Callable[..., StagePlan]
EXACT = (
    "ledger",
    "cursor",
    "first_batch_sha256",
    "learning_rate",
    "mixture",
    "seed",
    "optimizer",
    "tokens",
    "versions",
)


class Killed(BaseException):
    """Not an error that anything could catch on the way."""


def member(plan: StagePlan, place: Path, progress=silent) -> Member:
    for folder in (place / "out", place / "work"):
        folder.mkdir(parents=True, exist_ok=True)
    return Member(plan, place / "out", place / "work", progress)


def alone(plan: StagePlan, place: Path) -> Path:
    one = member(plan, place)
    run_stage(plan, one.out, one.work)
    return one.out


def assert_alike(one: Path, packed: Path) -> None:
    about, other = read_json(one / "stage.json"), read_json(packed / "stage.json")
    assert {name: about[name] for name in EXACT} == {name: other[name] for name in EXACT}
    curve, again = read_table(one / "curve.parquet"), read_table(packed / "curve.parquet")
    assert list(curve) == list(again)
    for name, column in curve.items():
        np.testing.assert_allclose(again[name], column, rtol=TOLERANCE, err_msg=name)
    weights, others = (
        flatten(load_params(one / "model.safetensors")),
        flatten(load_params(packed / "model.safetensors")),
    )
    for name, weight in weights.items():
        np.testing.assert_allclose(others[name], weight, atol=5e-3, err_msg=name)


@pytest.fixture
def crew(plan: Plan) -> list[StagePlan]:
    """Three that differ in seed, mixture and learning rate, and in nothing that shapes the program."""
    return [
        plan(seed=1),
        plan(seed=2, mixture={"code": 1.0}),
        plan(seed=1, schedule={"kind": "linear", "peak": 3e-3, "final": 1e-6}),
    ]


def test_every_member_is_what_it_is_alone(crew: list[StagePlan], tmp_path: Path) -> None:
    costs = run_pack([member(stage, tmp_path / f"pack-{i}") for i, stage in enumerate(crew)])
    assert all(isinstance(cost, Cost) for cost in costs)
    for i, stage in enumerate(crew):
        assert_alike(alone(stage, tmp_path / f"alone-{i}"), tmp_path / f"pack-{i}" / "out")


def test_branches_of_different_parents_train_side_by_side(crew: list[StagePlan], tmp_path: Path) -> None:
    parents = [alone(stage, tmp_path / f"parent-{i}") for i, stage in enumerate(crew)]
    children = [
        replace(
            stage,
            parent=parent,
            carry="weights+optimizer",
            kind="cooldown",
            steps=9,
            schedule={"kind": "linear", "peak": "parent", "final": 1e-6},
        )
        for stage, parent in zip(crew, parents, strict=True)
    ]
    run_pack([member(stage, tmp_path / f"pack-{i}") for i, stage in enumerate(children)])
    for i, stage in enumerate(children):
        assert_alike(alone(stage, tmp_path / f"alone-{i}"), tmp_path / f"pack-{i}" / "out")


def test_one_that_diverges_does_not_hold_up_the_rest(crew: list[StagePlan], tmp_path: Path) -> None:
    wild = replace(crew[1], schedule={"kind": "constant", "peak": 1e30})
    ends = run_pack([member(stage, tmp_path / f"{i}") for i, stage in enumerate([crew[0], wild, crew[2]])])
    assert isinstance(ends[1], Diverged)
    assert not list((tmp_path / "1" / "out").iterdir())
    for i in (0, 2):
        assert isinstance(ends[i], Cost)
        assert_alike(alone(crew[i], tmp_path / f"alone-{i}"), tmp_path / f"{i}" / "out")
    again = run_pack([member(wild, tmp_path / "1"), member(crew[0], tmp_path / "fresh")])
    assert isinstance(again[0], Diverged)
    assert "Known from an earlier run" in str(again[0])
    assert isinstance(again[1], Cost)


def test_one_that_cannot_begin_does_not_hold_up_the_rest(crew: list[StagePlan], tmp_path: Path) -> None:
    parent = alone(replace(crew[1], steps=3), tmp_path / "parent")
    child = replace(crew[1], parent=parent, carry="weights+optimizer")
    (parent / "optimizer.safetensors").write_bytes(b"torn")
    ends = run_pack([member(stage, tmp_path / f"{i}") for i, stage in enumerate([crew[0], child, crew[2]])])
    assert "cannot read weights from optimizer.safetensors" in str(ends[1])
    for i in (0, 2):
        assert isinstance(ends[i], Cost)
        assert_alike(alone(crew[i], tmp_path / f"alone-{i}"), tmp_path / f"{i}" / "out")


def test_members_whose_parents_had_other_optimizers_are_refused(crew: list[StagePlan], tmp_path: Path) -> None:
    """Their plans look alike: each takes its optimizer from its parent's results."""
    parents = [
        alone(replace(crew[0], steps=3, optimizer=OptimizerConfig(b2=b2)), tmp_path / f"{b2}") for b2 in (0.9, 0.99)
    ]
    children = [replace(crew[0], parent=parent) for parent in parents]
    with pytest.raises(BadInput, match="one optimizer"):
        run_pack([member(child, tmp_path / f"pack-{i}") for i, child in enumerate(children)])


def test_an_interrupted_pack_goes_on_and_ends_in_the_same_bytes(crew: list[StagePlan], tmp_path: Path) -> None:
    whole = [member(stage, tmp_path / f"whole-{i}") for i, stage in enumerate(crew)]
    run_pack(whole)
    left = [2]

    def stop(done: float, total: float, note: str = "", measured: object = None) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    with pytest.raises(Killed):
        run_pack(
            [member(stage, tmp_path / f"cut-{i}", stop if i == 1 else silent) for i, stage in enumerate(crew)],
            checkpoint_seconds=0.0,
        )
    assert all(list((tmp_path / f"cut-{i}" / "work").glob("step-*.json")) for i in range(3))
    run_pack([member(stage, tmp_path / f"cut-{i}") for i, stage in enumerate(crew)])
    for i, one in enumerate(whole):
        for file in sorted(one.out.iterdir()):
            assert file.read_bytes() == (tmp_path / f"cut-{i}" / "out" / file.name).read_bytes(), file.name


def test_stages_of_different_shapes_are_refused(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="one shape"):
        run_pack([member(plan(), tmp_path / "a"), member(plan(steps=7), tmp_path / "b")])
