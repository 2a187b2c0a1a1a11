"""How far a study is, as data: the outline says what there is to do, the store what is done, status and events the
rest.

Pure: everything that was read comes in, a picture goes out. `follow.py` reads, `frame.py` draws.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from leaven.engine.watching.heard import Heard
from leaven.engine.watching.outline import Known, Outline

DONE, RUNNING, STOPPED, FAILED, BLOCKED, WAITING = "done", "running", "stopped", "failed", "blocked", "waiting"
"""Of a step. Stopped: it was under way when its run ended, and continues from its last checkpoint."""


@dataclass(frozen=True)
class At:
    """Where one step is. `share`: of it that is done, where it says so; `lost`: machines that went away under it in
    this run; `note`: what it says of itself, and of a failed one why."""

    step: Known
    state: str
    share: float | None = None
    note: str = ""
    where: str = ""
    lost: int = 0


@dataclass(frozen=True)
class View:
    """A study as it was at one moment.

    Attributes:
        state: `running`; `done`; `failed`, with everything else finished; `stopped`: interrupted, it said so itself;
            `killed`: it did not; `waiting`: it has not been run; `unknown`: the lock of its store could not be looked
            at, steps are as it told last.
        process, host: of a run that goes on.
        where: where the steps execute, as the run calls it.
        elapsed, remaining: seconds of this run.
        speed: tokens a second now and, while stages trained, on average; 0 where nothing is known.
    """

    study: str
    state: str
    process: int | None
    where: str
    elapsed: float | None
    remaining: float | None
    speed: tuple[float, float]
    outline: Outline
    steps: tuple[At, ...]
    heard: Heard
    host: str = ""
    options: tuple[str, ...] = ()

    def of(self, state: str) -> list[At]:
        return [at for at in self.steps if at.state == state]

    @property
    def hosts(self) -> list[str]:
        """Machines that work on it now."""
        return sorted({at.where for at in self.of(RUNNING) if at.where})

    def data(self) -> dict[str, Any]:
        """For programs; curves apart."""
        return {
            "study": self.study,
            "state": self.state,
            "process": self.process,
            "host": self.host,
            "where": self.where,
            "hosts": self.hosts,
            "elapsed_seconds": self.elapsed,
            "remaining_seconds": self.remaining,
            "tokens_per_second": {"now": round(self.speed[0], 1), "mean": round(self.speed[1], 1)},
            "steps": {"all": len(self.steps), **{state: len(self.of(state)) for state in STATES}},
            "running": [_row(at) | {"share": at.share, "where": at.where, "lost": at.lost} for at in self.of(RUNNING)],
            "stopped": [_row(at) | {"share": at.share} for at in self.of(STOPPED)],
            "failed": [_row(at) for at in self.of(FAILED)],
            "blocked": [at.step.name for at in self.of(BLOCKED)],
            "runs": [
                {
                    "variant": run.variant,
                    "seed": run.seed,
                    "size": run.size,
                    "stages": [_short(self.steps[at]) for at in run.stages],
                    "after": [_short(self.steps[at]) for at in run.after],
                }
                for run in self.outline.runs
            ],
        }


STATES = (DONE, RUNNING, STOPPED, FAILED, BLOCKED, WAITING)


def _short(at: At) -> dict[str, str]:
    return {"step": at.step.name, "state": at.state}


def _row(at: At) -> dict[str, Any]:
    return {"step": at.step.name, "identity": at.step.identity, "kind": at.step.kind, "note": at.note}


def view(
    study: str,
    outline: Outline,
    status: Mapping[str, Any],
    heard: Heard,
    *,
    done: Collection[str],
    alive: bool | None,
    age: float,
    now: float,
    options: tuple[str, ...] = (),
) -> View:
    """Put together what was read.

    Args:
        status: what the run wrote of itself last; empty where it wrote nothing.
        done: identities of the steps that the store holds.
        alive: whether the process that wrote the status still holds the store; None where that cannot be found out.
        age: seconds since the status was written. now: seconds since 1970.
        options: what a command needs besides the name of the study.
    """
    failures = {**_failures(heard, outline), **_told(status, "failed")}
    steps = _steps(outline, _told(status, "running"), failures, heard, done, alive)
    state = _state(steps, status, alive)
    going = state == RUNNING
    seconds = [_seconds(status, name) for name in ("seconds", "remaining_seconds")]
    training = [at.step.identity for at in steps if at.state == RUNNING and at.step.kind == "stage"]
    process = int(status["process"]) if going and status.get("process") else None
    return View(
        study,
        state,
        process,
        str(status.get("where") or ""),
        None if seconds[0] is None else seconds[0] + (age if going else 0.0),
        None if seconds[1] is None or not going else max(0.0, seconds[1] - age),
        (heard.speed_now(training, now), heard.speed_mean()),
        outline,
        tuple(steps),
        heard,
        heard.host if process is not None and process == heard.process else "",
        options,
    )


def _steps(
    outline: Outline,
    running: Mapping[str, Any],
    failures: Mapping[str, Any],
    heard: Heard,
    done: Collection[str],
    alive: bool | None,
) -> list[At]:
    failed = {place for place, step in enumerate(outline.steps) if step.name in failures and step.identity not in done}
    blocked = outline.below(failed)
    steps = []
    for place, step in enumerate(outline.steps):
        told = heard.of(step.identity)
        run = running.get(step.name)
        if step.identity in done:
            steps.append(At(step, DONE, lost=told.lost))
        elif place in failed:
            steps.append(At(step, FAILED, note=str(failures[step.name]), lost=told.lost))
        elif isinstance(run, Mapping):
            share = run["done"] / run["total"] if run.get("total") else None
            note, where = str(run.get("note") or ""), str(run.get("where") or "")
            steps.append(At(step, STOPPED if alive is False else RUNNING, share, note, where, told.lost))
        else:
            steps.append(At(step, BLOCKED if place in blocked else WAITING, lost=told.lost))
    return steps


def _state(steps: list[At], status: Mapping[str, Any], alive: bool | None) -> str:
    states = {at.state for at in steps}
    if alive:
        return RUNNING
    if steps and states == {DONE}:
        return DONE
    if not status:
        return WAITING
    if alive is None:
        return "unknown"
    if not status.get("ended"):
        return "killed"
    return FAILED if FAILED in states and states <= {DONE, FAILED, BLOCKED} else STOPPED


def _told(status: Mapping[str, Any], part: str) -> dict[str, Any]:
    found = status.get(part)
    return found if isinstance(found, dict) else {}


def _failures(heard: Heard, outline: Outline) -> dict[str, str]:
    """What the last run said before it could write its status."""
    notes = {step.name: heard.of(step.identity).failure for step in outline.steps}
    return {name: note for name, note in notes.items() if note is not None}


def _seconds(status: Mapping[str, Any], name: str) -> float | None:
    value = status.get(name)
    return float(value) if isinstance(value, int | float) else None
