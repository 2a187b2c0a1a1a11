"""Checkpoints of a running stage: arrays with a sealed note beside them, of which the last good one is used.

`step-N.safetensors` holds the arrays and `step-N.json` the state and the arrays' SHA-256, sealed by a hash over both.
The note is written last, so a checkpoint exists whole or is not seen; a torn or altered one fails its hash and the one
before it is used. The last two are kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.ground.canonical import identity
from leaven.ground.errors import LeavenError
from leaven.ground.files import read_json, sha256_file, write_bytes, write_json
from leaven.model.weights import encode, read_arrays

KEPT = 2


@dataclass(frozen=True)
class Checkpoint:
    """`step` updates done, arrays by flat dotted name, and plain data."""

    step: int
    arrays: Mapping[str, Any]
    state: Mapping[str, Any]


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint and drop those before the previous one."""
    stem = f"step-{checkpoint.step:09d}"
    data = encode(checkpoint.arrays)
    write_bytes(folder / f"{stem}.safetensors", data)
    note = {
        "step": checkpoint.step,
        "state": dict(checkpoint.state),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    write_json(folder / f"{stem}.json", {**note, "seal": identity(note)})
    for old in sorted(folder.glob("step-*.json"))[:-KEPT]:
        old.unlink()
        old.with_suffix(".safetensors").unlink(missing_ok=True)


def latest_good(folder: Path) -> Checkpoint | None:
    """The newest checkpoint whose hashes hold, or None."""
    for path in sorted(folder.glob("step-*.json"), reverse=True):
        try:
            note = read_json(path)
            arrays_path = path.with_suffix(".safetensors")
            seal = note.pop("seal")
            if identity(note) == seal and sha256_file(arrays_path) == note["sha256"]:
                return Checkpoint(note["step"], read_arrays(arrays_path), note["state"])
        except (OSError, ValueError, KeyError, AttributeError, TypeError, LeavenError):
            continue
    return None
