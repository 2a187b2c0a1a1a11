"""A unit that is no file of records → its raw files: of an archive, a git repository, or one plain file."""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from leaven.corpus.document import Tally
from leaven.corpus.plan import SourcePlan
from leaven.corpus.read import archives, repositories
from leaven.corpus.read.forms import ARCHIVES, form, is_licence, reads
from leaven.corpus.read.members import TOO_LARGE, RawFile
from leaven.corpus.read.open import open_input
from leaven.corpus.read.units import Unit
from leaven.corpus.tree import MAX_FILE, Entry, is_tool_folder, walk


def is_repository(entry: Entry) -> bool:
    """Whether an entry is a git repository, whose `file` is a folder."""
    return os.path.isdir(entry.file)


def raw_files(
    unit: Unit, plan: SourcePlan, tally: Tally, wanted: Callable[[str], bool] | None = None
) -> Iterator[RawFile]:
    """The raw files of a unit, in order. Of archives and repositories, files that state a licence come too.

    Args:
        unit: of an archive, a git repository or a plain file.
        plan: its kind says which files are read.
        tally: every file that is read or skipped is counted here.
        wanted: says it instead, of archives and repositories: `lambda path: False` gives their licences alone.
    """
    entry = unit.entry
    if is_repository(entry):
        found = repositories.members(entry, tally.skipped, wanted or reads(plan))
    elif form(entry.path, plan) in ARCHIVES:
        found = archives.members(entry, tally.skipped, wanted or reads(plan))
    else:
        found = _plain(entry, plan, tally.skipped)
    for raw in found:
        tally.files += 1
        yield raw


def _plain(entry: Entry, plan: SourcePlan, skipped: Counter[str]) -> Iterator[RawFile]:
    try:
        with open_input(entry.file) as handle:
            data = handle.read(MAX_FILE + 1)
    except OSError:
        skipped["unreadable"] += 1
        return
    if len(data) > MAX_FILE:
        skipped[TOO_LARGE] += 1
        return
    folder, sep, _ = entry.path.partition("/")
    yield RawFile(entry.path, data, folder if sep and holds_repositories(plan) else "")


def holds_repositories(plan: SourcePlan) -> bool:
    """Whether the first folders below the plan's path are repositories: it says so (option `repositories`), or there
    are several and each has a `.git` or a file that states a licence.
    """
    stated = plan.options.get("repositories")
    if stated is not None or plan.path is None:
        return bool(stated)
    return _several(os.fspath(plan.path))


def licence_files(plan: SourcePlan) -> dict[str, list[Entry]]:
    """Repository → the files at its top that state a licence, of a plan whose path is a folder; "" for the whole."""
    if plan.path is None or not plan.path.is_dir():
        return {}
    tops = [("", plan.path)]
    if holds_repositories(plan):
        tops = [(folder.name, Path(folder.path)) for folder in _folders(plan.path)]
    found = {name: [entry for entry in _top(folder) if is_licence(entry.path)] for name, folder in tops}
    return {name: entries for name, entries in found.items() if entries}


@functools.lru_cache(maxsize=64)
def _several(path: str) -> bool:
    folders = _folders(Path(path))
    return len(folders) > 1 and all(
        os.path.lexists(os.path.join(folder.path, ".git"))
        or any(is_licence(entry.path) for entry in _top(Path(folder.path)))
        for folder in folders
    )


def _folders(path: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as scan:
            found = [item for item in scan if item.is_dir(follow_symlinks=False) and not is_tool_folder(item)]
    except OSError:
        return []
    return sorted(found, key=lambda item: item.name)


def _top(folder: Path) -> list[Entry]:
    """The regular files at the top of a folder."""
    found: list[Entry] = []
    for entry in walk(folder, Counter(), leave=lambda path: os.path.isdir(folder / path)):
        found.append(entry)
    return found
