"""Asking git about a checkout of the user's, which nobody has looked at.

Nothing that the checkout's own configuration names is run, and nothing is fetched: a partial clone would otherwise
fetch what it lacks while its history is read, by a command that its configuration gives. Variables of the calling
process (leaven may be started from a hook) do not turn git to another repository, nor does a broken one make git take
the next repository above it. As nothing of its configuration is run, it may belong to anybody (`safe.directory`): data
shared on a cluster mostly does.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SAFE = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


OPTIONS = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "safe.directory=*")


def start(checkout: Path, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """A running `git` in `checkout` whose standard output is to be read. Raises OSError where git is not installed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    above = os.path.dirname(os.path.realpath(checkout))
    return subprocess.Popen(
        ["git", "-C", os.fspath(checkout), *OPTIONS, *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment | SAFE | {"GIT_CEILING_DIRECTORIES": above},
    )


def ask(checkout: Path, *arguments: str) -> str:
    """What git says, stripped, or "" where it cannot say."""
    try:
        process = start(checkout, *arguments)
    except OSError:
        return ""
    said, _ = process.communicate()
    return said.decode(errors="replace").strip() if process.returncode == 0 else ""


def head(checkout: Path) -> str:
    """The commit that a checkout stands at, or "" where git cannot say (none, no commit)."""
    return ask(checkout, "rev-parse", "HEAD")
