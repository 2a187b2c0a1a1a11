"""The executor of a Ray cluster: a step is a task.

Ray never repeats a task by itself: a step whose machine went away is submitted again here, where it is counted and
told. Ends of steps are the results of their tasks, so that they are heard at once; how far they are is read from the
board.
"""

from __future__ import annotations

import contextlib
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from leaven.engine.devices import PROCESSOR, Device
from leaven.engine.executor import Seat
from leaven.engine.here import IN_PARTS
from leaven.engine.ray import node, sameness
from leaven.engine.ray.board import Board
from leaven.engine.ray.connect import FIELD, RESOURCES, Connection, described, wanted
from leaven.engine.ray.fleet import Berth, Fleet, Machine
from leaven.engine.store import Store
from leaven.engine.worker import order
from leaven.ground.errors import BadInput, LeavenError
from leaven.study.step import Step

LOOK_EVERY = 2.0
"""Seconds between two looks at which machines there are."""
ASK_EVERY = 0.3
"""Seconds between two questions to the board."""
ANSWER = 60.0
"""Seconds for a machine to say what it is: it imports leaven's libraries for that."""
LOSSES = 4
"""Times that a step is started in all where its machine or process goes away: what kills it again and again is it."""


@dataclass(frozen=True)
class Flight:
    """A crew on its way. `ticket`: of this attempt; `losses`: attempts before; `heard`: its messages on the board."""

    crew: Sequence[Step]
    berth: Berth
    ticket: str
    losses: int = 0
    heard: int = 0


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
        self.room = Fleet(jobs=jobs, hosts=hosts)
        self.ours, self.token = sameness.fingerprint(), secrets.token_hex(8)
        self.where = {**store.where(), "home": sameness.machine()}
        self.probe = node.store_probe(store.root.resolve()) if "url" not in self.where else None
        self.flights: dict[Any, Flight] = {}
        self.asked: dict[str, Any] = {}
        self.fit: dict[str, dict[str, Any]] = {}
        self.unfit: dict[str, str] = {}
        self.poll: Any = None
        self.polled = self.looked = 0.0
        self.tickets = 0
        self.connection = Connection(on, device)
        self.ray = self.connection.ray
        try:
            self._open(device, hosts)
        except BaseException:
            self.close()
            raise

    def _open(self, device: str, hosts: int) -> None:
        if self.probe:
            self.probe.write_text(self.token, encoding="utf-8")
        step, look = node.bodies()
        self.task = self.ray.remote(num_cpus=1, max_retries=0)(step)
        self.question = self.ray.remote(num_cpus=0, max_retries=0)(sameness.question())
        self.platform, self.kind = wanted(device, self.ray.cluster_resources())
        until = time.monotonic() + ANSWER
        self._look()
        while self.asked and time.monotonic() < until:
            self._hear_machines(0.1)
        if self.unfit:
            raise BadInput("; ".join(self.unfit.values()), field=FIELD, fix=self._advice())
        if not self.fit:
            raise BadInput(f"no machine of the cluster at {self.connection.address} answers", field=FIELD)
        self._look()
        self.device = self._device(self.ray.remote(num_cpus=0, max_retries=0)(look), device)
        if hosts > len(self.room.machines):
            raise BadInput(f"the cluster has {len(self.room.machines)} machines", field="--hosts")
        head = {"node:__internal_head__": 0.001}
        self.board = self.ray.remote(num_cpus=0, max_restarts=-1, resources=head)(Board).remote()

    def _advice(self) -> str:
        if any("store" in why for why in self.unfit.values()):
            return "Give --store URL, or --store with a path that every machine sees. Nothing was run."
        return "Install the same there, or take the machine out of the cluster. Nothing was run."

    def _device(self, look: Any, asked: str) -> Device:
        if self.platform == "cpu":
            return PROCESSOR
        setting = {"gpu": "cuda,cpu", "tpu": "tpu,cpu"}[self.platform]
        said = self.ray.get(look.options(**self._accelerators(1)).remote(setting))
        device = described(said, asked)
        return replace(device, count=1) if device.accelerates else device

    @property
    def at_once(self) -> int:
        return self.room.at_once

    @property
    def words(self) -> str:
        machines, cores = len(self.room.machines), self.room.cores
        many = "s" if machines != 1 else ""
        return f"Ray at {self.connection.address}: {machines} machine{many}, {cores} cores"

    def start(self, crew: Sequence[Step], seat: Seat) -> None:
        assert isinstance(seat, Berth)
        self._submit(Flight(tuple(crew), seat, ""))

    def _submit(self, flight: Flight) -> None:
        self.tickets += 1
        flight, berth = replace(flight, ticket=str(self.tickets), heard=0), flight.berth
        options: dict[str, Any] = {"num_cpus": berth.cores, "memory": berth.bytes, "scheduling_strategy": "SPREAD"}
        options |= self._accelerators(berth.accelerators)
        if self.unfit:
            options["label_selector"] = {"ray.io/node-id": f"!in({','.join(sorted(self.unfit))})"}
        first = flight.crew[0]
        sent = order(
            flight.crew,
            self.where,
            (),
            self.allow_unisolated,
            berth.cores if first.kind in IN_PARTS else 1,
            self.device if berth.device else PROCESSOR,
        )
        options["name"] = f"leaven {first.kind} {first.identity[:12]}"
        self.flights[self.task.options(**options).remote(sent, flight.ticket, self.board, self.ours)] = flight

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
        if now - self.looked >= LOOK_EVERY:
            self._look()
        self._hear_machines(0)
        if self.poll is None and self.flights and now - self.polled >= ASK_EVERY:
            self.poll, self.polled = self.board.take.remote(), now
        waiting = [*self.flights, *([self.poll] if self.poll is not None else [])]
        if not waiting:
            time.sleep(timeout)
            return []
        if not self.ray.wait(waiting, num_returns=1, timeout=timeout)[0]:
            return []
        ready = self.ray.wait(waiting, num_returns=len(waiting), timeout=0)[0]
        said = []
        if self.poll is not None and self.poll in ready:
            said += self._read(self.poll)
            self.poll = None
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
        flights = {flight.ticket: ref for ref, flight in self.flights.items()}
        said = []
        for ticket, messages in told:
            if ticket in flights:
                flight = self.flights[flights[ticket]]
                self.flights[flights[ticket]] = replace(flight, heard=flight.heard + len(messages))
                said += messages
        return said

    def _landed(self, ref: Any) -> list[dict[str, Any]]:
        flight, errors = self.flights[ref], self.ray.exceptions
        try:
            result = self.ray.get(ref)
        except errors.RayTaskError as error:
            del self.flights[ref]
            cause = str(error).strip().splitlines()[-1]
            return self._failed(flight, f"{cause}\n  This is a defect of leaven, or of Ray on that machine.")
        except errors.RaySystemError:
            raise
        except errors.OutOfMemoryError:
            return self._lost(ref, "its machine ran out of memory")
        except errors.RayError as error:
            return self._lost(ref, f"its machine or process went away ({type(error).__name__})")
        if "unfit" in result:
            self._exclude(result["node"], f"{result['host']}: {result['unfit']}")
            return self._again(ref, f"{result['host']} cannot be used", flight.losses)
        if "lost" in result:
            return self._lost(ref, result["lost"])
        earlier = []
        if result["told"] > flight.heard:
            polled, self.poll = self.poll, None
            for question in (polled, self.board.take.remote()):
                earlier += self._read(question) if question is not None else []
        del self.flights[ref]
        return [*earlier, *result["messages"]]

    def _lost(self, ref: Any, why: str) -> list[dict[str, Any]]:
        flight = self.flights[ref]
        if flight.losses + 1 < LOSSES:
            return self._again(ref, why, flight.losses + 1)
        del self.flights[ref]
        log = self.store.log(flight.crew[0].identity)
        return self._failed(flight, f"{why}, {LOSSES} times in a row\n  Run again: it continues. Log: {log}")

    def _again(self, ref: Any, why: str, losses: int) -> list[dict[str, Any]]:
        flight = self.flights.pop(ref)
        self._submit(replace(flight, losses=losses))
        return [{"identity": step.identity, "event": "lost", "note": why} for step in flight.crew]

    def _failed(self, flight: Flight, why: str) -> list[dict[str, Any]]:
        said: list[dict[str, Any]] = []
        for step in flight.crew:
            said.append({"identity": step.identity, "event": "failed", "note": why, "code": 1})
            said.append({"identity": step.identity, "event": "exit", "code": 1})
        return said

    def _look(self) -> None:
        """Which machines there are; new ones are asked what they are before they count."""
        self.looked = time.monotonic()
        alive = {row["NodeID"]: row for row in self.ray.nodes() if row["Alive"]}
        for node_id in alive:
            if node_id not in self.fit and node_id not in self.unfit and node_id not in self.asked:
                self._ask(node_id)
        self.asked = {node_id: ref for node_id, ref in self.asked.items() if node_id in alive}
        self.room.machines = tuple(
            Machine(
                node_id,
                row["NodeManagerHostname"],
                int(row["Resources"].get("CPU", 0)),
                int(row["Resources"].get("memory", 0)),
                self._usable(row["Resources"]),
            )
            for node_id, row in sorted(alive.items())
            if node_id in self.fit
        )

    def _usable(self, resources: dict[str, float]) -> int:
        """Accelerators of a machine that this run computes on."""
        if self.platform == "cpu" or (self.kind and f"accelerator_type:{self.kind}" not in resources):
            return 0
        return int(resources.get(RESOURCES[self.platform], 0))

    def _ask(self, node_id: str) -> None:
        strategies = self.ray.util.scheduling_strategies
        there = strategies.NodeAffinitySchedulingStrategy(node_id, soft=False)
        probe = str(self.probe) if self.probe else ""
        self.asked[node_id] = self.question.options(scheduling_strategy=there).remote(probe)

    def _hear_machines(self, timeout: float) -> None:
        if not self.asked:
            return
        by_ref = {ref: node_id for node_id, ref in self.asked.items()}
        ready, _ = self.ray.wait(list(by_ref), num_returns=len(by_ref), timeout=timeout)
        for ref in ready:
            node_id = by_ref[ref]
            del self.asked[node_id]
            with contextlib.suppress(self.ray.exceptions.RayError):  # gone again: asked anew where it comes back
                self._judge(node_id, self.ray.get(ref))
        if ready:
            self.looked = 0.0

    def _judge(self, node_id: str, said: dict[str, Any]) -> None:
        why = sameness.unfit(said, self.ours)
        if not why and self.probe and said["probe"] != self.token:
            why = f"the store at {self.store.root.resolve()} is not seen there"
        if why:
            self._exclude(node_id, f"{said['host']}: {why}")
        else:
            self.fit[node_id] = said

    def _exclude(self, node_id: str, why: str) -> None:
        if node_id in self.unfit:
            return
        self.unfit[node_id] = why
        self.fit.pop(node_id, None)
        if self.flights:
            print(f"a machine is left out: {why}", file=sys.stderr, flush=True)
            if not self.fit and not self.asked:
                raise BadInput("; ".join(self.unfit.values()), field=FIELD, fix="It was the last of the cluster.")

    def close(self) -> None:
        """Leave the cluster: Ray ends the tasks of who leaves, and their steps with them."""
        self.flights.clear()
        if self.probe:
            with contextlib.suppress(OSError):
                self.probe.unlink(missing_ok=True)
        self.connection.close()


__all__ = ["LeavenError", "RayExecutor"]
