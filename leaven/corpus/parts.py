"""Large work in parts: each part is done by one process, appears atomically, and is never done twice.

A part is a folder named by its number. It is written beside and renamed when it is whole, so after a kill the next
start finds what was finished and does the rest. What a part holds depends on its item alone; results are read in the
order of the items, so nothing depends on how many processes worked, which was first, or on which machine: on a cluster
whoever starts a step sets `fan`, and other machines do parts too.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any, Protocol, TypeVar

from leaven.corpus.slots import slot
from leaven.ground.errors import LeavenError
from leaven.ground.progress import Progress, silent

Item = TypeVar("Item")


class Fan(Protocol):
    """Does parts here and on other machines."""

    def __call__(
        self,
        work: Callable[[Any, Path], None],
        todo: Sequence[tuple[Any, Path]],
        told: Callable[[int], None],
    ) -> None:
        """Do `do_part(work, item, part)` for every pair; when this returns, every part is here.

        `told`: called with the number of pairs that are done. Raises what `work` raises.
        """


fan: Fan | None = None
"""Of this process; None works here alone."""

AHEAD = 2
"""Items handed to the pool for each process, so that none waits and an interrupt leaves little behind."""


def run_parts(
    work: Callable[[Item, Path], None],
    items: Sequence[Item],
    folder: Path,
    *,
    workers: int = 1,
    progress: Progress = silent,
    note: str = "",
) -> list[Path]:
    """Do `work(item, out)` for every item, `workers` processes at a time; returns the parts' folders in order.

    Args:
        work: a function that can be pickled (module level, or `functools.partial` of one); writes into the empty
            folder `out`. A pure function of its item.
        items: in a fixed order; the caller's folder stands for one list of items.
        folder: holds the parts; made where absent.
        workers: processes; 1 works in this one.
        progress: told in parts.

    Raises:
        Whatever `work` raises; parts finished by then stay.
        LeavenError: a process was killed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = [folder / f"{number:05d}" for number in range(len(items))]
    todo = [number for number, part in enumerate(parts) if not part.is_dir()]
    done = len(items) - len(todo)
    progress(done, len(items), note)
    if fan is not None and len(todo) > 1:
        fan(work, [(items[number], parts[number]) for number in todo], lambda n: progress(done + n, len(items), note))
        return parts
    if min(workers, len(todo)) <= 1:
        for number in todo:
            do_part(work, items[number], parts[number])
            done += 1
            progress(done, len(items), note)
        return parts
    pool = ProcessPoolExecutor(
        min(workers, len(todo)),
        mp_context=context_of_parts(),
        initializer=begin,
        initargs=(sorted(os.sched_getaffinity(0)),),
    )
    waiting: set[Future[None]] = set()
    try:
        for number in todo:
            waiting.add(pool.submit(_shared, work, items[number], parts[number], workers))
            if len(waiting) >= AHEAD * workers:
                done, waiting = _some(waiting, done)
                progress(done, len(items), note)
        while waiting:
            done, waiting = _some(waiting, done)
            progress(done, len(items), note)
    except BaseException as error:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list((pool._processes or {}).values()):
            process.kill()
        if type(error).__name__ == "BrokenProcessPool":
            raise LeavenError(
                "a process was killed while working on a part (perhaps the machine ran out of memory)\n"
                "  Run again: it continues with the parts that are missing."
            ) from None
        raise
    pool.shutdown()
    return parts


def _some(waiting: set[Future[None]], done: int) -> tuple[int, set[Future[None]]]:
    finished, rest = wait(waiting, return_when=FIRST_COMPLETED)
    for future in finished:
        future.result()
    return done + len(finished), rest


def do_part(work: Callable[[Item, Path], None], item: Item, part: Path) -> None:
    """Do one part, so that its folder appears whole. Raises what `work` raises."""
    unfinished = part.with_name(part.name + ".unfinished")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir()
    work(item, unfinished)
    unfinished.rename(part)


def _shared(work: Callable[[Item, Path], None], item: Item, part: Path, workers: int) -> None:
    with slot(workers):
        do_part(work, item, part)


def context_of_parts() -> multiprocessing.context.BaseContext:
    """A server that forks: no thread of this process is ever copied half-way, and what is imported is imported once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["leaven.corpus.sources", "leaven.corpus.assemble", "leaven.corpus.shards"])
    return context


def begin(cores: Sequence[int]) -> None:
    """A worker lives no longer than who asked for it, and leaves interrupts to its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.sched_setaffinity(0, cores)
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)
