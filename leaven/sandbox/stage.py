"""A mount namespace that root prepares once, from which every run's own namespaces start.

Mounting the same read-only folders for every program costs as much as Python's start. So a short-lived process mounts
them once, in a namespace that the host does not see, and leaven keeps that namespace by an open descriptor. Each run
still gets namespaces, scratch folder and /proc of its own: its mount namespace is a copy of the prepared one, and
nothing in the prepared one can be written to. When leaven ends, however it ends, the kernel removes it.
"""

from __future__ import annotations

import os
import subprocess
import threading

from leaven.ground.errors import LeavenError

_lock = threading.Lock()
_stages: dict[tuple[int, str], int] = {}
"""Process and script → descriptor. Of this process only: a forked one prepares its own."""


def stage(script: str) -> str:
    """The path of a mount namespace in which root has run the shell script once.

    Mounts of the host that go away go away in it too, so that it keeps no disk busy; nothing goes back to the host.

    Raises:
        LeavenError: the script failed.
    """
    key = os.getpid(), script
    with _lock:
        if key not in _stages:
            _stages[key] = _prepare(script)
        return f"/proc/{os.getpid()}/fd/{_stages[key]}"


def _prepare(script: str) -> int:
    command = [
        "unshare",
        "--mount",
        "--propagation",
        "slave",
        "--",
        "sh",
        "-c",
        f"set -e\n{script}\necho ready\nread _",
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/", bufsize=0
    ) as process:
        assert process.stdout is not None
        if process.stdout.readline() == b"ready\n":
            return os.open(f"/proc/{process.pid}/ns/mnt", os.O_RDONLY)
        _, said = process.communicate()
    raise LeavenError(f"the sandbox's folders cannot be mounted: {' '.join(said.decode(errors='replace').split())}")


def entering(script: str) -> list[str]:
    """The command that goes on in `stage(script)`."""
    return ["nsenter", f"--mount={stage(script)}"]
