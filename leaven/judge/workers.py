"""Threads that work through a list and stop together: at the first error, and at Ctrl-C."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

DRAIN = 8.0
"""Seconds that work under way may go on once everything stops: answers that are paid for. A study's processes are
killed after ten."""
GRACE = 1.0
"""Seconds that work which was left is waited for. Threads are daemons, so that one which waits for a server that never
answers cannot keep a stopped program alive."""
MOMENT = 0.3
"""Seconds after which work that did not end at once is told of."""


def work_through(
    items: Sequence[Item],
    work: Callable[[Item], Result],
    at_once: int,
    stopped: threading.Event,
    left: threading.Event,
    told: Callable[[Item, Result], None],
) -> None:
    """`work` on every item, `at_once` of them at a time; `told` hears of each in this thread, as they end.

    The first error of `work`, an error of `told` and Ctrl-C set `stopped`, after which no item is begun, and are raised
    when what is under way has ended. `left` is set when that takes longer than DRAIN, and at the next Ctrl-C. `work`
    should begin nothing more once `stopped` is set, and leave what it is at soon after `left` is.
    """
    todo, taking = iter(items), threading.Lock()
    count = max(1, min(at_once, len(items)))
    gone = [threading.Event() for _ in range(count)]
    ended: queue.SimpleQueue[tuple[Item, Result] | BaseException | None] = queue.SimpleQueue()

    def labour(number: int) -> None:
        while not stopped.is_set():
            with taking:
                item = next(todo, None)
            if item is None:
                break
            try:
                ended.put((item, work(item)))
            except BaseException as error:
                # Told before the others stop: what they raise because they were stopped comes after it.
                ended.put(error)
                stopped.set()
        ended.put(None)
        gone[number].set()

    threads = [threading.Thread(target=labour, args=(n,), name=f"judge-{n}", daemon=True) for n in range(count)]
    try:
        for thread in threads:
            thread.start()
        at_work = count
        while at_work:
            news = ended.get()
            if isinstance(news, BaseException):
                raise news
            if news is None:
                at_work -= 1
            else:
                told(*news)
    except BaseException as error:
        stopped.set()
        begun = [its for thread, its in zip(threads, gone, strict=True) if thread.ident is not None]
        _drain(begun, left, aloud=isinstance(error, KeyboardInterrupt))
        raise
    finally:
        for thread, its in zip(threads, gone, strict=True):
            if its.is_set():
                thread.join()


def _drain(gone: Sequence[threading.Event], left: threading.Event, *, aloud: bool) -> None:
    """Wait for threads that begin nothing more; the next Ctrl-C ends that. (Not by `join`: an interrupted one takes its
    thread for ended.)"""
    with suppress(KeyboardInterrupt):
        until = time.monotonic() + DRAIN
        if under_way := _wait(gone, time.monotonic() + MOMENT):
            if aloud:
                answers = "1 answer that is" if under_way == 1 else f"{under_way} answers that are"
                print(f"\nwaiting for {answers} under way; once more to leave them", file=sys.stderr, flush=True)
            _wait(gone, until)
    left.set()
    _wait(gone, time.monotonic() + GRACE)


def _wait(gone: Sequence[threading.Event], until: float) -> int:
    """How many are not gone by then."""
    return sum(not its.wait(max(0.0, until - time.monotonic())) for its in gone)
