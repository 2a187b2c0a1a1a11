"""What a source would read, before anything is built: one fingerprint, part of the source step's identity.

The fingerprint covers path, size and content of every file that the source reads, so the store never serves
documents of files that have changed since. A cache of content hashes, keyed as git's index is by size, time
and inode, makes a second survey a matter of `stat` calls; it is only ever a shortcut and may be deleted or
damaged freely.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from leaven.corpus import workstation
from leaven.corpus.contamination.items import identity_of_items, load
from leaven.corpus.git import head
from leaven.corpus.licence.scope import speaks
from leaven.corpus.origins import chosen_packages, hub_entries
from leaven.corpus.packages import fingerprint
from leaven.corpus.plan import SourcePlan
from leaven.corpus.read import entries as raw
from leaven.corpus.read.forms import is_licence
from leaven.corpus.read.raw import is_repository
from leaven.corpus.tree import Entry, walk
from leaven.ground.canonical import IDENTITY_LENGTH, canonical, identity
from leaven.ground.errors import LeavenError
from leaven.ground.files import sha256_file, write_text

REVISIONS = "hub-revisions.json"
"""Beside the cache of hashes: the commits that names of revisions were settled to."""
SETTLED = 2_000_000_000
"""Nanoseconds a file must have been left alone before its hash is cached: a later write in the same clock
tick would leave size and time as they are."""


@dataclass(frozen=True)
class Survey:
    """What a source reads: a fingerprint of all of it, how much it is (bytes as they lie on disk or on the
    hub), and the commit that a hub source stands at."""

    fingerprint: str
    files: int
    bytes: int
    revision: str = ""


def survey(
    plan: SourcePlan,
    roots: Mapping[str, Path] | None = None,
    cache: Path | None = None,
    listing: Mapping[str, Sequence[Entry]] | None = None,
) -> Survey:
    """Find and hash what `plan` would read.

    Args:
        plan: its own fingerprint is not looked at.
        roots: label → folder for origin "workstation"; this computer's by default.
        cache: a JSON file of hashes known from earlier surveys; made where absent.
        listing: `workstation.inventory(roots)`, where several sources are surveyed at once.

    Raises:
        BadInput: the user's path does not exist or holds nothing that can be read.
        LeavenError: a file vanished meanwhile.
    """
    if plan.origin == "generated":
        return Survey(identity(["generated/1", plan.kind]), 0, 0)
    if plan.origin == "packages":
        return _packages(plan)
    if plan.origin == "hub":
        return _hub(plan, cache and cache.with_name(REVISIONS))
    known = _load(cache)
    fresh: dict[str, list[int | str]] = {}
    print_of = hashlib.sha256(canonical(["survey/3", plan.kind, _grammar(plan)]))
    files = total = 0
    for path, entry, extra in _read_by(plan, roots, listing):
        size = 0 if is_repository(entry) else entry.size  # how git packs its objects is no fact about them
        print_of.update(canonical([path, size, _digest(entry, known, fresh), extra]))
        files, total = files + 1, total + entry.size
    for entry in _stating(plan):
        print_of.update(canonical(["licence", entry.path, _digest(entry, known, fresh)]))
    if cache is not None and fresh:
        cache.parent.mkdir(parents=True, exist_ok=True)
        write_text(cache, json.dumps(known | fresh))
    return Survey(print_of.hexdigest()[:IDENTITY_LENGTH], files, total)


def _grammar(plan: SourcePlan) -> str:
    """The version of Python where its parser decides what a document is: another one reads other files."""
    parsed = plan.docstrings == "remove" or (plan.kind == "text" and plan.origin in ("workstation", "packages"))
    return f"python {sys.version_info.major}.{sys.version_info.minor}" if parsed else ""


def _stating(plan: SourcePlan) -> Iterator[Entry]:
    """The files of a folder that are no documents but say under which licence, and in which repository, others are."""
    if plan.kind in ("web_code", "markup") and plan.path is not None and plan.path.is_dir():
        for entry in walk(plan.path, Counter()):
            if speaks(entry.path) or is_licence(entry.path):
                yield entry


def survey_items(paths: Mapping[str, Path]) -> Survey:
    """What is to be looked for of some tasks' items, by the texts themselves. Raises BadInput, as `items.load` does."""
    found = [load(path, task) for task, path in sorted(paths.items())]
    return Survey(identity_of_items(found), len(found), sum(len(items.texts) for items in found))


def _packages(plan: SourcePlan) -> Survey:
    """A pinned list is its own fingerprint: nothing is fetched to know what it holds."""
    wanted = chosen_packages(plan)
    vendored = [[package.label, list(package.vendored)] for package in wanted]
    known = identity(["packages/3", plan.kind, _grammar(plan), fingerprint(wanted), vendored])
    return Survey(known, len(wanted), sum(package.bytes for package in wanted))


def _hub(plan: SourcePlan, record: Path | None) -> Survey:
    """A commit fixes every byte; the listing says which files of it are read."""
    revision, entries = hub_entries(plan, record)
    rows = [[entry.path, entry.size] for entry in entries]
    fingerprint = identity(["hub/1", plan.kind, plan.hub["dataset"], revision, rows])
    return Survey(fingerprint, len(rows), sum(entry.size for entry in entries), revision)


def _read_by(
    plan: SourcePlan, roots: Mapping[str, Path] | None, listing: Mapping[str, Sequence[Entry]] | None
) -> list[tuple[str, Entry, str]]:
    if plan.origin == "workstation":
        if listing is None:
            listing = workstation.inventory(workstation.roots() if roots is None else roots, Counter())
        return [(c.path, c.entry, f"{c.group} {c.licence}") for c in workstation.select(plan, listing)]
    # A file given by itself is cut into passages, the same file in a folder is one document.
    alone = "alone" if plan.path is not None and plan.path.is_file() else ""
    return [(entry.path, entry, alone) for entry in raw.find(plan, Counter())]


def _digest(entry: Entry, known: Mapping[str, list[int | str]], fresh: dict[str, list[int | str]]) -> str:
    if os.path.isdir(entry.file):
        return f"{head(Path(entry.file))} {_cut_off(Path(entry.file))}"  # a commit fixes all of it
    key, stamp = entry.file, [entry.size, entry.mtime_ns, entry.inode]
    row = known.get(key)
    if isinstance(row, list) and row[:3] == stamp and len(row) == 4:
        return str(row[3])
    try:
        digest = sha256_file(Path(entry.file))
    except PermissionError:
        return "unreadable"
    except OSError as error:
        raise LeavenError(f"{entry.path}: {error.strerror or error} while looking at the files; run again") from error
    if time.time_ns() - entry.mtime_ns > SETTLED:
        fresh[key] = [*stamp, digest]
    return digest


def _cut_off(repository: Path) -> str:
    """What a repository says of where its history was cut off: a shallow clone has other commits to give."""
    for folder in (repository / ".git", repository):
        try:
            return (folder / "shallow").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
    return ""


def _load(cache: Path | None) -> dict[str, list[int | str]]:
    if cache is None or not cache.is_file():
        return {}
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
