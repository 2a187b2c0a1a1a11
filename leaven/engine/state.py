"""How far a run is: what a display shows, and what `leaven status` reads from disk."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from leaven.engine.devices import PROCESSOR, Device, uses_model
from leaven.engine.estimate import seconds_of
from leaven.engine.longest import children_of, ranks
from leaven.study.step import Graph, Step


@dataclass
class Running:
    """A step in its process. `program`: the first of the stages that share it."""

    step: Step
    started: float
    program: str = ""
    done: float = 0.0
    total: float = 0.0
    note: str = ""
    where: str = ""
    """The machine it runs on, where there are several."""
    failure: str | None = None
    code: int = 1
    differs: bool = False
    """Another result of the step is there."""


@dataclass
class State:
    """What a display needs to know, and what `leaven status` reads from disk."""

    graph: Graph
    existed: set[str]
    rates: dict[str, float]
    finished: set[str] = field(default_factory=set)
    running: dict[str, Running] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    blocked: set[str] = field(default_factory=set)
    lost: dict[str, int] = field(default_factory=dict)
    """How often a step began again because the machine it ran on went away."""
    started: float = field(default_factory=time.monotonic)
    at_once: int = 1
    devices: int = 1
    """Steps that can have an accelerator at once."""
    exit_code: int = 0
    device: Device = PROCESSOR
    note: str = ""
    """What goes on beside the steps."""
    where: str = ""
    """Where steps execute, for people."""

    def __post_init__(self) -> None:
        self._left: dict[str, float] = {}
        self._by: tuple[dict[str, float], Device] | None = None
        self._ranks: dict[str, float] = {}
        self._ranked: tuple[object, ...] = ()

    def left(self) -> dict[str, float]:
        """Seconds that each step takes which is neither finished nor given up, in the order of the graph."""
        by = self.rates, self.device
        if self._by is None or self._by[0] is not by[0] or self._by[1] != by[1]:
            self._by = by  # of thousands of steps, and asked for ten times a second
            self._left = {
                step_id: seconds_of(step, self.rates, self.device) for step_id, step in self.graph.steps.items()
            }
        for step_id in [step_id for step_id in self._left if self._is_settled(step_id)]:
            del self._left[step_id]
        return self._left

    def _is_settled(self, step_id: str) -> bool:
        return step_id in self.finished or step_id in self.failed or step_id in self.blocked

    def remaining(self) -> float:
        """Seconds until the end, if the cores and the devices stay busy, or until that of the longest path."""
        on_cores = on_device = path = 0.0
        rank = self._paths()
        for step_id, seconds in self.left().items():
            run = self.running.get(step_id)
            left = seconds * (1 - run.done / run.total if run and run.total else 1)
            path = max(path, rank[step_id] - seconds + left)
            if self.device.accelerates and uses_model(self.graph.steps[step_id]):
                on_device += left
            else:
                on_cores += left
        return max(on_cores / self.at_once, on_device / self.devices, path)

    def _paths(self) -> dict[str, float]:
        """Seconds from the start of each step that is left to the end of the longest path below it. What finishes
        shortens none; only what is given up, and new speeds, have them looked for again."""
        left = self.left()
        ranked = self._by, len(self.failed), len(self.blocked)
        if ranked != self._ranked:
            self._ranks, self._ranked = ranks(self.graph, left, children_of(self.graph)), ranked
        return self._ranks
