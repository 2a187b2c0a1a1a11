"""One step in one process, or several stages in one program: pinned to its cores, its words in its log, its results
published or nothing.

Stages in one program keep their own folders, locks, logs and manifests, and each of them fails or is published by
itself.
"""

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leaven.corpus.slots import SLOTS
from leaven.engine.devices import PROCESSOR, Device
from leaven.engine.gang import Gang, gang_of
from leaven.engine.hardware import processor
from leaven.engine.needed import folder_of
from leaven.engine.store import Store, TwoResults
from leaven.engine.stores import opened
from leaven.ground.errors import LeavenError
from leaven.ground.progress import Row
from leaven.study.step import Step

if TYPE_CHECKING:
    from leaven.engine.task import Task

REPORT_EVERY = 0.2
"""Seconds between two progress messages of a step alone; those of stages in one program take turns."""

Say = Callable[..., None]


def order(
    steps: Sequence[Step],
    where: Mapping[str, Any],
    cores: Sequence[int],
    allow_unisolated: bool,
    workers: int = 1,
    device: Device = PROCESSOR,
    fan: Mapping[str, Any] | None = None,
    gang: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What an executor sends to have a step run, or several stages in one program.

    Args:
        where: the store, as `Store.where` tells it; `leaven.engine.stores.opened` opens it.
        cores: to be pinned to; none: wherever the system likes.
        workers: processes that a step in parts may use.
        fan: the cluster whose other machines do parts too, `{"address": …, "options": of tasks}` of Ray.
        gang: of a stage on several machines, which of them this is (`leaven.engine.gang.Gang`).
    """
    return {
        "members": [
            {
                "identity": step.identity,
                "kind": step.kind,
                "fields": dict(step.fields),
                "inputs": dict(step.inputs),
                "names": list(step.names),
                "execution": dict(step.execution),
            }
            for step in steps
        ],
        "store": dict(where),
        "cores": list(cores),
        "allow_unisolated": allow_unisolated,
        "workers": workers,
        "device": device.data(),
        "fan": dict(fan or {}),
        "gang": dict(gang) if gang else None,
    }


def work(order: Mapping[str, Any], pipe: int) -> int:
    """The body of a step's process; returns its exit code. Events go to `pipe` as JSON lines."""
    if order["cores"]:
        with contextlib.suppress(OSError):  # the cores may have been taken away since: then anywhere
            os.sched_setaffinity(0, order["cores"])
    store, steps = opened(order["store"]), [_step(member) for member in order["members"]]
    gang = gang_of(order)
    crew = [_Member(step, store, partial(_say, pipe, step.identity), gang) for step in steps]
    try:
        _speak_into(crew[0].log)
        for member in crew:
            step, shared = member.step, f", {len(crew)} stages in one program" if len(crew) > 1 else gang.words()
            member.note(f"— {step.name} ({step.kind} {step.identity}), process {os.getpid()}{shared}")
        _execute(crew, store, order)
    except Exception as error:
        for member in crew:
            if not member.ended:
                member.fail(error)
    return max(member.code for member in crew)


def _step(member: Mapping[str, Any]) -> Step:
    return Step(
        member["kind"],
        member["fields"],
        member["inputs"],
        member["identity"],
        tuple(member["names"]),
        member["execution"],
    )


def _say(pipe: int, step_id: str, event: str, **rest: Any) -> None:
    data = json.dumps({"identity": step_id, "event": event, **rest}).encode() + b"\n"
    while data:
        data = data[os.write(pipe, data) :]


class _Member:
    """A step of this process: how it ends, and what is said about it. `code`: what the process would exit with."""

    def __init__(self, step: Step, store: Store, say: Say, gang: Gang) -> None:
        self.step, self.store, self.say = step, store, say
        self.log = gang.log(store.log(step.identity))
        self.ended, self.code = False, 0

    def note(self, text: str) -> None:
        """A line in the step's log."""
        with self.log.open("a", encoding="utf-8", errors="backslashreplace") as log:
            print(text, file=log)

    def publish(self, made: dict[str, Any]) -> None:
        self.store.publish(self.step, made)
        self.ended = True
        with contextlib.suppress(OSError):
            self.note(f"done in {made['seconds']:.1f} s")

    def fail(self, error: Exception) -> None:
        self.ended = True
        self.code = error.exit_code if isinstance(error, LeavenError) else 1
        differs = isinstance(error, TwoResults)
        self.say("failed", note=_tell(error, self.store, self.log), code=self.code, differs=differs)
        with contextlib.suppress(OSError):  # told already; on a full disk the log cannot hold it
            self.note("".join(traceback.format_exception(error)))


def _speak_into(log_path: Path) -> None:
    """Everything that is said from here on goes to the step's log, or nowhere if there can be none."""
    target = os.open(os.devnull, os.O_WRONLY)
    try:
        target = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    finally:
        os.dup2(target, 1)
        os.dup2(target, 2)
        sys.stdout = sys.stderr = os.fdopen(target, "w", buffering=1, encoding="utf-8", errors="backslashreplace")


def _execute(crew: Sequence[_Member], store: Store, order: Mapping[str, Any]) -> None:
    """Run the members that the store does not hold. Raises what stops all of them that have not ended."""
    from leaven.engine.kinds import execute

    device, gang = Device(**order["device"]), gang_of(order)
    with contextlib.ExitStack() as locks:
        if gang.leads:
            for member in sorted(crew, key=lambda member: member.step.identity):  # no two wait for each other
                locks.enter_context(_locked(store, member.step))
            for member in crew:
                member.ended = store.has(member.step.identity)
                if gang.many and not member.ended:
                    store.begin(member.step.identity)
        left = [member for member in crew if not member.ended]
        if not left and not gang.many:
            return
        _choose(device)
        locks.enter_context(gang.together(store.cache / "xla"))
        if not gang.leader_says(bool(left)):
            for member in left:
                member.ended = True
            return
        _check(device)
        if order["cores"]:  # elsewhere a step has its cores for itself
            os.environ[SLOTS] = str(store.work / "slots")
        _fan_out(store, order)
        for member in left if gang.leads else ():
            locks.enter_context(store.keeping(member.step.identity))
        tasks = [_task(member, store, order, len(left)) for member in left]
        started = time.monotonic()
        ends: Sequence[dict[str, Any] | LeavenError]
        if len(tasks) > 1:
            from leaven.engine.stages import train_together

            ends = train_together(tasks)
        else:
            ends = [execute(tasks[0])]
        seconds = time.monotonic() - started
        for member, end in zip(left, ends, strict=True):
            if isinstance(end, LeavenError):
                member.fail(end)
            elif not gang.leads:
                member.ended = True
            else:
                took = made(seconds, len(order["cores"]) or order["workers"], device.kind, len(left))
                member.publish({**took, **end, **gang.made()})


@contextlib.contextmanager
def _locked(store: Store, step: Step) -> Iterator[None]:
    """A process of a killed run may still be ending: the kernel frees its lock when it is gone."""
    folder = store.work / step.identity
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fan_out(store: Store, order: Mapping[str, Any]) -> None:
    """Have other machines do parts of this process's step, where its executor has some."""
    if order.get("fan"):
        from leaven.corpus import parts
        from leaven.engine.ray.fan import RayFan

        parts.fan = RayFan(order["fan"]["address"], store, order["store"], order["fan"].get("options", {}))


def _task(member: _Member, store: Store, order: Mapping[str, Any], together: int) -> Task:
    from leaven.engine.task import Task

    gang, work = gang_of(order), store.work / member.step.identity
    out, state = (work / "out", work / "state") if gang.many else store.begin(member.step.identity)
    return Task(
        member.step,
        {role: folder_of(store, member.step.kind, role, parent) for role, parent in member.step.inputs.items()},
        out,
        state,
        store.cache,
        order["allow_unisolated"],
        _Reporter(member.say, REPORT_EVERY * together),
        order["workers"],
        order["device"]["platform"],
    )


def _choose(device: Device) -> None:
    """Have JAX compute on the device: in this process it has not looked for any yet."""
    import jax

    os.environ["JAX_PLATFORMS"] = device.setting
    jax.config.update("jax_platforms", device.setting)  # type: ignore[no-untyped-call]


def _check(device: Device) -> None:
    """Raises LeavenError where JAX does not find the accelerator that was chosen."""
    import jax

    if not device.accelerates:
        return
    try:
        found = jax.devices()[0].platform
    except (RuntimeError, AssertionError) as error:
        raise LeavenError(f"JAX cannot use {device.kind}: {error}") from None
    if found != device.platform:
        raise LeavenError(f"{device.kind} is no longer here; run again with --device cpu, or when it is back")


def made(seconds: float, cores: int, device: str, together: int = 1) -> dict[str, Any]:
    """How a result came to be: not part of identity, kept for costs and provenance. Of stages in one program each has
    an equal share of the seconds, so that they add up."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": round(seconds / together, 3),
        "cpu_seconds": round((usage.ru_utime + usage.ru_stime) / together, 3),
        "peak_memory_bytes": usage.ru_maxrss * 1024,
        "cores": cores,
        "device": device,
        "together": together,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "hardware": processor(),
        "python": platform.python_version(),
        "packages": dict(packages()),
    }


@cache
def packages() -> dict[str, str]:
    """Versions of what computes. The process that steps are forked from looks them up, so that no step has to."""
    return {name: _version(name) for name in ("leaven", "jax", "numpy", "lm-eval")}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


class _Reporter:
    """Progress as events, thinned out; what is measured is told always."""

    def __init__(self, say: Say, every: float) -> None:
        self.say, self.every, self.last = say, every, 0.0

    def __call__(self, done: float, total: float, note: str = "", measured: Row | None = None) -> None:
        if measured is not None:
            self.say("measured", row=dict(measured))
        now = time.monotonic()
        if now - self.last >= self.every or done >= total:
            self.last = now
            self.say("progress", done=float(done), total=float(total), note=note)


def _tell(error: Exception, store: Store, log: Path) -> str:
    if isinstance(error, LeavenError):
        return str(error)
    if isinstance(error, MemoryError):
        return "not enough memory; run fewer steps at once: --jobs 1"
    if "RESOURCE_EXHAUSTED" in str(error):
        return f"not enough memory; fewer stages in one program (--pack off) or a smaller batch need less\n  Log: {log}"
    if not isinstance(error, OSError):
        return f"{type(error).__name__}: {error}\n  This is a defect of leaven. Log: {log}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full ({store.root})\n  Free some space and run again: it continues where it stopped."
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return f"cannot write {error.filename or store.root}: {error.strerror}"
    return f"{error.strerror or error}: {error.filename or ''}\n  Log: {log}"
