"""How fast an endpoint is asked, by all threads together.

A pace bounds the requests under way and those begun in a minute. Threads are served in the order in which they come.
An endpoint that wants to be left alone is left alone by every thread, not only by the one that it told. Then it is
asked less at a time: half as much after each such demand, and one more for each full round without one (additive
increase, multiplicative decrease, as in TCP's congestion avoidance, RFC 5681).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from leaven.ground.errors import LeavenError

GLANCE = 0.1
"""Seconds between two looks at a stop event while waiting for something else."""


class Stopped(LeavenError):
    """The caller's stop event was set."""


class Pace:
    """Requests under way `at_once`, begun `per_minute` (evenly spaced; None: any number).

    `clock` gives seconds that never go back. Raises ValueError for a limit that lets nothing through.
    """

    def __init__(
        self, at_once: int, per_minute: float | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if at_once < 1 or (per_minute is not None and not per_minute > 0):
            raise ValueError("a pace lets at least something through")
        self._at_once, self._clock = at_once, clock
        self._apart = 60.0 / per_minute if per_minute else 0.0
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._under_way = 0
        self._room = float(at_once)
        self._next_start = self._rest_ends = clock()
        self._rests = 0

    @contextmanager
    def turn(self, stopped: threading.Event | None = None) -> Iterator[None]:
        """Wait for a turn, and hold it for the block. Raises Stopped where `stopped` is set before it came."""
        rests = self._begin(stopped)
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                if rests == self._rests:
                    self._room = min(self._at_once, self._room + 1 / self._room)
                self._changed.notify_all()

    def rest(self, seconds: float) -> None:
        """Let nobody begin for so long. What is under way goes on."""
        with self._changed:
            now = self._clock()
            if now >= self._rest_ends:
                # Those that were under way together are told together: that is one demand.
                self._room = max(1.0, self._room / 2)
            self._rests += 1
            self._rest_ends = max(self._rest_ends, now + seconds)

    def _begin(self, stopped: threading.Event | None) -> int:
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                while True:
                    if stopped is not None and stopped.is_set():
                        raise Stopped("stopped")
                    left = self._left(ticket)
                    if left is not None and left <= 0:
                        break
                    self._changed.wait(GLANCE if left is None else min(left, GLANCE))
                self._under_way += 1
                self._next_start = max(self._next_start, self._clock()) + self._apart
                return self._rests
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def _left(self, ticket: object) -> float | None:
        """Seconds until this ticket may begin; None where it waits for another."""
        if self._waiting[0] is not ticket or self._under_way >= int(self._room):
            return None
        return max(self._rest_ends, self._next_start) - self._clock()
