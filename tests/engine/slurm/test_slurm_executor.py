"""The executor against a Slurm that is played: what is submitted when, adopted, given up, cancelled."""

from __future__ import annotations

from typing import Any

import pytest

from leaven.engine.devices import PROCESSOR
from leaven.engine.slurm import asking, executor
from leaven.engine.slurm.asking import Job, Nodes, SlurmError
from leaven.engine.slurm.batch import Batch, say
from leaven.engine.slurm.executor import SlurmExecutor
from leaven.engine.slurm.needs import Cluster
from leaven.engine.slurm.options import Options
from leaven.engine.slurm.submit import PASSING, Later
from leaven.engine.store import Store
from leaven.ground.errors import BadInput
from leaven.study.step import Step


class Played:
    """Slurm: the batches it was given, the states of their jobs, the jobs that were cancelled."""

    def __init__(self) -> None:
        self.given: list[Batch] = []
        self.states: dict[tuple[str, int], Job] = {}
        self.cancelled: list[str] = []
        self.refuse: list[SlurmError] = []

    def submit(self, laid: Batch, hosts: int, cores: int, *rest: Any) -> None:
        if self.refuse:
            raise self.refuse.pop()
        self.given.append(laid)
        for place in range(len(laid.programs)):
            self.states[laid.name, place] = Job(f"{len(self.given)}_{place}", "PENDING")

    def jobs(self, names: Any) -> dict[tuple[str, int], Job]:
        return {key: job for key, job in self.states.items() if key[0] in names}

    def end(self, state: str, batch: int = -1, place: int = 0) -> None:
        key = self.given[batch].name, place
        self.states[key] = Job(self.states[key].number, state, "", "a")


@pytest.fixture
def slurm(monkeypatch) -> Played:
    played = Played()
    cluster = Cluster(Nodes(2, 4, 2, 8 * 2**30, 0), Options(), 1, PROCESSOR)
    monkeypatch.setattr(executor.Cluster, "open", lambda *words: cluster)
    monkeypatch.setattr(executor, "submit", played.submit)
    monkeypatch.setattr(asking, "jobs", played.jobs)
    monkeypatch.setattr(asking, "remembered", lambda names: {})
    monkeypatch.setattr(asking, "cancel", played.cancelled.extend)
    monkeypatch.setattr(executor, "fingerprint", dict)
    for name in ("GATHER", "LISTEN_EVERY", "ASK_SOON", "ASK_EVERY", "GRACE", "LATER"):
        monkeypatch.setattr(executor, name, 0.0)
    return played


@pytest.fixture
def store(tmp_path) -> Store:
    made = Store(tmp_path / "store")
    made.prepare()
    return made


def opened(store: Store, jobs: int | None = None) -> SlurmExecutor:
    return SlurmExecutor(store, options={}, jobs=jobs)


def step(name: str, kind: str = "suite") -> Step:
    return Step(kind, {}, {}, name, (name,))


def begin(where: SlurmExecutor, *steps: Step) -> None:
    for each in steps:
        seat = where.room.take(each, 10**9)
        assert seat
        where.start([each], seat)


def told(laid: Batch, place: int, name: str, *events: dict[str, Any]) -> None:
    say(laid.said(place), [{"identity": name, **event} for event in events])


WHERE = {"event": "where", "where": "a", "job": "1"}
DONE = {"event": "exit", "code": 0}


def events(messages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(message["identity"], message["event"]) for message in messages]


def test_a_wave_of_one_shape_is_one_array(slurm, store):
    where = opened(store)
    begin(where, step("one"), step("two"), step("three", "read"))
    assert where.messages(0.0) == []
    assert [laid.programs for laid in slurm.given] == [[["one"], ["two"]], [["three"]]]


def test_what_a_job_says_is_heard_in_order_and_its_files_go_when_all_is_done(slurm, store):
    where = opened(store)
    begin(where, step("one"))
    where.messages(0.0)
    (laid,) = slurm.given
    told(laid, 0, "one", WHERE, {"event": "progress", "done": 1.0, "total": 2.0, "note": ""})
    assert events(where.messages(0.0)) == [("one", "where"), ("one", "progress")]
    (store.folder("one")).mkdir()
    (store.folder("one") / "manifest.json").write_text("{}")
    told(laid, 0, "one", DONE)
    assert events(where.messages(0.0)) == [("one", "exit")]
    assert not laid.folder.exists()
    assert not where.running


def test_a_job_that_ended_without_a_last_word_failed(slurm, store):
    where = opened(store)
    begin(where, step("one"))
    where.messages(0.0)
    slurm.end("TIMEOUT")
    failed, ended = where.messages(0.0)
    assert "time limit" in failed["note"]
    assert (failed["event"], ended["event"], ended["code"]) == ("failed", "exit", 1)
    assert slurm.given[0].folder.exists(), "what it printed is still to be read"


def test_a_job_that_lost_its_node_is_submitted_again_a_few_times(slurm, store):
    where = opened(store)
    begin(where, step("one"))
    where.messages(0.0)
    for turn in range(executor.RETRIES):
        slurm.end("NODE_FAIL")
        assert events(where.messages(0.0)) == [("one", "lost")]
        assert where.messages(0.0) == []
        assert len(slurm.given) == turn + 2
    slurm.end("PREEMPTED")
    assert events(where.messages(0.0)) == [("one", "failed"), ("one", "exit")]


def test_a_job_that_slurm_begins_again_was_lost_once(slurm, store):
    where = opened(store)
    begin(where, step("one"))
    where.messages(0.0)
    told(slurm.given[0], 0, "one", WHERE, WHERE)
    assert events(where.messages(0.0)) == [("one", "where"), ("one", "lost"), ("one", "where")]


def test_a_process_that_was_killed_is_told_to_ask_for_more_memory(slurm, store):
    where = opened(store)
    begin(where, step("one"))
    where.messages(0.0)
    told(slurm.given[0], 0, "one", WHERE, {"event": "exit", "code": -9})
    _, failed, ended = where.messages(0.0)
    assert "--slurm mem=" in failed["note"]
    assert ended["code"] == -9


def test_the_jobs_of_a_killed_driver_are_adopted(slurm, store):
    first = opened(store)
    begin(first, step("one"), step("two"))
    first.messages(0.0)
    told(slurm.given[0], 0, "one", WHERE)
    slurm.end("COMPLETED", place=1)
    second = opened(store)
    begin(second, step("one"), step("two"))
    assert events(second.messages(0.0)) == [("one", "where")]
    assert [laid.programs for laid in slurm.given] == [[["one"], ["two"]], [["two"]]], "only what no job works on"
    told(slurm.given[0], 0, "one", DONE)
    assert events(second.messages(0.0)) == [("one", "exit")]


def test_what_a_killed_driver_left_half_submitted_is_submitted_again(slurm, store):
    first = opened(store)
    begin(first, step("one"))
    first.messages(0.0)
    second = opened(store)
    begin(second, step("one"))
    slurm.end("FAILED")  # the job began, and found no task
    assert events(second.messages(0.0)) == [("one", "lost")]
    second.messages(0.0)
    assert len(slurm.given) == 2


def test_folders_of_jobs_that_are_over_go_at_the_next_run(slurm, store):
    first = opened(store)
    begin(first, step("one"))
    first.messages(0.0)
    slurm.end("FAILED")
    opened(store)
    assert not slurm.given[0].folder.exists()


def test_closing_cancels_only_what_this_run_waits_for(slurm, store):
    first = opened(store)
    begin(first, step("one"), step("two"))
    first.messages(0.0)
    second = opened(store)
    begin(second, step("two"))
    second.messages(0.0)
    second.close()
    assert slurm.cancelled == ["1_1"]


def test_what_slurm_does_not_take_now_is_submitted_later(slurm, store):
    where = opened(store)
    slurm.refuse = [Later("QOSMaxSubmitJobPerUserLimit")]
    begin(where, step("one"))
    assert events(where.messages(0.0)) == [("one", "progress")]
    assert not slurm.given
    where.messages(0.0)
    assert len(slurm.given) == 1
    assert len(list((store.root / "slurm").iterdir())) == 1


def test_what_slurm_said_is_shown_while_its_jobs_wait_and_fewer_are_submitted_at_once(slurm, store):
    where = opened(store)
    slurm.refuse = [Later("AssocMaxSubmitJobLimit")]
    begin(where, *(step(str(number)) for number in range(5)))
    heard = where.messages(0.0)
    assert {message["note"] for message in heard} == {"waits for Slurm: AssocMaxSubmitJobLimit"}
    assert len(heard) == 5
    where.messages(0.0)
    assert [len(laid.programs) for laid in slurm.given] == [2, 2, 1]


@pytest.mark.parametrize(
    ("said", "passing"),
    [
        ("QOSMaxSubmitJobPerUserLimit; Batch job submission failed: Job violates accounting/QOS policy (job submit", 1),
        ("AssocMaxSubmitJobLimit", 1),
        ("Unable to contact slurm controller (connect failure)", 1),
        ("Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)", 0),
        ("QOSMaxCpuPerUserLimit; Job violates accounting/QOS policy (job submit limit, user's size and/or time", 0),
        ("job_submit/lua: your job needs an account", 0),
    ],
)
def test_only_what_passes_is_waited_for(said, passing):
    assert bool(PASSING.search(said)) == bool(passing)


def test_a_store_elsewhere_cannot_be_used(slurm, store, monkeypatch):
    monkeypatch.setattr(store, "where", lambda: {"root": str(store.root), "url": "s3://bucket/a"})
    with pytest.raises(BadInput, match="a path that all nodes see"):
        opened(store)


def test_what_slurm_refuses_ends_the_run(slurm, store):
    where = opened(store)
    slurm.refuse = [SlurmError("Invalid account")]
    begin(where, step("one"))
    with pytest.raises(BadInput, match="Invalid account"):
        where.messages(0.0)


def test_a_controller_that_does_not_answer_stops_nothing(slurm, store, monkeypatch):
    where = opened(store)
    begin(where, step("one"))
    where.messages(0.0)

    def silent(names: Any) -> dict[tuple[str, int], Job]:
        raise SlurmError("Unable to contact slurm controller")

    monkeypatch.setattr(asking, "jobs", silent)
    told(slurm.given[0], 0, "one", WHERE, DONE)
    assert events(where.messages(0.0)) == [("one", "where"), ("one", "exit")]


def test_no_more_steps_than_the_user_says(slurm, store):
    where = opened(store, jobs=1)
    begin(where, step("one"))
    assert where.room.full()
    assert where.at_once == 1
