"""Steps that only wait: the real scheduler over an executor whose steps take a given time and no core.

So a schedule for any number of workers is measured on any computer, and, where they take no time at all, what the
scheduler itself needs for each step.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leaven.engine.devices import PROCESSOR
from leaven.engine.executor import Seat
from leaven.engine.room import Room
from leaven.engine.store import Store
from leaven.study.step import Step


class Nothing(Store):
    """A store that knows which steps have ended and keeps nothing."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.ended: set[str] = set()

    def has(self, step_id: str) -> bool:
        return step_id in self.ended


class Waiting:
    """`seconds`: of each step by identity; those that are not in it take none."""

    device, words = PROCESSOR, "nowhere"

    def __init__(self, store: Nothing, workers: int, seconds: Mapping[str, float]) -> None:
        self.store, self.seconds, self.at_once = store, seconds, workers
        self.room = Room(range(workers), 2**63)
        self.running: list[tuple[float, int, str]] = []
        self.started: list[str] = []

    def start(self, crew: Sequence[Step], seat: Seat) -> None:
        for step in crew:
            end = time.perf_counter() + self.seconds.get(step.identity, 0.0)
            heapq.heappush(self.running, (end, len(self.started), step.identity))
            self.started.append(step.identity)

    def messages(self, timeout: float) -> list[dict[str, Any]]:
        wait = self.running[0][0] - time.perf_counter() if self.running else timeout
        time.sleep(max(0.0, min(wait, timeout)))
        now, heard = time.perf_counter(), []
        while self.running and self.running[0][0] <= now:
            step_id = heapq.heappop(self.running)[2]
            self.store.ended.add(step_id)
            heard.append({"identity": step_id, "event": "exit", "code": 0})
        return heard

    def close(self) -> None:
        pass
