"""Threads that work through a list and stop together: at the first error, and at Ctrl-C."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

GRACE = 5.0
"""Seconds that work under way is waited for once everything stops. Threads are daemons, so that one which waits for a
server that never answers cannot keep a stopped program alive."""


def work_through(
    items: Sequence[Item],
    work: Callable[[Item], Result],
    at_once: int,
    stopped: threading.Event,
    told: Callable[[Item, Result], None],
) -> None:
    """`work` on every item, `at_once` of them at a time; `told` hears of each in this thread, as they end.

    The first error of `work`, an error of `told` and Ctrl-C set `stopped`, after which no item is begun, and are raised
    when what is under way has ended or GRACE is over. `work` should look at `stopped` while it waits.
    """
    todo, taking = iter(items), threading.Lock()
    ended: queue.SimpleQueue[tuple[Item, Result] | BaseException | None] = queue.SimpleQueue()

    def labour() -> None:
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

    count = max(1, min(at_once, len(items)))
    threads = [threading.Thread(target=labour, name=f"judge-{n}", daemon=True) for n in range(count)]
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
    finally:
        stopped.set()
        until = time.monotonic() + GRACE
        for thread in threads:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))
