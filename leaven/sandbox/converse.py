"""The conversation with one running program: its parts go in as they are asked for, its streams come out."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Sequence
from typing import Literal

from leaven.sandbox.boot import MARK
from leaven.sandbox.limits import Limits

_REPORT_BYTES = 256
_CHUNK = 1 << 16
_LOOK_SECONDS = 0.01
"""How often to look whether a process has ended where it cannot be waited for beside its streams."""


def converse(
    process: subprocess.Popen[bytes], report: int, parts: Sequence[bytes], limits: Limits
) -> tuple[list[bytearray], Literal["timeout", "output", "failed", ""]]:
    """Feed `parts`, read standard output, standard error and the report until the process ends; says what stopped it,
    if anything did.

    The first part goes at once; the next when the report is two marks, the one after it when it is three. A report that
    is anything else before that was not written by our lines: the run has failed.

    The program's time begins with the first mark; until then a starting interpreter has its own.

    Args:
        report: the descriptor that the program's first lines report on.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    sources = [process.stdout.fileno(), process.stderr.fileno(), report]
    caps = [limits.output_bytes, limits.output_bytes, _REPORT_BYTES]
    held = [bytearray(), bytearray(), bytearray()]
    sink, view, given = process.stdin.fileno(), memoryview(parts[0]), 1
    begun, deadline = False, time.monotonic() + limits.start_seconds
    with contextlib.ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        # The end of the process, not of its streams: a background child may keep those open for ever.
        ended = _end_of(process)
        if ended is not None:
            stack.callback(os.close, ended)
            selector.register(ended, selectors.EVENT_READ)
        os.set_blocking(sink, False)
        selector.register(sink, selectors.EVENT_WRITE)
        for source in sources:
            os.set_blocking(source, False)
            selector.register(source, selectors.EVENT_READ)
        done = False
        while not done:
            left = deadline - time.monotonic()
            if left <= 0:
                return held, "timeout"
            ready = [key.fd for key, _ in selector.select(left if ended is not None else min(left, _LOOK_SECONDS))]
            done = ended in ready if ended is not None else process.poll() is not None
            for i, source in enumerate(sources):
                if (source in ready or done) and source in selector.get_map():
                    if not _read(source, held[i], caps[i] + 1, all_of_it=done):
                        selector.unregister(source)
                    if len(held[i]) > caps[i]:
                        del held[i][caps[i] :]
                        return held, "output"
            if not begun and held[2]:
                begun, deadline = True, time.monotonic() + limits.wall_seconds
            if sink in ready:
                view = view[_write(sink, view) :]
                if not view:
                    selector.unregister(sink)
            if given < len(parts) and len(held[2]) > given:
                if view or held[2] != MARK * (given + 1):
                    return held, "failed"
                view, given = memoryview(parts[given]), given + 1
                selector.register(sink, selectors.EVENT_WRITE)
    return held, ""


def _end_of(process: subprocess.Popen[bytes]) -> int | None:
    """A descriptor that is ready when the process has ended; None where there is no such thing (Linux before 5.3, some
    containers)."""
    try:
        return os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        return None


def _write(sink: int, view: memoryview) -> int:
    """Write what fits; how much was taken. A reader that has gone takes everything."""
    try:
        return os.write(sink, view[:_CHUNK])
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        return len(view)


def _read(source: int, held: bytearray, most: int, *, all_of_it: bool) -> bool:
    """Read what is there, never holding more than `most` bytes; False at the end of the stream."""
    while len(held) < most:
        try:
            part = os.read(source, min(_CHUNK, most - len(held)))
        except BlockingIOError:
            return True
        held += part
        if not part:
            return False
        if not all_of_it:
            return True
    return True
