"""Hostile programs, from the tables in `attacks/`: none escapes, none scores, none holds leaven up.

An entry: `name`, `source`, and what must hold if it is not the usual: `status` (which outcomes are right), `ends`
(false: the program is not expected to come to its own end), `needs: filter` (only the system call filter stops it),
`make` (an expression that makes the source). For every entry holds, whatever it says: it does not pass, never prints
ESCAPED, is over when its time is, no more is kept of its output than the limit, and on the host nothing has changed:
nobody knocked at the sockets, the canary file is as it was, no process is left.

Words in the sources: PORT and UDP (loopback ports that listen), ABSTRACT and SOCKET (names of unix sockets), CANARY (a
file that everybody may read), CANARYWORD (its text, also in the environment), HARNESS (a host pid), CHECKOUT, HOME,
HOSTNAME, MARKER (a word to find processes by), SYS_name (a system call's number here).
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from leaven.sandbox import run
from leaven.sandbox.boot import BOOT
from leaven.sandbox.level import Level, attempt
from leaven.sandbox.limits import Limits
from leaven.sandbox.run import Outcome
from leaven.sandbox.seccomp import machine
from leaven.sandbox.syscalls import ABSENT, MACHINES, REFUSED

TESTS = "assert f(2) == 3"
USUAL = Limits()
SHORT = Limits(cpu_seconds=1, wall_seconds=2.5)
SLACK = 2.5
"""Seconds over the wall limit, for a machine that is busy with other tests."""

TABLES = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(Path(__file__).parent.glob("attacks/*.yaml"))}
ATTACKS = {
    f"{table}: {entry['name']}": {"table": table, **entry} for table, entries in TABLES.items() for entry in entries
}

# What a table's programs begin with.
PRELUDE = """
import os, sys
fds = [int(name) for name in os.listdir("/proc/self/fd") if int(name) > 2]
def gains(*acts):
    for act in acts:
        try: act()
        except OSError: continue
        print("ESCAPED", act.__code__.co_names, act.__code__.co_consts)
def libc(name, *args):
    import ctypes
    lib = ctypes.CDLL(None, use_errno=True)
    answer = getattr(lib, name)(*args)
    if answer < 0: raise OSError(ctypes.get_errno(), name)
    return answer
"""
REACHING = ("network", "files", "processes")
"""Tables whose programs try their luck and go on to the end; run without the filter too."""
UNFILTERED = [name for name, entry in ATTACKS.items() if entry["table"] in REACHING and "needs" not in entry]


@dataclass(frozen=True)
class Host:
    """What the programs must not reach, and what says whether they did."""

    words: dict[str, str]
    canary: Path
    listeners: tuple[socket.socket, ...]

    def knocked(self) -> bool:
        return bool(select.select(self.listeners, [], [], 0)[0])

    def left(self) -> list[str]:
        """Processes of this test's programs, and of what they started."""
        found = []
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if folder.name.isdigit() and self.words["MARKER"].encode() in (folder / "cmdline").read_bytes():
                    found.append(folder.name)
        return found


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("host")
    folder.chmod(0o755)
    canary = folder / "canary.txt"
    marker = f"leaven-attack-{os.getpid()}-{time.time_ns()}"
    with contextlib.ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0{marker}")
        named = stack.enter_context(socket.socket(socket.AF_UNIX))
        named.bind(str(folder / "socket"))
        os.chmod(folder / "socket", 0o777)
        for listener in (abstract, named):
            listener.listen()
        word = f"canary-{time.time_ns()}"
        canary.write_text(word)
        canary.chmod(0o666)
        handle = os.open(canary, os.O_RDONLY)
        stack.callback(os.close, handle)
        os.set_inheritable(handle, True)
        before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        stack.callback(signal.signal, signal.SIGUSR1, before)
        patch.setenv("LEAVEN_TEST_SECRET", word)
        patch.setattr(run, "BOOT", f"{BOOT}# {marker}\n")
        words = {
            "PORT": str(tcp.getsockname()[1]),
            "UDP": str(udp.getsockname()[1]),
            "ABSTRACT": marker,
            "SOCKET": str(folder / "socket"),
            "CANARYWORD": word,
            "CANARY": str(canary),
            "HARNESS": str(os.getpid()),
            "CHECKOUT": str(Path(__file__).parents[2]),
            "HOME": str(Path.home()),
            "HOSTNAME": socket.gethostname(),
            "MARKER": marker,
        }
        if known := MACHINES.get(machine()):
            words |= {f"SYS_{name}": str(numbers[known.column]) for name, numbers in {**REFUSED, **ABSENT}.items()}
            words["SYS_clone"] = str(known.clone)
        yield Host(words, canary, (tcp, udp, abstract, named))


Outcomes = dict[str, Outcome]


@pytest.fixture(scope="module")
def outcomes(level: Level, host: Host) -> Outcomes:
    """All programs, several at a time: those that only run to an end, then those that will not."""
    names = [name for name, entry in ATTACKS.items() if level.filter or "needs" not in entry]
    found: Outcomes = {}
    for limits, workers in ((USUAL, 3), (SHORT, 8)):
        these = [name for name in names if (ATTACKS[name]["table"] == "exhaustion") == (limits is SHORT)]
        found |= _run(these, level, host, limits, workers)
    return found


@pytest.fixture(scope="module")
def unfiltered(level: Level, host: Host) -> Outcomes:
    """The programs that reach out, with the namespaces as the only wall."""
    if not level.filter:
        pytest.skip("the other test runs without the filter")
    return _run(UNFILTERED, replace(level, filter=False), host, USUAL, 3)


def _run(names: list[str], wall: Level, host: Host, limits: Limits, workers: int) -> Outcomes:
    # Each once: the pool would give those that wait for ever a second run.
    with ThreadPoolExecutor(workers) as pool:
        sources = [_source(ATTACKS[name], host) for name in names]
        runs = [pool.submit(run.run_program, source, TESTS, level=wall, limits=limits) for source in sources]
        return {name: found.result() for name, found in zip(names, runs, strict=True)}


def _source(entry: dict[str, Any], host: Host) -> str:
    source: str = eval(entry["make"]) if "make" in entry else entry["source"]
    if entry["table"] == "text":
        return source
    source = re.sub(r"\b(SYS_\w+|[A-Z]{3,})\b", lambda found: host.words.get(found[0], found[0]), source)
    return PRELUDE + source + ("\nprint('tried')" if _to_its_end(entry) else "")


def _to_its_end(entry: dict[str, Any]) -> bool:
    return entry["table"] in REACHING and entry.get("ends", True)


@pytest.mark.parametrize("name", ATTACKS)
def test_none_escapes_none_scores_none_holds_up(name: str, level: Level, outcomes: Outcomes) -> None:
    if name not in outcomes:
        pytest.skip(level.detail)
    if name == "exhaustion: a fork bomb" and "limit on processes" in level.detail:
        pytest.skip(level.detail)
    _holds(ATTACKS[name], outcomes[name])
    assert outcomes[name].level == level.label


@pytest.mark.parametrize("name", UNFILTERED)
def test_the_namespaces_alone_suffice(name: str, level: Level, unfiltered: Outcomes) -> None:
    _holds(ATTACKS[name], unfiltered[name])
    assert unfiltered[name].level == level.name


def _holds(entry: dict[str, Any], outcome: Outcome) -> None:
    limits = SHORT if entry["table"] == "exhaustion" else USUAL
    assert outcome.status in entry.get("status", ["failed"]), outcome.stderr[-1000:]
    assert "ESCAPED" not in outcome.stdout, outcome.stdout
    assert "ESCAPED" not in outcome.stderr, outcome.stderr
    assert len(outcome.stdout) <= limits.output_bytes
    assert len(outcome.stderr) <= limits.output_bytes
    assert outcome.seconds < limits.wall_seconds + SLACK
    if _to_its_end(entry):
        # It tried everything and then failed the tests for want of an f: no fault of its own ended it before.
        assert outcome.stdout.endswith("tried\n"), outcome.stderr[-1000:]
        assert "NameError: name 'f'" in outcome.stderr


def test_the_host_is_as_it_was(outcomes: Outcomes, host: Host) -> None:
    assert outcomes
    assert not host.knocked()
    assert host.canary.read_text() == host.words["CANARYWORD"]
    until = time.monotonic() + 3
    while (left := host.left()) and time.monotonic() < until:
        time.sleep(0.05)
    assert left == []
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    # Nothing of what was mounted for the programs can be seen here, nor what they wrote.
    assert "/scratch" not in Path("/proc/self/mountinfo").read_text()


def test_the_tables_are_what_they_say() -> None:
    entries = sum(len(entries) for entries in TABLES.values())
    assert len(ATTACKS) == entries >= 40
    known = {"name", "table", "source", "make", "status", "ends", "needs"}
    assert all(set(entry) <= known for entry in ATTACKS.values())
    assert "passed" not in {status for entry in ATTACKS.values() for status in entry.get("status", [])}


# What tests in the program's own interpreter cannot tell from an answer. Should one of these fail, the documents
# (`sandbox/boot.py`, decision 016) claim too little.
BEYOND = {
    "objects that equal everything": """
class Any:
    def __eq__(self, other): return True
def f(x): return Any()
""",
    "the expected value, from the tests' own code": """
import sys
def f(x): return sys._getframe(1).f_code.co_consts[1]
""",
    "a global that hides a builtin the tests call": (
        """
class Any:
    def __eq__(self, other): return True
def sorted(x): return Any()
def f(x): return x[::-1]
""",
        "assert sorted(f([2, 3])) == [2, 3, 4]",
    ),
    "a global abs, where the tests ask how far the answer is from the right one": (
        "def abs(x): return -1\ndef f(x): return 0.0",
        "assert abs(f(2) - 3.0) < 1e-6",
    ),
    "a program that does what the first lines of Python do": """
import os
for name in os.listdir("/proc/self/fd"):
    try: target, info = os.readlink(f"/proc/self/fd/{name}"), open(f"/proc/self/fdinfo/{name}").read()
    except OSError: continue
    if int(name) > 2 and target.startswith("pipe:"):
        if int(info.split()[3], 8) & 3: pipe = int(name)
        else: parts = int(name)
os.write(pipe, b"+"); os.read(parts, 9999); os.write(pipe, b"+"); os.write(pipe, os.read(parts, 9999)); os._exit(0)
""",
}


@pytest.mark.parametrize("name", BEYOND)
def test_what_no_test_in_the_same_interpreter_can_tell(name: str, level: Level) -> None:
    found = BEYOND[name]
    source, tests = (found, TESTS) if isinstance(found, str) else found
    outcome = run.run_program(source, tests, level=level)
    assert outcome.passed, outcome


def test_a_level_that_is_missing_is_named() -> None:
    found = attempt("no such level")
    assert isinstance(found, str)
    assert sys.executable not in found
