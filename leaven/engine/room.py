"""What is free for steps to run in: cores, memory, the accelerator.

Invariant: a step that needs more memory than there is runs alone, rather than never.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Seat:
    """What one process holds."""

    core: int
    bytes: int
    device: bool


class Room:
    """`cores`: one for each process at once. `memory`: bytes for all of them. One process at a time has the device."""

    def __init__(self, cores: Sequence[int], memory: int) -> None:
        self.free, self.memory = list(cores), memory
        self.seats: list[Seat] = []

    @property
    def device_is_free(self) -> bool:
        return not any(seat.device for seat in self.seats)

    def take(self, needed: int, device: bool = False, *, whatever: bool = True) -> Seat | None:
        """A core, `needed` bytes, and the device if asked for; None while they cannot be had.

        `whatever`: more bytes than there are may be taken while nothing else runs.
        """
        enough = sum(seat.bytes for seat in self.seats) + needed <= self.memory or (whatever and not self.seats)
        if not self.free or (device and not self.device_is_free) or not enough:
            return None
        seat = Seat(self.free.pop(0), needed, device)
        self.seats.append(seat)
        return seat

    def give_back(self, seat: Seat) -> None:
        """What the process held is free again."""
        self.seats.remove(seat)
        self.free.append(seat.core)
