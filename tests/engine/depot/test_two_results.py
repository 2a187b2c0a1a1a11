"""A step whose result is another than that of another machine fails its run, and only itself, on every machine."""

from __future__ import annotations

import pytest

from leaven.engine import hardware
from leaven.engine.devices import PROCESSOR
from leaven.engine.gang import gang_of
from leaven.engine.room import Room
from leaven.engine.schedule import run
from leaven.engine.store import DAMAGED, TwoResults
from leaven.engine.worker import _Member
from leaven.ground.errors import LeavenError
from leaven.study.step import Graph

MADE = {"seconds": 1.0, "finished": "2026-01-01T00:00:00Z", "hardware": "a machine"}


class Publishes:
    """An executor whose steps publish what they were given, as a process of theirs would."""

    device, at_once, devices, words = PROCESSOR, 4, 1, "here"

    def __init__(self, store, results):
        self.store, self.results, self.said = store, results, []
        self.room = Room(hardware.cores(), 1 << 40)

    def start(self, crew, seat):
        for step in crew:
            say = lambda event, identity=step.identity, **rest: self.said.append(  # noqa: E731
                {"identity": identity, "event": event, **rest}
            )
            member = _Member(step, self.store, say, gang_of({"gang": None}))
            out, _ = self.store.begin(step.identity)
            (out / "result").write_text(self.results[step.name])
            try:
                member.publish(dict(MADE))
            except LeavenError as error:
                member.fail(error)
            say("exit", code=member.code)

    def messages(self, timeout):
        said, self.said = self.said, []
        return said

    def close(self):
        pass


@pytest.fixture
def graph():
    made = Graph()
    one, two = (made.add("corpus", name, {"name": name}, {}) for name in ("one", "two"))
    for name, parent in (("of-one", one), ("of-two", two)):
        made.add("verdict", name, {"name": name}, {"corpus": parent})
    return made


def execute(graph, store, **results):
    results = {step.name: results.get(step.name, "same") for step in graph.steps.values()}
    return run(graph, store, lambda needed: Publishes(store, results))


def test_the_step_fails_and_nothing_is_made_of_it(graph, machine):
    first, second = machine("first"), machine("second")
    driver = machine("second")
    there = next(step for step in graph.steps.values() if step.name == "one")
    only = Graph()
    only.add("corpus", "one", {"name": "one"}, {})
    assert not execute(only, first, one="another").failed

    asked = second.index.has
    second.index.has = lambda step_id: False if step_id == there.identity else asked(step_id)  # it began before
    state = execute(graph, second)
    assert state.exit_code == 1
    assert [graph.steps[step_id].name for step_id in state.failed] == ["one"]
    assert [graph.steps[step_id].name for step_id in state.blocked] == ["of-one"]
    assert {graph.steps[step_id].name for step_id in state.finished} == {"two", "of-two"}
    assert "two different results" in state.failed[there.identity]
    assert str(second.work / DAMAGED) in state.failed[there.identity]

    assert not (driver.steps / there.identity).exists()
    assert (driver.folder(there.identity) / "result").read_text() == "another"
    assert not execute(graph, machine("second")).failed


def test_what_a_killed_run_left_unsent_is_compared_when_it_is_sent(machine, make, step):
    one, other = machine("one"), machine("other")
    make(other._here, files={"a.txt": b"mine"})
    sends = other.index.has
    other.index.has = lambda step_id: False
    make(one)
    with pytest.raises(TwoResults, match="two different results"):
        other.has(step().identity)
    other.index.has = sends
    assert (other.folder(step().identity) / "a.txt").read_bytes() == b"alpha"


def test_an_execution_that_ended_is_asked_for_by_one_question(machine, make):
    one, other = machine("one"), machine("other")
    assert not any(other.has(f"{number:032x}") for number in range(20))
    made = make(one)
    listed = []
    files = other.remote.files
    other.remote.files = lambda folder: listed.append(folder) or files(folder)
    assert other.arrived(made.identity)
    assert not listed
