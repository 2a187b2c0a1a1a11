"""Steps as jobs of a real Slurm with two nodes on this machine."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leaven.engine.nursery import Nursery
from leaven.engine.slurm import asking
from leaven.engine.slurm.executor import SlurmExecutor
from leaven.engine.store import Store
from leaven.engine.worker import order
from leaven.ground.errors import BadInput
from leaven.ground.files import sha256_file
from leaven.study.step import Step

pytest.importorskip("submitit", reason="needs the extra cluster")
pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("slurm")]

PATIENCE = 240.0
LONG = 100_000
"""Steps of a stage that is not meant to come to its end."""

Messages = list[dict[str, Any]]


@pytest.fixture
def opened() -> Any:
    """`opened(store, …)`: an executor that is closed with the test."""
    executors: list[SlurmExecutor] = []

    def make(store: Store, hosts: int = 1, **options: str) -> SlurmExecutor:
        executors.append(SlurmExecutor(store, options=options, hosts=hosts, device="cpu"))
        return executors[-1]

    yield make
    for executor in executors:
        executor.close()


def begin(executor: SlurmExecutor, *steps: Step) -> None:
    for step in steps:
        seat = executor.room.take(step, 10**9)
        assert seat
        executor.start([step], seat)


def hear(executor: SlurmExecutor, enough: Callable[[Messages], bool]) -> Messages:
    heard: Messages = []
    until = time.monotonic() + PATIENCE
    while not enough(heard):
        assert time.monotonic() < until, (heard[-5:], subprocess.run(["squeue"], capture_output=True, text=True).stdout)
        heard += executor.messages(0.2)
    return heard


def of(event: str, count: int = 1) -> Callable[[Messages], bool]:
    return lambda heard: sum(message["event"] == event for message in heard) >= count


def executions(store: Store, step: Step) -> int:
    return len(re.findall("^— ", store.log(step.identity).read_text(), re.MULTILINE))


def results(store: Store, step: Step) -> dict[str, str]:
    folder = store.folder(step.identity)
    return {path.name: sha256_file(path) for path in folder.iterdir() if path.name != "manifest.json"}


def job_of(executor: SlurmExecutor) -> asking.Job:
    (program,) = executor.running
    assert program.laid
    return asking.jobs({program.laid.name})[program.laid.name, program.place]


def batches(store: Store) -> list[Path]:
    return sorted((store.root / "slurm").glob("leaven-*"))


def test_steps_that_are_ready_together_are_one_array_and_end_with_the_bytes_of_this_computer(opened, toy, tmp_path):
    steps = [toy.stage(count) for count in (8, 12, 16)]
    here, there = toy.store(tmp_path / "here"), toy.store(tmp_path / "there")
    nursery = Nursery()
    try:
        for step in steps:
            nursery.start(order([step], here.where(), [], False))
        toy.heard(nursery, 3)
    finally:
        nursery.close()
    executor = opened(there)
    begin(executor, *steps)
    heard = hear(executor, lambda heard: len(batches(there)) == 1)
    assert len(batches(there)) == 1
    heard += hear(executor, of("exit", 3))
    assert [message["code"] for message in heard if message["event"] == "exit"] == [0, 0, 0]
    assert {message["event"] for message in heard} >= {"where", "exit"}
    for step in steps:
        assert results(there, step) == results(here, step)
        assert executions(there, step) == 1
    assert not batches(there)


def test_a_killed_driver_finds_its_jobs_again_and_submits_nothing_twice(opened, toy, tmp_path):
    store, step = toy.store(tmp_path / "store"), toy.stage(4000)
    first = opened(store)
    begin(first, step)
    hear(first, of("where"))
    job = job_of(first)
    first.running, first.gathered = [], []  # the driver is gone: its close must not end the jobs
    second = opened(store)
    begin(second, step)
    assert job_of(second).number == job.number
    heard = hear(second, of("exit"))
    assert heard[-1]["code"] == 0
    assert not of("lost")(heard)
    assert store.has(step.identity)
    assert executions(store, step) == 1
    assert not batches(store)


def test_a_job_that_somebody_cancels_failed_and_says_why(opened, toy, tmp_path):
    store, step = toy.store(tmp_path / "store"), toy.stage(LONG)
    executor = opened(store)
    begin(executor, step)
    hear(executor, of("progress"))
    asking.cancel([job_of(executor).number])
    heard = hear(executor, of("exit"))
    note = next(message["note"] for message in heard if message["event"] == "failed")
    assert re.match(r"its job \d+ on [ab] was cancelled", note)
    assert "Run again" in note


def test_closing_cancels_what_was_submitted(opened, toy, tmp_path):
    executor = opened(toy.store(tmp_path / "store"))
    begin(executor, toy.stage(LONG))
    hear(executor, of("where"))
    number = job_of(executor).number
    executor.close()
    until = time.monotonic() + PATIENCE
    while number in subprocess.run(["squeue", "-h", "-o", "%i"], capture_output=True, text=True).stdout.split():
        assert time.monotonic() < until
        time.sleep(0.2)


def test_a_step_whose_node_is_lost_begins_again_on_another(opened, toy, tmp_path):
    store, step = toy.store(tmp_path / "store"), toy.stage(6000)
    executor = opened(store, no_requeue="true")
    begin(executor, step)
    hear(executor, of("progress"))
    node = job_of(executor).node
    subprocess.run(["scontrol", "update", f"nodename={node}", "state=down", "reason=test"], check=True)
    try:
        heard = hear(executor, of("exit"))
    finally:
        # Where its daemon has registered again, the node is back already, and this is refused.
        subprocess.run(["scontrol", "update", f"nodename={node}", "state=resume"], capture_output=True)
    assert of("lost")(heard)
    assert heard[-1]["code"] == 0
    assert store.has(step.identity)
    assert executions(store, step) == 2


def test_two_nodes_train_one_stage(opened, toy, tmp_path):
    step = toy.stage(24)
    alone, both = toy.store(tmp_path / "alone"), toy.store(tmp_path / "both")
    executor = opened(both, hosts=2)
    begin(executor, step)
    heard = hear(executor, of("exit"))
    assert heard[-1]["code"] == 0, heard
    nursery = Nursery()
    try:
        toy.start(nursery, alone, step, 1)
        toy.heard(nursery, 1)
    finally:
        nursery.close()
    toy.assert_alike(alone.folder(step.identity), both.folder(step.identity))
    assert both.manifest(step.identity)["made"]["processes"] == 2


def test_a_stage_that_cannot_be_trained_fails_with_its_own_words(opened, toy, tmp_path):
    store, step = toy.store(tmp_path / "store"), toy.stage(8)
    (store.steps / "text").unlink()
    executor = opened(store)
    begin(executor, step)
    heard = hear(executor, of("exit"))
    failed = next(message for message in heard if message["event"] == "failed")
    assert failed["code"] == heard[-1]["code"] > 0
    assert "shards.json" in failed["note"] or "text" in failed["note"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"partition": "nosuch"}, "partition"),
        ({"time": "long"}, "Invalid --time"),
        ({"mem": "900G"}, "not available"),
        ({"partitoin": "all"}, 'did you mean "partition"'),
    ],
)
def test_what_slurm_refuses_is_told_before_anything_runs(opened, toy, tmp_path, options, said):
    with pytest.raises(BadInput, match=said):
        opened(toy.store(tmp_path / "store"), **options)


def test_more_hosts_than_nodes_are_refused(opened, toy, tmp_path):
    with pytest.raises(BadInput, match="2 nodes"):
        opened(toy.store(tmp_path / "store"), hosts=3)
