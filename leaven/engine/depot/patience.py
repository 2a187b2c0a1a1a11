"""Asking again: what passes is tried until patience ends, with growing pauses of random length; the rest is told.

Pauses double up to a longest and are drawn between half and all of it, so that many machines that were turned away
together do not come back together.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from leaven.engine.depot.address import Address
from leaven.engine.depot.trouble import Kind, kind_of, told
from leaven.ground.errors import BadInput, LeavenError

T = TypeVar("T")

VARIABLE = "LEAVEN_STORE_PATIENCE"
SECONDS = 120.0
"""How long one request is tried again before a step gives up: longer than a server's restart."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
_DRAW = random.SystemRandom()  # never the state that results are drawn from


@dataclass(frozen=True)
class Patience:
    """`seconds` from the first failure of a request to its last try. `pause`: how to wait."""

    seconds: float = SECONDS
    pause: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic


def from_environment() -> Patience:
    """The patience that LEAVEN_STORE_PATIENCE (seconds) asks for. Raises BadInput."""
    return Patience(seconds_in(VARIABLE, SECONDS))


def seconds_in(variable: str, default: float) -> float:
    """Seconds from the environment. Raises BadInput for what is no number above zero."""
    text = os.environ.get(variable, "").strip()
    try:
        seconds = float(text) if text else default
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise BadInput(f"{text} is not a number of seconds", field=variable, fix=f"Write a number like {default:g}.")
    return seconds


def insist(patience: Patience, place: Address, what: str, do: Callable[[], T]) -> T:
    """The outcome of `do`, tried again while its errors pass.

    Raises FileNotFoundError where there is no such object; OSError where this machine's disk is the trouble;
    FileExistsError as it comes; BadInput or LeavenError for everything else.
    """
    given_up, pause, tries = 0.0, FIRST_PAUSE, 0
    while True:
        tries += 1
        try:
            return do()
        except (FileExistsError, LeavenError):
            raise
        except Exception as error:
            kind, now = kind_of(error), patience.clock()
            if kind is Kind.OURS:
                raise
            if kind is Kind.ABSENT:
                raise FileNotFoundError(f"{place.url}: {what}: there is no such object") from None
            given_up = given_up or now + patience.seconds
            if kind is not Kind.PASSING or now + pause > given_up:
                raise told(error, kind, place, what, tries) from None
        patience.pause(pause * _DRAW.uniform(0.5, 1.0))
        pause = min(2 * pause, LONGEST_PAUSE)
