"""A step about to execute, and how its programs are compiled."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.ground.progress import Progress
from leaven.study.step import Step


@dataclass(frozen=True)
class Task:
    """A step about to execute, with the folders of its inputs by role. `device`: the platform it computes on."""

    step: Step
    inputs: Mapping[str, Path]
    out: Path
    state: Path
    cache: Path
    allow_unisolated: bool
    progress: Progress
    workers: int = 1
    device: str = "cpu"

    @property
    def fields(self) -> Mapping[str, Any]:
        return self.step.fields

    def inputs_of(self, prefix: str) -> dict[str, Path]:
        """Inputs whose role is `prefix:NAME`, by name."""
        return {role.partition(":")[2]: path for role, path in self.inputs.items() if role.startswith(prefix + ":")}


@contextlib.contextmanager
def compiled(task: Task) -> Iterator[None]:
    """Compile through the store's cache and hand on what was new. A step on the processor has one core."""
    from leaven.train.compile import mean_float32, publish, use_cache, use_one_core

    if task.device == "cpu":
        use_one_core()
    else:
        mean_float32()
    use_cache(task.cache / "xla")
    yield
    publish(task.cache / "xla")
