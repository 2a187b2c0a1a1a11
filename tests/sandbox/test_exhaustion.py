"""Programs that try to use more than their limits, or to stay after their end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from leaven.sandbox.level import Level
from leaven.sandbox.limits import Limits
from leaven.sandbox.pool import run_many
from leaven.sandbox.run import Outcome, run_program

TESTS = "assert f(2) == 3"
SHORT = Limits(cpu_seconds=1, wall_seconds=4)

EXHAUSTIONS: dict[str, tuple[str, set[str]]] = {
    "a loop without end": ("while True: pass", {"timeout"}),
    "a loop that ignores the signal": (
        "import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
        {"timeout"},
    ),
    "sleeping": ("import time; time.sleep(60)", {"timeout"}),
    "waiting for input": ("input()", {"failed"}),
    "a memory bomb": ("x = bytearray(3 << 30)", {"memory"}),
    "a growing list": ("x = [0]\nwhile True: x = x + x", {"memory", "timeout"}),
    "output without end": ("while True: print('x' * 1000)", {"output"}),
    "errors without end": ("import sys\nwhile True: sys.stderr.write('x' * 1000)", {"output"}),
    "a fork bomb": (
        "import os, time\nn = 0\ntry:\n    while n < 5000:\n        n += 1\n        if os.fork() == 0: time.sleep(30)\n"
        "except OSError: pass\nprint('ESCAPED' if n > 100 else n)",
        {"failed"},
    ),
    "recursion": ("def g(n): return g(n + 1)\ng(0)", {"failed"}),
    "a stack overflow in C": (
        "import sys; sys.setrecursionlimit(10**9)\ndef g(): g()\ng()",
        {"failed", "memory", "timeout"},
    ),
    "kill itself": ("import os; os.kill(os.getpid(), 9); os.abort()", {"memory", "failed"}),
}


@pytest.fixture(scope="module")
def outcomes(level: Level) -> dict[str, Outcome]:
    """All of them at once: most do nothing but wait for their end."""
    programs = [(source, TESTS) for source, _ in EXHAUSTIONS.values()]
    return dict(zip(EXHAUSTIONS, run_many(programs, level=level, workers=6, limits=SHORT), strict=True))


@pytest.mark.parametrize("name", EXHAUSTIONS)
def test_nothing_uses_too_much(name: str, level: Level, outcomes: dict[str, Outcome]) -> None:
    if "limit on processes" in level.detail and name == "a fork bomb":
        pytest.skip(level.detail)
    outcome = outcomes[name]
    assert outcome.status in EXHAUSTIONS[name][1], outcome.stderr[-500:]
    assert "ESCAPED" not in outcome.stdout
    assert len(outcome.stdout) <= SHORT.output_bytes
    assert outcome.seconds < SHORT.wall_seconds + 3


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
