"""The schedule as it is foreseen: against bounds that hold for every such rule, and against the scheduler itself."""

from __future__ import annotations

import heapq
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.engine import makespan, schedule, state
from leaven.engine.devices import PROCESSOR, Device, uses_model
from leaven.engine.estimate import bytes_of
from leaven.engine.longest import critical_path
from leaven.engine.makespan import forecast, length, simulate
from leaven.engine.room import Room
from leaven.engine.store import Store
from leaven.lab import Study
from leaven.study.load import load
from leaven.study.step import Graph

KINDS = ("read", "shards", "stage", "evaluate")


def graph_of(rows: list[tuple[str, list[int]]]) -> tuple[Graph, list[str]]:
    """Steps by kind and the numbers of those they read."""
    graph, made = Graph(), list[str]()
    for number, (kind, parents) in enumerate(rows):
        inputs = {f"input:{parent}": made[parent] for parent in parents}
        made.append(graph.add(kind, f"{kind} {number}", {"number": number}, inputs))
    return graph, made


@st.composite
def studies(draw):
    """A graph in phases, as every study's is, with seconds of the steps that are left; some exist."""
    count = draw(st.integers(1, 24))
    phases = sorted(draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)))
    rows = []
    for number, phase in enumerate(phases):
        among = st.lists(st.integers(0, number - 1), max_size=3, unique=True) if number else st.just([])
        rows.append((KINDS[phase], sorted(draw(among))))
    graph, made = graph_of(rows)
    long = st.integers(0, 40).map(float)
    return graph, {step_id: draw(long) for step_id in made if draw(st.integers(0, 9))}


def gated(graph: Graph, seconds: dict[str, float]) -> list[tuple[str, str]]:
    """Who has to wait for whom, the wait for all sources included."""
    left = [graph.steps[step_id] for step_id in seconds]
    edges = [(parent, step.identity) for step in left for parent in step.inputs.values() if parent in seconds]
    sources = [step.identity for step in left if step.kind == "shards"]
    return edges + [(one, step.identity) for one in sources for step in left if step.kind == "stage"]


@settings(deadline=None)
@given(studies(), st.integers(1, 6))
def test_no_schedule_is_below_what_must_be_or_above_grahams_bound(study, workers):
    graph, seconds = study
    turns = simulate(graph, seconds, Room(range(workers), 0))
    assert sorted(turn.step for turn in turns) == sorted(seconds)
    ends = {turn.step: turn.end for turn in turns}
    starts = {turn.step: turn.start for turn in turns}
    assert all(starts[child] >= ends[parent] for parent, child in gated(graph, seconds))
    for turn in turns:
        assert sum(other.start <= turn.start < other.end for other in turns) <= workers
    path = sum(seconds[step_id] for step_id in critical_path(graph, seconds))
    work, took = sum(seconds.values()), length(turns)
    assert max(path, work / workers) - 1e-6 <= took <= work / workers + (1 - 1 / workers) * path + 1e-6


@settings(deadline=None)
@given(studies())
def test_the_path_is_one_and_is_what_endless_workers_take(study):
    graph, seconds = study
    path = critical_path(graph, seconds)
    waits = set(gated(graph, seconds))
    assert all(pair in waits for pair in pairwise(path))
    everybody = Room(range(max(len(seconds), 1)), 0)
    assert length(simulate(graph, seconds, everybody)) == pytest.approx(sum(seconds[step_id] for step_id in path))


def test_one_accelerator_and_little_memory_make_it_longer():
    graph, made = graph_of([("shards", []), *[("stage", [0])] * 4])
    seconds = dict.fromkeys(made, 10.0)
    lasting = {
        (memory, device): length(simulate(graph, seconds, Room(range(4), memory), dict.fromkeys(made, (5, device))))
        for memory in (5, 10, 20)
        for device in (False, True)
    }
    assert lasting == {(5, False): 50, (10, False): 30, (20, False): 20, (5, True): 50, (10, True): 50, (20, True): 50}


def test_a_forecast_goes_on_until_the_path_decides():
    graph, made = graph_of([("source", []), ("shards", [0]), *[("evaluate", [1])] * 6])
    here = forecast(graph, made, {}, at_once=2, memory=10**12)
    assert [(row["step"], row["seconds"]) for row in here.path] == [
        ("source 0", 0.5),
        ("shards 1", 2),
        ("evaluate 2", 6),
    ]
    assert here.path_seconds == 8.5
    assert here.work == 38.5
    assert here.seconds == 20.5
    assert here.workers == [
        {"workers": 1, "seconds": 38.5},
        {"workers": 2, "seconds": 20.5},
        {"workers": 4, "seconds": 14.5},
        {"workers": 8, "seconds": 8.5},
    ]


@pytest.mark.parametrize(("at_once", "seconds"), [(1, 38.5), (2, 19.25), (8, 8.5), (64, 8.5)])
def test_what_remains_is_the_work_shared_out_but_never_less_than_the_longest_path(at_once, seconds):
    graph, made = graph_of([("source", []), ("shards", [0]), *[("evaluate", [1])] * 6])
    run = state.State(graph, set(), {}, at_once=at_once)
    assert run.remaining() == pytest.approx(seconds)
    run.finished |= set(made[:2])
    run.running[made[2]] = state.Running(graph.steps[made[2]], 0.0, done=1, total=2)
    assert run.remaining() == pytest.approx(max((5 * 6 + 3) / at_once, 6))
    run.finished |= set(made[3:])
    assert run.remaining() == pytest.approx(3)  # of the last, its half, however many could run beside it


def test_a_path_that_was_given_up_takes_no_time():
    graph, made = graph_of([("source", []), ("evaluate", [0]), ("evaluate", [1]), ("source", []), ("evaluate", [3])])
    run = state.State(graph, set(), {}, at_once=8, finished={made[0]})
    assert run.remaining() == 12
    run.failed[made[1]] = "why"
    run.blocked.add(made[2])
    assert run.remaining() == 6.5


@pytest.mark.parametrize("devices", [1, 2, 64])
def test_what_remains_on_accelerators_is_shared_by_those_there_are(devices):
    card = Device("gpu", "card", 1, 10**12, "cuda,cpu")
    graph, _ = graph_of([("evaluate", [])] * 6)
    alone = state.State(graph, set(), {}, at_once=8, device=card).remaining()
    shared = state.State(graph, set(), {}, at_once=8, device=card, devices=devices).remaining()
    assert shared == pytest.approx(max(alone / devices, alone / 6))


def test_nothing_left_is_no_time():
    graph, _ = graph_of([("read", []), ("shards", [0])])
    assert forecast(graph, [], {}, at_once=2, memory=1) == makespan.Forecast(0.0, 0.0, [], 0.0, [])


class Kept(Store):
    """A store that only knows what has ended."""

    def __init__(self, root, ended):
        super().__init__(root)
        self.ended = set(ended)

    def has(self, step_id):
        return step_id in self.ended

    def verify(self, step_ids, *, trust_times=True):
        pass


class Played:
    """An executor whose clock stands still but for the next end."""

    words, at_once, devices = "nowhere", 1, 1

    def __init__(self, store, room, device, seconds):
        self.store, self.room, self.device, self.seconds = store, room, device, seconds
        self.now, self.turns, self.running = 0.0, [], []

    def start(self, crew, seat):
        (step,) = crew
        self.turns.append(makespan.Turn(step.identity, self.now, self.now + self.seconds[step.identity]))
        heapq.heappush(self.running, (self.turns[-1].end, step.identity))

    def messages(self, timeout):
        self.now = self.running[0][0]
        heard = []
        while self.running and self.running[0][0] <= self.now:
            heard.append({"identity": heapq.heappop(self.running)[1], "event": "exit", "code": 0})
            self.store.ended.add(heard[-1]["identity"])
        return heard

    def close(self):
        pass


@pytest.mark.parametrize("device", [PROCESSOR, Device("gpu", "NVIDIA H200", 1, 150 * 2**30, "cuda,cpu")])
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_scheduler_keeps_to_what_was_played_through(study_file, tmp_path, monkeypatch, workers, device):
    """Step for step and second for second: with memory for three, some steps there already, times drawn at random."""
    graph = Study(load(str(study_file)), tmp_path / "runs").prepare().graph
    for key in range(4):
        draw = random.Random(key)
        seconds = {step_id: float(draw.randint(0, 30)) for step_id in graph.steps if draw.random() < 0.9}
        monkeypatch.setattr(state, "seconds_of", lambda step, rates, device, known=seconds: known.get(step.identity, 0))
        needs = {
            step_id: (bytes_of(graph.steps[step_id], device), device.accelerates and uses_model(graph.steps[step_id]))
            for step_id in seconds
        }
        memory = 3 * max(needed for needed, _ in needs.values())
        store = Kept(tmp_path / "store", graph.steps.keys() - seconds.keys())
        played = Played(store, Room(range(workers), memory), device, seconds)
        final = schedule.run(graph, store, lambda needed, there=played: there, device=device, pack=1)
        assert final.finished == set(graph.steps)
        assert played.turns == simulate(graph, seconds, Room(range(workers), memory), needs)
