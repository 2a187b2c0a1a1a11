"""Every reply a chat endpoint has given, in an append-only file: what makes its results reproducible.

One JSON line a reply: {"key", "text", "finish", "refused"}. The key is a hash of everything that shaped the
request, so an entry never goes stale; replies, not what was read from them, are kept, so that a corrected
parser applies to old replies. A line is written by one append under a lock, so any number of processes can
share a file and a kill costs at most the line that was being written, which readers skip.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections import defaultdict
from pathlib import Path

from leaven.ground.canonical import canonical
from leaven.ground.chat import Reply
from leaven.ground.errors import LeavenError


class ReplyCache:
    """The replies in a file, by key, in the order in which they were given. Raises LeavenError for an
    unreadable file."""

    def __init__(self, path: Path, who: str = "judge") -> None:
        self._path, self._who = path, who
        self._lock = threading.Lock()
        self._replies: dict[str, list[Reply]] = defaultdict(list)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = path.read_bytes().splitlines() if path.exists() else []
        except OSError as error:
            raise LeavenError(f"cannot read the {who}'s replies in {path.name}: {error.strerror}") from None
        for line in lines:
            self._read(line)

    def _read(self, line: bytes) -> None:
        try:
            entry = json.loads(line)
            reply = Reply(str(entry["text"]), str(entry["finish"]), bool(entry["refused"]))
            self._replies[str(entry["key"])].append(reply)
        except (ValueError, LookupError, TypeError, RecursionError):
            # A line torn by a kill: that reply is asked for again.
            return

    def replies(self, key: str) -> list[Reply]:
        with self._lock:
            return list(self._replies.get(key, ()))

    def add(self, key: str, reply: Reply) -> None:
        """Append a reply, durably. Raises LeavenError where the file cannot take it (full disk,
        read-only)."""
        entry = {"key": key, "text": reply.text, "finish": reply.finish, "refused": reply.refused}
        with self._lock:
            try:
                self._append(canonical(entry) + b"\n")
            except OSError as error:
                what = f"cannot keep the {self._who}'s reply in {self._path.name}: {error.strerror}"
                raise LeavenError(what) from None
            self._replies[key].append(reply)

    def _append(self, line: bytes) -> None:
        handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                # The last writer was killed in the middle of its line: close that line first.
                line = b"\n" + line
            while line:
                line = line[os.write(handle, line) :]
            os.fsync(handle)
        finally:
            os.close(handle)
