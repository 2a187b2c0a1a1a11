"""The files of checkpoints in a folder: what they are called, the note that makes one of them exist, which are kept.

`step-N.json`, the note, holds the state and the SHA-256 of each file of arrays, sealed by a hash over all of it.
`step-N.safetensors` has arrays whole; `step-N.P-of-Q.safetensors` the pieces that process P of Q owns.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from leaven.ground.canonical import identity
from leaven.ground.errors import LeavenError
from leaven.ground.files import read_json, write_json

KEPT = 2

UNREADABLE = (OSError, ValueError, KeyError, AttributeError, TypeError, LeavenError, SafetensorError)
"""What reading a damaged or missing checkpoint may raise."""

_FILE = re.compile(r"\.?step-(\d{9,})\..+")


def array_files(step: int, processes: int | None) -> list[str]:
    """The files of arrays: one of whole arrays (None), or one of pieces from each process."""
    if processes is None:
        return [f"step-{step:09d}.safetensors"]
    return [f"step-{step:09d}.{p}-of-{processes}.safetensors" for p in range(1, processes + 1)]


def note_path(folder: Path, step: int) -> Path:
    return folder / f"step-{step:09d}.json"


def write_note(folder: Path, note: Mapping[str, Any]) -> None:
    write_json(note_path(folder, note["step"]), {**note, "seal": identity(note)})


def read_note(folder: Path, step: int) -> dict[str, Any]:
    """The note with its seal. Raises one of UNREADABLE where it is torn, altered or that of another step."""
    note = read_json(note_path(folder, step))
    body = {key: value for key, value in note.items() if key != "seal"}
    if identity(body) != note["seal"] or note["step"] != step:
        raise LeavenError(f"the note of step {step} is not whole")
    return dict(note)


def hashes_of(note: Mapping[str, Any]) -> dict[str, str]:
    """The files of arrays that a note names and their SHA-256."""
    if "shapes" not in note:
        return {array_files(note["step"], None)[0]: note["sha256"]}
    return dict(zip(array_files(note["step"], len(note["sha256"])), note["sha256"], strict=True))


def steps(folder: Path) -> list[int]:
    """Steps that have a note, good or not, first to last."""
    found = (step_of(path) for path in folder.glob("step-*.json"))
    return sorted(step for step in found if step is not None)


def step_of(path: Path) -> int | None:
    """The step whose file, or part of a file, this is; None for a file of something else."""
    found = _FILE.fullmatch(path.name)
    return int(found[1]) if found else None


def clear(folder: Path, kept: Collection[int]) -> None:
    """Drop the files of all steps but the kept."""
    for path in folder.iterdir():
        step = step_of(path)
        if step is not None and step not in kept:
            path.unlink(missing_ok=True)


def clear_parts(folder: Path, writing: int | None = None) -> None:
    """Drop what killed writers left half written; those of the step being written belong to a living one."""
    for path in folder.glob(".step-*.part"):
        if step_of(path) != writing:
            path.unlink(missing_ok=True)
