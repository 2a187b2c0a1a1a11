"""What each step kind calls: the one place where the graph's data meets the rooms' verbs.

Rooms are imported when their kind executes, so that work on text never waits for JAX.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.engine.prepare import source_plan
from leaven.ground.errors import LeavenError
from leaven.ground.files import read_json
from leaven.ground.progress import Progress
from leaven.study.step import Step


@dataclass(frozen=True)
class Task:
    """A step about to execute, with the folders of its inputs by role."""

    step: Step
    inputs: Mapping[str, Path]
    out: Path
    state: Path
    cache: Path
    allow_unisolated: bool
    progress: Progress

    @property
    def fields(self) -> Mapping[str, Any]:
        return self.step.fields

    def inputs_of(self, prefix: str) -> dict[str, Path]:
        """Inputs whose role is `prefix:NAME`, by name."""
        return {role.partition(":")[2]: path for role, path in self.inputs.items() if role.startswith(prefix + ":")}


def execute(task: Task) -> None:
    """Run the step; results are in `task.out` when this returns."""
    KINDS[task.step.kind](task)
