"""Honest programs, the words of the outcome, the pool, and what happens where nothing isolates."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from leaven.ground.errors import BadInput, LeavenError
from leaven.sandbox import level as levels
from leaven.sandbox.interpreter import interpreter
from leaven.sandbox.level import Level, none, probe
from leaven.sandbox.limits import Limits
from leaven.sandbox.pool import run_many
from leaven.sandbox.run import run_program

HONEST = [
    ("def f(x):\n    return x + 1", "assert f(2) == 3"),
    ("import math, re, json, collections, itertools, datetime, random, string, heapq", "assert math.floor(2.5) == 2"),
    ("import tempfile\nf = tempfile.TemporaryFile()\nf.write(b'x' * 1000)", ""),
    ("import threading\nt = threading.Thread(target=print, args=('hi',))\nt.start()\nt.join()", ""),
    ("import multiprocessing, os\nassert os.getcwd() == '/scratch' and os.listdir() == []", ""),
    ("class A:\n    pass\nimport pickle\nx = pickle.loads(pickle.dumps(A()))", "assert type(x).__name__ == 'A'"),
    ("if __name__ == '__main__':\n    y = 1", "assert y == 1"),
    ("print('ü' * 3)\r\nx = 1\r\n", "assert x == 1"),
    ("def f(x):\n    return sum(i * i for i in range(x))", "assert f(100000) > 0\n" * 20),
]


@pytest.mark.parametrize("number", range(len(HONEST)))
def test_honest_programs_pass(number: int, level: Level) -> None:
    outcome = run_program(*HONEST[number], level=level)
    assert outcome.passed, outcome
    assert outcome.stderr == ""
    assert outcome.level == level.label


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("def f(x): return x", "AssertionError"),
        ("def f(x: return", "SyntaxError"),
        ("", "NameError"),
        ("1/0", "ZeroDivisionError"),
    ],
)
def test_wrong_programs_fail(source: str, word: str, level: Level) -> None:
    outcome = run_program(source, "assert f(2) == 3", level=level)
    assert outcome.status == "failed"
    assert word in outcome.stderr


def test_hashes_are_the_same_in_every_run(level: Level) -> None:
    runs = {run_program("print(hash('leaven'), set('leaven'))", level=level).stdout for _ in range(3)}
    assert len(runs) == 1


def test_a_machine_short_of_memory_ends_programs_first(level: Level) -> None:
    assert run_program("print(open('/proc/self/oom_score_adj').read())", level=level).stdout.strip() == "1000"


def test_a_program_finds_its_input_empty_and_no_descriptor_passes_on(level: Level) -> None:
    source = """
import os, subprocess, sys
assert sys.stdin.read() == "" and os.listdir("/proc/self/fd")
code = "import os; print(sorted(os.listdir('/proc/self/fd')))"
print(subprocess.run([sys.executable, "-S", "-c", code], close_fds=False, capture_output=True, text=True).stdout)
"""
    outcome = run_program(source, level=level)
    assert outcome.stdout.strip() == "['0', '1', '2', '3']", outcome.stderr


def test_a_program_larger_than_a_pipe(level: Level) -> None:
    source = f"x = '{'y' * 300_000}'"
    assert run_program(source, "assert len(x) == 300_000", level=level).passed


def test_bytes_that_are_no_text(level: Level) -> None:
    assert run_program("x = '\udc80'", "assert x == '?'", level=level).passed
    outcome = run_program("import os; os.write(1, b'\\xff\\xfe')", level=level)
    assert outcome.passed
    assert outcome.stdout == "��"


def test_the_pool_keeps_the_order(level: Level) -> None:
    programs = [(f"print({i})", "assert False" if i % 3 == 0 else "") for i in range(12)]
    seen: list[float] = []
    outcomes = run_many(programs, level=level, workers=3, progress=lambda done, total, note="": seen.append(done))
    assert [outcome.stdout.strip() for outcome in outcomes] == [str(i) for i in range(12)]
    assert [outcome.passed for outcome in outcomes] == [i % 3 != 0 for i in range(12)]
    assert seen == list(range(1, 13))


def test_no_zombie_and_no_open_file_is_left(level: Level) -> None:
    before = len(os.listdir("/proc/self/fd"))
    run_many([("while True: pass", ""), ("x = 1", "")] * 2, level=level, workers=2, limits=Limits(wall_seconds=0.5))
    assert len(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_tests_see_the_builtins_whatever_the_program_put_in_their_place(level: Level) -> None:
    lying = """
import builtins
class Any:
    def __eq__(self, other): return True
__builtins__ = {**vars(builtins), "sorted": lambda x: Any()}
def f(x): return x[::-1]
"""
    assert run_program(lying, "assert sorted(f([2, 3])) == [4]", level=level).status == "failed"
    assert run_program(lying, "assert sorted(f([2, 3])) == [2, 3]", level=level).passed
    # A right solution that is named like a builtin is one.
    assert run_program("def sum(a, b): return a + b", "assert sum(2, 3) == 5", level=level).passed


def test_without_isolation_nothing_runs_unless_asked(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    source = f"open({str(trace)!r}, 'w')"
    for act in (run_program, lambda s, **k: run_many([(s, "")], workers=1, **k)):
        with pytest.raises(
            LeavenError, match=r"(?s)apt-get install bubblewrap.*leave the task out.*--allow-unisolated"
        ):
            act(source, level=none("a test"))
    assert not trace.exists()


def test_without_isolation_when_asked() -> None:
    for (source, tests), passes in ((HONEST[0], True), (("def f(x): exit(0)", "f(1)"), False)):
        outcome = run_program(source, tests, level=none(), allow_unisolated=True)
        assert outcome.passed == passes
        assert outcome.level == "none"
    limits = Limits(wall_seconds=0.5)
    assert run_program("while True: pass", level=none(), limits=limits, allow_unisolated=True).status == "timeout"


def test_a_level_that_does_not_start_is_an_error_not_a_failure(level: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(levels._WAYS, level.way, (level.name, lambda python, inner, guard: ["false"]))
    assert run_program("x = 1", level=level).status == "error"
    monkeypatch.setitem(levels._WAYS, level.way, (level.name, lambda python, inner, guard: ["no-such-command"]))
    assert run_program("x = 1", level=level).status == "error"


def test_the_probe_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe().name in ("bubblewrap", "unshare", "none")
    monkeypatch.setattr(levels, "attempt", lambda name: f"{name} is broken")
    levels.probe.cache_clear()
    found = probe()
    levels.probe.cache_clear()
    assert found.name == "none"
    assert found.reason == "bubblewrap is broken; unshare is broken"


def test_a_way_that_isolates_nothing_is_no_level(monkeypatch: pytest.MonkeyPatch) -> None:
    for way, (name, _) in list(levels._WAYS.items()):
        monkeypatch.setitem(levels._WAYS, way, (name, lambda python, inner, guard: inner))
    assert "not isolated: the user" in str(levels.attempt("bubblewrap"))


def test_the_interpreter_is_outside_any_environment() -> None:
    found = interpreter()
    assert Path(found.program).exists()
    assert not Path(found.program).is_relative_to(sys.prefix) or sys.prefix == sys.base_prefix
    assert interpreter(sys.executable).program == found.program
    with pytest.raises(BadInput, match="not a usable Python"):
        interpreter("/no/such/python")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("name", ["bubblewrap", "unshare"])
def test_a_user_without_privileges(name: str, tmp_path: Path) -> None:
    python = next((p for p in ("/usr/bin/python3", "/usr/local/bin/python3") if Path(p).exists()), None)
    code = "import sys; print(sys.version_info >= (3, 11))"
    if not python or subprocess.run([python, "-c", code], capture_output=True).stdout != b"True\n":
        pytest.skip("no Python 3.11 that every user can reach")
    if not shutil.which("setpriv"):
        pytest.skip("setpriv is not installed")
    script = f"""
from leaven.sandbox.level import attempt
from leaven.sandbox.run import run_program
level = attempt({name!r})
if isinstance(level, str):
    print("skip", level)
else:
    fork = "import os, time\\nwhile True:\\n    if os.fork() == 0: time.sleep(9)"
    print(run_program("x = 1", "assert x == 1", level=level).status, run_program(fork, level=level).status)
    print(repr(run_program("x = 1", level=level).stderr))
    print(run_program("open('/usr/x', 'w')", level=level).stderr.splitlines()[-1])
"""
    checkout = Path(__file__).parents[2]
    package = tmp_path / "leaven"
    for room in ("ground", "sandbox"):
        shutil.copytree(checkout / "leaven" / room, package / room, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "__init__.py").write_text("")
    # Through a file handle, because the checkout may lie where that user cannot go.
    command = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", python, "-B", "-c"]
    source = "import sys, io, zipfile; sys.path.insert(0, sys.argv[1]); exec(sys.argv[2])"
    archive = shutil.make_archive(str(tmp_path / "copy"), "zip", tmp_path, "leaven")
    with open(archive, "rb") as file:
        answer = subprocess.run(
            [*command, source, f"/proc/self/fd/{file.fileno()}", script],
            pass_fds=(file.fileno(),), capture_output=True, text=True, cwd="/", timeout=60,
        )  # fmt: skip
    if answer.stdout.startswith("skip"):
        pytest.skip(answer.stdout)
    assert answer.stdout.splitlines()[0] == "passed failed", answer
    assert answer.stdout.splitlines()[1] == "''"
    assert answer.stdout.splitlines()[2].startswith("OSError: [Errno 30]"), answer
