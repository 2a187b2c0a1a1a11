"""How long the steps that are left take together: the scheduler's own rule played through with estimated seconds.

The rule is list scheduling: whenever there is room, the ready step with the longest path below it starts. Graham (SIAM
J. Appl. Math. 17, 1969) bounds what any such rule loses: with w workers never more than work/w + (1 − 1/w) × longest
path. Played through are the order, the room and the wait for all sources; not the seconds that starting a step takes,
nor that the preparing steps spread over cores that are idle.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leaven.engine.devices import PROCESSOR, Device, uses_model
from leaven.engine.estimate import bytes_of, seconds_of
from leaven.engine.executor import Places, Seat
from leaven.engine.longest import AFTER, BEFORE, children_of, critical_path, ranks
from leaven.engine.ready import Ready
from leaven.engine.room import Room
from leaven.study.step import Graph

MOST_WORKERS = 1024
"""The largest number of workers that a forecast is made for."""
Needs = Mapping[str, tuple[int, bool]]
"""Of each step: bytes, and whether it needs the accelerator."""


@dataclass(frozen=True)
class Turn:
    """A step's place in a schedule, seconds from its beginning."""

    step: str
    start: float
    end: float


def simulate(graph: Graph, seconds: Mapping[str, float], room: Places, needs: Needs | None = None) -> list[Turn]:
    """Play the steps that are left through, in the order in which they start.

    Args:
        seconds: of each step that is left.
        room: what is free; used up and given back.
        needs: what a step asks of the room; without it a place and nothing else.
    """
    children = children_of(graph)
    rank = ranks(graph, seconds, children)
    place = {step_id: index for index, step_id in enumerate(graph.steps)}
    missing = {step_id: len({p for p in graph.steps[step_id].inputs.values() if p in seconds}) for step_id in seconds}
    sources = sum(graph.steps[step_id].kind == BEFORE for step_id in seconds)
    ready, running, turns, now = Ready(), list[tuple[float, int, str, Seat]](), list[Turn](), 0.0

    def push(step_id: str) -> None:
        asked = needs[step_id] if needs else (0, False)
        ready.push((graph.steps[step_id].kind, *asked), (-rank[step_id], place[step_id], step_id))

    for step_id in graph.steps:
        if missing.get(step_id) == 0:
            push(step_id)
    while ready or running:
        closed = {lane for lane in ready.lanes if sources and lane[0] == AFTER}
        while not room.full() and (best := ready.best(closed)):
            lane, step_id = best
            needed, on_device = needs[step_id] if needs else (0, False)
            seat = room.take(graph.steps[step_id], needed, on_device)
            if seat is None:
                closed.add(lane)
                continue
            ready.remove(lane, {step_id})
            turns.append(Turn(step_id, now, now + seconds[step_id]))
            heapq.heappush(running, (turns[-1].end, place[step_id], step_id, seat))
        now = running[0][0]
        while running and running[0][0] <= now:
            _, _, step_id, seat = heapq.heappop(running)
            room.give_back(seat)
            sources -= graph.steps[step_id].kind == BEFORE
            for child in children[step_id]:
                if child in missing:
                    missing[child] -= 1
                    if not missing[child]:
                        push(child)
    return turns


def length(turns: list[Turn]) -> float:
    """Seconds until the last step ends."""
    return max((turn.end for turn in turns), default=0.0)


@dataclass(frozen=True)
class Forecast:
    """How long the steps that are left take.

    `seconds`: here, with its cores, memory and one accelerator. `work`: seconds of all of them one after another.
    `path`: `step`, `identity`, `kind`, `seconds` of each on the longest path; `path_seconds`: no number of workers is
    faster. `workers`: `workers` and `seconds` for 1, 2, 4, … until it is the path that decides, each worker with a core
    or accelerator of its own and memory enough.
    """

    seconds: float
    work: float
    path: list[dict[str, Any]]
    path_seconds: float
    workers: list[dict[str, Any]]


def forecast(
    graph: Graph,
    missing: list[str],
    rates: Mapping[str, float],
    *,
    at_once: int,
    memory: int,
    device: Device = PROCESSOR,
) -> Forecast:
    """Of the missing steps. `at_once`, `memory`: steps and bytes that fit here; `rates`: from `estimate.measured`."""
    steps = [graph.steps[step_id] for step_id in missing]
    seconds = {step.identity: seconds_of(step, rates, device) for step in steps}
    needs = {step.identity: (bytes_of(step, device), device.accelerates and uses_model(step)) for step in steps}
    path = critical_path(graph, seconds)
    path_seconds = sum(seconds[step_id] for step_id in path)
    rows: list[dict[str, Any]] = []
    count = 1
    while seconds and count <= MOST_WORKERS:
        rows.append({"workers": count, "seconds": length(simulate(graph, seconds, Room(range(count), 0)))})
        if rows[-1]["seconds"] <= path_seconds * 1.001:
            break
        count *= 2
    return Forecast(
        seconds=length(simulate(graph, seconds, Room(range(at_once), memory), needs)),
        work=sum(seconds.values()),
        path=[
            {
                "step": graph.steps[step_id].name,
                "identity": step_id,
                "kind": graph.steps[step_id].kind,
                "seconds": seconds[step_id],
            }
            for step_id in path
        ],
        path_seconds=path_seconds,
        workers=rows,
    )
