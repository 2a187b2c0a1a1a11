"""Which isolation this machine really gives: found by running a program in it, never by looking at versions.

`probe` tries bubblewrap, then util-linux namespaces, with the exact flags the runs will use, and asks the program
inside what it sees. A level that does not start, or starts and sees too much, is not a level.
"""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from leaven.ground.errors import LeavenError
from leaven.sandbox import bubblewrap, namespaces
from leaven.sandbox.interpreter import PYTHON_FLAGS, Interpreter, interpreter
from leaven.sandbox.place import NOBODY, SCRATCH

Name = Literal["bubblewrap", "unshare", "none"]
Way = Callable[[Interpreter, list[str]], list[str]]

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


@dataclass(frozen=True)
class Level:
    """An isolation level.

    Args:
        name: "bubblewrap", "unshare" or "none".
        reason: one sentence for people: why this level and not a better one.
        detail: what it does not stop on this machine; empty if there is nothing to add.
        way: which command builder (internal; "" for none).
    """

    name: Name
    reason: str
    detail: str = ""
    way: str = ""


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
            return Level(found.name, "; ".join([*failures, reason]), found.detail, found.way)
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
        answer = _ask(way)
        if answer == "isolated":
            weak = root and way == "bubblewrap plain"
            detail = "the limit on processes does not hold: the kernel exempts root" if weak else ""
            return Level(_WAYS[way][0], f"{name} works here", detail, way)
        failure = f"{name} does not work here: {answer}"
    return failure


def wrap(level: Level, python: Interpreter, inner: list[str]) -> list[str]:
    """The command that runs `inner` at a level other than "none"."""
    return _WAYS[level.way][1](python, inner)


def _ask(way: str) -> str:
    python = interpreter()
    try:
        command = _WAYS[way][1](python, [python.program, *PYTHON_FLAGS, "-c", _QUESTION])
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, start_new_session=True
        )
    except FileNotFoundError as error:
        return f"{error.filename} is not installed"
    except (OSError, subprocess.SubprocessError, LeavenError) as error:
        return " ".join(str(error).split())
    said = (answer.stdout.strip() or answer.stderr.strip() or f"exit code {answer.returncode}").splitlines()
    return said[-1]
