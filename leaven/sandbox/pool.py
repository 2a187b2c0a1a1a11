"""Many untrusted programs, several at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import partial

from leaven.ground.progress import Progress, silent
from leaven.sandbox.level import Level
from leaven.sandbox.limits import Limits
from leaven.sandbox.run import Outcome, run_program

IN_VAIN = 10
"""Programs that are stopped again, one after the other, before the rest are believed to wait by themselves: a model
that writes nothing but sleeping programs costs five minutes, not hours."""
LONGER = 3
"""How many times the wall limit a program gets that the wall clock has stopped once."""


def run_many(
    programs: Iterable[tuple[str, str]],
    *,
    level: Level,
    workers: int,
    limits: Limits | None = None,
    folders: Sequence[str] = (),
    allow_unisolated: bool = False,
    progress: Progress = silent,
) -> list[Outcome]:
    """Run pairs of (program, tests), `workers` at a time; outcomes in the order of the programs.

    What a busy machine may have done is tried once more, after all others, one program at a time, with `LONGER` times
    the wall limit: programs that the wall clock stopped and programs that could not be started. One that again cannot
    be started is not the machine's bad moment, and neither are `IN_VAIN` in a row that wait alone as they did together:
    the others are left as they are.

    Threads suffice, because the work is done by other processes. `progress` is called from the caller's thread.

    Raises:
        LeavenError: see `run_program`; nothing more is started then.
    """
    run = partial(run_program, level=level, folders=folders, allow_unisolated=allow_unisolated)
    pairs = list(programs)
    pool = ThreadPoolExecutor(max(1, workers), thread_name_prefix="sandbox")
    try:
        futures = [pool.submit(run, source, tests, limits=limits) for source, tests in pairs]
        for done, _ in enumerate(as_completed(futures), 1):
            progress(done, len(futures), "programs")
        outcomes = [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)
    usual = limits or Limits()
    longer = replace(usual, wall_seconds=usual.wall_seconds * LONGER)
    again = [i for i, outcome in enumerate(outcomes) if outcome.status == "error" or outcome.limit == "wall"]
    starts, in_vain = True, 0
    for done, i in enumerate(again):
        waits = outcomes[i].limit == "wall"
        if in_vain == IN_VAIN if waits else not starts:
            continue
        progress(done, len(again), "programs once more, alone")
        outcomes[i] = run(*pairs[i], limits=longer)
        starts = outcomes[i].status != "error"
        if waits:
            in_vain = in_vain + 1 if outcomes[i].limit == "wall" else 0
    return outcomes
