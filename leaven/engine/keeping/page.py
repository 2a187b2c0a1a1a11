"""Whose page lies in a study's folder: a folder has one, that of the set which was run or reported last.

Every page lists the steps that it was made from (`data/steps.csv`), and these tell its set.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from leaven.engine.keeping.parcel import STUDY_FILES, STUDY_FOLDERS
from leaven.engine.keeping.records import Record, set_of

PAGE = "report.html"
WHOLE = "report.key"
"""Written after the page: without it a page is the rest of one that was being written anew."""
CORPUS = "corpus.json"
ANY_SETS = frozenset(("study.yaml",))
"""What says what was asked, not what came out: options of the command line make several sets of one file."""
_IDENTITY = re.compile(r"[0-9a-f]{32}")


def set_of_page(folder: Path) -> str | None:
    """The set that the page in a study's folder was made from; None where there is no whole page."""
    if not (folder / PAGE).is_file() or not (folder / WHOLE).is_file():
        return None
    try:
        with (folder / "data" / "steps.csv").open(encoding="utf-8", newline="") as file:
            return set_of(row["identity"] for row in csv.DictReader(file))
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return None


def files_of(folder: Path, record: Record) -> tuple[list[Path], list[Path]]:
    """The files of a study's folder that others can use: those of this set, and those that are another's."""
    has_page = set_of_page(folder) == record.set
    mine: list[Path] = []
    others: list[Path] = []
    for path in _usable(folder):
        name = path.relative_to(folder).as_posix()
        own = name in ANY_SETS or (_made_from(path, record) if name == CORPUS else has_page)
        (mine if own else others).append(path)
    return mine, others


def _usable(folder: Path) -> Iterator[Path]:
    """The study, its page and its tables."""
    for name in sorted(STUDY_FILES):
        if (folder / name).is_file() and not (folder / name).is_symlink():
            yield folder / name
    for name in sorted(STUDY_FOLDERS):
        below = (folder / name).rglob("*")
        yield from (path for path in sorted(below) if path.is_file() and not path.is_symlink())


def _made_from(corpus: Path, record: Record) -> bool:
    """Whether every step that a corpus's list of its folders names is one of the set."""
    try:
        return set(_IDENTITY.findall(corpus.read_text(encoding="utf-8"))) <= set(record.steps)
    except (OSError, ValueError):
        return False
