"""Nothing of a program stays after its end, nor after the end of leaven."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from leaven.sandbox.level import Level
from leaven.sandbox.limits import Limits
from leaven.sandbox.run import run_program

TESTS = "assert f(2) == 3"


def test_no_child_outlives_its_program(level: Level) -> None:
    marker = f"{time.time_ns()}"
    source = f"""
import os, sys, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        os.execv(sys.executable, [sys.executable, "-S", "-c", "import time; time.sleep(60) # {marker}"])
time.sleep({{}})
"""
    for rest, status in ((0.3, "failed"), (60, "timeout")):
        outcome = run_program(source.format(rest), TESTS, level=level, limits=Limits(wall_seconds=1.5))
        assert outcome.status == status
        assert _until(lambda: not _running(marker), 2)


def test_a_process_that_the_program_forked_and_left_is_not_judged(level: Level) -> None:
    """Whichever is first: the tests go to one process, and it alone reports."""
    for child, parent in ((0, 0), (0.2, 0), (0, 0.2)):
        source = f"""
import os, time
child = os.fork() == 0
time.sleep({child} if child else {parent})
def f(x): return 0 if child else x + 1
"""
        for _ in range(3):
            assert run_program(source, TESTS, level=level).passed
            assert run_program(source, "assert f(2) == 0", level=level).status == "failed"


def test_nothing_stays_when_leaven_itself_is_killed(level: Level) -> None:
    marker = f"{time.time_ns()}"
    sleep = f"[sys.executable, '-S', '-c', 'import time; time.sleep(60) # {marker}']"
    inner = f"import os, sys; os.execv(sys.executable, {sleep})"
    outer = (
        "import sys; from leaven.sandbox.level import Level; from leaven.sandbox.run import run_program; "
        f"run_program(sys.argv[1], level={level!r})"
    )
    harness = subprocess.Popen([sys.executable, "-c", outer, inner], cwd=Path(__file__).parents[2])
    try:
        started = _until(lambda: len(_running(marker)) >= 2, 20)  # the harness itself and the program
    finally:
        harness.kill()
        harness.wait()
    assert started
    assert _until(lambda: not _running(marker), 3)


def _until(true: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def _running(marker: str) -> list[str]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                if marker.encode() in (folder / "cmdline").read_bytes():
                    found.append(folder.name)
            except OSError:
                continue
    return found
