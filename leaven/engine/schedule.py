"""Which step runs when: as many at once as cores, memory and the accelerator allow, the longest path first.

One failing step stops only what depends on it. The scheduler computes nothing itself; it sends orders to the nursery
and listens, and can be killed at any moment: what is finished is in the store, what is not has its checkpoints.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.engine import hardware
from leaven.engine.crew import Crews
from leaven.engine.devices import PROCESSOR, Device
from leaven.engine.estimate import MEMORY, largest, seconds_of
from leaven.engine.nursery import Nursery
from leaven.engine.packing import Figures
from leaven.engine.room import Room, Seat
from leaven.engine.state import Running, State
from leaven.engine.store import Store
from leaven.engine.worker import order
from leaven.ground.errors import LeavenError
from leaven.ground.files import write_json
from leaven.study.step import Graph

MEMORY_SHARE = 0.8
"""Of the memory that is free before a run, for its steps."""
IN_PARTS = frozenset({"read", "corpus", "tokenizer", "shards"})
"""Kinds of steps that use every core: in parts over processes that share the cores (`slots.SLOTS`), or in threads of a
library (training the BPE)."""
STATUS_EVERY = 1.0
"""Seconds between two writes of the status file."""


def steps_at_once(jobs: int | None, needed: int = MEMORY) -> int:
    """How many steps fit the cores and the memory that is free now. `needed`: bytes of the largest."""
    fits = max(1, int(hardware.memory() * MEMORY_SHARE // needed))
    return max(1, min(jobs or len(hardware.cores()), len(hardware.cores()), fits))


def run(
    graph: Graph,
    store: Store,
    *,
    jobs: int | None = None,
    allow_unisolated: bool = False,
    rates: dict[str, float] | None = None,
    watch: Callable[[State], None] = lambda state: None,
    before_stages: Callable[[], None] = lambda: None,
    status: Path | None = None,
    device: Device = PROCESSOR,
    pack: int | None = None,
) -> State:
    """Run every step of the graph that the store does not hold.

    Args:
        jobs: steps at once at most.
        rates: measured speeds (`estimate.measured`), for order and remaining time.
        watch: called about ten times a second with the state.
        before_stages: called once, when all inputs of training exist and before the first stage; may raise BadInput.
        status: file that is kept up to date for other processes to read.
        device: what models are computed on, one process at a time if it is an accelerator.
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
    rates = {**figures.rates(graph.of_kind("stage"), device), **(rates or {})}
    missing = [step for step_id, step in graph.steps.items() if step_id not in existing]
    at_once = steps_at_once(jobs, largest(missing, device))
    state = State(graph, existing, rates, finished=set(existing), at_once=at_once, device=device)
    if missing:
        _Run(state, store, jobs, allow_unisolated, watch, before_stages, status, pack, figures).go()
    watch(state)
    return state


@dataclass
class _Run:
    state: State
    store: Store
    jobs: int | None
    allow_unisolated: bool
    watch: Callable[[State], None]
    before_stages: Callable[[], None]
    status: Path | None
    pack: int | None
    figures: Figures
    audited: bool = False
    written: float = 0.0

    def go(self) -> None:
        graph, state = self.state.graph, self.state
        self.children: dict[str, list[str]] = {step_id: [] for step_id in graph.steps}
        self.missing: dict[str, int] = {}
        for step_id, step in graph.steps.items():
            parents = set(step.inputs.values())
            for parent in parents:
                self.children[parent].append(step_id)
            self.missing[step_id] = len(parents - state.finished)
        self.ranks = self._ranks()
        cores = hardware.cores()
        first = os.getpid() % len(cores)  # two runs with one job each should not share a core
        self.cores = tuple([*cores[first:], *cores[:first]][: steps_at_once(self.jobs)])
        self.room = Room(self.cores, int(hardware.memory() * MEMORY_SHARE))
        self.crews = Crews(state, self.store, self.room, self.pack, self.figures)
        self.seats: dict[str, tuple[Seat, set[str]]] = {}
        self.ready: list[tuple[float, int, str]] = []
        self.order = {step_id: index for index, step_id in enumerate(graph.steps)}
        for step_id in graph.steps:
            if step_id not in state.finished and not self.missing[step_id]:
                self._push(step_id)
        nursery = Nursery()
        try:
            while self.ready or state.running:
                self._start(nursery)
                self.crews.look()
                for message in nursery.messages(0.1):
                    self._hear(message)
                self.watch(state)
                self._write_status()
        except EOFError:
            raise LeavenError(
                "the process that steps are started from was killed\n  Run again: it continues where it stopped."
            ) from None
        finally:
            nursery.close()
            self.crews.stop()
            self._write_status(ended=True)

    def _push(self, step_id: str) -> None:
        heapq.heappush(self.ready, (-self.ranks[step_id], self.order[step_id], step_id))

    def _start(self, nursery: Nursery) -> None:
        waiting = []
        while self.ready and self.room.free:
            entry = heapq.heappop(self.ready)
            step = self.state.graph.steps[entry[2]]
            if step.kind == "stage" and not self._may_train():
                waiting.append(entry)
                continue
            crew = self.crews.of(step, (self.state.graph.steps[other] for _, _, other in sorted(self.ready)))
            seat = self.crews.seat(crew)
            if seat is None:
                waiting.append(entry)
                continue
            together = {member.identity for member in crew}
            self.ready = [other for other in self.ready if other[2] not in together]
            heapq.heapify(self.ready)
            self.seats[step.identity] = seat, together
            for member in crew:
                self.state.running[member.identity] = Running(member, time.monotonic(), step.identity)
            cores = self.cores if step.kind in IN_PARTS or seat.device else (seat.core,)
            workers = len(self.cores) if step.kind in IN_PARTS else 1
            device = self.state.device if seat.device else PROCESSOR
            nursery.start(order(crew, self.store.root.resolve(), cores, self.allow_unisolated, workers, device))
        for entry in waiting:
            heapq.heappush(self.ready, entry)

    def _may_train(self) -> bool:
        """No stage starts before every source is tokenized (or given up) and the budgets are known to fit them."""
        settled = {*self.state.finished, *self.state.failed, *self.state.blocked}
        if not self.audited and all(step.identity in settled for step in self.state.graph.of_kind("shards")):
            self.before_stages()
            self.audited = True
        return self.audited

    def _hear(self, message: dict[str, Any]) -> None:
        run = self.state.running[message["identity"]]
        if message["event"] == "progress":
            run.done, run.total, run.note = message["done"], message["total"], message["note"]
        elif message["event"] == "failed":
            run.failure, run.code = message["note"], message["code"]
        elif message["event"] == "exit":
            self._end(run, message["code"])

    def _end(self, run: Running, code: int) -> None:
        step_id = run.step.identity
        del self.state.running[step_id]
        seat, together = self.seats[run.program]
        together.remove(step_id)
        if not together:
            self.room.give_back(seat)
            del self.seats[run.program]
        if self.store.has(step_id):  # whatever became of the process that it shared with others
            self.state.finished.add(step_id)
            for child in self.children[step_id]:
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
        self.state.exit_code = max(self.state.exit_code, run.code)
        waiting = list(self.children[step_id])
        while waiting:
            child = waiting.pop()
            if child not in self.state.blocked:
                self.state.blocked.add(child)
                waiting.extend(self.children[child])

    def _ranks(self) -> dict[str, float]:
        """Seconds from the start of a step to the end of the longest path below it."""
        ranks: dict[str, float] = {}
        for step_id in reversed(self.state.graph.steps):
            below = max((ranks[child] for child in self.children[step_id]), default=0.0)
            ranks[step_id] = seconds_of(self.state.graph.steps[step_id], self.state.rates, self.state.device) + below
        return ranks

    def _write_status(self, ended: bool = False) -> None:
        now = time.monotonic()
        if not self.status or (now - self.written < STATUS_EVERY and not ended):
            return
        self.written = now
        state = self.state
        data = {
            "process": os.getpid(),
            "ended": ended,
            "steps": len(state.graph.steps),
            "finished": len(state.finished),
            "running": {
                run.step.name: {"done": run.done, "total": run.total, "note": run.note}
                for run in state.running.values()
            },
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
