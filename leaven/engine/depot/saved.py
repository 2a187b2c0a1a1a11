"""Checkpoints and logs of steps that are being worked on, to and from a depot.

`work/<identity>/state/step-N…`: as in the folder of a stage (`train/kept.py`), the note that seals a checkpoint goes
last, and older ones are removed after it, so that another machine finds a whole one at any moment.
`logs/<identity>.log`: one log, in which an execution on this machine follows those on others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
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
            note = kept.read_note(state, step)
            hashes = kept.hashes_of(note)
            data = kept.note_path(state, step).read_bytes()
            for file, sha256 in hashes.items():
                if sha256_file(state / file) != sha256:
                    raise Altered(file)
                remote.send(state / file, f"{state_name(step_id)}/{file}")
        except kept.UNREADABLE as error:
            if isinstance(error, (OSError, Altered)) and not isinstance(error, FileNotFoundError | Altered):
                raise
            continue  # the training has dropped it meanwhile, or it never was whole
        remote.write(f"{state_name(step_id)}/{kept.note_path(state, step).name}", data)
        for name in remote.files(state_name(step_id)):
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
    told = state / f".{name}.part"
    try:
        remote.get(f"{state_name(step_id)}/{name}", told)
        note = _note(told, step)
        for file, sha256 in kept.hashes_of(note).items():
            remote.get(f"{state_name(step_id)}/{file}", state / file, sha256)
    except (FileNotFoundError, Altered, ValueError, KeyError, TypeError, AttributeError):
        for path in state.glob(f"step-{step:09d}.*"):
            path.unlink(missing_ok=True)
        return False
    else:
        write_bytes(kept.note_path(state, step), told.read_bytes())
        return True
    finally:
        told.unlink(missing_ok=True)


def _note(path: Path, step: int) -> Mapping[str, Any]:
    from leaven.ground.files import read_json

    note = read_json(path)
    body = {key: value for key, value in note.items() if key != "seal"}
    if note["step"] != step or identity(body) != note["seal"]:
        raise ValueError("a torn note")
    return body


def _whole(state: Path, step: int) -> bool:
    with contextlib.suppress(*kept.UNREADABLE):
        hashes = kept.hashes_of(kept.read_note(state, step))
        return all(sha256_file(state / file) == sha256 for file, sha256 in hashes.items())
    return False


def earlier_log(there: bytes, here: bytes) -> bytes:
    """What a log there says of executions that the log here does not hold: all of it but an end that is a beginning
    of the log here."""
    starts = [0, *(at + 1 for at in _lines_that_begin(here)), len(here)]
    shared = max(length for length in starts if there.endswith(here[:length]))
    return there[: len(there) - shared]


def _lines_that_begin(log: bytes) -> list[int]:
    found, at = [], log.find(b"\n" + BEGINS)
    while at >= 0:
        found.append(at)
        at = log.find(b"\n" + BEGINS, at + 1)
    return found
