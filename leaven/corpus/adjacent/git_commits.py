"""The single-file commits of a repository: one `git log` for what changed, one `git cat-file` for the files.

Both stream, so a long history costs no memory, and a commit of a million files costs no more than one of two. Nothing
that the repository's own configuration names is run (see `leaven.corpus.git`). A damaged object ends `git cat-file`; it
is counted and the next file is asked of a fresh one.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from leaven.corpus import git
from leaven.corpus.adjacent.commit_rules import Commit, source_language
from leaven.corpus.adjacent.thresholds import table
from leaven.corpus.document import Tally

LINE = 1 << 16
"""Bytes of the longest line of `git log` that is looked at."""
_MARK = b"\x01commit "
_RAW = re.compile(rb":(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])\d*\t([^\n]+)\n?")
_FILE = (b"100644", b"100755", b"000000")
_SUBMODULE = b"160000"
CHUNK = 1 << 16


@dataclass(slots=True)
class _Change:
    """What `git log` says of a commit: its hash, its subject, how many files, and the first of them."""

    id: str
    subject: str
    files: int = 0
    raw: bytes = b""


def commits(checkout: Path, name: str, max_commits: int, tally: Tally) -> Iterator[Commit]:
    """Commits of one source file each, newest first.

    Args:
        checkout: a checkout or a bare clone.
        name: the repository's, as documents give it.
        max_commits: how many commits are looked at.
        tally: `files` counts the commits looked at; reasons are counted.
    """
    options = ["--no-merges", "--no-color", "--no-ext-diff", "--no-textconv", "--no-show-signature", "--no-renames"]
    options += ["--raw", "--root", "--no-abbrev", f"--max-count={max_commits}", "--format=%x01commit %H %s"]
    try:
        log = git.start(checkout, "-c", "log.showRoot=true", "log", *options)
    except OSError:
        tally.skipped["git is not installed"] += 1
        return
    with log, _Files(checkout) as files:
        assert log.stdout is not None
        for change in _changes(log.stdout):
            tally.files += 1
            commit = _commit(change, name, files, tally)
            if commit is not None:
                yield commit
    if log.returncode:
        tally.skipped["git could not read the repository"] += 1


def _changes(stream: IO[bytes]) -> Iterator[_Change]:
    held: _Change | None = None
    while line := stream.readline(LINE):
        whole = line.endswith(b"\n")
        while not whole and (rest := stream.readline(LINE)):
            whole = rest.endswith(b"\n")
        if line.startswith(_MARK):
            if held is not None:
                yield held
            identity, _, subject = line[len(_MARK) :].rstrip(b"\n").partition(b" ")
            held = _Change(identity.decode(errors="replace"), subject.decode(errors="replace"))
        elif held is not None and line.startswith(b":"):
            held.files += 1
            held.raw = line if held.files == 1 else b""
    if held is not None:
        yield held


def _commit(change: _Change, name: str, files: _Files, tally: Tally) -> Commit | None:
    if change.files != 1:
        tally.dropped["commit: not one file"] += 1
        return None
    parts = _RAW.fullmatch(change.raw)
    # git puts a path in quotes where it has control characters, quotes or backslashes.
    if parts is None or parts[6].startswith(b'"'):
        tally.skipped["commit: odd path"] += 1
        return None
    if _SUBMODULE in (parts[1], parts[2]):
        tally.dropped["commit: submodule"] += 1
        return None
    try:
        path = parts[6].decode()
    except UnicodeDecodeError:
        tally.skipped["file name is not UTF-8"] += 1
        return None
    if parts[1] not in _FILE or parts[2] not in _FILE or source_language(path) is None:
        tally.dropped["commit: not a source file"] += 1
        return None
    if parts[2] == b"000000":
        tally.dropped["commit: nothing left"] += 1
        return None
    try:
        old, new = files.text(parts[3]), files.text(parts[4])
    except _Unreadable as reason:
        tally.skipped[str(reason)] += 1
        return None
    if "\x00" in change.subject or "\ufffd" in change.subject:
        tally.skipped["invalid UTF-8"] += 1
        return None
    return Commit(change.id, name, path, old, new, change.subject)


class _Unreadable(Exception):
    """A file in the repository's objects that cannot be read; the message is the reason, as counted."""


class _Files:
    """The texts of a repository's files by their hash, through one `git cat-file` as long as it lives."""

    def __init__(self, checkout: Path) -> None:
        self._checkout = checkout
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> _Files:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def text(self, identity: bytes) -> str:
        """The text of a file, "" for the hash that means none. Raises _Unreadable."""
        if not identity.strip(b"0"):
            return ""
        data = self._read(identity)
        if b"\0" in data:
            raise _Unreadable("binary")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise _Unreadable("invalid UTF-8") from error
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text

    def _read(self, identity: bytes) -> bytes:
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(identity + b"\n")
            process.stdin.flush()
            header = process.stdout.readline(LINE).split()
        except OSError:
            header = []
        if len(header) != 3 or not header[2].isdigit():
            if not header:
                self._stop()
            raise _Unreadable("git: missing object" if header else "git: damaged object")
        size, limit = int(header[2]), table()["commit"]["max_blob"]
        pieces, left = [], size + 1
        while left and (piece := process.stdout.read(min(left, CHUNK))):
            left -= len(piece)
            if size <= limit:
                pieces.append(piece)
        if left:
            self._stop()
            raise _Unreadable("git: damaged object")
        if header[1] != b"blob":
            raise _Unreadable("git: not a file")
        if size > limit:
            raise _Unreadable("commit: file too large")
        return b"".join(pieces)[:-1]

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = git.start(self._checkout, "cat-file", "--batch", stdin=subprocess.PIPE)
        return self._process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()
