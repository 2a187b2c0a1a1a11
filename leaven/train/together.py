"""What the processes of one computation tell each other on the host: a few bytes, at the same point of each.

Invariants: every process calls in the same order, on its main thread, between compiled steps (an exchange is one
itself); what is decided from the answers is then the same everywhere. One process alone just hears itself.
"""

from __future__ import annotations

import jax
import numpy as np
from jax.experimental import multihost_utils


def exchange(data: bytes) -> list[bytes]:
    """What each process says, equally long, in the order of processes. It is a barrier too: all have come this far."""
    if jax.process_count() == 1:
        return [data]
    return [row.tobytes() for row in multihost_utils.process_allgather(np.frombuffer(data, np.uint8))]


def first_says(number: int) -> int:
    """The number of the first process; those of the others do not matter."""
    return int.from_bytes(exchange(number.to_bytes(8, "little", signed=True))[0], "little", signed=True)


def all_say(word: bytes) -> bool:
    """Whether every process says the same word, equally long."""
    return len(set(exchange(word))) == 1
