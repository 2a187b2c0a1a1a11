"""A copy of a hub's data set in a folder of the user's.

DIR/owner/name/                                as `hf download --local-dir`, or git, leaves it
DIR/datasets--owner--name/snapshots/<commit>/  as `hf download` and `datasets` leave it
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from leaven.corpus.hub.address import is_commit, is_inside
from leaven.evaluate.data.card import NotHere

_REF = re.compile(r"ref: (refs/[\w./-]+)")


@dataclass(frozen=True)
class Snapshot:
    """A data set's files below `root`, at the commit where that is known."""

    root: Path
    revision: str | None

    def paths(self) -> list[str]:
        """All files, relative to the root, hidden ones left out."""
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            found += [
                Path(folder, name).relative_to(self.root).as_posix()
                for name in names
                if not name.startswith(".") and Path(folder, name).is_file()
            ]
        return sorted(found)


def snapshot_in(place: Path, dataset: str) -> Snapshot | None:
    """The copy of `dataset` in the folder `place`; None where there is none.

    Raises NotHere where several commits are there and nothing tells which is meant.
    """
    if not is_inside(dataset):
        return None
    plain = place.joinpath(*dataset.split("/"))
    if "/" in dataset and plain.is_dir():
        return Snapshot(plain, _of_download(plain) or _of_git(plain))
    storage = place / f"datasets--{dataset.replace('/', '--')}"
    snapshots = storage / "snapshots"
    here = sorted(path.name for path in snapshots.iterdir() if path.is_dir()) if snapshots.is_dir() else []
    if not here:
        return None
    main = _line(storage / "refs" / "main")
    if main in here:
        return Snapshot(snapshots / main, main)
    if len(here) > 1:
        raise NotHere(
            f"there are {len(here)} snapshots of {dataset}, and nothing says which of them is main",
            "Leave one of them, or give its folder's files in data.yaml.",
        )
    return Snapshot(snapshots / here[0], here[0] if is_commit(here[0]) else None)


def _of_download(root: Path) -> str | None:
    """The one commit that `hf download --local-dir` wrote down for all files."""
    told = {_line(path) for path in sorted((root / ".cache/huggingface/download").rglob("*.metadata"))}
    commit = next(iter(told)) if len(told) == 1 else ""
    return commit if is_commit(commit) else None


def _of_git(root: Path) -> str | None:
    head = _line(root / ".git/HEAD")
    found = _REF.fullmatch(head)
    commit = _line(root / ".git" / found[1]) if found and is_inside(found[1]) else head
    return commit if is_commit(commit) else None


def _line(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").split("\n", 1)[0].strip()
    except (OSError, ValueError):
        return ""
