"""Where a source's raw files come from: the user's own, a data set of the hub, or the pinned packages."""

from __future__ import annotations

import functools
from collections.abc import Collection
from pathlib import Path
from typing import Any

from leaven.corpus import packages
from leaven.corpus.document import Tally
from leaven.corpus.packages.table import REGISTRIES, Package
from leaven.corpus.plan import SourcePlan
from leaven.corpus.read.entries import find
from leaven.corpus.read.forms import limits
from leaven.corpus.tree import Entry
from leaven.ground.errors import LeavenError
from leaven.ground.progress import Progress


def entries_of(plan: SourcePlan, tally: Tally, cache: Path | None, progress: Progress) -> list[Entry]:
    """The raw files of a plan, sorted by path; released packages are fetched into `cache` first.

    Raises:
        BadInput: a path that cannot be read; a client that is needed is missing.
        LeavenError: a package or the hub cannot be reached.
    """
    if plan.origin == "hub":
        return hub_entries(plan)[1]
    if plan.origin == "packages":
        if cache is None:
            raise LeavenError("released packages need a folder to be fetched into")
        fetched = packages.fetch(chosen_packages(plan), cache / "packages", progress)
        entries = [Entry(package.file, str(path), package.bytes, 0, 0) for package, path in fetched.items()]
        return sorted(entries, key=lambda entry: entry.path)
    return find(plan, tally.skipped)


def chosen_packages(plan: SourcePlan) -> tuple[Package, ...]:
    """The part of the pinned list that a plan reads."""
    named: Any = plan.options.get("packages", "all")
    registries: Collection[Any] = REGISTRIES if named == "all" else (named,)
    return packages.table(registries)


@functools.cache
def packages_by_file() -> dict[str, Package]:
    """The pinned packages by the name of their archive in the cache."""
    return {package.file: package for package in packages.table()}


def hub_entries(plan: SourcePlan, record: Path | None = None) -> tuple[str, list[Entry]]:
    """(commit, the data set's files under the plan's budget). Raises BadInput or LeavenError, as the hub answers.

    `record` is where the commit of a name that may move is kept once it is settled.
    """
    from leaven.corpus import hub

    dataset = plan.hub["dataset"]
    commit = hub.resolve(dataset, plan.hub.get("revision"), record=record)
    found = hub.listing(dataset, commit, tuple(plan.hub.get("files") or ()))
    chosen = hub.choose(found, limits()["raw_per_byte"] * plan.max_bytes // limits()["packed"], plan.seed)
    if hub.is_offline():
        hub.require_local(dataset, commit, [entry.path for entry in chosen])
    entries = [Entry(entry.path, entry.url(dataset, commit), entry.size, 0, 0) for entry in chosen]
    return commit, sorted(entries, key=lambda entry: entry.path)
