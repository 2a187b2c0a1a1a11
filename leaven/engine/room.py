"""What is free on this computer for steps to run in: cores, memory, the accelerator.

Invariant: a step that needs more memory than there is runs alone, rather than never.
"""

from __future__ import annotations

from collections.abc import Sequence

from leaven.engine.executor import Seat
from leaven.study.step import Step


class Room:
    """`cores`: one for each process at once. `memory`: bytes for all of them. One process at a time has the device."""

    def __init__(self, cores: Sequence[int], memory: int) -> None:
        self.free, self.memory = list(cores), memory
        self.seats: list[Seat] = []

    @property
    def device_is_free(self) -> bool:
        return not any(seat.device for seat in self.seats)

    def full(self) -> bool:
        return not self.free

    def take(self, step: Step, needed: int, device: bool = False, *, whatever: bool = True) -> Seat | None:
        enough = sum(seat.bytes for seat in self.seats) + needed <= self.memory or (whatever and not self.seats)
        if not self.free or (device and not self.device_is_free) or not enough:
            return None
        seat = Seat(self.free.pop(0), needed, device)
        self.seats.append(seat)
        return seat

    def give_back(self, seat: Seat) -> None:
        self.seats.remove(seat)
        self.free.append(seat.core)
