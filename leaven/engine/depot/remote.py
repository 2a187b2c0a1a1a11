"""The verbs on files elsewhere, each tried again while its errors pass. Names are relative to the depot's URL.

Every process opens its own file system: connections and their threads do not survive a fork.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from leaven.engine.depot import writing
from leaven.engine.depot.address import Address, open_system
from leaven.engine.depot.digest import Found, found
from leaven.engine.depot.patience import Patience, from_environment, insist
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import sha256_file

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 8
"""Small files under way at once."""
FETCHES = 4
"""Times a file is fetched that arrives other than it was sent, before what lies there is held for damaged."""
PROBE = b"leaven"


class System:
    """The file system of an address and the depot's path in it, opened once by every process that uses it."""

    def __init__(self, place: Address) -> None:
        self.place = place
        self._opened: tuple[int, Any, str] | None = None
        self._lock = threading.Lock()

    def __call__(self) -> tuple[Any, str]:
        with self._lock:
            if self._opened is None or self._opened[0] != os.getpid():
                self._opened = (os.getpid(), *open_system(self.place))
            return self._opened[1], self._opened[2]


class Remote:
    """Files under a URL."""

    def __init__(self, place: Address, patience: Patience | None = None, system: System | None = None) -> None:
        self.place = place
        self.patience = patience or from_environment()
        self._system = system or System(place)

    def with_patience(self, patience: Patience) -> Remote:
        """The same files over the same connections, asked for with another patience."""
        return Remote(self.place, patience, self._system)

    def prove(self) -> None:
        """Show that files can be written, read, listed and removed. Raises BadInput, LeavenError."""
        name = f".probe/{os.getpid()}-{os.urandom(6).hex()}"
        self.write(name, PROBE)
        if self.read(name) != PROBE or not self.files(".probe"):
            raise BadInput("what is written there does not read back", where=self.place.url, field="--store")
        self.remove(name)

    def read(self, name: str) -> bytes:
        """The bytes of a file. Raises FileNotFoundError."""
        return bytes(self._insist(f"reading {name}", lambda system, base: system.cat_file(f"{base}/{name}")))

    def write(self, name: str, data: bytes) -> None:
        """Write a file, over whatever is there: a reader sees the old bytes or the new."""
        self._insist(f"writing {name}", lambda system, base: writing.write(system, self.place, data, f"{base}/{name}"))

    def create(self, name: str, data: bytes) -> bool:
        """Write a file if there is none of that name; whether this wrote it. False also where an answer was lost and
        the file is this very one: the caller looks."""
        try:
            self._insist(
                f"writing {name}",
                lambda system, base: writing.write(system, self.place, data, f"{base}/{name}", exclusive=True),
            )
        except FileExistsError:
            return False
        return True

    def send(self, source: Path, name: str) -> None:
        """Upload a file of this machine. Raises FileNotFoundError where it is gone here."""
        self._insist(
            f"sending {name}", lambda system, base: writing.upload(system, self.place, source, f"{base}/{name}")
        )

    def get(self, name: str, target: Path, sha256: str = "") -> None:
        """Download a file; with `sha256`, until it arrives as it was sent. Raises FileNotFoundError; Altered."""
        for _ in range(FETCHES):
            self._insist(
                f"fetching {name}", lambda system, base: writing.download(system, self.place, f"{base}/{name}", target)
            )
            if not sha256 or sha256_file(target) == sha256:
                return
        raise Altered(f"{self.place.url}/{name} is not what was sent (SHA-256 {sha256[:12]}… expected)")

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""
        try:
            info = self._insist(f"looking for {name}", lambda system, base: system.info(f"{base}/{name}"))
        except FileNotFoundError:
            return False
        return bool(info["type"] == "file")

    def files(self, folder: str) -> dict[str, Found]:
        """All files below a folder by their names in it, in order; none where there is no such folder."""
        return self._insist(f"listing {folder}", partial(self._files, folder))

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self._insist(f"removing {name}", lambda system, base: system.rm_file(f"{base}/{name}"))

    def move(self, name: str, target: str) -> None:
        """Move a file. Where it is not there and `target` is, it was moved before. Raises FileNotFoundError."""
        try:
            self._insist(
                f"moving {name}",
                lambda system, base: writing.move(system, self.place, f"{base}/{name}", f"{base}/{target}"),
            )
        except FileNotFoundError:
            if not self.exists(target):
                raise

    def remove_all(self, folder: str) -> None:
        """Remove every file below a folder."""
        self.each(lambda name: self.remove(f"{folder}/{name}"), list(self.files(folder)))
        if not self.place.whole_objects:
            with contextlib.suppress(Exception):  # empty folders hold nothing: they may stay
                system, base = self._system()
                system.rm(f"{base}/{folder}", recursive=True)

    def each(self, do: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """`do` with every item, several at once where the file system can; results in the items' order."""
        todo = list(items)
        if len(todo) < 2 or not self.place.many_at_once:
            return [do(item) for item in todo]
        with ThreadPoolExecutor(min(AT_ONCE, len(todo)), thread_name_prefix="depot") as pool:
            return list(pool.map(do, todo))

    def _files(self, folder: str, system: Any, base: str) -> dict[str, Found]:
        start = f"{base}/{folder}"
        if self.place.is_local:
            return _files_here(Path(start))
        if self.place.protocol in ("s3", "s3a", "gs", "gcs"):
            entries = system.find(start, detail=True)
        else:
            # By itself fsspec leaves out the folders that it could not list.
            entries = system.find(start, detail=True, on_error=_raise_unless_absent)
        prefix = system._strip_protocol(start).rstrip("/") + "/"
        rows = {
            name.removeprefix(prefix): found(info)
            for name, info in sorted(entries.items())
            if name.startswith(prefix) and not name.endswith(writing.PART) and info.get("type", "file") == "file"
        }
        return rows

    def _insist(self, what: str, do: Callable[[Any, str], R]) -> R:
        return insist(self.patience, self.place, what, lambda: do(*self._system()))


class Altered(LeavenError):
    """A file elsewhere that is not what it was when it was sent."""


def _files_here(start: Path) -> dict[str, Found]:
    rows = {}
    for path in sorted(start.rglob("*")):
        with contextlib.suppress(FileNotFoundError):  # others remove theirs while this one looks
            if path.is_file() and not path.name.endswith(writing.PART):
                stat = path.stat()
                rows[path.relative_to(start).as_posix()] = Found(stat.st_size, modified=stat.st_mtime)
    return rows


def _raise_unless_absent(error: Exception) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
