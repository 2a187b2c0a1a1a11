"""One untrusted program, run once, under a level and limits.

Nothing that comes out is trusted: both streams are read up to a cap, the verdict is a comparison of bytes, and
nothing is ever unpickled or evaluated. Everything the program started is gone when `run_program` returns (at the
level "none": all of it that stayed in its process group).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from leaven.ground.errors import LeavenError
from leaven.sandbox.boot import BOOT, MARK, MARKS, message
from leaven.sandbox.converse import converse
from leaven.sandbox.interpreter import ENVIRONMENT, PYTHON_FLAGS, interpreter, widened
from leaven.sandbox.level import Level, filters, wrap
from leaven.sandbox.limits import Limits
from leaven.sandbox.place import SCRATCH
from leaven.sandbox.seccomp import piped

Status = Literal["passed", "failed", "timeout", "memory", "output", "error"]


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Args:
        status: "passed": the tests ran to their end; "failed": they did not; "timeout": CPU or wall time; "memory";
            "output": more output than the limit; "error": the program was never started, or the means to run it
            failed (a fault of this machine).
        stdout, stderr: at most the limit, as text.
        seconds: wall time.
        level: the isolation level it ran at: "bubblewrap+seccomp", "bubblewrap", "unshare+seccomp", "unshare", "none".
        limit: of a "timeout", which clock ended it: "cpu", the program's own; "wall", which also runs while the machine
            does something else.
    """

    status: Status
    stdout: str
    stderr: str
    seconds: float
    level: str
    limit: Literal["", "cpu", "wall"] = ""

    @property
    def passed(self) -> bool:
        return self.status == "passed"


def run_program(
    source: str,
    tests: str = "",
    *,
    level: Level,
    limits: Limits | None = None,
    python: str | None = None,
    folders: Sequence[str] = (),
    allow_unisolated: bool = False,
) -> Outcome:
    """Run `source`, then `tests` in its names; "passed" only if both ran to the end (see `boot` for how that is
    known).

    Args:
        level: from `probe()`.
        python: the interpreter; default the base interpreter of the one that runs leaven.
        folders: further host folders that the program may read (see `interpreter.homes`).
        allow_unisolated: run at the level "none" anyway, with every right of the user.

    Raises:
        LeavenError: the level is "none" and `allow_unisolated` is not given.
        BadInput: `python` is not a usable Python.
    """
    limits = limits or Limits()
    if level.name == "none" and not allow_unisolated:
        raise LeavenError(
            f"programs written by a model cannot be isolated on this machine ({level.reason})\n"
            "  install bubblewrap (apt-get install bubblewrap), or leave the task out, or accept the risk with "
            "--allow-unisolated"
        )
    chosen = widened(interpreter(python), folders)
    inner = [chosen.program, *PYTHON_FLAGS, "-c", BOOT]
    begun = time.monotonic()
    try:
        if level.name == "none":
            with tempfile.TemporaryDirectory(prefix="leaven-", ignore_cleanup_errors=True) as scratch:
                return _run(inner, (), source, tests, b"", level, limits, scratch)
        outside, inside = filters(level)
        with piped(outside) as guard:
            command = wrap(level, chosen, inner, guard)
            return _run(command, () if guard is None else (guard,), source, tests, inside, level, limits, SCRATCH)
    except OSError as error:
        # No process, no memory, no descriptor to be had: nothing that the program did.
        return Outcome("error", "", str(error), time.monotonic() - begun, level.label)


def _run(
    command: list[str],
    passed: tuple[int, ...],
    source: str,
    tests: str,
    guard: bytes,
    level: Level,
    limits: Limits,
    folder: str,
) -> Outcome:
    begun = time.monotonic()
    secret = secrets.token_hex(16).encode()
    report, pipe = os.pipe()
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd="/" if folder == SCRATCH else folder,
            env={**ENVIRONMENT, "HOME": folder, "TMPDIR": folder},
            pass_fds=(pipe, *passed),
            start_new_session=True,
        )
    except OSError:
        os.close(report)
        raise
    finally:
        os.close(pipe)
    with process, open(report, "rb", buffering=0) as reports:
        try:
            parts = message(source, tests, pipe=pipe, secret=secret, limits=limits, guard=guard)
            streams, stopped = converse(process, reports.fileno(), parts, limits)
        finally:
            _end(process)
    stdout, stderr = (stream.decode(errors="replace") for stream in streams[:2])
    said = streams[2]
    seconds = time.monotonic() - begun
    if not said.startswith(MARK) and stopped in ("", "timeout"):
        late = f"the program had not begun after {limits.start_seconds:g} seconds\n" if stopped else ""
        return Outcome("error", stdout, (stderr + late)[-limits.output_bytes :], seconds, level.label)
    status = stopped or _status(said == MARK * MARKS + secret, process.returncode, stderr, seconds, limits)
    limit: Literal["", "cpu", "wall"] = "" if status != "timeout" else "wall" if stopped else "cpu"
    return Outcome(status, stdout, stderr, seconds, level.label, limit)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left and reap it. The children first, so that the outer process reaps them and no zombie stays."""
    if process.poll() is None:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(int(child), signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.5)
    # Also after a normal end: a child of the program may still be there.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _status(reported: bool, code: int, stderr: str, seconds: float, limits: Limits) -> Status:
    if reported and code == 0:
        return "passed"
    killed_by = -code if code < 0 else code - 128
    if killed_by == signal.SIGXCPU or (killed_by == signal.SIGKILL and seconds >= limits.cpu_seconds):
        return "timeout"
    last = stderr.rstrip().rsplit("\n", 1)[-1]
    if killed_by == signal.SIGKILL or last.startswith("MemoryError"):
        return "memory"
    return "failed"
