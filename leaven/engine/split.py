"""A cluster and the driver's own computer as one executor: what needs files or keys of the driver runs at home."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from leaven.engine.devices import Device
from leaven.engine.executor import Executor, Seat
from leaven.engine.reach import absolute, at_home
from leaven.study.step import Step

AT_HOME = 0.01
"""Seconds that the driver's own steps are listened to, in the time given to both."""


class Places:
    """Room in both. A step has a seat where it may run."""

    def __init__(self, home: Executor, away: Executor, shared: Sequence[Path]) -> None:
        self.home, self.away, self.shared = home, away, shared
        self.seats: dict[int, bool] = {}

    @property
    def device_is_free(self) -> bool:
        return self.away.room.device_is_free

    def full(self) -> bool:
        return self.home.room.full() and self.away.room.full()

    def take(self, step: Step, needed: int, device: bool = False, *, whatever: bool = True) -> Seat | None:
        away = not at_home(step, self.shared)
        room = self.away.room if away else self.home.room
        if room.full():
            return None
        seat = room.take(step, needed, device and away, whatever=whatever)
        if seat is not None:
            self.seats[id(seat)] = away
        return seat

    def is_away(self, seat: Seat) -> bool:
        return self.seats[id(seat)]

    def give_back(self, seat: Seat) -> None:
        (self.away if self.seats.pop(id(seat)) else self.home).room.give_back(seat)


class Split:
    """`home`: this computer; `away`: the cluster. `shared`: folders that every machine sees under the same path."""

    def __init__(self, home: Executor, away: Executor, shared: Sequence[Path] = ()) -> None:
        self.home, self.away = home, away
        self.room = Places(home, away, shared)

    @property
    def device(self) -> Device:
        return self.away.device

    @property
    def at_once(self) -> int:
        return self.away.at_once

    @property
    def devices(self) -> int:
        return self.away.devices

    @property
    def words(self) -> str:
        return self.away.words

    def start(self, crew: Sequence[Step], seat: Seat) -> None:
        if self.room.is_away(seat):
            self.away.start([absolute(step) for step in crew], seat)
        else:
            self.home.start(crew, seat)

    def messages(self, timeout: float) -> list[dict[str, Any]]:
        """Of both; the cluster is listened to longest, unless something was said at home."""
        near = self.home.messages(AT_HOME)
        return [*near, *self.away.messages(AT_HOME if near else max(timeout - AT_HOME, AT_HOME))]

    def close(self) -> None:
        try:
            self.away.close()
        finally:
            self.home.close()
