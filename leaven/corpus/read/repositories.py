"""A git repository → the files of its commit, read from its objects: no work tree is looked at, none is needed.

Every object is asked for by itself. One that is damaged or missing is counted and costs only what it holds, also where
git gives up at it: then git is started again for the rest.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from leaven.corpus import git
from leaven.corpus.read.forms import is_licence, limits
from leaven.corpus.read.members import TOO_LARGE, Budget, RawFile, TooMuch, member_path
from leaven.corpus.tree import MAX_FILE, Entry, Unreadable

ASKED = 60
"""Objects asked for at once: 60 names of 65 bytes fit into a pipe of one page, so neither side waits for the other."""

MOST_ENDS = 1000
"""Times that git is started again in one repository."""

_SUBMODULE, _LINK, _FOLDER = b"160000", b"120000", (b"40000", b"040000")
_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
"""How a pointer to a large file store begins (git-lfs, docs/spec.md)."""
_REMOTE = re.compile(r"[/:]([A-Za-z0-9_.-]{1,100})/([A-Za-z0-9_.-]{1,100}?)(?:\.git)?/?$")
_CHUNK = 1 << 20


class _Objects:
    """A repository's objects by name, from one running git at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.ended = 0

    def contents(self, names: list[str], limit: int) -> Iterator[bytes | None]:
        """The objects of these names in their order, without what is beyond the limit; None for one that is bad."""
        done = 0
        while done < len(names):
            batch = names[done : done + ASKED]
            try:
                process = self._running()
                assert process.stdin is not None
                process.stdin.write("".join(f"{name}\n" for name in batch).encode())
                process.stdin.flush()
                for name in batch:
                    found = self._answer(name, limit)
                    done += 1
                    yield found
            except (EOFError, BrokenPipeError):
                self.close()
                self.ended += 1
                if self.ended > MOST_ENDS:
                    raise TooMuch(f"more than {MOST_ENDS} objects that git gives up at") from None
                done += 1
                yield None

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            self.process = git.start(self.folder, "cat-file", "--batch", stdin=subprocess.PIPE)
        return self.process

    def _answer(self, name: str, limit: int) -> bytes | None:
        """Raises EOFError where git ended instead."""
        assert self.process is not None
        assert self.process.stdout is not None
        stream = self.process.stdout
        head = stream.readline().split()
        if len(head) == 2 and head[0].decode() == name:
            return None
        if len(head) != 3 or head[0].decode() != name:
            raise EOFError
        size = int(head[2])
        data = stream.read(min(size, limit + 1))
        # What is beyond the limit, and a line's end.
        left = size + 1 - len(data)
        while left > 0:
            part = stream.read(min(left, _CHUNK))
            if not part:
                raise EOFError
            left -= len(part)
        # git itself does not look whether a loose object is the one that it is filed as.
        return data if size > limit or _name_of(head[1], data, len(name)) == name else None

    def close(self) -> None:
        """End the running git."""
        if self.process is not None:
            self.process.kill()
            # What was still to be asked has nobody to hear it.
            with suppress(BrokenPipeError), self.process:
                pass
            self.process = None


def _name_of(kind: bytes, data: bytes, width: int) -> str:
    """What an object is called: the hash of its kind, its size and itself, as many hex digits as its repository has."""
    digest = hashlib.sha1(usedforsecurity=False) if width == 40 else hashlib.sha256()
    digest.update(b"%s %d\0" % (kind, len(data)))
    digest.update(data)
    return digest.hexdigest()


def members(entry: Entry, skipped: Counter[str], wanted: Callable[[str], bool]) -> Iterator[RawFile]:
    """The files of a repository at its commit, sorted by path within each folder; all else is counted.

    Args:
        entry: its folder, bare or a checkout.
        skipped: reasons are counted here.
        wanted: whether a file of this path is to be read. Files that state a licence always are.
    """
    folder = Path(entry.file)
    tree = tree_of(folder)
    if not tree:
        skipped["unreadable git repository"] += 1
        return
    name = published(folder) or entry.path
    objects = _Objects(folder)
    try:
        for path, data in _walk(objects, tree, Budget(entry.size), wanted, skipped):
            yield RawFile(f"{entry.path}/{path}", data, name)
    except TooMuch as reason:
        skipped[f"git repository: {reason}"] += 1
    except OSError:
        skipped["unreadable git repository"] += 1
    finally:
        objects.close()


def tree_of(folder: Path) -> str:
    """The name of the tree of a repository's commit, "" where that or the commit cannot be read."""
    return git.ask(folder, "rev-parse", "--verify", "--quiet", "HEAD^{tree}")


def published(folder: Path) -> str:
    """`owner/name` of the repository's origin, never more of its address, which may hold a password; "" where none."""
    match = _REMOTE.search(git.ask(folder, "config", "--local", "--get", "remote.origin.url"))
    return f"{match[1]}/{match[2]}" if match else ""


def _walk(
    objects: _Objects, tree: str, budget: Budget, wanted: Callable[[str], bool], skipped: Counter[str]
) -> Iterator[tuple[str, bytes]]:
    pending = [("", tree, 0)]
    while pending:
        prefix, name, depth = pending.pop()
        budget.count()
        [data] = objects.contents([name], limits()["index"])
        try:
            rows = [] if data is None else list(_rows(data, len(tree) // 2))
        except ValueError:
            data = None
        if data is None:
            skipped["damaged git object"] += 1
            continue
        budget.spend(len(data))
        folders, files = [], []
        for mode, raw, oid in rows:
            budget.count()
            try:
                path = _path(prefix, mode, raw, wanted)
            except Unreadable as reason:
                skipped[str(reason)] += 1
                continue
            if path and mode in _FOLDER:
                folders.append((path + "/", oid, depth + 1))
            elif path:
                files.append((path, oid))
        yield from _files(objects, files, budget, skipped)
        if depth >= limits()["depth"] and folders:
            skipped[f"folder deeper than {limits()['depth']}"] += len(folders)
        else:
            pending.extend(reversed(folders))


def _path(prefix: str, mode: bytes, raw: bytes, wanted: Callable[[str], bool]) -> str:
    """The path of a row of a tree, "" for what tools keep for themselves. Raises Unreadable for what is not read."""
    if b"/" in raw:
        raise Unreadable("damaged git object")
    path = member_path(prefix.encode() + raw)
    if not path or mode in _FOLDER:
        return path
    if mode == _SUBMODULE:
        raise Unreadable("submodule")
    if mode == _LINK:
        raise Unreadable("symbolic link")
    if not wanted(path) and not is_licence(path):
        raise Unreadable("other kind of file")
    return path


def _files(
    objects: _Objects, files: list[tuple[str, str]], budget: Budget, skipped: Counter[str]
) -> Iterator[tuple[str, bytes]]:
    found = objects.contents([oid for _, oid in files], MAX_FILE)
    for (path, _), data in zip(files, found, strict=True):
        if data is None:
            skipped["damaged git object"] += 1
            continue
        budget.spend(len(data))
        if len(data) > MAX_FILE:
            skipped[TOO_LARGE] += 1
        elif data.startswith(_POINTER):
            skipped["pointer to a large file store"] += 1
        else:
            yield path, data


def _rows(tree: bytes, width: int) -> Iterator[tuple[bytes, bytes, str]]:
    """(mode, name, object) of a tree: `mode name\\0` and `width` bytes each. Raises ValueError where it is none."""
    at = 0
    while at < len(tree):
        end = tree.index(b"\0", at)
        mode, sep, name = tree[at:end].partition(b" ")
        oid = tree[end + 1 : end + 1 + width]
        if not sep or not name or len(oid) < width:
            raise ValueError("no tree")
        yield mode, name, oid.hex()
        at = end + 1 + width
