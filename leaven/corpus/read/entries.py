"""A path of the user's → what can be read below it: files of records, archives, git repositories, plain files.

No symbolic link is followed but the user's own path and, in the hub's cache (`datasets--…/snapshots/<revision>/`), the
links into the blobs of that same folder.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from leaven.corpus import git
from leaven.corpus.plan import SourcePlan
from leaven.corpus.read.forms import (
    ARCHIVES,
    accepted,
    form,
    is_packed,
    limits,
    means_records,
    reads,
    shares,
)
from leaven.corpus.read.repositories import tree_of
from leaven.corpus.tree import Entry, walk
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput


def find(plan: SourcePlan, skipped: Counter[str]) -> list[Entry]:
    """What lies below the plan's path that a source of its kind reads, sorted by path.

    Of a large directory only as many plain files as the source can keep are taken, in the order of a keyed hash. A git
    repository (`file` is its folder) is one entry; its fingerprint is `git.head`.

    Raises BadInput if the path is missing, not of an accepted form, or nothing in it is.
    """
    given = plan.path
    if given is None or not os.path.exists(given):
        raise BadInput("there is no such file or directory", where=str(given), fix=f"Give {accepted(plan.kind)}.")
    if given.is_file():
        if form(given.name, plan) == "plain" and not reads(plan)(given.name):
            raise BadInput(
                f"this form of file is not read for {plan.kind}",
                where=str(given),
                fix=f"Give {accepted(plan.kind)}.",
            )
        status = given.stat()
        return [Entry(given.name, os.fspath(given), status.st_size, status.st_mtime_ns, status.st_ino)]
    if not given.is_dir():
        raise BadInput("this is neither a file nor a directory", where=str(given), fix=f"Give {accepted(plan.kind)}.")
    root = _snapshot(given)
    repositories: list[Entry] = []
    if _take_repository(plan, root, "", repositories, skipped):
        return repositories
    hub = _hub_folder(root)
    taken, other = [], 0
    wanted = reads(plan)
    found = walk(
        root,
        skipped,
        leave=lambda path: _take_repository(plan, root, path, repositories, skipped),
        links=hub / "blobs" if hub else False,
    )
    for entry in found:
        if form(entry.path, plan) != "plain" or wanted(entry.path):
            taken.append(entry)
        else:
            other += 1
    if other:
        skipped["other kind of file"] += other
    if not taken and not repositories:
        seen = ", ".join(f"{count} × {reason}" for reason, count in sorted(skipped.items())) or "it is empty"
        raise BadInput(
            f"nothing here can be read for {plan.kind} ({seen})",
            where=str(given),
            fix=f"Give {accepted(plan.kind)}.",
        )
    return sorted(repositories + _sampled(plan, taken), key=lambda entry: entry.path)


def _sampled(plan: SourcePlan, found: list[Entry]) -> list[Entry]:
    """As many files as the source can keep: a tree of millions is not read for the sake of a few megabytes."""
    budget = float(plan.max_bytes * limits()["raw_per_byte"])
    weights = {entry.path: _weight(plan, entry) for entry in found}
    if sum(weights.values()) <= budget:
        return found
    taken = []
    for entry in sorted(found, key=lambda entry: key64("select/1", plan.seed, plan.kind, entry.path)):
        if budget <= 0:
            break
        budget -= weights[entry.path]
        taken.append(entry)
    return taken


def _weight(plan: SourcePlan, entry: Entry) -> float:
    """Bytes of text for the plan that a file holds, about."""
    unpacked = entry.size * (limits()["packed"] if is_packed(entry.path) else 1)
    return unpacked * (shares().get(plan.kind, 1.0) if form(entry.path, plan) in ARCHIVES else 1.0)


def _hub_folder(path: Path) -> Path | None:
    """The folder of the hub's cache (`datasets--owner--name`, with `blobs` and `snapshots`) that `path` is in."""
    absolute = Path(os.path.abspath(path))
    for folder in (absolute, *absolute.parents):
        if "--" in folder.name and (folder / "blobs").is_dir() and (folder / "snapshots").is_dir():
            return folder
    return None


def _snapshot(path: Path) -> Path:
    """The snapshot meant by a folder of the hub's cache given as a whole; any other path as it is."""
    if _hub_folder(path) != Path(os.path.abspath(path)):
        return path
    snapshots = path / "snapshots"
    try:
        revision = (path / "refs" / "main").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        revision = ""
    named = snapshots / revision
    if revision.isalnum() and named.is_dir():
        return named
    kept = sorted(folder.name for folder in snapshots.iterdir() if folder.is_dir())
    if len(kept) != 1:
        raise BadInput(
            f"this folder of the hub's cache holds {len(kept)} revisions",
            where=str(path),
            fix=f"Give one of them: {', '.join(kept)}." if kept else "Download one first.",
        )
    return snapshots / kept[0]


def _take_repository(plan: SourcePlan, root: Path, path: str, found: list[Entry], skipped: Counter[str]) -> bool:
    """Whether `path` below `root` is a git repository, which is then an entry of its own and not walked into.

    A checkout that git cannot be asked about is walked as any folder; what git knows of a bare repository is all there
    is of it.
    """
    if path.rpartition("/")[2].startswith("."):
        return False
    folder = root / path
    checkout = os.path.lexists(folder / ".git")
    if not checkout and not is_bare(folder):
        return False
    if means_records(plan):
        return not checkout
    reason = "git folder lies outside the given path" if _reaches_out(folder, root) else ""
    if not reason and not tree_of(folder):
        reason = "git repository without a readable commit"
    if reason:
        skipped[reason] += 1
        return not checkout
    status = folder.stat()
    found.append(Entry(path or root.resolve().name, os.fspath(folder), _stored(folder), status.st_mtime_ns, 0))
    return True


def is_bare(folder: Path) -> bool:
    """Whether a folder has the parts of a bare git repository."""
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def _reaches_out(repository: Path, root: Path) -> bool:
    """Whether a repository takes its objects from outside `root`, where someone else's may lie."""
    top = os.path.realpath(root)
    folder = os.path.join(repository, ".git") if os.path.lexists(repository / ".git") else os.fspath(repository)
    needed = [folder]
    try:
        if os.path.isfile(folder):
            folder = os.path.join(repository, _line(folder).removeprefix("gitdir:").strip())
            needed.append(folder)
        if os.path.lexists(os.path.join(folder, "commondir")):
            folder = os.path.join(folder, _line(os.path.join(folder, "commondir")))
            needed.append(folder)
        objects = os.path.join(folder, "objects")
        needed.append(objects)
        if os.path.lexists(os.path.join(objects, "info", "alternates")):
            needed.append(os.path.join(objects, _line(os.path.join(objects, "info", "alternates"))))
    except (OSError, ValueError):
        return True
    return any(os.path.commonpath([top, os.path.realpath(path)]) != top for path in needed)


def _line(file: str) -> str:
    """The only line of a small file of git's. Raises OSError, or ValueError where it is none."""
    with open(file, "rb") as handle:
        text = handle.read(4096).decode()
    if len(text.splitlines()) != 1:
        raise ValueError(f"{file} has several lines")
    return text.strip()


def _stored(repository: Path) -> int:
    """Bytes of a repository's objects as they are stored."""
    rows = (line.split(": ") for line in git.ask(repository, "count-objects", "-v").splitlines())
    sizes = {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}
    return 1024 * (sizes.get("size", 0) + sizes.get("size-pack", 0))
