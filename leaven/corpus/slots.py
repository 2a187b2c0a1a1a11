"""Cores shared between the processes of several steps: whoever works on a part holds a slot.

Slots are locks on files in one folder, named by an environment variable that the engine sets for its steps; the kernel
frees them when a process ends, however it ends. Without the variable nothing is shared and nothing waits.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

SLOTS = "LEAVEN_SLOTS"
POLL = 0.02
"""Seconds between two looks for a free slot."""


@contextlib.contextmanager
def slot(count: int) -> Iterator[None]:
    """Hold one of `count` slots of the folder that the environment names."""
    folder = os.environ.get(SLOTS)
    if not folder:
        yield
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    held = _take(folder, count)
    try:
        yield
    finally:
        os.close(held)


def _take(folder: str, count: int) -> int:
    while True:
        for number in range(count):
            lock = os.open(os.path.join(folder, str(number)), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return lock
            except BlockingIOError:
                os.close(lock)
        time.sleep(POLL)
