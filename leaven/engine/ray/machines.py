"""Which machines a cluster has, and which of them are fit to compute: each is asked before it counts."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Any

from leaven.engine import sameness
from leaven.engine.ray.connect import FIELD, RESOURCES
from leaven.engine.ray.fleet import Machine
from leaven.ground.errors import BadInput

LOOK_EVERY = 2.0
"""Seconds between two looks at which machines there are."""
ANSWER = 60.0
"""Seconds for the machines to say what they are: each imports leaven's libraries for that."""


class Machines:
    """`ray`: joined. `probe`, `token`: a file of the store and what it says, where the store is a shared path.
    `platform`, `kind`: of the accelerators that count."""

    def __init__(self, ray: Any, probe: str, token: str, platform: str, kind: str) -> None:
        self.ray, self.probe, self.token, self.platform, self.kind = ray, probe, token, platform, kind
        self.ours = sameness.fingerprint()
        self.question = ray.remote(num_cpus=0, max_retries=0)(sameness.question())
        self.now: tuple[Machine, ...] = ()
        self.unfit: dict[str, str] = {}
        self._fit: dict[str, dict[str, Any]] = {}
        self._asked: dict[str, Any] = {}
        self._looked = 0.0

    def settle(self) -> None:
        """Ask all that are here. Raises BadInput where one is not fit, or none answers."""
        until = time.monotonic() + ANSWER
        self._look()
        while self._asked and time.monotonic() < until:
            self._hear(0.1)
        if self.unfit:
            unseen = any("the store" in why for why in self.unfit.values())
            advice = (
                "Give --store URL, or --store with a path that every machine sees."
                if unseen
                else "Install the same there, or take the machine out of the cluster."
            )
            raise BadInput("; ".join(self.unfit.values()), field=FIELD, fix=f"{advice} Nothing was run.")
        if not self._fit:
            raise BadInput("no machine of the Ray cluster answers", field=FIELD)
        self._look()

    def look(self) -> tuple[Machine, ...]:
        """Those that may be used now. Raises BadInput where the last was left out."""
        if time.monotonic() - self._looked >= LOOK_EVERY:
            self._look()
        self._hear(0)
        return self.now

    def leave_out(self, node_id: str, why: str) -> None:
        """A machine that came later and is not fit: the run goes on without it."""
        if node_id in self.unfit:
            return
        self.unfit[node_id] = why
        self._fit.pop(node_id, None)
        if self.now:
            print(f"a machine is left out: {why}", file=sys.stderr, flush=True)
            self._look()
            if not self._fit:
                raise BadInput(why, field=FIELD, fix="It was the last of the cluster. Run again: it continues.")

    @property
    def labels(self) -> dict[str, str]:
        """Which labels of Ray's machines have that were not left out; empty where none was."""
        return {"ray.io/node-id": f"!in({','.join(sorted(self.unfit))})"} if self.unfit else {}

    def elsewhere(self) -> dict[str, Any]:
        """Options of a task that keep it from machines that were left out."""
        return {"label_selector": self.labels} if self.unfit else {}

    def _look(self) -> None:
        self._looked = time.monotonic()
        alive = {row["NodeID"]: row for row in self.ray.nodes() if row["Alive"]}
        for node_id in alive:
            if node_id not in self._fit and node_id not in self.unfit and node_id not in self._asked:
                self._ask(node_id)
        self._asked = {node_id: ref for node_id, ref in self._asked.items() if node_id in alive}
        self._fit = {node_id: said for node_id, said in self._fit.items() if node_id in alive}
        self.now = tuple(
            Machine(
                node_id,
                row["NodeManagerHostname"],
                int(row["Resources"].get("CPU", 0)),
                int(row["Resources"].get("memory", 0)),
                self._accelerators(row["Resources"]),
            )
            for node_id, row in sorted(alive.items())
            if node_id in self._fit
        )

    def _accelerators(self, resources: dict[str, float]) -> int:
        if self.platform == "cpu" or (self.kind and f"accelerator_type:{self.kind}" not in resources):
            return 0
        return int(resources.get(RESOURCES[self.platform], 0))

    def _ask(self, node_id: str) -> None:
        there = self.ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node_id, soft=False)
        self._asked[node_id] = self.question.options(scheduling_strategy=there).remote(self.probe)

    def _hear(self, timeout: float) -> None:
        if not self._asked:
            return
        by_ref = {ref: node_id for node_id, ref in self._asked.items()}
        ready, _ = self.ray.wait(list(by_ref), num_returns=len(by_ref), timeout=timeout)
        for ref in ready:
            del self._asked[by_ref[ref]]
            with contextlib.suppress(self.ray.exceptions.RayError):  # gone again: asked anew where it comes back
                self._judge(by_ref[ref], self.ray.get(ref))
        if ready:
            self._look()

    def _judge(self, node_id: str, said: dict[str, Any]) -> None:
        why = sameness.unfit(said, self.ours)
        if not why and self.probe and said["probe"] != self.token:
            why = f"the store is not seen there ({self.probe})"
        if why:
            self.leave_out(node_id, f"{said['host']}: {why}")
        else:
            self._fit[node_id] = said
