"""The executor of a Ray cluster: a step is a task.

Ray never repeats a task by itself: a step whose machine went away is submitted again here, where it is counted and
told. Ends of steps are the results of their tasks, so that they are heard at once; how far they are is read from the
board. What Ray could never place, because the machine that it was asked of has gone, is asked anew of those that are
left.
"""

from __future__ import annotations

import contextlib
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from leaven.engine import sameness
from leaven.engine.devices import PROCESSOR, Device
from leaven.engine.executor import Seat
from leaven.engine.ray import node
from leaven.engine.ray.board import Board
from leaven.engine.ray.connect import RESOURCES, Connection, described, wanted
from leaven.engine.ray.fleet import FANNED, Berth, Fleet
from leaven.engine.ray.flight import Flight, newest
from leaven.engine.ray.gang import Gang
from leaven.engine.ray.machines import Machines
from leaven.engine.store import Store
from leaven.engine.worker import order
from leaven.ground.errors import BadInput
from leaven.study.step import Step

ASK_EVERY = 0.3
"""Seconds between two questions to the board."""
LOSSES = 4
"""Times that a step is started whose machine or process goes away before it has another checkpoint: what is always
killed is killed for what it is."""
LOOK_EVERY = 2.0
"""Seconds between two looks at whether there are machines for all that was submitted."""
MACHINE = 600.0
"""Seconds that a step waits for a machine which could execute it, where there is none."""
NOTICE, DEVICE = 15.0, 600.0
"""Seconds until it is said that the question for the device waits, and until it is given up."""


class RayExecutor:
    """`on`: `ray`, `ray://HOST[:PORT]` or `local-cluster:N`. Raises BadInput where the cluster cannot be used."""

    def __init__(
        self,
        on: str,
        store: Store,
        *,
        jobs: int | None = None,
        allow_unisolated: bool = False,
        device: str = "auto",
        hosts: int = 1,
    ) -> None:
        self.store, self.allow_unisolated = store, allow_unisolated
        self.where = {**store.where(), "home": sameness.machine()}
        self.probe = None if "url" in self.where else node.store_probe(store.root.resolve())
        if hosts > 1 and not self.probe:
            raise BadInput(
                "machines that train one stage together need a store on a path that all of them see",
                field="--hosts",
                fix="Give --store with such a path instead of a URL.",
            )
        self.room = Fleet(jobs=jobs, hosts=hosts)
        self.flights: dict[Any, Flight] = {}
        self.unplaced: dict[str, float] = {}
        """By ticket: since when no machine could execute it."""
        self.look_at = 0.0
        self.poll: Any = None
        self.polled, self.tickets = 0.0, 0
        self.connection = Connection(on, device)
        self.ray = self.connection.ray
        try:
            self._open(device, hosts)
        except BaseException:
            self.close()
            raise

    def _open(self, device: str, hosts: int) -> None:
        token = secrets.token_hex(8)
        if self.probe:
            self.probe.write_text(token, encoding="utf-8")
        self.platform, self.kind = wanted(
            device, self.ray.cluster_resources(), [row["Resources"] for row in self.ray.nodes() if row["Alive"]]
        )
        self.machines = Machines(self.ray, str(self.probe or ""), token, self.platform, self.kind)
        self.machines.settle()
        self.room.machines = self.machines.now
        if hosts > len(self.room.machines):
            raise BadInput(f"the cluster has {len(self.room.machines)} machines", field="--hosts")
        step, look = node.bodies()
        self.task = self.ray.remote(num_cpus=1, max_retries=0)(step)
        self.device = self._device(self.ray.remote(num_cpus=0, max_retries=0)(look), device)
        head = {"node:__internal_head__": 0.001}  # a machine that goes away takes less along
        self.board = self.ray.remote(num_cpus=0, max_restarts=-1, resources=head)(Board).remote()

    def _device(self, look: Any, asked: str) -> Device:
        if self.platform == "cpu":
            return PROCESSOR
        setting = {"gpu": "cuda,cpu", "tpu": "tpu,cpu"}[self.platform]
        ref = look.options(**self._accelerators(1), **self.machines.elsewhere()).remote(setting)
        if not self.ray.wait([ref], timeout=NOTICE)[0]:
            print("waits for a free accelerator of the cluster, to see what it is", file=sys.stderr, flush=True)
        try:
            said = self.ray.get(ref, timeout=DEVICE)
        except self.ray.exceptions.GetTimeoutError:
            self.ray.cancel(ref, force=True)
            raise BadInput(
                f"no accelerator of the cluster was free within {DEVICE / 60:.0f} minutes",
                field="--device",
                fix="Run again when one is, or compute on the cores: --device cpu.",
            ) from None
        return replace(described(said, asked), count=1)

    @property
    def at_once(self) -> int:
        return self.room.at_once

    @property
    def devices(self) -> int:
        return self.room.devices

    @property
    def words(self) -> str:
        machines = len(self.room.machines)
        return f"Ray at {self.connection.address}: {machines} machine{'s'[: machines != 1]}, {self.room.cores} cores"

    def start(self, crew: Sequence[Step], seat: Seat) -> None:
        assert isinstance(seat, Berth)
        self._submit(Flight(tuple(crew), seat))

    def _submit(self, flight: Flight) -> None:
        self.tickets += 1
        flight, berth = replace(flight, ticket=str(self.tickets), heard=0, gang=None), flight.berth
        accelerators, first = self._accelerators(berth.accelerators), flight.crew[0]
        options = {
            "name": f"leaven {first.kind} {first.identity[:12]}",
            "num_cpus": berth.cores,
            "memory": berth.bytes,
            **accelerators,
        }
        if berth.machines == 1:
            self._send(flight, {**options, "scheduling_strategy": "SPREAD", **self.machines.elsewhere()})
            return
        gang = Gang(self.ray, berth, accelerators, self.machines.labels)
        for process in range(berth.machines):
            member = replace(flight, gang=gang, process=process)
            gang.refs.append(self._send(member, {**options, "scheduling_strategy": gang.place(process)}))

    def _send(self, flight: Flight, options: dict[str, Any]) -> Any:
        berth, many = flight.berth, flight.gang is not None
        fan = {"address": None, "options": self.machines.elsewhere()}
        sent = order(
            flight.crew,
            self.where,
            (),
            self.allow_unisolated,
            1 if many else berth.cores,
            replace(self.device, count=berth.accelerators) if berth.device else PROCESSOR,
            fan=fan if flight.crew[0].kind in FANNED and self.room.cores > 1 else None,
            gang={"coordinator": None, "processes": berth.machines, "process": flight.process} if many else None,
        )
        ref = self.task.options(**options).remote(sent, flight.ticket, self.board, self.machines.ours)
        self.flights[ref] = flight
        return ref

    def _accelerators(self, count: int) -> dict[str, Any]:
        if not count:
            return {}
        kind = {"accelerator_type": self.kind} if self.kind else {}
        if self.platform == "gpu":
            return {"num_gpus": count, **kind}
        return {"resources": {RESOURCES[self.platform]: count}, **kind}

    def messages(self, timeout: float) -> list[dict[str, Any]]:
        try:
            return self._messages(timeout)
        except (ConnectionError, self.ray.exceptions.RaySystemError) as error:
            raise EOFError(f"the Ray cluster at {self.connection.address} has gone: {error}") from None

    def _messages(self, timeout: float) -> list[dict[str, Any]]:
        now = time.monotonic()
        self.room.machines = self.machines.look()
        if self.poll is None and self.flights and now - self.polled >= ASK_EVERY:
            self.poll, self.polled = self.board.take.remote(), now
        said = [*self._overdue(), *self._placed_anew(now)]
        waiting = [*self.flights, *([self.poll] if self.poll is not None else [])]
        if not waiting:
            time.sleep(0 if said else timeout)
            return said
        if not self.ray.wait(waiting, num_returns=1, timeout=0 if said else timeout)[0]:
            return said
        ready = self.ray.wait(waiting, num_returns=len(waiting), timeout=0)[0]
        if self.poll is not None and self.poll in ready:
            polled, self.poll = self.poll, None
            said += self._read(polled)
        for ref in ready:
            if ref in self.flights:
                said += self._landed(ref)
        return said

    def _read(self, ref: Any) -> list[dict[str, Any]]:
        """What the board was told by tasks that are still under way: of others the end has been heard."""
        try:
            told = self.ray.get(ref, timeout=5)
        except (self.ray.exceptions.RayActorError, self.ray.exceptions.GetTimeoutError):
            return []
        flights = {(flight.ticket, flight.process): ref for ref, flight in self.flights.items()}
        said: list[dict[str, Any]] = []
        for ticket, process, messages in told:
            ref = flights.get((ticket, process))
            if ref is not None:
                self.flights[ref] = replace(self.flights[ref], heard=self.flights[ref].heard + len(messages))
                said += messages if process == 0 else []
        return said

    def _landed(self, ref: Any) -> list[dict[str, Any]]:
        result = self._result(ref)
        flight = self.flights[ref]
        earlier = []
        if result.get("told", 0) > flight.heard:
            polled, self.poll = self.poll, None
            for question in (polled, self.board.take.remote()):
                earlier += self._read(question) if question is not None else []
        del self.flights[ref]
        if flight.gang is None:
            return [*earlier, *self._ended(flight, result)]
        flight.gang.end(flight.process, result)
        return [*earlier, *self._gang_ended(flight)]

    def _overdue(self) -> list[dict[str, Any]]:
        """Of gangs whose other members did not end after one failed."""
        gangs = {flight.ticket: flight for flight in self.flights.values() if flight.gang}
        return [message for flight in gangs.values() for message in self._gang_ended(flight)]

    def _gang_ended(self, flight: Flight) -> list[dict[str, Any]]:
        assert flight.gang
        result = flight.gang.over()
        if result is None:
            return []
        self._withdraw(flight)
        return self._ended(flight, result)

    def _withdraw(self, flight: Flight) -> None:
        """Have this attempt end, wherever it is."""
        if flight.gang:
            flight.gang.close()
        for ref in [ref for ref, other in self.flights.items() if other.ticket == flight.ticket]:
            del self.flights[ref]
            if not flight.gang:
                with contextlib.suppress(Exception):  # of what ended meanwhile, or whose machine is gone
                    self.ray.cancel(ref, force=True)
        self.unplaced.pop(flight.ticket, None)

    def _placed_anew(self, now: float) -> list[dict[str, Any]]:
        """Of attempts that fit none of the machines there are: what runs on a machine fits it, so they wait for one
        that has gone, or ran there."""
        if now < self.look_at:
            return []
        self.look_at = now + LOOK_EVERY
        said: list[dict[str, Any]] = []
        for flight in {flight.ticket: flight for flight in self.flights.values()}.values():
            berth = flight.berth
            if self.room.fits(berth):
                self.unplaced.pop(flight.ticket, None)
            elif self.room.fits(self.room.fitted(berth)):
                self._withdraw(flight)
                said += self._again(flight, "the machine that it was meant for went away")
            elif flight.ticket not in self.unplaced:
                self.unplaced[flight.ticket] = now
                waits = {"event": "progress", "done": 0.0, "total": 0.0, "note": f"waits for {berth.words}"}
                said += [{"identity": step.identity, **waits} for step in flight.crew]
            elif now - self.unplaced[flight.ticket] >= MACHINE:
                self._withdraw(flight)
                why = f"the cluster had no {berth.words.removeprefix('a ')} for {MACHINE / 60:.0f} minutes"
                said += self._failed(flight, f"{why}\n  Run again when it has: it continues.")
        return said

    def _result(self, ref: Any) -> dict[str, Any]:
        """What a task returned, or what became of it in the same words."""
        errors = self.ray.exceptions
        try:
            result: dict[str, Any] = self.ray.get(ref)
            return result
        except errors.RayTaskError as error:
            cause = str(error).strip().splitlines()[-1]
            return {"failed": f"{cause}\n  This is a defect of leaven, or of Ray on that machine."}
        except errors.RaySystemError:
            raise
        except errors.OutOfMemoryError:
            return {"lost": "its machine ran out of memory"}
        except errors.RayError as error:
            return {"lost": f"its machine or process went away ({type(error).__name__})"}

    def _ended(self, flight: Flight, result: dict[str, Any]) -> list[dict[str, Any]]:
        if "messages" in result:
            messages: list[dict[str, Any]] = result["messages"]
            return messages
        if "unfit" in result:
            self.machines.leave_out(result["node"], f"{result['host']}: {result['unfit']}")
            result = {"lost": f"{result['host']} cannot be used"}
        if "lost" in result:
            kept = newest(self.store, flight.crew) if self.probe else ()
            losses = flight.losses + 1 if kept == flight.kept else 1
            if losses < LOSSES:
                return self._again(replace(flight, losses=losses, kept=kept), result["lost"])
            log = self.store.log(flight.crew[0].identity)
            times = f"{LOSSES} times" + (" without another checkpoint" if self.probe else "")
            return self._failed(flight, f"{result['lost']}, {times}\n  Run again: it continues. Log: {log}")
        return self._failed(flight, result["failed"])

    def _failed(self, flight: Flight, why: str) -> list[dict[str, Any]]:
        ends = ({"event": "failed", "note": why, "code": 1}, {"event": "exit", "code": 1})
        return [{"identity": step.identity, **end} for step in flight.crew for end in ends]

    def _again(self, flight: Flight, why: str) -> list[dict[str, Any]]:
        berth = flight.berth if self.room.fits(flight.berth) else self.room.fitted(flight.berth)
        self._submit(replace(flight, process=0, berth=berth))
        return [{"identity": step.identity, "event": "lost", "note": why} for step in flight.crew]

    def close(self) -> None:
        """Leave the cluster: Ray ends the tasks of who leaves, and their steps with them."""
        self.flights.clear()
        if self.probe:
            with contextlib.suppress(OSError):
                self.probe.unlink(missing_ok=True)
        self.connection.close()
