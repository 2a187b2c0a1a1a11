"""One untrusted program, run once, under a level and limits.

Nothing that comes out is trusted: both streams are read up to a cap, the verdict is a comparison of bytes, and
nothing is ever unpickled or evaluated. Everything the program started is gone when `run_program` returns (at the
level "none": all of it that stayed in its process group).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from leaven.ground.errors import LeavenError
from leaven.sandbox.boot import BOOT, STARTED, message
from leaven.sandbox.interpreter import ENVIRONMENT, PYTHON_FLAGS, interpreter, widened
from leaven.sandbox.level import Level, wrap
from leaven.sandbox.limits import Limits
from leaven.sandbox.place import SCRATCH

Status = Literal["passed", "failed", "timeout", "memory", "output", "error"]
_REPORT_BYTES = 256
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Args:
        status: "passed": the tests ran to their end; "failed": they did not; "timeout": CPU or wall time; "memory";
            "output": more output than the limit; "error": the program was never started (a fault of this machine).
        stdout, stderr: at most the limit, as text.
        seconds: wall time.
        level: name of the isolation level it ran at.
    """

    status: Status
    stdout: str
    stderr: str
    seconds: float
    level: str

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
    if level.name != "none":
        return _run(wrap(level, chosen, inner), source, tests, level, limits, SCRATCH)
    with tempfile.TemporaryDirectory(prefix="leaven-") as scratch:
        return _run(inner, source, tests, level, limits, scratch)


def _run(command: list[str], source: str, tests: str, level: Level, limits: Limits, folder: str) -> Outcome:
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
            pass_fds=(pipe,),
            start_new_session=True,
        )
    except OSError as error:
        os.close(report)
        return Outcome("error", "", str(error), time.monotonic() - begun, level.name)
    finally:
        os.close(pipe)
    with process, open(report, "rb", buffering=0) as reports:
        try:
            data = message(source, tests, pipe=pipe, secret=secret, limits=limits)
            streams, stopped = _exchange(process, reports.fileno(), data, limits, begun + limits.wall_seconds)
        finally:
            _end(process)
    stdout, stderr = (stream.decode(errors="replace") for stream in streams[:2])
    said = streams[2]
    seconds = time.monotonic() - begun
    if not said.startswith(STARTED) and not stopped:
        return Outcome("error", stdout, stderr, seconds, level.name)
    status = stopped or _status(said == STARTED + secret, process.returncode, stderr, seconds, limits)
    return Outcome(status, stdout, stderr, seconds, level.name)


def _exchange(
    process: subprocess.Popen[bytes], report: int, data: bytes, limits: Limits, deadline: float
) -> tuple[list[bytearray], Literal["timeout", "output", ""]]:
    """Feed `data`, read the three streams up to their caps until the process ends; says what stopped it, if any."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    sources = [process.stdout.fileno(), process.stderr.fileno(), report]
    caps = [limits.output_bytes, limits.output_bytes, _REPORT_BYTES]
    held = [bytearray(), bytearray(), bytearray()]
    sink, view = process.stdin.fileno(), memoryview(data)
    with contextlib.ExitStack() as stack:
        # The end of the process, not of its streams: a background child may keep those open for ever.
        ended = os.pidfd_open(process.pid)
        stack.callback(os.close, ended)
        selector = stack.enter_context(selectors.DefaultSelector())
        selector.register(ended, selectors.EVENT_READ)
        os.set_blocking(sink, False)
        selector.register(sink, selectors.EVENT_WRITE)
        for source in sources:
            os.set_blocking(source, False)
            selector.register(source, selectors.EVENT_READ)
        done = False
        while not done:
            left = deadline - time.monotonic()
            if left <= 0:
                return held, "timeout"
            ready = [key.fd for key, _ in selector.select(left)]
            done = ended in ready
            for i, source in enumerate(sources):
                if (source in ready or done) and source in selector.get_map():
                    if not _read(source, held[i], caps[i] + 1, all_of_it=done):
                        selector.unregister(source)
                    if len(held[i]) > caps[i]:
                        del held[i][caps[i] :]
                        return held, "output"
            if sink in ready:
                view = view[_write(sink, view) :]
                if not view:
                    selector.unregister(sink)
                    process.stdin.close()
    return held, ""


def _write(sink: int, view: memoryview) -> int:
    """Write what fits; how much was taken. A reader that has gone takes everything."""
    try:
        return os.write(sink, view[:_CHUNK])
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        return len(view)


def _read(source: int, held: bytearray, most: int, *, all_of_it: bool) -> bool:
    """Read what is there, never holding more than `most` bytes; False at the end of the stream."""
    while len(held) < most:
        try:
            part = os.read(source, min(_CHUNK, most - len(held)))
        except BlockingIOError:
            return True
        held += part
        if not part:
            return False
        if not all_of_it:
            return True
    return True


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
