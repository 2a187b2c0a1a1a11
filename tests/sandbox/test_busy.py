"""A machine that is busy, short of something or old: right programs stay right, and faults of the machine are named."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from leaven.sandbox import level as levels
from leaven.sandbox import pool
from leaven.sandbox.cores import cores
from leaven.sandbox.level import Level, none
from leaven.sandbox.limits import Limits
from leaven.sandbox.pool import run_many
from leaven.sandbox.run import Outcome, run_program


def _before(level: Level, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell runs `line` before anything of the level starts."""
    name, way = levels._WAYS[level.way]

    def later(*args: Any) -> list[str]:
        return ["sh", "-c", f'{line}; exec "$@"', "sh", *way(*args)]

    monkeypatch.setitem(levels._WAYS, level.way, (name, later))


def test_the_start_of_the_interpreter_is_not_the_programs_time(level: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    _before(level, "sleep 1.2", monkeypatch)
    limits = Limits(wall_seconds=1)
    assert run_program("x = 1", "assert x == 1", level=level, limits=limits).passed
    late = run_program("import time; time.sleep(60)", level=level, limits=limits)
    assert (late.status, late.limit) == ("timeout", "wall")
    assert late.seconds > 2.2


def test_a_program_that_never_began_is_an_error(level: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    _before(level, "sleep 60", monkeypatch)
    outcome = run_program("x = 1", level=level, limits=Limits(start_seconds=0.3))
    assert outcome.status == "error"
    assert "had not begun after 0.3 seconds" in outcome.stderr


def test_which_clock_ended_it(level: Level) -> None:
    spinning = run_program("while True: pass", level=level, limits=Limits(cpu_seconds=1))
    assert (spinning.status, spinning.limit) == ("timeout", "cpu")
    assert run_program("1/0", level=level).limit == run_program("x = 1", level=level).limit == ""


def test_what_the_wall_clock_stopped_runs_again_alone(tmp_path: Path) -> None:
    source = """
import os, time
def f(seconds):
    if os.path.exists(PATH): time.sleep(seconds)
    else:
        open(PATH, "w"); time.sleep(60)
"""
    made = [f"PATH = {str(tmp_path / str(i))!r}\n{source}" for i in range(3)]
    programs = [(made[0], "f(0.7)"), (made[1], "f(0); assert False"), (made[2], "f(60)"), ("x = 1", "")]
    outcomes = run_many(programs, level=none(), workers=4, limits=Limits(wall_seconds=0.6), allow_unisolated=True)
    assert [outcome.status for outcome in outcomes] == ["passed", "failed", "timeout", "passed"]
    assert outcomes[2].seconds > 1.8


def _scripted(monkeypatch: pytest.MonkeyPatch, script: dict[str, list[Outcome]]) -> list[tuple[str, float]]:
    """Runs end as `script` says; what was run, and with how much of the wall clock."""
    ran: list[tuple[str, float]] = []

    def run(source: str, tests: str, *, limits: Limits | None, **_: Any) -> Outcome:
        ran.append((source, (limits or Limits()).wall_seconds))
        return script[source].pop(0)

    monkeypatch.setattr(pool, "run_program", run)
    return ran


PASSED = Outcome("passed", "", "", 0, "none")
ERROR = Outcome("error", "", "", 0, "none")
WALL = Outcome("timeout", "", "", 0, "none", "wall")
CPU = Outcome("timeout", "", "", 0, "none", "cpu")


def test_only_what_the_machine_may_have_done_runs_again(monkeypatch: pytest.MonkeyPatch) -> None:
    script = {"a": [WALL, PASSED], "b": [CPU], "c": [ERROR, PASSED], "d": [PASSED], "e": [WALL, WALL]}
    ran = _scripted(monkeypatch, {name: list(ends) for name, ends in script.items()})
    outcomes = run_many([(name, "") for name in script], level=none(), workers=1)
    assert outcomes == [PASSED, CPU, PASSED, PASSED, WALL]
    assert ran == [(name, 10.0) for name in "abcde"] + [(name, 30.0) for name in "ace"]


def test_a_machine_that_starts_nothing_is_not_asked_a_thousand_times(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = _scripted(monkeypatch, {"a": [ERROR, ERROR], "b": [ERROR], "c": [WALL, PASSED]})
    assert run_many([("a", ""), ("b", ""), ("c", "")], level=none(), workers=1) == [ERROR, ERROR, PASSED]
    assert [name for name, _ in ran] == ["a", "b", "c", "a", "c"]


@pytest.mark.parametrize("call", ["pipe", "Popen"])
def test_what_the_machine_does_not_have_is_an_error(call: str, level: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    run_program("x = 1", level=level)  # what is prepared once is there
    monkeypatch.setattr(os if call == "pipe" else subprocess, call, refuse)
    before = len(os.listdir("/proc/self/fd"))
    outcome = run_program("x = 1", level=level)
    assert outcome.status == "error"
    assert "temporarily unavailable" in outcome.stderr
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_kernel_without_descriptors_of_processes(level: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(pid: int) -> int:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", missing)
    assert run_program("print('x' * 9999)\nx = 1", "assert x == 1", level=level).stdout == "x" * 9999 + "\n"
    assert run_program("x = 1", "assert x == 1", level=level).passed
    assert run_program("1/0", level=level).status == "failed"
    assert run_program("import os; os._exit(0)", level=level).status == "failed"
    limits = Limits(wall_seconds=0.5)
    assert run_program("import time; time.sleep(60)", level=level, limits=limits).status == "timeout"
    background = "import os, time\nif os.fork() == 0: time.sleep(60)"
    assert run_program(background, level=level).seconds < 5


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {}, 8),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "250000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "9900000 100000\n"}, 8),
        ("0::/a/b\n", {"a/cpu.max": "300000 100000\n", "a/b/cpu.max": "max 100000\n"}, 3),
        ("0::/a\n", {"b/cpu.max": "300000 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "nonsense\n"}, 8),
        ("1:cpu,cpuacct:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ("1:cpu,cpuacct:/\n", {"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ("1:cpu:/a\n", {"cpu/a/cpu.cfs_quota_us": "200000\n", "cpu/a/cpu.cfs_period_us": "100000\n"}, 2),
        ("1:memory:/a\n", {"cpu/a/cpu.cfs_quota_us": "200000\n", "cpu/a/cpu.cfs_period_us": "100000\n"}, 8),
    ],
)
def test_a_quota_counts_as_fewer_processors(
    own: str, files: dict[str, str], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    groups, mine = tmp_path / "groups", tmp_path / "own"
    for name, text in files.items():
        (groups / name).parent.mkdir(parents=True, exist_ok=True)
        (groups / name).write_text(text)
    mine.write_text(own)
    assert cores(groups, mine) == expected
    assert cores(groups, tmp_path / "no such file") <= 8


def test_here_there_is_at_least_one() -> None:
    assert 1 <= cores() <= len(os.sched_getaffinity(0))


def test_programs_that_wait_by_themselves_are_not_all_waited_for(level: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"sleeper {i}" for i in range(pool.IN_VAIN + 5)]
    ran = _scripted(monkeypatch, {name: [WALL, WALL] for name in names} | {"late": [WALL, PASSED]})
    outcomes = run_many([("late", ""), *((name, "") for name in names)], level=level, workers=1)
    assert [outcome.status for outcome in outcomes] == ["passed", *["timeout"] * len(names)]
    assert len(ran) == 2 * (1 + pool.IN_VAIN) + 5
