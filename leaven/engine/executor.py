"""Where the steps of one run execute: this computer, a cluster, or both.

The scheduler decides what runs next; an executor has room for it, starts it and tells what becomes of it. Identities
and results know nothing of executors.

What an executor tells (`messages`) are mappings with the step's `identity` and an `event`:
    progress   how far it is: done, total, note
    measured   what it measured on the way: row
    where      the machine it runs on: where
    lost       that machine went away and the step begins again elsewhere: note
    failed     why it failed: note, code; differs: another result of it is there
    exit       its process ended: code; exactly one for each step that was started, and its last
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from leaven.engine.devices import Device
from leaven.study.step import Step


@dataclass(frozen=True)
class Seat:
    """What one process holds: a core by number (-1: whichever), bytes of memory, and whether the accelerator too."""

    core: int
    bytes: int
    device: bool


class Places(Protocol):
    """What is free for steps to run in."""

    @property
    def device_is_free(self) -> bool:
        """Whether a step that needs an accelerator could have one."""

    def full(self) -> bool:
        """Whether nothing more can start now."""

    def take(self, step: Step, needed: int, device: bool = False, *, whatever: bool = True) -> Seat | None:
        """Room for a process of `needed` bytes, and the device if asked for; None while it cannot be had.

        `whatever`: more bytes than there are may be taken while nothing else runs.
        """

    def give_back(self, seat: Seat) -> None:
        """What the process held is free again."""


class Executor(Protocol):
    """Where steps execute. One run owns it; `close` ends everything that it started."""

    @property
    def room(self) -> Places: ...

    @property
    def device(self) -> Device:
        """What models are computed on there."""

    @property
    def at_once(self) -> int:
        """Steps at once, as far as is known now."""

    @property
    def devices(self) -> int:
        """Steps that can have an accelerator at once, as far as is known now; 1 where there is none."""

    @property
    def words(self) -> str:
        """Where this is, for people."""

    def start(self, crew: Sequence[Step], seat: Seat) -> None:
        """Start a step, or stages that share a program. Raises EOFError where nothing can be started any more."""

    def messages(self, timeout: float) -> list[dict[str, Any]]:
        """What was heard since the last call; waits at most `timeout` seconds. Raises EOFError, LeavenError."""

    def close(self) -> None: ...
