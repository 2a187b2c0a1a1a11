"""The executor of a Slurm cluster: steps that are ready together become one array of jobs.

Slurm's queue is where steps wait, so there is room for all that are ready, the longest path first in the queue. How far
a step is and how it ended is read from files that its job writes; Slurm is asked for what no job can say: that it was
cancelled, ran out of time or memory, or lost its node.
Invariants: a batch is on the disk before it is submitted, under the name of its jobs, so that jobs of a driver that was
killed are found by the next one and adopted; nothing is submitted twice while a job of it waits or runs. `close` ends
what this run waits for. A job that is not to blame for its end is submitted again, at most RETRIES times.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from leaven.engine.devices import PROCESSOR
from leaven.engine.executor import Seat
from leaven.engine.sameness import fingerprint
from leaven.engine.slurm import asking, batch
from leaven.engine.slurm.asking import Job, SlurmError
from leaven.engine.slurm.ends import why
from leaven.engine.slurm.needs import Cluster, Needs, Queue
from leaven.engine.slurm.program import Program
from leaven.engine.slurm.submit import Later, submit
from leaven.engine.store import Store
from leaven.engine.worker import order
from leaven.ground.errors import BadInput
from leaven.study.step import Step

GATHER = 0.3
"""Seconds without another step until those gathered are submitted."""
LATER = 10.0
"""Seconds until jobs that Slurm does not take now are submitted again."""
LISTEN_EVERY = 0.5
ASK_SOON, ASK_EVERY = 1.0, 5.0
"""Seconds between two questions to Slurm, which has many users: while jobs have yet to begin, and afterwards."""
GRACE = 15.0
"""Seconds after the end of a job until its last words are given up: a network disk shows them late."""
RETRIES = 5
ARRAY = 500
"""Elements of an array at most; Slurm takes 1,000 unless it is told otherwise (MaxArraySize)."""


class SlurmExecutor:
    """`options`: what the user says of the jobs; `hosts`: machines that train one stage; `jobs`: steps at once."""

    def __init__(
        self,
        store: Store,
        *,
        options: Mapping[str, str],
        hosts: int = 1,
        allow_unisolated: bool = False,
        device: str = "auto",
        jobs: int | None = None,
    ) -> None:
        if "url" in store.where():  # orders, and what jobs say, pass through files
            raise BadInput(
                "jobs of Slurm need a store on a path that all nodes see",
                field="--store",
                fix="Give --store with such a path instead of a URL.",
            )
        self.store, self.allow_unisolated = store, allow_unisolated
        self.cluster = Cluster.open(options, hosts, device)
        self.device, self.words, self.room = self.cluster.device, self.cluster.words, Queue(jobs)
        self.at_once = max(1, min(jobs or self.cluster.nodes.cores, self.cluster.nodes.cores))
        self.devices = max(1, min(jobs or self.cluster.devices, self.cluster.devices))
        self.gathered: list[Program] = []
        self.running: list[Program] = []
        self.unheard: list[dict[str, Any]] = []
        self.array = ARRAY
        self.submit_at = self.ask_at = self.listen_at = 0.0
        self.adoptable: dict[str, Program] = {}
        """By step: jobs of an earlier run that wait or run."""
        self._find_left()

    def start(self, crew: Sequence[Step], seat: Seat) -> None:
        for program in {id(found): found for step in crew if (found := self.adoptable.get(step.identity))}.values():
            program.waiting |= {step.identity for step in crew if self.adoptable.get(step.identity) is program}
            if program not in self.running:
                self.running.append(program)
        mine = [step for step in crew if step.identity not in self.adoptable]
        if mine:
            self._gather([self._program(mine, seat)], GATHER)

    def _program(self, crew: Sequence[Step], seat: Seat) -> Program:
        needs = self.cluster.needs(crew[0], seat)
        given = order(
            crew,
            self.store.where(),
            [],
            self.allow_unisolated,
            needs.cores,
            self.device if seat.device else PROCESSOR,
            gang={"processes": needs.hosts} if needs.hosts > 1 else None,
        )
        return Program({**given, "fingerprint": fingerprint()}, needs, {step.identity for step in crew})

    def _gather(self, programs: Sequence[Program], seconds: float) -> None:
        self.gathered += programs
        self.submit_at = time.monotonic() + seconds

    def messages(self, timeout: float) -> list[dict[str, Any]]:
        until = time.monotonic() + timeout
        while True:
            now = time.monotonic()
            if self.gathered and now >= self.submit_at:
                self._submit()
            if now >= self.listen_at:
                self.listen_at = now + LISTEN_EVERY
                for program in list(self.running):
                    self._hear(program)
            if self.running and now >= self.ask_at:
                self._ask()
            if self.unheard or now >= until:
                break
            time.sleep(max(0.0, min(0.05, until - now)))
        heard, self.unheard = self.unheard, []
        return heard

    def close(self) -> None:
        """Cancel what this run waits for; jobs that others submitted for this store go on."""
        ours = {(program.laid.name, program.place) for program in self.running if program.laid}
        self.gathered, self.running = [], []
        if ours:
            with suppress(SlurmError):  # then they go on, and the next run finds them
                known = asking.jobs({name for name, _ in ours})
                asking.cancel([job.number for key, job in known.items() if key in ours and not job.ended])

    def _find_left(self) -> None:
        """Jobs of an earlier run that still wait or run may be adopted; what else it left is removed."""
        batches = batch.left(self.store)
        known = asking.jobs({old.name for old in batches}) if batches else {}
        for old in batches:
            alive = {place for (name, place), job in known.items() if name == old.name and not job.ended}
            if not alive:
                old.remove()
            for place in sorted(alive):
                with suppress(OSError, ValueError, KeyError, TypeError, IndexError):  # unreadable: submitted anew
                    given, needs = old.order(place)
                    program = Program(given, Needs(**needs), set(), adopted=True)
                    program.lay(old, place)
                    self.adoptable |= dict.fromkeys(old.programs[place], program)

    def _submit(self) -> None:
        """All that was gathered: one array for each shape of needs."""
        programs, self.gathered = self.gathered, []
        for needs in dict.fromkeys(program.needs for program in programs):
            alike = [program for program in programs if program.needs == needs]
            size = self.array
            for first in range(0, len(alike), size):
                self._submit_array(needs, alike[first : first + size])

    def _submit_array(self, needs: Needs, wave: Sequence[Program]) -> None:
        laid = batch.write(self.store, [program.order for program in wave], needs.data())
        said = self.cluster.options
        try:
            submit(laid, needs.hosts, needs.cores, self.cluster.parameters(needs), said.setup, said.parallelism)
        except SlurmError as error:
            if not self._went_through(laid):
                laid.remove()
                if not isinstance(error, Later):
                    raise BadInput(f"Slurm does not take the jobs: {error}", field="--slurm") from None
                self._wait(wave, str(error))
                return
        for place, program in enumerate(wave):
            program.lay(laid, place)
            self.running.append(program)
        self.ask_at = time.monotonic() + ASK_SOON

    def _wait(self, wave: Sequence[Program], said: str) -> None:
        """Until the same jobs may be taken, fewer at a time: a limit may be below the length of an array."""
        self.array = max(1, min(self.array, len(wave)) // 2)
        note = f"waits for Slurm: {said}"
        for step in sorted(step for program in wave for step in program.waiting):
            self.unheard.append({"identity": step, "event": "progress", "done": 0.0, "total": 0.0, "note": note})
        self._gather(wave, LATER)

    def _went_through(self, laid: batch.Batch) -> bool:
        """Whether jobs were submitted all the same: an answer may be lost on its way."""
        try:
            return bool(asking.jobs({laid.name}))
        except SlurmError:
            return False

    def _hear(self, program: Program) -> None:
        self.unheard += program.hear(self.store.log)
        for step in program.over:
            self.adoptable.pop(step, None)
        if not program.waiting:
            self.running.remove(program)
            self._tidy(program.laid)

    def _tidy(self, laid: batch.Batch | None) -> None:
        """A batch all of whose steps ended well is not needed any more; of others the next run removes what is left."""
        if laid is None or any(program.laid == laid for program in [*self.running, *self.adoptable.values()]):
            return
        if all(self.store.has(step) for steps in laid.programs for step in steps):
            laid.remove()

    def _ask(self) -> None:
        """What Slurm says of the jobs that have not said their last word."""
        soon = any(program.begun == 0 for program in self.running)
        self.ask_at = time.monotonic() + (ASK_SOON if soon else ASK_EVERY)
        names = {program.laid.name for program in self.running if program.laid}
        try:
            known = asking.jobs(names)
        except SlurmError:
            return  # its controller may be starting anew; jobs go on without it, and so does listening
        forgotten = names - {name for name, _ in known}
        if forgotten:
            known = {**asking.remembered(forgotten), **known}
        for program in list(self.running):
            assert program.laid is not None
            job = known.get((program.laid.name, program.place), Job("", "UNKNOWN"))
            if program.is_silent(job, GRACE):
                self._hear(program)
                if program in self.running:
                    self._give_up(program, job)

    def _give_up(self, program: Program, job: Job) -> None:
        """Of a job that ended without a last word: once more where it is not to blame, or why it failed."""
        assert program.laid is not None
        self.running.remove(program)
        left = sorted(program.waiting)
        for step in left:
            self.adoptable.pop(step, None)
        # Where a driver dies while it submits, a job finds no task and ends before it has begun.
        orphan = program.adopted and not program.begun and job.state == "FAILED"
        whole = len(left) == len(program.order["members"])
        if (orphan or job.state in asking.LOST) and whole and program.retries < RETRIES:
            note = f"its job ended as {job.state}"
            self.unheard += [{"identity": step, "event": "lost", "note": note} for step in left]
            program.retries += 1
            program.adopted = False
            self._gather([program], GATHER)
            return
        note = why(job, program.needs, program.laid, program.place)
        for step in left:
            self.unheard.append({"identity": step, "event": "failed", "note": note, "code": 1})
            self.unheard.append({"identity": step, "event": "exit", "code": 1})
