"""One step in one process: pinned to its core, its words in its log, its results published or nothing."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import platform
import resource
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from leaven.corpus.slots import SLOTS
from leaven.engine.hardware import processor
from leaven.engine.store import Store
from leaven.ground.errors import LeavenError
from leaven.study.step import Step

REPORT_EVERY = 0.2
"""Seconds between two progress messages."""

Say = Callable[..., None]


def order(step: Step, root: Path, cores: tuple[int, ...], allow_unisolated: bool, workers: int = 1) -> dict[str, Any]:
    """What the scheduler sends to have a step run."""
    return {
        "identity": step.identity,
        "kind": step.kind,
        "fields": dict(step.fields),
        "inputs": dict(step.inputs),
        "names": list(step.names),
        "execution": dict(step.execution),
        "root": str(root),
        "cores": list(cores),
        "allow_unisolated": allow_unisolated,
        "workers": workers,
    }


def work(order: Mapping[str, Any], pipe: int) -> int:
    """The body of a step's process; returns its exit code. Events go to `pipe` as JSON lines."""
    with contextlib.suppress(OSError):  # the cores may have been taken away since: then anywhere
        os.sched_setaffinity(0, order["cores"])
    step = Step(
        order["kind"],
        order["fields"],
        order["inputs"],
        order["identity"],
        tuple(order["names"]),
        order["execution"],
    )
    store = Store(Path(order["root"]))

    def say(event: str, **rest: Any) -> None:
        data = json.dumps({"identity": step.identity, "event": event, **rest}).encode() + b"\n"
        while data:
            data = data[os.write(pipe, data) :]

    log_path = store.log(step.identity)
    try:
        _speak_into(log_path)
        print(f"— {step.name} ({step.kind} {step.identity}), process {os.getpid()}")
        _execute(step, store, order, say)
        return 0
    except Exception as error:
        code = error.exit_code if isinstance(error, LeavenError) else 1
        say("failed", note=_tell(error, store, log_path), code=code)
        with contextlib.suppress(OSError):  # told already; on a full disk the log cannot hold it
            traceback.print_exc()
        return code


def _speak_into(log_path: Path) -> None:
    """Everything that is said from here on goes to the step's log, or nowhere if there can be none."""
    target = os.open(os.devnull, os.O_WRONLY)
    try:
        target = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    finally:
        os.dup2(target, 1)
        os.dup2(target, 2)
        sys.stdout = sys.stderr = os.fdopen(target, "w", buffering=1, encoding="utf-8", errors="backslashreplace")


def _execute(step: Step, store: Store, order: Mapping[str, Any], say: Say) -> None:
    from leaven.engine.kinds import execute
    from leaven.engine.task import Task

    folder = store.work / step.identity
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        # A process of a killed run may still be ending: the kernel frees its lock when it is gone.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if store.has(step.identity):
            return
        out, state = store.begin(step.identity)
        inputs = {role: store.folder(parent) for role, parent in step.inputs.items()}
        started = time.monotonic()
        os.environ[SLOTS] = str(store.work / "slots")
        workers = order["workers"]
        execute(Task(step, inputs, out, state, store.cache, order["allow_unisolated"], _Reporter(say), workers))
        seconds = time.monotonic() - started
        store.publish(step, made(seconds, len(order["cores"])))
    print(f"done in {seconds:.1f} s")


def made(seconds: float, cores: int) -> dict[str, object]:
    """How a result came to be: not part of identity, kept for costs and provenance."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
        "peak_memory_bytes": usage.ru_maxrss * 1024,
        "cores": cores,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "hardware": processor(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in ("leaven", "jax", "numpy", "lm-eval")},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


class _Reporter:
    """Progress as events, thinned out."""

    def __init__(self, say: Say) -> None:
        self.say, self.last = say, 0.0

    def __call__(self, done: float, total: float, note: str = "") -> None:
        now = time.monotonic()
        if now - self.last >= REPORT_EVERY or done >= total:
            self.last = now
            self.say("progress", done=float(done), total=float(total), note=note)


def _tell(error: Exception, store: Store, log: Path) -> str:
    if isinstance(error, LeavenError):
        return str(error)
    if isinstance(error, MemoryError):
        return "not enough memory; run fewer steps at once: --jobs 1"
    if not isinstance(error, OSError):
        return f"{type(error).__name__}: {error}\n  This is a defect of leaven. Log: {log}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full ({store.root})\n  Free some space and run again: it continues where it stopped."
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return f"cannot write {error.filename or store.root}: {error.strerror}"
    return f"{error.strerror or error}: {error.filename or ''}\n  Log: {log}"
