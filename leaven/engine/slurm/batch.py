"""What a job array and the driver leave for each other on the disk that both see.

<store>/slurm/<name>/batch.json        which steps each element works on; written before the array is submitted
<store>/slurm/<name>/order-K.json      what element K has to do
<store>/slurm/<name>/said-K.jsonl      what it says, one message a line; only ever appended to
<store>/slurm/<name>/said-K.P.jsonl    what process P of a stage on several machines says
<store>/slurm/<name>/submitit/         the scripts of the array and what they printed

Invariants: the name of the folder is that of the jobs, so an array whose driver was killed is found again; a folder
stays until no job of it is left and all its steps have ended well, or until the next run.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.engine.store import Store
from leaven.ground.files import read_json, write_json

PREFIX = "leaven-"


def home(store: Store) -> Path:
    """Where the batches of a store lie."""
    return store.root.resolve() / "slurm"


@dataclass(frozen=True)
class Batch:
    """An array of jobs. `programs`: the steps of each element, by identity."""

    folder: Path
    programs: Sequence[Sequence[str]]

    @property
    def name(self) -> str:
        return self.folder.name

    def order(self, place: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """What element `place` has to do, and what it asked of Slurm. Raises OSError, ValueError, KeyError."""
        return read_json(order_path(self.folder, place)), read_json(self.folder / "batch.json")["needs"]

    def said(self, place: int, process: int = 0) -> Path:
        return said_path(self.folder, place, process)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def order_path(folder: Path, place: int) -> Path:
    return folder / f"order-{place}.json"


def said_path(folder: Path, place: int, process: int = 0) -> Path:
    return folder / (f"said-{place}.{process}.jsonl" if process else f"said-{place}.jsonl")


def write(store: Store, orders: Sequence[Mapping[str, Any]], needs: Mapping[str, Any]) -> Batch:
    """Lay down a batch that is about to be submitted, all with the same needs. Raises OSError."""
    folder = home(store) / f"{PREFIX}{uuid.uuid4().hex[:12]}"
    folder.mkdir(parents=True)
    for place, order in enumerate(orders):
        write_json(order_path(folder, place), dict(order))
    programs = [[member["identity"] for member in order["members"]] for order in orders]
    write_json(folder / "batch.json", {"programs": programs, "needs": dict(needs)})
    return Batch(folder, programs)


def left(store: Store) -> list[Batch]:
    """The batches that earlier runs left; what cannot be read was never submitted, and is removed."""
    found = []
    if home(store).is_dir():
        for folder in sorted(home(store).glob(f"{PREFIX}*")):
            try:
                found.append(Batch(folder, [[str(step) for step in steps] for steps in _programs(folder)]))
            except (OSError, ValueError, KeyError, TypeError):
                shutil.rmtree(folder, ignore_errors=True)
    return found


def _programs(folder: Path) -> list[list[str]]:
    return list(read_json(folder / "batch.json")["programs"])


def say(path: Path, messages: Sequence[Mapping[str, Any]]) -> None:
    """Append messages in one write, and have them seen by whoever opens the file on another machine."""
    data = b"".join(json.dumps(message).encode() + b"\n" for message in messages)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        while data:
            data = data[os.write(file, data) :]
        os.fsync(file)
    finally:
        os.close(file)


class Listener:
    """Reads what a job says from where it was left off; a line that is not whole yet waits."""

    def __init__(self, path: Path) -> None:
        self.path, self.offset = path, 0

    def hear(self) -> list[dict[str, Any]]:
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self.offset += len(whole)
        return [json.loads(line) for line in whole.splitlines()]
