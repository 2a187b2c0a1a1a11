"""What a source would read, before anything is built: one fingerprint, part of the source step's identity.

The fingerprint covers path, size and content of every file that the source reads, so the store never serves
documents of files that have changed since. A cache of content hashes, keyed as git's index is by size, time
and inode, makes a second survey a matter of `stat` calls; it is only ever a shortcut and may be deleted or
damaged freely.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from leaven.corpus import readers, workstation
from leaven.corpus.git import head
from leaven.corpus.plan import SourcePlan
from leaven.corpus.tables import ruleset
from leaven.corpus.tree import Entry
from leaven.ground.canonical import identity
from leaven.ground.errors import LeavenError
from leaven.ground.files import sha256_file, write_text

SETTLED = 2_000_000_000
"""Nanoseconds a file must have been left alone before its hash is cached: a later write in the same clock
tick would leave size and time as they are."""


@dataclass(frozen=True)
class Survey:
    """What a source reads: a fingerprint of all of it, and how much it is (bytes as they lie on disk)."""

    fingerprint: str
    files: int
    bytes: int


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
    known = _load(cache)
    fresh: dict[str, list[int | str]] = {}
    rows: list[list[object]] = []
    total = 0
    for path, entry, extra in _read_by(plan, roots, listing):
        rows.append([path, entry.size, _digest(entry, known, fresh), extra])
        total += entry.size
    if plan.origin == "path" and plan.path is not None and readers.is_checkout(plan.path) and plan.kind == "adjacent":
        rows.append(["HEAD", head(plan.path)])
    if cache is not None and fresh:
        cache.parent.mkdir(parents=True, exist_ok=True)
        write_text(cache, json.dumps(known | fresh))
    return Survey(identity(["survey/1", ruleset(), plan.kind, rows]), len(rows), total)


def _read_by(
    plan: SourcePlan, roots: Mapping[str, Path] | None, listing: Mapping[str, Sequence[Entry]] | None
) -> list[tuple[str, Entry, str]]:
    if plan.origin == "workstation":
        if listing is None:
            listing = workstation.inventory(workstation.roots() if roots is None else roots, Counter())
        return [(c.path, c.entry, f"{c.group} {c.licence}") for c in workstation.select(plan, listing)]
    # A file given by itself is cut into passages, the same file in a folder is one document.
    alone = "alone" if plan.path is not None and plan.path.is_file() else ""
    return [(entry.path, entry, alone) for entry in readers.find(plan, Counter())]


def _digest(entry: Entry, known: Mapping[str, list[int | str]], fresh: dict[str, list[int | str]]) -> str:
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


def _load(cache: Path | None) -> dict[str, list[int | str]]:
    if cache is None or not cache.is_file():
        return {}
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
