"""Read the next chunk while the device computes this one.

What will be asked for is known in advance, so one thread stays exactly one item ahead: `get` hands over what is
ready, says how long it had to wait, and asks for the next. Nothing here decides what is read. An item is `fetch(item)`,
whenever and by whomever it is called, so read-ahead can change neither the data nor their order, and whoever is
interrupted asks again from where the work stands.

The two sides meet in two queues, one of wishes and one of results: nobody polls, and handing over costs about twenty
microseconds. Leaving the `with` block, by its end or by an error, ends the thread: at once where it is idle, else
after the one fetch it is in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from time import perf_counter
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class ReadAhead(Generic[Item, Result]):
    """`with ReadAhead(fetch, items) as ahead: result, waited = ahead.get()`, one `get` for each item, in order.

    `fetch` runs in the thread alone, one call after another; `items` is drawn from in the caller's thread. At most one
    result more than was asked for is held in memory.
    """

    def __init__(self, fetch: Callable[[Item], Result], items: Iterable[Item]) -> None:
        self._fetch, self._items = fetch, iter(items)
        self._wanted: SimpleQueue[tuple[Item] | None] = SimpleQueue()
        self._ready: SimpleQueue[tuple[Result] | BaseException] = SimpleQueue()
        self._over: BaseException | None = ValueError("read ahead is used in a with block")
        self._thread = threading.Thread(target=self._work, name="read-ahead", daemon=True)

    def __enter__(self) -> ReadAhead[Item, Result]:
        self._over = None
        self._thread.start()
        self._ask()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = ValueError("read ahead is used in a with block")
        self._wanted.put(None)
        self._thread.join()

    def get(self) -> tuple[Result, float]:
        """The next item's result, and the seconds that were spent here waiting for it.

        Raises what `fetch` raised, and then the same again at every call: nothing more is read. Raises IndexError
        beyond the last item, ValueError outside the `with` block.
        """
        if self._over is not None:
            raise self._over
        began = perf_counter()
        found = self._ready.get()
        waited = perf_counter() - began
        if isinstance(found, BaseException):
            self._over = found
            raise found
        self._ask()
        return found[0], waited

    def _ask(self) -> None:
        for item in self._items:
            self._wanted.put((item,))
            return
        self._ready.put(IndexError("every item was handed over"))

    def _work(self) -> None:
        while (wanted := self._wanted.get()) is not None:
            try:
                self._ready.put((self._fetch(wanted[0]),))
            except BaseException as error:
                # Whatever it is, the caller must hear of it, or it would wait for ever.
                self._ready.put(error)
