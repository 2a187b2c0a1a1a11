"""The schedule as it is foreseen: against bounds that hold for every such rule, and against the scheduler itself."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.engine import makespan
from leaven.engine.longest import critical_path
from leaven.engine.makespan import forecast, length, simulate
from leaven.engine.room import Room
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


def test_nothing_left_is_no_time():
    graph, _ = graph_of([("read", []), ("shards", [0])])
    assert forecast(graph, [], {}, at_once=2, memory=1) == makespan.Forecast(0.0, 0.0, [], 0.0, [])
