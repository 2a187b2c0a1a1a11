"""Walking a directory tree and turning bytes into text, without ever being led astray by what lies there.

Only regular files inside the tree are entries: no symbolic link to a directory is followed, no pipe or
device is opened, and folders that tools keep for themselves are left out. The order is by path, so it does
not depend on the file system.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_FILE = 4 * 1024 * 1024
"""Bytes of the largest file that is read as one document."""

TOOL_FOLDERS = frozenset({"__pycache__", "node_modules", "venv", "env", "__MACOSX"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file: `path` relative to its root with `/`, `file` where it lies, size in bytes."""

    path: str
    file: str
    size: int
    mtime_ns: int
    inode: int


class Unreadable(Exception):
    """A file that cannot be a document; the message is the reason, as counted."""


def is_tool_folder(folder: os.DirEntry[str]) -> bool:
    """Hidden and version-control folders, caches, package folders and virtual environments."""
    name = folder.name
    if name.startswith("."):
        return True
    return name in TOOL_FOLDERS and (
        name not in ("venv", "env") or os.path.exists(os.path.join(folder.path, "pyvenv.cfg"))
    )


def walk(
    root: Path,
    skipped: Counter[str],
    *,
    leave: Callable[[str], bool] = lambda path: False,
    links: bool | Path = False,
) -> Iterator[Entry]:
    """Regular files below `root`, sorted by path within each folder.

    Args:
        root: a directory.
        skipped: reasons are counted here.
        leave: says of a relative path (file or folder) that it is not to be entered or yielded.
        links: also yield symbolic links to regular files (package installers make such trees); never to
            folders. A path: only those whose target lies below it.
    """
    within = os.path.realpath(links) + os.sep if isinstance(links, Path) else ""
    pending = [("", os.fspath(root))]
    while pending:
        prefix, folder = pending.pop()
        try:
            with os.scandir(folder) as scan:
                found = sorted(scan, key=lambda entry: entry.name)
        except OSError:
            skipped["unreadable folder"] += 1
            continue
        folders = []
        for item in found:
            try:
                item.name.encode()
            except UnicodeEncodeError:
                skipped["file name is not UTF-8"] += 1
                continue
            path = prefix + item.name
            if leave(path):
                continue
            if item.is_dir(follow_symlinks=False):
                if not is_tool_folder(item):
                    folders.append((path + "/", item.path))
                continue
            if item.name.startswith("."):
                continue
            if item.is_symlink() and not (links and os.path.realpath(item.path).startswith(within)):
                skipped["symbolic link"] += 1
                continue
            try:
                status = item.stat()
            except OSError:
                skipped["unreadable"] += 1
                continue
            if stat.S_ISREG(status.st_mode):
                yield Entry(path, item.path, status.st_size, status.st_mtime_ns, status.st_ino)
            elif not stat.S_ISDIR(status.st_mode):
                skipped["not a regular file"] += 1
        pending.extend(reversed(folders))


def read_bytes(file: str, limit: int = MAX_FILE) -> bytes:
    """The bytes of a file of at most `limit` bytes. Raises Unreadable."""
    try:
        with open(file, "rb") as handle:
            data = handle.read(limit + 1)
    except OSError as error:
        raise Unreadable("unreadable") from error
    if len(data) > limit:
        raise Unreadable("larger than 4 MiB" if limit == MAX_FILE else "too large")
    return data


def decode(data: bytes) -> str:
    """Bytes as text: UTF-8 with or without byte order mark, line ends made `\\n`. Raises Unreadable with the
    reason.
    """
    if not data:
        raise Unreadable("empty")
    if b"\0" in data:
        raise Unreadable("binary")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable("invalid UTF-8") from error
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise Unreadable("empty")
    return text
