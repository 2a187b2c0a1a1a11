"""What a study's archive holds: an index with the SHA-256 of every file, the study's record, its folder and its steps.

index.json                        first: {form, leaven, study, set, left_out, notes, files: {path: {sha256, bytes}}}
kept.json                         the record that keeps the steps, without the time of its last run
study/study.yaml, report.html, …  the study's folder
steps/<identity>/manifest.json, …

Members come in the index's order, which is that of their paths. A path too long for a tar header is stored as
`long/<its number in the index>`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leaven.engine.keeping.archive import LONGEST
from leaven.engine.keeping.shelf import IDENTITY

FORM = 1
INDEX = "index.json"
RECORD = "kept.json"
STUDY_FILES = frozenset(("study.yaml", "corpus.json", "report.html", "report.key", "wall.json"))
STUDY_FOLDERS = frozenset(("data", "figures"))
LARGEST_FILE = (1 << 63) - 1
"""Bytes of a file that a file system can count."""
LARGEST_INDEX = 256 << 20
"""Bytes of an index: about two million files."""


@dataclass(frozen=True)
class File:
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Index:
    """`left_out`: kinds of steps that were not exported. `files` without the index itself. `notes`: sentences on what
    of the study's folder is not among them."""

    leaven: str
    study: str
    set: str
    left_out: tuple[str, ...]
    files: Mapping[str, File]
    notes: tuple[str, ...] = ()

    def member_names(self) -> dict[str, str]:
        """Path → its name in the archive, in the order of the archive."""
        paths = sorted(self.files)
        return {path: path if len(path.encode()) <= LONGEST else f"long/{number}" for number, path in enumerate(paths)}

    def steps(self) -> dict[str, dict[str, File]]:
        """Identity → the files of the step, by their path within it."""
        found: dict[str, dict[str, File]] = {}
        for path, file in sorted(self.files.items()):
            head, _, rest = path.partition("/")
            if head == "steps":
                step_id, _, name = rest.partition("/")
                found.setdefault(step_id, {})[name] = file
        return found

    def data(self) -> bytes:
        told = {
            "form": FORM,
            "leaven": self.leaven,
            "study": self.study,
            "set": self.set,
            "left_out": list(self.left_out),
            "notes": list(self.notes),
            "files": {path: {"sha256": file.sha256, "bytes": file.bytes} for path, file in self.files.items()},
        }
        return (json.dumps(told, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def read_index(data: bytes) -> Index:
    """An index that somebody sent. Raises ValueError with what is wrong with it."""
    try:
        told = json.loads(data)
        if told["form"] != FORM:
            raise ValueError("it was written by another version of leaven")
        files = {path: _file(row) for path, row in told["files"].items()}
        words = [told["leaven"], told["study"], told["set"], *told["left_out"], *told.get("notes", [])]
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"its index is none ({type(error).__name__})") from None
    if not all(isinstance(word, str) for word in words):
        raise ValueError("its index is none")
    for path in files:
        if not _allowed(path):
            raise ValueError(f"its index names a file that no study has: {path[:200]!r}")
        parts = path.split("/")
        if any("/".join(parts[:count]) in files for count in range(1, len(parts))):
            raise ValueError(f"its index names a file below a file: {path[:200]!r}")
    if RECORD not in files:
        raise ValueError(f"its index does not name {RECORD}")
    return Index(
        told["leaven"], told["study"], told["set"], tuple(told["left_out"]), files, tuple(told.get("notes", []))
    )


def _file(row: Any) -> File:
    sha256, size = row["sha256"], row["bytes"]
    if not isinstance(sha256, str) or isinstance(size, bool) or not isinstance(size, int):
        raise ValueError("its index gives a file no size or hash")
    if not 0 <= size <= LARGEST_FILE:
        raise ValueError("its index gives a file no size or hash")
    return File(sha256, size)


def _allowed(path: str) -> bool:
    """Whether a path is one that an export writes: below a step or the study's folder, and nowhere else."""
    parts = path.split("/")
    try:
        short = all(0 < len(part.encode()) <= 255 for part in parts)
    except UnicodeEncodeError:
        return False
    if not short or any(part in (".", "..") or "\0" in part or "\\" in part for part in parts):
        return False
    if parts[0] == "steps":
        return len(parts) > 2 and IDENTITY.fullmatch(parts[1]) is not None
    if parts[0] == "study":
        return (len(parts) == 2 and parts[1] in STUDY_FILES) or (len(parts) > 2 and parts[1] in STUDY_FOLDERS)
    return path == RECORD
