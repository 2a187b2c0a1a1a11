"""The picture of a study that keeps itself up to date on a terminal, until somebody has seen enough.

`q` or Ctrl-C ends it, and the last picture stays. Every look reads the size of the terminal anew.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from leaven.engine.watching.curves import Curves, Track
from leaven.engine.watching.follow import Follower
from leaven.engine.watching.frame import MOST, frame
from leaven.engine.watching.view import View

LOOK_EVERY = 1.0
"""Seconds between two looks: a run writes its status no more often."""
NARROWEST = 40
"""Columns: a terminal with fewer shows the beginning of every line."""


class Watched:
    """A study that is watched."""

    def __init__(self, follower: Follower) -> None:
        self.follower, self.curves = follower, Curves(follower.store)

    def look(self) -> tuple[View, list[Track], int]:
        """How it is now, and its curves, those that matter most first."""
        view = self.follower.look()
        return view, *self.curves.of(view, MOST)

    def data(self) -> dict[str, Any]:
        """All of it, for programs."""
        view = self.follower.look()
        return {**view.data(), "curves": [track.data() for track in self.curves.of(view)[0]]}


def picture(watched: Sequence[Watched], width: int, height: int | None = None) -> list[Text]:
    """All of them, one below the other; each has its share of the height."""
    lines: list[Text] = []
    for place, one in enumerate(watched):
        view, tracks, count = one.look()
        share = None
        if height is not None:  # what those above did not need is for those below
            share = max((height - len(lines)) // (len(watched) - place) - (place < len(watched) - 1), 1)
        lines += [*([Text("─" * width, style="dim")] if lines else []), *frame(view, tracks, count, width, share)]
    return lines


def watch(watched: Sequence[Watched], console: Console) -> None:
    """Show them on a terminal until `q` or Ctrl-C."""
    last: list[Text] = []
    with contextlib.suppress(KeyboardInterrupt), _keys() as keys, Live(console=console, screen=True) as live:
        while True:
            width, height = console.size
            last = picture(watched, max(width, NARROWEST), height - 1)
            for line in last:
                line.no_wrap, line.overflow = True, "crop"  # one that wraps would push others off the screen
            live.update(Group(*last, Text("q: quit", style="dim")), refresh=True)
            if keys.quit_within(LOOK_EVERY, (width, height), console):
                break
    for line in last:
        console.print(line, no_wrap=True, overflow="ellipsis")


class _Keys:
    """What is typed. `handle`: of a terminal that hands on every key, or None."""

    def __init__(self, handle: int | None) -> None:
        self.handle = handle

    def quit_within(self, seconds: float, size: tuple[int, int], console: Console) -> bool:
        """Wait, less long if the terminal changes its size; whether somebody wants to quit."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and tuple(console.size) == size:
            if self.handle is None:
                time.sleep(min(left, 0.2))
            elif select.select([self.handle], [], [], min(left, 0.2))[0]:
                typed = os.read(self.handle, 64)
                if not typed:  # the terminal went away
                    return True
                if typed in (b"q", b"Q", b"\x1b"):
                    return True
        return False


@contextlib.contextmanager
def _keys() -> Iterator[_Keys]:
    """The keyboard without waiting for Enter; nothing where there is none."""
    if not sys.stdin.isatty():
        yield _Keys(None)
        return
    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)
    try:
        tty.setcbreak(handle)
        yield _Keys(handle)
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)
