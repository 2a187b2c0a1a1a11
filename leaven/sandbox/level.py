"""Which isolation this machine really gives: found by running a program in it, never by looking at versions.

`probe` tries bubblewrap, then util-linux namespaces, with the exact flags the runs will use, and asks the program
inside what it sees. A level that does not start, or starts and sees too much, is not a level. Each is tried with the
system call filter and, where that is not to be had, without it: it is a second wall, not a level of its own.
"""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from leaven.ground.errors import LeavenError
from leaven.sandbox import bubblewrap, namespaces
from leaven.sandbox.interpreter import PYTHON_FLAGS, Interpreter, interpreter
from leaven.sandbox.place import NOBODY, SCRATCH
from leaven.sandbox.seccomp import INSTALL, filter_program, machine, piped

Name = Literal["bubblewrap", "unshare", "none"]
Way = Callable[[Interpreter, list[str], int | None], list[str]]

_QUESTION = f"""
import os
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
checks = {{
    "the user": os.getuid() == os.getgid() == {NOBODY},
    "capabilities": not any(int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")),
    "new privileges": status["NoNewPrivs"].strip() == "1",
    "processes": sum(name.isdigit() for name in os.listdir("/proc")) <= 2,
    "network": len(open("/proc/net/route").readlines()) <= 1,
    "host files": not os.path.exists("/etc") and not os.access("/", os.W_OK),
    "folder": os.getcwd() == "{SCRATCH}",
}}
print("isolated" if all(checks.values()) else "not isolated: " + ", ".join(k for k, v in checks.items() if not v))
"""

_FILTER_QUESTION = """
import _socket
try:
    _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    print("the system call filter lets a socket through")
except PermissionError:
    pass
"""
"""A call that the namespaces alone allow: a socket of the sandbox's own empty network."""


@dataclass(frozen=True)
class Level:
    """An isolation level.

    Args:
        name: "bubblewrap", "unshare" or "none".
        reason: one sentence for people: why this level and not a better one.
        detail: what it does not stop on this machine; empty if there is nothing to add.
        way: which command builder (internal; "" for none).
        filter: whether the system call filter is on.
    """

    name: Name
    reason: str
    detail: str = ""
    way: str = ""
    filter: bool = False

    @property
    def label(self) -> str:
        """What is recorded with results: the name and, with the filter, "+seccomp"."""
        return f"{self.name}+seccomp" if self.filter else self.name


_WAYS: dict[str, tuple[Name, Way]] = {
    "bubblewrap dropped": ("bubblewrap", bubblewrap.dropped),
    "bubblewrap plain": ("bubblewrap", bubblewrap.plain),
    "unshare root": ("unshare", namespaces.as_root),
    "unshare user": ("unshare", namespaces.as_user),
}

NONE_DETAIL = (
    "programs would run as the user who runs leaven, with the network and every file; "
    "only limits on CPU time, memory, files and wall time hold"
)


def none(reason: str = "asked for") -> Level:
    """No isolation at all."""
    return Level("none", reason, NONE_DETAIL)


@functools.cache
def probe() -> Level:
    """The best level of this machine (kept for the life of the process).

    Tries each way for real (about 50 ms each). The level "none" says in `reason` what each try answered.
    """
    failures: list[str] = []
    for name in ("bubblewrap", "unshare"):
        found = attempt(name)
        if isinstance(found, Level):
            reason = found.reason
            return replace(found, reason="; ".join([*failures, reason]))
        failures.append(found)
    return none("; ".join(failures))


def attempt(name: str) -> Level | str:
    """The level `name` if it works here, else one sentence that says why not."""
    root = os.geteuid() == 0
    ways = [way for way in _WAYS if _WAYS[way][0] == name and (root or not way.endswith(("dropped", "root")))]
    # Namespaces mapped from root would leave the program root's rights over root's files in /proc.
    ways = [way for way in ways if not (root and way == "unshare user")]
    failure = f"{name} is not possible here"
    for way in ways:
        plain = Level(_WAYS[way][0], f"{name} works here", way=way)
        answer, missing = _ask(replace(plain, filter=True)), ""
        if answer != "isolated":
            missing = f"no system call filter: {answer}"
            answer = _ask(plain)
        if answer == "isolated":
            weak = root and way == "bubblewrap plain"
            exempt = "the limit on processes does not hold: the kernel exempts root" if weak else ""
            return replace(plain, filter=not missing, detail="; ".join(filter(None, [exempt, missing])))
        failure = f"{name} does not work here: {answer}"
    return failure


def wrap(level: Level, python: Interpreter, inner: list[str], guard: int | None = None) -> list[str]:
    """The command that runs `inner` at a level other than "none".

    Args:
        guard: the descriptor with the filter, where the level takes one (see `filters`).
    """
    return _WAYS[level.way][1](python, inner, guard)


def filters(level: Level) -> tuple[bytes, bytes]:
    """The system call filter: what the level's command wants on a descriptor, and what Python must install inside.
    At most one of them is not empty.

    Raises:
        LeavenError: the calls of this processor are not known.
    """
    if not level.filter:
        return b"", b""
    code = filter_program(machine())
    if code is None:
        raise LeavenError(f"the system calls of {machine()} are not known")
    return (code, b"") if level.name == "bubblewrap" else (b"", code)


def _ask(level: Level) -> str:
    """ "isolated", or one line that says what is wrong."""
    python = interpreter()
    try:
        outside, inside = filters(level)
        install = f"{INSTALL}\ninstall({inside!r})\n" if inside else ""
        question = install + (_FILTER_QUESTION if level.filter else "") + _QUESTION
        with piped(outside) as guard:
            command = wrap(level, python, [python.program, *PYTHON_FLAGS, "-c", question], guard)
            answer = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=30,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=() if guard is None else (guard,),
            )
    except FileNotFoundError as error:
        return f"{error.filename} is not installed"
    except (OSError, subprocess.SubprocessError, LeavenError) as error:
        return " ".join(str(error).split())
    said = (answer.stdout.strip() or answer.stderr.strip() or f"exit code {answer.returncode}").splitlines()
    return said[0] if answer.stdout.strip() else said[-1]
