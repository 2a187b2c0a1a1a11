"""Checkpoints and logs of steps that are being worked on, to and from a depot.

`work/<identity>/state/step-N…`: as in the folder of a stage (`train/kept.py`), the note that seals a checkpoint goes
last, and older ones are removed after it, so that another machine finds a whole one at any moment.
`logs/<identity>.log`: one log, in which an execution on this machine follows those on others.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from leaven.engine.depot.remote import Altered, Remote
from leaven.ground.canonical import identity
from leaven.ground.files import sha256_file, write_bytes
from leaven.train import kept

BEGINS = "— ".encode()
"""How the first line of an execution begins in a log."""


def state_name(step_id: str) -> str:
    """The folder of a step's checkpoints in the depot."""
    return f"work/{step_id}/state"


def log_name(step_id: str) -> str:
    """A step's log in the depot."""
    return f"logs/{step_id}.log"


def send_newest(remote: Remote, step_id: str, state: Path, sent: int) -> int:
    """Send the newest whole checkpoint if it is newer than that of step `sent`; the step that is there now."""
    for step in reversed(kept.steps(state)):
        if step <= sent:
            break
        try:
            hashes = kept.hashes_of(kept.read_note(state, step))
            note = kept.note_path(state, step).read_bytes()
            if any(sha256_file(state / file) != sha256 for file, sha256 in hashes.items()):
                continue
            sizes = {file: (state / file).stat().st_size for file in hashes}
        except kept.UNREADABLE:
            continue  # the training has dropped it meanwhile, or it never was whole
        try:
            for file in hashes:
                remote.send(state / file, f"{state_name(step_id)}/{file}")
        except FileNotFoundError:
            continue
        there = remote.files(state_name(step_id))
        if any(file not in there or there[file].bytes != size for file, size in sizes.items()):
            break
        remote.write(f"{state_name(step_id)}/{kept.note_path(state, step).name}", note)
        for name in there:
            other = kept.step_of(Path(name))
            if other is not None and other < step:
                remote.remove(f"{state_name(step_id)}/{name}")
        return step
    return sent


def fetch_newest(remote: Remote, step_id: str, state: Path) -> int:
    """Bring the newest whole checkpoint there, if there is a newer one than here; its step, or -1."""
    here = max((step for step in kept.steps(state) if _whole(state, step)), default=-1)
    there = remote.files(state_name(step_id))
    notes = {kept.step_of(Path(name)): name for name in there if name.startswith("step-") and name.endswith(".json")}
    for step in sorted((step for step in notes if step is not None), reverse=True):
        if step <= here:
            break
        if _fetch(remote, step_id, state, step, notes[step]):
            return step
    return -1


def _fetch(remote: Remote, step_id: str, state: Path, step: int, name: str) -> bool:
    """Whether a checkpoint was there whole. Its note is written last here, too."""
    try:
        data = remote.read(f"{state_name(step_id)}/{name}")
        for file, sha256 in kept.hashes_of(_note(data, step)).items():
            remote.get(f"{state_name(step_id)}/{file}", state / file, sha256)
    except (FileNotFoundError, Altered, ValueError, KeyError, TypeError, AttributeError):
        for path in state.glob(f"step-{step:09d}.*"):
            path.unlink(missing_ok=True)
        return False
    write_bytes(kept.note_path(state, step), data)
    return True


def _note(data: bytes, step: int) -> dict[str, Any]:
    note = json.loads(data)
    body = {key: value for key, value in note.items() if key != "seal"}
    if note["step"] != step or identity(body) != note["seal"]:
        raise ValueError("a torn note")
    return body


def _whole(state: Path, step: int) -> bool:
    with contextlib.suppress(*kept.UNREADABLE):
        hashes = kept.hashes_of(kept.read_note(state, step))
        return all(sha256_file(state / file) == sha256 for file, sha256 in hashes.items())
    return False


def merged(there: bytes, here: bytes) -> bytes:
    """The log there brought up to date with the log here: an execution of which a part is there becomes what it is
    here, those that are not there follow at the end, and those of other machines stay."""
    executions, at, new = _executions(there), 0, []
    for execution in _executions(here):
        known = next((n for n in range(at, len(executions)) if execution.startswith(executions[n])), None)
        if known is None:
            new.append(execution)
        else:
            executions[known], at = execution, known + 1
    return b"".join([*executions, *new])


def _executions(log: bytes) -> list[bytes]:
    starts, at = [0], log.find(b"\n" + BEGINS)
    while at >= 0:
        starts.append(at + 1)
        at = log.find(b"\n" + BEGINS, at + 1)
    return [log[start:end] for start, end in zip(starts, [*starts[1:], len(log)], strict=True) if end > start]
