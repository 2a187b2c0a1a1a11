"""Checkpoints of a running stage: arrays with a sealed note beside them, of which the last good one is used.

Arrays that lie whole on one device of one process are one file; of arrays spread over devices every process writes one
file with the pieces it owns, into a folder that all of them see (`kept.py` has the layout).
Invariants: the note is written last, after everything it names is on the disk, so a checkpoint exists whole or is not
seen; a torn or altered one fails its hash and the one before it is used; a save that fails leaves the earlier ones as
they were and nothing of its own; after a save the folder holds the last two checkpoints and no more. What one process
meets, all are told: they raise together, and use the same checkpoint.
"""

from __future__ import annotations

import errno
import os
import struct
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np

from leaven.ground.canonical import identity
from leaven.ground.files import sha256_file, sync_folder
from leaven.model.init import flatten
from leaven.model.weights import read_arrays, write_arrays
from leaven.train import kept
from leaven.train.pieces import lie_whole, own_pieces, read_pieces
from leaven.train.together import all_say, exchange, first_says

SPARING = 30
"""A save is followed by so many times its own duration without one: saving costs at most about 3 %."""


@dataclass(frozen=True)
class Checkpoint:
    """`step` updates done, arrays by flat dotted name, and plain data (the same in all processes)."""

    step: int
    arrays: Mapping[str, Any]
    state: Mapping[str, Any]


@dataclass
class Pace:
    """How often to save: `seconds` after the last save and not before SPARING times its duration; 0: at every call."""

    seconds: float
    last: float = field(default_factory=time.monotonic)
    took: float = 0.0

    def due(self, now: float) -> bool:
        """Whether to save now: the first process's clock decides for all, so all must ask."""
        return bool(first_says(self.seconds == 0 or now - self.last >= max(self.seconds, SPARING * self.took)))

    def saved(self, began: float, ended: float) -> None:
        """Take note of a save."""
        self.last, self.took = ended, ended - began


@dataclass(frozen=True)
class Draft:
    """What this process writes of a checkpoint: arrays (or pieces) into `file`, and the note but for the hashes."""

    file: str
    arrays: Mapping[str, Any]
    note: Mapping[str, Any]


@dataclass(frozen=True)
class Written:
    """How writing a draft ended: the file's SHA-256, or the error."""

    sha256: str = ""
    error: OSError | None = None


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint and drop those before the previous one; called by all processes at the same step.

    One array, or piece of one, is copied to the host at a time. Raises OSError, in every process where any met one.
    """
    plan = draft(checkpoint)
    seal(folder, plan, write(folder, plan))


def draft(checkpoint: Checkpoint) -> Draft:
    """What this process has to write; the arrays stay where they are."""
    note = {"step": checkpoint.step, "state": dict(checkpoint.state)}
    identity(note)  # state that no note can hold is found here, by every process
    if lie_whole(checkpoint.arrays):
        return Draft(kept.array_files(checkpoint.step, None)[0], checkpoint.arrays, note)
    shapes = {name: list(np.shape(value)) for name, value in checkpoint.arrays.items()}
    file = kept.array_files(checkpoint.step, jax.process_count())[jax.process_index()]
    return Draft(file, own_pieces(checkpoint.arrays), {**note, "shapes": shapes})


def write(folder: Path, plan: Draft) -> Written:
    """Bring the draft to the disk, without the note. Tells no other process, so any thread may do it."""
    try:
        if jax.process_index() == 0:
            # What a killed writer left may be the space that is needed now.
            kept.clear(folder, [*kept.steps(folder), plan.note["step"]])
            kept.clear_parts(folder, writing=plan.note["step"])
        sha256 = write_arrays(folder / plan.file, plan.arrays)
        sync_folder(folder)
        return Written(sha256)
    except OSError as error:
        return Written(error=error)


def seal(folder: Path, plan: Draft, written: Written) -> None:
    """Make the checkpoint exist once all processes have written: a barrier, for the main thread. Raises OSError."""
    try:
        hashes = _settle(written.error, bytes.fromhex(written.sha256))
        error = None
        if jax.process_index() == 0:
            try:
                _finish(folder, plan, [sha256.hex() for sha256 in hashes])
            except OSError as met:
                error = met
        _settle(error)
    except OSError:
        # Where this step has a note, an earlier save of the same step made it: then its files stay.
        if jax.process_index() == 0:
            kept.clear(folder, kept.steps(folder))
        raise


def _settle(error: OSError | None, data: bytes = b"") -> list[bytes]:
    """What all processes say who came through; OSError where one did not."""
    number = 0 if error is None else error.errno or errno.EIO
    told = [struct.unpack("<i32s", said) for said in exchange(struct.pack("<i32s", number, data))]
    if error is not None:
        raise error
    for process, (number, _) in enumerate(told):
        if number:
            raise OSError(number, f"process {process} cannot write the checkpoint: {os.strerror(number)}")
    return [said for _, said in told]


def _finish(folder: Path, plan: Draft, hashes: list[str]) -> None:
    step, spread = plan.note["step"], "shapes" in plan.note
    for file in kept.array_files(step, len(hashes) if spread else None):
        (folder / file).stat()  # a folder that is not the others' must not be taken for a checkpoint
    kept.write_note(folder, {**plan.note, "sha256": hashes if spread else hashes[0]})
    sync_folder(folder)
    # A later step than this one was passed over as damaged, or this one would not have been computed again.
    kept.clear(folder, [other for other in kept.steps(folder) if other <= step][-kept.KEPT :])
    kept.clear_parts(folder)


def latest_good(folder: Path, shardings: Mapping[str, Any] | None = None) -> Checkpoint | None:
    """The newest checkpoint whose hashes hold, or None; called by all processes, which agree on one.

    Args:
        shardings: sharding of each array, by flat dotted name or nested alike. Each process reads the parts its devices
            hold. An array without one is whole on the default device (of each process).
    """
    found = latest_common([folder], shardings)
    return found[0] if found else None


def latest_common(folders: Sequence[Path], shardings: Mapping[str, Any] | None = None) -> list[Checkpoint] | None:
    """The checkpoints of the newest step that is good in every folder, or None. Otherwise as `latest_good`."""
    below = 1 << 62
    while True:
        common = set.intersection(*(set(kept.steps(folder)) for folder in folders))
        step = first_says(max((step for step in common if step < below), default=-1))
        if step < 0:
            return None
        found: list[Checkpoint] = []
        for folder in folders:
            checkpoint = _load(folder, step, shardings)
            if checkpoint is None:
                break
            found.append(checkpoint)
        else:
            return found
        below = step


def _load(folder: Path, step: int, shardings: Mapping[str, Any] | None) -> Checkpoint | None:
    """The checkpoint of a step if every process finds it good, and the same. Each file is hashed by one process."""
    note: dict[str, Any] = {}
    seen = ""
    with suppress(*kept.UNREADABLE):
        note = kept.read_note(folder, step)
        share = list(kept.hashes_of(note).items())[jax.process_index() :: jax.process_count()]
        seen = note["seal"] if all(sha256_file(folder / file) == sha256 for file, sha256 in share) else ""
    if not all_say(seen.encode().ljust(32)) or not seen:
        return None
    arrays: dict[str, Any] | None = None
    with suppress(*kept.UNREADABLE):  # files can go between two looks
        arrays = _read(folder, note, shardings)
    if not all_say(bytes([arrays is not None])) or arrays is None:
        return None
    return Checkpoint(step, arrays, note["state"])


def _read(folder: Path, note: Mapping[str, Any], shardings: Mapping[str, Any] | None) -> dict[str, Any]:
    paths = [folder / file for file in kept.hashes_of(note)]
    if shardings is None and "shapes" not in note:
        return read_arrays(paths[0])
    return read_pieces(paths, note.get("shapes"), flatten(dict(shardings or {})))
