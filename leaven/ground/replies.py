"""Every reply a chat endpoint has given, in an append-only file: what makes its results reproducible, and the journal
of what they cost.

One JSON line an event. A reply: {"key", "text", "finish", "refused"}, with the tokens "given" and "written", which are
"estimated" where the endpoint does not count them, and "scope" where somebody keeps accounts. A question that is on its
way: {"asking": key, "scope"}; one that ended without a reply and was not billed: {"failed": key, "scope"}; one that was
given up, however often it was asked: {"gave_up": key, "reason"}. Other fields and lines are passed over.

The key is a hash of everything that shaped the request, so an entry never goes stale; replies, not what was read from
them, are kept, so that a corrected parser applies to old replies. A line is written by one append under a lock, so any
number of processes can share a file and a kill costs at most the line that was being written, which readers skip.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.ground.canonical import canonical
from leaven.ground.dialect import Reply, Usage, tokens
from leaven.ground.errors import LeavenError


@dataclass(frozen=True)
class Spent:
    """What a scope has used: `replies`, and tokens `given` and `written` in them; replies of `unknown` usage, whose
    tokens are those that were estimated when the reply came; questions `unanswered`: asked, and neither a reply nor the
    word that they failed follows. These are under way, or were lost with their connection or their process: perhaps
    billed.

    A question asked again after such a loss closes with one reply, and the earlier asking stays unanswered: an endpoint
    that knows the Idempotency-Key did not bill it again, but that cannot be seen from here.
    """

    replies: int = 0
    given: int = 0
    written: int = 0
    unknown: int = 0
    unanswered: int = 0


class ReplyCache:
    """The replies in a file, by key, in the order in which they were given, by whatever process. With `offline` the
    file is only read. Raises LeavenError, here and in every method, for a file that cannot be read or written."""

    def __init__(self, path: Path, who: str = "judge", *, offline: bool = False) -> None:
        self._path, self._who, self._offline = path, who, offline
        self._lock = threading.Lock()
        self._forget()
        if not offline:
            with self._trouble("read", "replies"):
                path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock:
            self._catch_up()

    def _forget(self) -> None:
        self._inode = self._offset = 0
        self._replies: dict[str, list[Reply]] = defaultdict(list)
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        self._given_up: dict[str, str] = {}
        self._open: dict[str, Counter[str]] = defaultdict(Counter)
        """Scope → key → questions that nothing has followed so far."""

    def replies(self, key: str) -> list[Reply]:
        with self._lock:
            self._catch_up()
            return list(self._replies.get(key, ()))

    def spent(self, scope: str) -> Spent:
        """What was spent under this name, by all processes so far."""
        with self._lock:
            self._catch_up()
            counts = self._counts[scope]
            unanswered = self._open[scope].total()
            return Spent(counts["replies"], counts["given"], counts["written"], counts["unknown"], unanswered)

    def asking(self, key: str, scope: str = "") -> None:
        """Note that a question is about to be asked. A killed process leaves this note; a crashed machine may not."""
        self._append({"asking": key, "scope": scope}, durable=False)

    def add(self, key: str, reply: Reply, scope: str = "", estimate: Usage | None = None) -> None:
        """Append a reply, durably. `estimate`: its tokens, for accounts, where the endpoint did not count them."""
        entry: dict[str, Any] = {"key": key, "text": reply.text, "finish": reply.finish, "refused": reply.refused}
        usage = reply.usage or estimate
        if usage is not None:
            entry |= {"given": usage.given, "written": usage.written}
        if usage is not reply.usage:
            entry["estimated"] = True
        if scope:
            entry["scope"] = scope
        self._append(entry, durable=True)

    def failed(self, key: str, scope: str = "") -> None:
        """Note that a question has ended without a reply and was not billed."""
        self._append({"failed": key, "scope": scope}, durable=False)

    def gave_up(self, key: str, reason: str) -> None:
        """Note that a question has no reply, so that what was made of the others can be made again from here alone."""
        self._append({"gave_up": key, "reason": reason}, durable=True)

    def given_up(self, key: str) -> str:
        """Why a question was given up, where no reply has come since; "" where it was not."""
        with self._lock:
            self._catch_up()
            return self._given_up.get(key, "")

    def _append(self, entry: dict[str, Any], *, durable: bool) -> None:
        if self._offline:
            raise LeavenError(f"the {self._who} is offline: nothing is asked, and {self._path.name} is only read")
        line = canonical(entry) + b"\n"
        with self._trouble("keep", "reply"):
            handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                size = os.fstat(handle).st_size
                if size and os.pread(handle, 1, size - 1) != b"\n":
                    # The last writer was killed in the middle of its line: close that line first.
                    line = b"\n" + line
                while line:
                    line = line[os.write(handle, line) :]
                fcntl.flock(handle, fcntl.LOCK_UN)
                if durable:
                    os.fsync(handle)
            finally:
                os.close(handle)

    def _catch_up(self) -> None:
        """Read what was appended since, by this process or another."""
        with self._trouble("read", "replies"):
            try:
                now = self._path.stat()
            except FileNotFoundError:
                return
            if now.st_ino == self._inode and now.st_size == self._offset:
                return
            handle = os.open(self._path, os.O_RDONLY)
            try:
                # No writer is in the middle of its line: what ends without a line break will not go on.
                fcntl.flock(handle, fcntl.LOCK_SH)
                now = os.fstat(handle)
                if now.st_ino != self._inode or now.st_size < self._offset:
                    self._forget()
                    self._inode = now.st_ino
                with os.fdopen(handle, "rb", closefd=False) as file:
                    file.seek(self._offset)
                    news = file.read()
            finally:
                os.close(handle)
        self._offset += len(news)
        for line in news.split(b"\n"):
            self._read(line)

    def _read(self, line: bytes) -> None:
        try:
            entry = json.loads(line)
            scope = str(entry.get("scope", ""))
            for event in ("asking", "failed"):
                if event in entry:
                    self._mark(event, str(entry[event]), scope)
                    return
            if "gave_up" in entry:
                self._given_up[str(entry["gave_up"])] = str(entry["reason"])
                return
            given, written = tokens(entry.get("given")), tokens(entry.get("written"))
            usage = None if given is None or written is None else Usage(given, written)
            counted = None if entry.get("estimated") else usage
            # JSON can name half a surrogate pair, which no file can hold.
            text = str(entry["text"]).encode("utf-8", "replace").decode()
            reply = Reply(text, str(entry["finish"]), bool(entry["refused"]), counted)
            key = str(entry["key"])
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            # A line torn by a kill: that reply is asked for again.
            return
        self._replies[key].append(reply)
        self._given_up.pop(key, None)
        self._mark("reply", key, scope)
        counts = self._counts[scope]
        counts["replies"] += 1
        counts["unknown"] += counted is None
        if usage is not None:
            counts["given"] += usage.given
            counts["written"] += usage.written

    def _mark(self, event: str, key: str, scope: str) -> None:
        asked = self._open[scope]
        asked[key] += 1 if event == "asking" else -1
        if asked[key] <= 0:
            # Those who keep no accounts add replies without a note before.
            del asked[key]

    @contextmanager
    def _trouble(self, verb: str, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            message = f"cannot {verb} the {self._who}'s {what} in {self._path.name}: {error.strerror}"
            raise LeavenError(message) from None
