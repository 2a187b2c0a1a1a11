from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leaven.ground.progress import between
from leaven.ground.tables import read_table
from leaven.train import telling
from leaven.train.packed import Member, run_pack
from leaven.train.plan import StagePlan
from leaven.train.stage import run_stage

Plan = Callable[..., StagePlan]
Heard = list[dict[str, Any]]


class Killed(BaseException):
    pass


def listener(heard: Heard, calls: int = 0) -> Callable[..., None]:
    """Keeps the rows; raises at the given number of calls."""
    left = [calls]

    def tell(done: float, total: float, note: str = "", measured: dict[str, Any] | None = None) -> None:
        if measured is not None:
            heard.append(dict(measured))
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    return tell


def folders(place: Path) -> tuple[Path, Path]:
    for name in ("out", "work"):
        (place / name).mkdir(parents=True, exist_ok=True)
    return place / "out", place / "work"


def rows_of(path: Path) -> Heard:
    curve = read_table(path)
    return [dict(zip(curve, row, strict=True)) for row in zip(*curve.values(), strict=True)]


def told_curve(heard: Heard) -> Heard:
    return [{name: value for name, value in row.items() if name != "tokens_per_second"} for row in heard]


def test_every_row_of_the_curve_is_told_as_it_is_written(plan: Plan, tmp_path: Path) -> None:
    heard: Heard = []
    out, work = folders(tmp_path)
    run_stage(plan(), out, work, listener(heard))
    curve = rows_of(out / "curve.parquet")
    assert len(curve) > 2
    assert told_curve(heard) == curve
    assert all(row["tokens_per_second"] > 0 for row in heard)


def test_a_stage_that_resumes_tells_the_rows_before_and_each_once(plan: Plan, tmp_path: Path) -> None:
    out, work = folders(tmp_path)
    first: Heard = []
    with pytest.raises(Killed):
        run_stage(plan(), out, work, listener(first, 3), checkpoint_seconds=0.0)
    again: Heard = []
    run_stage(plan(), out, work, listener(again), checkpoint_seconds=0.0)
    curve = rows_of(out / "curve.parquet")
    assert told_curve(again) == curve
    assert first
    assert told_curve(first) == curve[: len(first)]


def test_rows_between_are_means_over_the_steps_since_the_last(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "EVERY", 0.0)
    monkeypatch.setattr("leaven.train.stage.chunk_length", lambda batch, sequence: 2)
    heard: Heard = []
    out, work = folders(tmp_path)
    run_stage(plan(steps=12, eval_every=6), out, work, listener(heard))
    assert [row["step"] for row in heard] == [2, 4, 6, 8, 10, 12]
    assert [row["tokens"] for row in heard] == [step * 4 * 16 for step in (2, 4, 6, 8, 10, 12)]
    assert [any(name.startswith("bpb_") for name in row) for row in heard] == [False, False, True] * 2
    often, work = folders(tmp_path / "often")
    run_stage(plan(steps=12, eval_every=2), often, work)
    means = {row["step"]: row for row in rows_of(often / "curve.parquet")}
    for row in (heard[0], heard[1], heard[3], heard[4]):
        for name in ("tokens", "learning_rate", "train_loss", "gradient_norm"):
            assert row[name] == pytest.approx(means[row["step"]][name]), name
    assert told_curve([heard[2], heard[5]]) == rows_of(out / "curve.parquet")


def test_nothing_is_told_between_within_a_second(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leaven.train.stage.chunk_length", lambda batch, sequence: 2)
    monkeypatch.setattr(telling, "EVERY", 1e6)
    heard: Heard = []
    out, work = folders(tmp_path)
    run_stage(plan(steps=12, eval_every=12), out, work, listener(heard))
    assert [row["step"] for row in heard] == [12]


def test_members_of_a_pack_tell_their_own_rows(plan: Plan, tmp_path: Path) -> None:
    heard: list[Heard] = [[], []]
    members = [Member(plan(seed=seed), *folders(tmp_path / str(seed)), listener(heard[seed])) for seed in (0, 1)]
    run_pack(members)
    for member, rows in zip(members, heard, strict=True):
        assert told_curve(rows) == rows_of(member.out / "curve.parquet")
    assert told_curve(heard[0]) != told_curve(heard[1])


def test_telling_changes_no_byte(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent, loud = folders(tmp_path / "silent"), folders(tmp_path / "loud")
    run_stage(plan(), *silent)
    monkeypatch.setattr(telling, "EVERY", 0.0)
    run_stage(plan(), *loud, lambda *args, **more: time.sleep(0.001))
    for path in silent[0].iterdir():
        assert path.read_bytes() == (loud[0] / path.name).read_bytes()


def test_a_part_of_a_work_hands_its_rows_on() -> None:
    heard: Heard = []
    between(listener(heard), 0.5, 1.0)(1, 2, "half", {"step": 1})
    assert heard == [{"step": 1}]
