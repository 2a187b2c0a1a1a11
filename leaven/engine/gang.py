"""A stage trained by several machines together: who leads, how they meet, and how they end.

The first process locks the step, begins it, writes its results and speaks for all; the others use the same folders and
end with it. They meet through `jax.distributed`: joining waits for everybody, so nobody trains before the first has
begun, and leaving waits for everybody, so nobody is gone while the first still writes. What one process cannot know by
itself (the step is done already) the first one says.
Invariant: the store is on a disk that all of them see under the same path.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.ground.errors import LeavenError
from leaven.ground.files import write_text

PATIENCE = 300.0
"""Seconds that a process waits for the first one's address; jax.distributed waits as long for the others."""
LOOK_EVERY = 0.1
LOST = re.compile(r"(?i)gloo|nccl|unavailable|heartbeat|coordination service|connection (reset|refused|closed)")
"""What JAX says where another process is gone: its collectives and its coordination service each in their words."""
AGAIN = "Run again: it continues from its last checkpoint."


@dataclass(frozen=True)
class Gang:
    """`coordinator`: HOST:PORT of the first process, None where the cluster says it (a TPU pod); `process` of how many
    `processes` this is."""

    coordinator: str | None = None
    processes: int = 1
    process: int = 0

    @property
    def many(self) -> bool:
        return self.processes > 1

    @property
    def leads(self) -> bool:
        return self.process == 0

    def words(self) -> str:
        """For a step's log."""
        return f", {self.process + 1} of {self.processes} that train it" if self.many else ""

    def made(self) -> dict[str, Any]:
        """For a step's manifest: how many processes it took."""
        return {"processes": self.processes} if self.many else {}

    def leader_says(self, answer: bool) -> bool:
        """What the first process answers, in all of them."""
        if not self.many:
            return answer
        from leaven.train.together import first_says

        return bool(first_says(int(answer)))

    @contextlib.contextmanager
    def together(self, cache: Path) -> Iterator[None]:
        """While it lasts, all are joined; leaving waits for the others. What fails leaves without a word: the others
        may be waiting for it in the midst of a computation, and lose it at once.

        `cache`: of compiled programs; even the first exchange of a byte is one, and the cache is chosen before it.
        Raises LeavenError where the others do not come, or one was lost before the end.
        """
        if not self.many:
            yield
            return
        from leaven.train.compile import use_cache, use_one_core
        from leaven.train.hosts import join, part

        if os.environ.get("JAX_PLATFORMS") == "cpu":
            use_one_core()
        use_cache(cache)
        join(self.coordinator, self.processes, self.process)
        try:
            yield
        except RuntimeError as error:  # JAX's own is a kind of it
            if not LOST.search(str(error)):
                raise
            said = str(error).splitlines()[0]
            raise LeavenError(f"another process that trains this stage was lost ({said})\n  {AGAIN}") from error
        part()

    def log(self, log: Path) -> Path:
        """Where this process writes: the step's log is the first one's."""
        return log if self.leads else log.with_suffix(f".{self.process}{log.suffix}")


def gang_of(order: Mapping[str, Any]) -> Gang:
    """As an order says it; alone where it says nothing."""
    return Gang(**order["gang"]) if order.get("gang") else Gang()


def address() -> str:
    """HOST:PORT on this machine that nobody uses now, under the name that the other machines know it by."""
    with socket.socket() as free:
        free.bind(("", 0))
        return f"{socket.gethostname()}:{free.getsockname()[1]}"


def lead(meeting: Path) -> str:
    """Choose where to meet and write it down for the others."""
    chosen = address()
    write_text(meeting, chosen)
    return chosen


def follow(meeting: Path, patience: float = PATIENCE) -> str:
    """Where the first process wants to be met. Raises LeavenError where it does not say so."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        os.listdir(meeting.parent)  # a network disk answers from memory until the folder is read anew
        with contextlib.suppress(FileNotFoundError):
            return meeting.read_text()
        time.sleep(LOOK_EVERY)
    raise LeavenError(f"the first process did not say within {patience:.0f} seconds where it is to be met")
