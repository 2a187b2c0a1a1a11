"""Steps whose machines go away, with a Ray that only takes tasks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from leaven.engine.devices import PROCESSOR
from leaven.engine.ray import executor
from leaven.engine.ray.executor import LOSSES, RayExecutor
from leaven.engine.ray.fleet import Fleet, Machine
from leaven.engine.store import Store
from leaven.study.step import Step

GB = 10**9
STEP = Step("stage", {}, {}, "one", ("one",), {})


class Played:
    """Ray, and its task: what was submitted, what was cancelled."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.orders: list[dict[str, Any]] = []
        self.cancelled: list[Any] = []

    def options(self, **asked: Any) -> Any:
        self.sent.append(asked)
        return SimpleNamespace(remote=lambda order, *rest: self.orders.append(order) or len(self.sent))

    def cancel(self, ref: Any, force: bool) -> None:
        self.cancelled.append(ref)


@pytest.fixture
def where(tmp_path) -> RayExecutor:
    made: Any = object.__new__(RayExecutor)
    made.store = Store(tmp_path / "store")
    made.store.prepare()
    made.where, made.probe, made.allow_unisolated = made.store.where(), tmp_path / "probe", False
    made.platform, made.kind, made.device = "gpu", "", PROCESSOR
    made.room = Fleet([Machine("a", "host-a", 4, 64 * GB, 1), Machine("b", "host-b", 2, 8 * GB, 1)])
    made.flights, made.unplaced, made.look_at, made.tickets = {}, {}, 0.0, 0
    made.ray = made.task = Played()
    made.board = None
    made.machines = SimpleNamespace(
        ours={}, elsewhere=lambda: {"label_selector": "not c"}, labels={}, leave_out=lambda *words: None
    )
    return made


def begin(where: RayExecutor, needed: int = GB) -> None:
    seat = where.room.take(STEP, needed, True)
    assert seat
    where.start([STEP], seat)


def lose(where: RayExecutor, result: dict[str, Any]) -> list[str]:
    ((ref, flight),) = where.flights.items()
    del where.flights[ref]
    return [message["event"] for message in where._ended(flight, result)]


def test_a_step_whose_machine_has_gone_asks_less_of_those_that_are_left(where):
    begin(where, 60 * GB)
    assert where.task.sent[-1]["memory"] == 60 * GB
    assert where._placed_anew(1.0) == []
    where.room.machines = where.room.machines[1:]
    assert [message["event"] for message in where._placed_anew(10.0)] == ["lost"]
    assert where.ray.cancelled == [1]
    assert where.task.sent[-1]["memory"] == 8 * GB
    assert list(where.flights) == [2]


def test_it_asks_less_too_when_its_end_is_heard_first(where):
    begin(where, 60 * GB)
    where.room.machines = where.room.machines[1:]
    assert lose(where, {"lost": "gone"}) == ["lost"]
    assert where.task.sent[-1]["memory"] == 8 * GB


def test_a_step_that_no_machine_can_execute_says_so_and_fails_in_the_end(where):
    begin(where)
    where.room.machines = (Machine("c", "host-c", 8, 64 * GB),)
    (waits,) = where._placed_anew(10.0)
    assert (waits["event"], waits["note"]) == ("progress", "waits for a machine with 1 accelerator, 1 core and 0.9 GiB")
    assert where._placed_anew(20.0) == []
    failed, ended = where._placed_anew(10.0 + executor.MACHINE)
    assert "the cluster had no machine with 1 accelerator" in failed["note"]
    assert (ended["event"], ended["code"]) == ("exit", 1)
    assert not where.flights
    assert where.ray.cancelled == [1]


def test_one_that_comes_in_time_is_used(where):
    begin(where)
    machines, where.room.machines = where.room.machines, ()
    assert len(where._placed_anew(10.0)) == 1
    where.room.machines = machines
    assert where._placed_anew(10.0 + executor.MACHINE) == []
    where.room.machines = ()
    assert [message["event"] for message in where._placed_anew(20.0 + executor.MACHINE)] == ["progress"]


@pytest.mark.parametrize("result", [{"lost": "killed"}, {"unfit": "jax is 1", "node": "c", "host": "host-c"}])
def test_a_step_is_started_a_few_times(where, result):
    begin(where)
    for _ in range(LOSSES - 1):
        assert lose(where, result) == ["lost"]
    assert lose(where, result) == ["failed", "exit"]
    assert len(where.task.sent) == LOSSES


def test_a_step_that_came_further_may_be_lost_again(where):
    begin(where)
    state = where.store.work / "one/state"
    state.mkdir(parents=True)
    for number in range(LOSSES + 2):
        (state / f"step-{number:09d}.json").write_text("{}")
        assert lose(where, {"lost": "killed"}) == ["lost"]
    for _ in range(LOSSES - 2):
        assert lose(where, {"lost": "killed"}) == ["lost"]
    assert lose(where, {"lost": "killed"}) == ["failed", "exit"]


def test_parts_keep_away_from_machines_that_were_left_out(where):
    where.start([Step("read", {}, {}, "two", ("two",), {})], where.room.take(STEP, GB))
    assert where.task.orders[-1]["fan"]["options"] == {"label_selector": "not c"}
