"""Saving behind the back of training: the state is copied to the host, and a thread writes the copy.

The next step takes the state's buffers, so they are copied whole before `save` returns: it costs as much host memory
as this process's part of the state, where `checkpoint.save` needs no more than one piece of it.
Invariants: at most one save is under way; only the main thread talks to other processes, at `save` and `settle`, which
all processes call in the same order; a checkpoint exists from the `settle` (or next `save`) after the last process has
written it; an error is raised there too. The files are those of `checkpoint.save`, byte for byte.
"""

from __future__ import annotations

import copy
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import jax
import numpy as np

from leaven.model.weights import on_host
from leaven.train.checkpoint import Checkpoint, Draft, Pace, Written, draft, seal, write
from leaven.train.together import all_say


@dataclass(frozen=True)
class _UnderWay:
    plan: Draft
    began: float
    ended: Future[tuple[Written, float]]


class Saver:
    """Saves into `folder`, at the pace that `pace` says. Leaving it as a context waits for the save under way."""

    def __init__(self, folder: Path, pace: Pace) -> None:
        self._folder, self._pace = folder, pace
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._job: _UnderWay | None = None

    def due(self) -> bool:
        """Whether to save now. One save at a time: while one is under way, only a pace of 0 seconds says yes."""
        self.settle()
        return self._pace.due(time.monotonic()) and (self._job is None or self._pace.seconds == 0)

    def save(self, checkpoint: Checkpoint) -> None:
        """Copy the state and begin to write it, after the save before has ended. Raises that one's OSError."""
        self._end()
        began = time.monotonic()
        plan = draft(checkpoint)
        arrays = {name: np.array(on_host(value)) for name, value in plan.arrays.items()}
        plan = replace(plan, arrays=arrays, note=copy.deepcopy(dict(plan.note)))
        self._job = _UnderWay(plan, began, self._thread.submit(_write, self._folder, plan))

    def settle(self) -> None:
        """Make the checkpoint exist if all processes have written theirs, without waiting. Raises OSError."""
        if self._job is not None:
            done = self._job.ended.done()
            if all_say(bytes([done])) and done:
                self._end()

    def _end(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            written, ended = job.ended.result()
            self._pace.saved(job.began, ended)
            seal(self._folder, job.plan, written)

    def __enter__(self) -> Saver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._end()
            elif jax.process_count() == 1:  # else the others may be elsewhere, and the checkpoint before counts
                with suppress(OSError):
                    self._end()
        finally:
            self._thread.shutdown()


def _write(folder: Path, plan: Draft) -> tuple[Written, float]:
    return write(folder, plan), time.monotonic()
