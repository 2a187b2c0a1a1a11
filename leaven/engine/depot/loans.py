"""What one machine lends to others while a step runs: a file or folder of `work`, under the same place in their stores.

`work/<identity>/lent/<place>` there holds the files and `work/<identity>/lent/<place>.json` what they are, sent last.
All of it goes when the step is finished.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

from leaven.engine.depot.remote import Remote
from leaven.engine.depot.shelf import stays_inside
from leaven.ground.canonical import canonical
from leaven.ground.errors import LeavenError
from leaven.ground.files import sha256_file, sync_folder

Signature = tuple[tuple[str, int, int, int], ...]


class Loans:
    """Loans of files below `work`, the folder of steps in progress of this machine."""

    def __init__(self, remote: Remote, work: Path) -> None:
        self.remote, self.work = remote, work
        self._lent: dict[str, Signature] = {}

    def lend(self, path: Path) -> None:
        """Send a file or folder, unless it was sent as it is now. What is not there is not lent."""
        name = self._name(path)
        files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
        if not path.exists():
            return
        signature = tuple((str(one), *_stamp(one)) for one in files)
        if self._lent.get(name) == signature:
            return
        rows = {"" if one == path else one.relative_to(path).as_posix(): sha256_file(one) for one in files}
        self.remote.each(lambda row: self.remote.send(path / row if row else path, _below(name, row)), list(rows))
        self.remote.write(f"{name}.json", canonical({"folder": path.is_dir(), "files": rows}))
        self._lent[name] = signature

    def borrow(self, path: Path) -> None:
        """Have here what was lent; nothing is done if it is here or if nobody lent it. Raises LeavenError."""
        if path.exists():
            return
        name = self._name(path)
        try:
            told: dict[str, Any] = json.loads(self.remote.read(f"{name}.json"))
        except FileNotFoundError:
            return
        part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            if told["folder"]:
                part.mkdir()
            for row in told["files"]:
                if row and not stays_inside(row):
                    raise LeavenError(f"what another machine lent has a file that is not inside: {row!r}")
                (part / row).parent.mkdir(parents=True, exist_ok=True)
            self.remote.each(
                lambda row: self.remote.get(_below(name, row), part / row if row else part, told["files"][row]),
                list(told["files"]),
            )
            try:
                part.rename(path)
            except OSError:
                if not path.exists():  # another process of this machine has borrowed it meanwhile
                    raise
            sync_folder(path.parent)
        except FileNotFoundError as error:
            raise LeavenError(f"what another machine lent is gone: {error}") from None
        finally:
            if part.is_dir():
                shutil.rmtree(part, ignore_errors=True)
            else:
                part.unlink(missing_ok=True)

    def _name(self, path: Path) -> str:
        place = Path(os.path.realpath(path)).relative_to(os.path.realpath(self.work)).parts
        if len(place) < 2:
            raise ValueError(f"{path} is nothing of a step's")
        return f"work/{place[0]}/lent/{'/'.join(place[1:])}"


def _below(name: str, row: str) -> str:
    return f"{name}/{row}" if row else name


def _stamp(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ino
