"""Many untrusted programs, several at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from leaven.ground.progress import Progress, silent
from leaven.sandbox.level import Level
from leaven.sandbox.limits import Limits
from leaven.sandbox.run import Outcome, run_program


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

    Threads suffice, because the work is done by other processes. `progress` is called from the caller's thread.

    Raises:
        LeavenError: see `run_program`; nothing more is started then.
    """
    pool = ThreadPoolExecutor(max(1, workers), thread_name_prefix="sandbox")
    try:
        futures = [
            pool.submit(
                run_program,
                source,
                tests,
                level=level,
                limits=limits,
                folders=folders,
                allow_unisolated=allow_unisolated,
            )
            for source, tests in programs
        ]
        for done, _ in enumerate(as_completed(futures), 1):
            progress(done, len(futures), "programs")
        return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)
