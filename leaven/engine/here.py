"""Steps on this computer: forked from a nursery, each pinned to a core."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from leaven.engine import hardware
from leaven.engine.devices import PROCESSOR, Device
from leaven.engine.estimate import MEMORY
from leaven.engine.executor import Seat
from leaven.engine.nursery import Nursery
from leaven.engine.room import Room
from leaven.engine.store import Store
from leaven.engine.worker import order
from leaven.study.step import Step

MEMORY_SHARE = 0.8
"""Of the memory that is free before a run, for its steps."""
IN_PARTS = frozenset({"read", "corpus", "tokenizer", "shards"})
"""Kinds of steps that use every core: in parts over processes that share the cores (`slots.SLOTS`), or in threads of a
library (training the BPE)."""


def steps_at_once(jobs: int | None, needed: int = MEMORY) -> int:
    """How many steps fit the cores and the memory that is free now. `needed`: bytes of the largest."""
    fits = max(1, int(hardware.memory() * MEMORY_SHARE // needed))
    return max(1, min(jobs or len(hardware.cores()), len(hardware.cores()), fits))


class Here:
    """The executor of this computer. `jobs`: steps at once at most; `needed`: bytes of the largest step to come."""

    def __init__(
        self,
        store: Store,
        jobs: int | None = None,
        allow_unisolated: bool = False,
        device: Device = PROCESSOR,
        needed: int = MEMORY,
    ) -> None:
        self.store, self.allow_unisolated, self.device = store, allow_unisolated, device
        cores = hardware.cores()
        first = os.getpid() % len(cores)  # two runs with one job each should not share a core
        self.cores = tuple([*cores[first:], *cores[:first]][: steps_at_once(jobs)])
        self.room = Room(self.cores, int(hardware.memory() * MEMORY_SHARE))
        self.at_once = steps_at_once(jobs, needed)
        self.devices = 1  # of several, a stage has all
        self.words = f"this computer, {len(self.cores)} of {len(cores)} cores"
        self.nursery = Nursery(store.packages())

    def start(self, crew: Sequence[Step], seat: Seat) -> None:
        in_parts = crew[0].kind in IN_PARTS
        self.nursery.start(
            order(
                crew,
                self.store.where(),
                self.cores if in_parts or seat.device else (seat.core,),
                self.allow_unisolated,
                len(self.cores) if in_parts else 1,
                self.device if seat.device else PROCESSOR,
            )
        )

    def messages(self, timeout: float) -> list[dict[str, Any]]:
        return self.nursery.messages(timeout)

    def close(self) -> None:
        self.nursery.close()
