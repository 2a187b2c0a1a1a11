"""Which step runs when: as many at once as there is room for where they execute, the longest path first.

One failing step stops only what depends on it. The scheduler computes nothing itself; it gives steps to an executor
and listens, and can be killed at any moment: what is finished is in the store, what is not has its checkpoints.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leaven.engine.crew import Crews
from leaven.engine.devices import PROCESSOR, Device
from leaven.engine.estimate import largest
from leaven.engine.executor import Executor, Seat
from leaven.engine.longest import AFTER, BEFORE, children_of, ranks
from leaven.engine.packing import Figures
from leaven.engine.ready import Lane, Ready
from leaven.engine.state import Running, State
from leaven.engine.store import Store
from leaven.ground.errors import LeavenError
from leaven.ground.files import write_json
from leaven.study.step import Graph, Step

WATCH_EVERY = 0.1
"""Seconds between two looks of who watches, however much is heard in between."""
STATUS_EVERY = 1.0
"""Seconds between two writes of the status file."""

Hear = Callable[[Step, dict[str, Any]], None]
"""Told of every message of a step, and of its start and its end."""


def run(
    graph: Graph,
    store: Store,
    place: Callable[[int], Executor],
    *,
    rates: dict[str, float] | None = None,
    watch: Callable[[State], None] = lambda state: None,
    hear: Hear = lambda step, message: None,
    before_stages: Callable[[], None] = lambda: None,
    status: Path | None = None,
    device: Device = PROCESSOR,
    pack: int | None = None,
) -> State:
    """Run every step of the graph that the store does not hold.

    Args:
        place: opens the executor, given the bytes that the largest missing step may need; not called where none is.
        rates: measured speeds (`estimate.measured`), for order and remaining time.
        watch: called about ten times a second with the state.
        hear: called with a step and each of its messages (`leaven.engine.executor`), with {"event": "started"} when it
            starts, and with {"event": "ended", "outcome": "finished" | "failed", "note"} when it has ended.
        before_stages: called once, when all inputs of training exist and before the first stage; may raise BadInput.
        status: file that is kept up to date for other processes to read.
        device: what models are computed on, before an executor says so.
        pack: stages in one program (`packing.wanted`).

    Returns:
        The final state; `state.exit_code` is 0, or that of the worst failed step.

    Raises:
        KeyboardInterrupt: after every process has been stopped; nothing is lost.
        LeavenError: a finished step in the store is damaged.
    """
    existing = {step_id for step_id in graph.steps if store.has(step_id)}
    store.verify(sorted(existing))
    figures = Figures.of(store)
    missing = [step for step_id, step in graph.steps.items() if step_id not in existing]
    rates = {**figures.rates(graph.of_kind("stage"), device), **(rates or {})}
    state = State(graph, existing, rates, finished=set(existing), device=device)
    if missing:
        executor = place(largest(missing, device))
        try:
            state.device, state.where = executor.device, executor.words
            state.at_once, state.devices = executor.at_once, executor.devices
            state.rates = {**figures.rates(graph.of_kind("stage"), executor.device), **rates}
            _Run(state, store, executor, watch, hear, before_stages, status, pack, figures).go()
        finally:
            executor.close()
    watch(state)
    return state


@dataclass
class _Run:
    state: State
    store: Store
    executor: Executor
    watch: Callable[[State], None]
    hear: Hear
    before_stages: Callable[[], None]
    status: Path | None
    pack: int | None
    figures: Figures
    audited: bool = False
    watched: float = 0.0
    written: float = 0.0
    seats: dict[str, tuple[Seat, set[str]]] = field(default_factory=dict)
    """By the first of those that share a process: what it holds, and who of them has not ended."""
    ready: Ready = field(default_factory=Ready)

    def go(self) -> None:
        graph, state = self.state.graph, self.state
        self.children = children_of(graph)
        self.missing = {
            step_id: len(set(graph.steps[step_id].inputs.values()) - state.finished) for step_id in state.left()
        }
        self.sources = [step.identity for step in graph.of_kind(BEFORE) if step.identity not in state.finished]
        self.ranks = ranks(graph, dict(state.left()), self.children)
        self.crews = Crews(state, self.store, self.executor.room, self.pack, self.figures)
        self.order = {step_id: index for index, step_id in enumerate(graph.steps)}
        for step_id, parents in self.missing.items():
            if not parents:
                self._push(step_id)
        try:
            while self.ready or state.running:
                self._start()
                self.crews.look()
                for message in self.executor.messages(0.1):
                    self._take_in(message)
                state.at_once, state.devices = self.executor.at_once, self.executor.devices
                if time.monotonic() - self.watched >= WATCH_EVERY:
                    self.watched = time.monotonic()
                    self.watch(state)
                    self._write_status()
        except EOFError as error:
            raise LeavenError(f"{error}\n  Run again: it continues where it stopped.") from None
        finally:
            self.crews.stop()
            self._write_status(ended=True)

    def _push(self, step_id: str) -> None:
        lane = self.crews.lane(self.state.graph.steps[step_id])
        self.ready.push(lane, (-self.ranks[step_id], self.order[step_id], step_id))

    def _start(self) -> None:
        closed: set[Lane] = set()
        steps = self.state.graph.steps
        while not self.executor.room.full() and (best := self.ready.best(closed)):
            lane, step_id = best
            step = steps[step_id]
            if step.kind == AFTER and not self._may_train():
                closed.add(lane)
                continue
            crew = self.crews.of(step, (steps[other] for other in self.ready.others(lane)))
            seat = self.crews.seat(crew)
            if seat is None:
                closed.add(lane)
                continue
            together = {member.identity for member in crew}
            self.ready.remove(lane, together)
            self.seats[step_id] = seat, together
            for member in crew:
                self.state.running[member.identity] = Running(member, time.monotonic(), step_id)
            self.executor.start(crew, seat)
            for member in crew:
                self.hear(member, {"event": "started"})

    def _may_train(self) -> bool:
        """No stage starts before every source is tokenized (or given up) and the budgets are known to fit them."""
        if not self.audited:
            settled = (self.state.finished, self.state.failed, self.state.blocked)
            self.sources = [step_id for step_id in self.sources if not any(step_id in group for group in settled)]
            if not self.sources:
                self.before_stages()
                self.audited = True
        return self.audited

    def _take_in(self, message: dict[str, Any]) -> None:
        run = self.state.running[message["identity"]]
        if message["event"] == "progress":
            run.done, run.total, run.note = message["done"], message["total"], message["note"]
        elif message["event"] == "where":
            run.where = message["where"]
        elif message["event"] == "lost":
            run.done, run.note, run.where = 0.0, message["note"], ""
            run.failure, run.differs = None, False
            self.state.lost[run.step.identity] = self.state.lost.get(run.step.identity, 0) + 1
        elif message["event"] == "failed":
            run.failure, run.code = message["note"], message["code"]
            run.differs = bool(message.get("differs"))
        self.hear(run.step, message)
        if message["event"] == "exit":
            self._end(run, message["code"])

    def _end(self, run: Running, code: int) -> None:
        step_id = run.step.identity
        del self.state.running[step_id]
        seat, together = self.seats[run.program]
        together.remove(step_id)
        if not together:
            self.executor.room.give_back(seat)
            del self.seats[run.program]
        # Whatever became of the process that it shared with others. But where another result is there, one of the two
        # is wrong, and nothing is to be made from either unnoticed.
        there = self.store.arrived(step_id) or (code == 0 and run.failure is None and self.store.appears(step_id))
        if not run.differs and there:
            self.state.finished.add(step_id)
            self.hear(run.step, {"event": "ended", "outcome": "finished", "note": ""})
            for child in self.children[step_id]:
                if child not in self.missing:
                    continue  # it exists, though this one did not
                self.missing[child] -= 1
                if not self.missing[child]:
                    self._push(child)
            return
        why = run.failure
        if why is None:
            killed = " (killed: perhaps the machine ran out of memory)" if code == -9 else ""
            why = (
                f"its process ended with code {code}{killed}\n  Run again: it continues. Log: {self.store.log(step_id)}"
            )
        self.state.failed[step_id] = why
        self.hear(run.step, {"event": "ended", "outcome": "failed", "note": why})
        self.state.exit_code = max(self.state.exit_code, run.code)
        waiting = list(self.children[step_id])
        while waiting:
            child = waiting.pop()
            if child in self.missing and child not in self.state.blocked:
                self.state.blocked.add(child)
                waiting.extend(self.children[child])

    def _write_status(self, ended: bool = False) -> None:
        now = time.monotonic()
        if not self.status or (now - self.written < STATUS_EVERY and not ended):
            return
        self.written = now
        state = self.state
        data = {
            "process": os.getpid(),
            "ended": ended,
            "where": state.where,
            "steps": len(state.graph.steps),
            "finished": len(state.finished),
            "running": {
                run.step.name: {"done": run.done, "total": run.total, "note": run.note, "where": run.where}
                for run in state.running.values()
            },
            "lost": {state.graph.steps[step_id].name: times for step_id, times in state.lost.items()},
            "failed": {state.graph.steps[step_id].name: note for step_id, note in state.failed.items()},
            "seconds": round(now - state.started, 1),
            "remaining_seconds": round(state.remaining(), 1),
        }
        with contextlib.suppress(OSError):
            write_json(self.status, data)


def failures(state: State) -> str:
    """What failed and what could not run because of it, for the terminal."""
    lines = [f"{state.graph.steps[step_id].name} failed: {note}" for step_id, note in state.failed.items()]
    if state.blocked:
        lines.append(f"{len(state.blocked)} steps that depend on it did not run; everything else has finished.")
    return "\n".join(lines)
