"""One stage on several machines: a task on each, placed together, that find each other over the board.

A gang ends as one: it is lost when any of its members is, and begins again from its checkpoints. A member that fails
may have failed because another one's machine went away, which is known later: the others are waited for a while.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from leaven.engine.ray.fleet import Berth

GRACE = 30.0
"""Seconds after the first failure of a member for the others to end: Ray needs about 15 to know a machine is gone."""


class Gang:
    """Of one attempt at a stage. `refs`: its members' tasks, the first process first. `labels`: of machines that may be
    used (`Machines.labels`)."""

    def __init__(self, ray: Any, berth: Berth, accelerators: dict[str, Any], labels: dict[str, str]) -> None:
        self.ray, self.berth = ray, berth
        bundle: dict[str, float] = {"CPU": berth.cores, "memory": berth.bytes}
        if berth.accelerators:
            bundle |= {"GPU": accelerators["num_gpus"]} if "num_gpus" in accelerators else accelerators["resources"]
            bundle |= {f"accelerator_type:{kind}": 0.001 for kind in [accelerators.get("accelerator_type")] if kind}
        self.group = ray.util.placement_group(
            [bundle] * berth.machines,
            strategy="STRICT_SPREAD",
            bundle_label_selector=[labels] * berth.machines if labels else None,
        )
        self.refs: list[Any] = []
        self.ends: dict[int, dict[str, Any]] = {}
        self.failed: float | None = None

    def place(self, process: int) -> Any:
        """Where a member runs."""
        strategies = self.ray.util.scheduling_strategies
        return strategies.PlacementGroupSchedulingStrategy(self.group, placement_group_bundle_index=process)

    def end(self, process: int, result: dict[str, Any]) -> None:
        """A member's task returned."""
        self.ends[process] = result
        if _is_bad(result):
            self.failed = self.failed or time.monotonic()

    def over(self) -> dict[str, Any] | None:
        """The result of all, once it is known: what made it be lost, or a failure, or what the first process said."""
        ends = [self.ends[process] for process in sorted(self.ends)]
        for result in ends:
            if "lost" in result or "unfit" in result:
                return result
        late = self.failed is not None and time.monotonic() - self.failed > GRACE
        if len(ends) < self.berth.machines and not late:
            return None
        return next(filter(_is_bad, ends), ends[0])

    def close(self) -> None:
        """End the members that have not, and give their machines back."""
        for process, ref in enumerate(self.refs):
            if process not in self.ends:
                with contextlib.suppress(Exception):  # of a member that ended meanwhile, or whose machine is gone
                    self.ray.cancel(ref, force=True)
        with contextlib.suppress(self.ray.exceptions.RayError):
            self.ray.util.remove_placement_group(self.group)


def _is_bad(result: dict[str, Any]) -> bool:
    """Whether a member failed, by its own word or by its task's."""
    return "failed" in result or any(said.get("code") for said in result.get("messages", ()))
