"""Answers that outlive an interrupted evaluation: one sqlite file for each model, in a folder of the user's.

A request is what was asked (kind and arguments) of one model; its key is their hash, its value JSON. The file is named
by the model's identity and holds it too, so answers of one model never reach another. Every row carries a checksum over
identity, key and value: what does not check out is not served, and the file is set aside and begun anew.

Commits are left to the operating system to write out: a killed process loses nothing, a power cut may damage the file,
which the checksums find out. Several processes may use a file at once; they wait for each other's commits by sqlite's
locks. On a network file system that needs a server whose POSIX locks work (NFS with its lock daemon); the write-ahead
log, which never works there, is not used.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from leaven.ground.canonical import canonical
from leaven.ground.errors import BadInput, LeavenError

VERSION = "requests/1"
WAIT_SECONDS = 60.0
"""How long one process waits for another's commit."""
AT_ONCE = 500
"""Keys looked up by one statement; sqlite allows 999 in its oldest builds."""


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


class Damaged(Exception):
    """A file whose answers cannot be believed."""


def key_of(kind: str, arguments: Any) -> str:
    """The key of a request. `arguments`: plain JSON values."""
    return hashlib.sha256(canonical([kind, arguments])).hexdigest()


class RequestCache:
    """The answers of one model. Use as a context manager, or `close` it.

    Args:
        folder: made where it is missing.
        identity: `Model.identity`.
        warn: told in one line, for people, when a damaged file was set aside.

    Raises:
        BadInput: the folder cannot be written, or the file holds another model's answers.
    """

    def __init__(self, folder: Path, identity: str, warn: Callable[[str], None] = _tell) -> None:
        self.identity = identity
        self.path = folder / f"{identity}.sqlite3"
        self._warn = warn
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self._alone():
                try:
                    self._database = self._open()
                except Damaged as reason:
                    self._set_aside(reason)
                    self._database = self._open()
        except (OSError, sqlite3.Error) as error:
            raise BadInput(
                f"the request cache cannot be opened: {error}", where=str(self.path), fix="Name a folder to write to."
            ) from error

    @classmethod
    def open(cls, folder: Path, identity: str, warn: Callable[[str], None] = _tell) -> RequestCache:
        """See the class."""
        return cls(folder, identity, warn)

    def get(self, keys: Iterable[str]) -> dict[str, Any]:
        """Key → value of those that have been answered before. Raises LeavenError where the file cannot be read."""
        wanted = list(dict.fromkeys(keys))
        with self._errors("read"):
            try:
                return self._read(wanted)
            except (Damaged, sqlite3.DatabaseError) as reason:
                if isinstance(reason, sqlite3.OperationalError):
                    raise
                return self._anew(wanted, reason)

    def put(self, answers: Mapping[str, Any]) -> None:
        """Keep key → value (plain JSON values), all of them or none. Raises LeavenError where that cannot be written.

        What is kept already stays as it is: equal requests have equal answers.
        """
        values = {key: json.dumps(value) for key, value in answers.items()}
        rows = [(key, value, self._checksum(key, value)) for key, value in values.items()]
        with self._errors("written"):
            try:
                self._write(rows)
            except sqlite3.DatabaseError as reason:
                if isinstance(reason, sqlite3.OperationalError):
                    raise
                self._anew([], reason)
                self._write(rows)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> RequestCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _checksum(self, key: str, value: str) -> str:
        return hashlib.sha256(f"{self.identity} {key} {value}".encode()).hexdigest()[:32]

    def _open(self) -> sqlite3.Connection:
        """Raises Damaged, BadInput (another model's answers), OSError or sqlite3.OperationalError."""
        database = sqlite3.connect(self.path, timeout=WAIT_SECONDS, isolation_level=None)
        try:
            database.execute("PRAGMA synchronous = OFF")
            database.execute("BEGIN IMMEDIATE")
            database.execute("CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
            database.execute(
                "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, value TEXT, checksum TEXT) WITHOUT ROWID"
            )
            about = dict(database.execute("SELECT name, value FROM about"))
            if not about:
                database.executemany(
                    "INSERT INTO about VALUES (?, ?)", [("identity", self.identity), ("version", VERSION)]
                )
            database.execute("COMMIT")
        except sqlite3.OperationalError:
            database.close()
            raise
        except sqlite3.DatabaseError as error:
            database.close()
            raise Damaged(str(error)) from error
        if about and about != {"identity": self.identity, "version": VERSION}:
            database.close()
            if about.get("version") != VERSION or "identity" not in about:
                raise Damaged(f"it is not of the form {VERSION}")
            raise BadInput(
                f"these are the answers of the model {about['identity']}",
                where=str(self.path),
                fix=f"The model asked is {self.identity}: rename the file after its own model, or remove it.",
            )
        return database

    def _read(self, keys: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE]
            marks = ", ".join("?" * len(some))
            query = f"SELECT key, value, checksum FROM answers WHERE key IN ({marks})"
            for key, value, checksum in self._database.execute(query, some):
                if not isinstance(value, str) or self._checksum(key, value) != checksum:
                    raise Damaged("an answer does not match its checksum")
                found[key] = json.loads(value)
        return found

    def _write(self, rows: Iterable[tuple[str, str, str]]) -> None:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", rows)
        except sqlite3.Error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _anew(self, keys: list[str], reason: Exception) -> dict[str, Any]:
        """Open the file again, and set it aside if it is still damaged: another process may have done so already."""
        self._database.close()
        with self._alone():
            try:
                self._database = self._open()
                return self._read(keys)
            except (Damaged, sqlite3.DatabaseError) as still:
                if isinstance(still, sqlite3.OperationalError):
                    raise
                self._database.close()
                self._set_aside(still)
            self._database = self._open()
            return {}

    def _set_aside(self, reason: Exception) -> None:
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
            number += 1
        journal = self.path.with_name(f"{self.path.name}-journal")
        self.path.replace(aside)
        journal.unlink(missing_ok=True)  # it would be played back into the new file
        self._warn(f"{self.path.name} was damaged ({reason}); it is now {aside.name}, and a new one is begun")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process opens the file or sets it aside meanwhile."""
        with self.path.with_name(f"{self.path.name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _errors(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.OperationalError) as error:
            raise LeavenError(f"{self.path}: the request cache cannot be {verb}: {error}") from error
