"""Room on the machines of a cluster."""

from __future__ import annotations

import pytest

from leaven.engine.ray.fleet import Berth, Fleet, Machine
from leaven.study.step import Step

GB = 10**9


def step(kind: str = "evaluate") -> Step:
    return Step(kind, {}, {}, kind, (kind,), {})


def machine(number: int, cores: int = 2, gigabytes: int = 8, accelerators: int = 0) -> Machine:
    return Machine(str(number), f"host-{number}", cores, gigabytes * GB, accelerators)


def test_as_many_as_cores_and_one_a_machine_that_waits():
    fleet = Fleet([machine(0), machine(1)])
    seats = [fleet.take(step(), GB) for _ in range(6)]
    assert all(seats)
    assert fleet.full()
    assert fleet.take(step(), GB) is None
    fleet.give_back(seats[3])
    assert not fleet.full()
    assert fleet.take(step(), GB)


@pytest.mark.parametrize(
    ("cards", "hosts", "jobs", "devices"),
    [((0, 0), 1, None, 1), ((1, 0), 1, None, 1), ((8, 8), 1, None, 16), ((8, 8), 1, 3, 3), ((4, 4, 4, 0), 2, None, 1)],
)
def test_steps_that_have_an_accelerator_at_once(cards, hosts, jobs, devices):
    assert Fleet([machine(n, 8, 8, each) for n, each in enumerate(cards)], jobs, hosts).devices == devices


def test_equal_seats_are_told_apart():
    fleet = Fleet([machine(0)])
    first, second = fleet.take(step(), GB), fleet.take(step(), GB)
    assert first == second
    fleet.give_back(first)
    fleet.give_back(first)
    assert [seat is second for seat in fleet.seats] == [True]


def test_memory_bounds_and_a_step_larger_than_any_machine_has_one_to_itself():
    fleet = Fleet([machine(0, gigabytes=4), machine(1, gigabytes=4)])
    assert fleet.take(step(), 3 * GB)
    assert fleet.take(step(), 3 * GB)
    assert fleet.take(step(), 3 * GB) is None
    fleet = Fleet([machine(0, gigabytes=4), machine(1, gigabytes=4)])
    assert fleet.take(step(), 9 * GB, whatever=False) is None
    large = fleet.take(step(), 9 * GB)
    assert large.bytes == 4 * GB  # what Ray can place
    assert fleet.take(step(), 3 * GB)
    assert fleet.take(step(), 3 * GB) is None


def test_jobs_are_steps_at_once_at_most():
    fleet = Fleet([machine(0), machine(1)], jobs=3)
    assert all(fleet.take(step(), GB) for _ in range(3))
    assert fleet.full()
    assert fleet.at_once == 3


def test_accelerators_go_to_one_step_each():
    fleet = Fleet([machine(0, cores=8, accelerators=2), machine(1, cores=8)])
    seats = [fleet.take(step("stage"), GB, device=True) for _ in range(2)]
    assert [(seat.device, seat.accelerators) for seat in seats] == [(True, 1), (True, 1)]
    assert not fleet.device_is_free
    assert fleet.take(step("stage"), GB, device=True) is None
    assert fleet.take(step(), GB)


def test_what_no_machine_has_is_asked_for_once_so_that_a_cluster_can_grow():
    fleet = Fleet([])
    assert not fleet.full()
    assert fleet.device_is_free
    assert fleet.take(step("stage"), GB, device=True)
    assert fleet.take(step(), GB) is None
    fleet.machines = (machine(0, cores=4, accelerators=1),)
    assert fleet.take(step(), GB)


def test_a_gang_holds_whole_machines_when_they_are_free():
    fleet = Fleet([machine(0, cores=4), machine(1, cores=2), machine(2, cores=8)], hosts=2)
    small = fleet.take(step(), GB)
    seat = fleet.take(step("stage"), GB)
    assert (seat.machines, seat.cores, seat.accelerators) == (2, 4, 0)
    assert fleet.take(step("stage"), GB) is None
    fleet.give_back(seat)
    fleet.give_back(small)
    fleet.machines = (machine(0, 8, accelerators=4), machine(1, 8, accelerators=8), machine(2, 96))
    seat = fleet.take(step("stage"), GB, device=True)
    assert (seat.machines, seat.cores, seat.accelerators) == (2, 8, 4)


@pytest.mark.parametrize(("kind", "cores"), [("read", 1), ("shards", 1), ("tokenizer", 4), ("evaluate", 1)])
def test_cores_of_a_step(kind, cores):
    assert Fleet([machine(0, cores=16)]).take(step(kind), GB).cores == cores


def test_what_is_asked_for_is_what_one_machine_has():
    """Neither the cores of one and the memory of another, nor memory that those with accelerators have not."""
    fleet = Fleet([machine(0, cores=16, gigabytes=4), machine(1, cores=2, gigabytes=64)])
    assert fleet.fits(fleet.take(step("tokenizer"), 60 * GB))
    fleet = Fleet([machine(0, gigabytes=64), machine(1, gigabytes=16, accelerators=1)])
    seat = fleet.take(step("stage"), 60 * GB, device=True)
    assert (seat.bytes, seat.accelerators) == (16 * GB, 1)


def test_less_is_asked_for_when_the_machine_for_it_has_gone():
    large = Berth(-1, 60 * GB, False, 8)
    fleet = Fleet([machine(0, cores=4, gigabytes=8)])
    assert not fleet.fits(large)
    assert fleet.fitted(large) == Berth(-1, 8 * GB, False, 4)
    assert not fleet.fits(fleet.fitted(Berth(-1, GB, True, 1, 1)))
    gang = Berth(-1, GB, True, 8, 4, 2)
    assert fleet.fitted(gang) == gang
    fleet.machines = (machine(0, 8, accelerators=4), machine(1, 8, accelerators=2), machine(2, 96))
    assert fleet.fitted(gang) == Berth(-1, GB, True, 8, 2, 2)
    assert gang.words == "2 machines with 4 accelerators, 8 cores and 0.9 GiB each"
    assert large.words == "a machine with 8 cores and 55.9 GiB"
