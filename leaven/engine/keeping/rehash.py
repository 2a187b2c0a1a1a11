"""Are results still what their manifests say? Every file is hashed again; times and sizes are trusted nowhere.

What is damaged can be moved aside (`work/damaged`), whole, so that the next run computes it anew and what is left of it
can still be looked at.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.engine.keeping import shelf
from leaven.engine.keeping.usage import Contents
from leaven.engine.store import MANIFEST, Damaged, Gone, Store
from leaven.ground.errors import BadInput, LeavenError, did_you_mean
from leaven.ground.files import sha256_file
from leaven.ground.progress import Progress, silent


@dataclass(frozen=True)
class Damage:
    """A file that is not what the step's manifest says. `file` is empty where the manifest itself is damaged, or the
    result another than the depot's, which was first.

    `there`: in the depot, not in this machine's copy.
    """

    identity: str
    name: str
    file: str
    what: str
    there: bool = False


@dataclass(frozen=True)
class Verified:
    """What was looked at and what is wrong. `strangers`: files in steps that no manifest names; they change nothing."""

    steps: int
    files: int
    bytes: int
    damage: tuple[Damage, ...]
    strangers: tuple[str, ...]


def asked_for(found: Contents, words: Sequence[str]) -> list[str]:
    """The steps that words on a command line mean: names, or at least six digits of identities. Raises BadInput."""
    names: dict[str, list[str]] = {}
    for step_id, step in found.steps.items():
        for name in step.names:
            names.setdefault(name, []).append(step_id)
    every = [*found.steps, *found.damaged]
    wanted: dict[str, None] = {}
    for word in words:
        starts = [step_id for step_id in every if len(word) >= 6 and step_id.startswith(word)]
        for step_id in names.get(word) or starts:
            wanted[step_id] = None
        if word not in names and not starts:
            raise BadInput(f'no step "{word}" in this store{did_you_mean(word, names)}', field="STEP")
    return list(wanted)


def rehash(store: Store, found: Contents, step_ids: Sequence[str], progress: Progress = silent) -> Verified:
    """Hash every file of these steps. Nothing is changed, and nothing that was known before is believed.

    Raises LeavenError where the store cannot be looked at: what is not seen is not damaged.
    """
    damage: list[Damage] = []
    strangers: list[str] = []
    files = size = 0
    total = sum(found.steps[step_id].bytes for step_id in step_ids if step_id in found.steps)
    for step_id in step_ids:
        if step_id in found.damaged:
            only_there = not (store.steps / step_id).exists()
            damage.append(Damage(step_id, "", "", found.damaged[step_id], there=only_there))
            continue
        folder, name = store.steps / step_id, found.steps[step_id].names[0]
        try:
            expected = store.manifest(step_id)["files"]
        except Gone:
            continue  # somebody removed it meanwhile
        except Damaged as error:  # it was whole a moment ago
            damage.append(Damage(step_id, name, "", error.what, there=not folder.exists()))
            continue
        here = (folder / MANIFEST).exists()
        damage += _damage_there(store, step_id, name, expected)
        for file, row in expected.items():
            what = _damage(folder / file, row["sha256"]) if here else ""
            if what:
                damage.append(Damage(step_id, name, file, what))
            files += 1
            size += row["bytes"]
            progress(size, total, name)
        strangers += [f"{step_id}/{file}" for file in _files(folder) if file not in expected and file != MANIFEST]
    return Verified(len(step_ids), files, size, tuple(damage), tuple(strangers))


def _damage(path: Path, expected: str) -> str:
    if path.is_symlink():
        return "is a link"
    try:
        found = sha256_file(path)
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if found != expected:
        return f"was changed after it was written (sha256 {found[:12]}…, expected {expected[:12]}…)"
    return ""


def _damage_there(store: Store, step_id: str, name: str, expected: Mapping[str, Any]) -> list[Damage]:
    """What is wrong with the depot's copy: all of it is fetched and hashed, and nothing of that is kept."""
    depot = shelf.depot_of(store)
    if depot is None or not depot.index.has(step_id):
        return []
    from leaven.engine.depot.remote import Altered
    from leaven.engine.depot.shelf import files_of, name_of

    where = f"{depot.remote.place.url}/{name_of(step_id)}"
    try:
        manifest = depot.manifest_there(step_id)
        if manifest is None:
            return []
        theirs = files_of(manifest, where)
    except Damaged as error:
        return [Damage(step_id, name, "", f"in the depot: {error.what}", there=True)]
    damage = []
    differs = [file for file in sorted({*expected, *theirs}) if _sha256(expected, file) != _sha256(theirs, file)]
    if differs:
        damage.append(Damage(step_id, name, "", f"{differs[0]} is another in the depot, where it was first"))
    store.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store.work) as scratch:
        for file, row in theirs.items():
            try:
                depot.remote.get(f"{name_of(step_id)}/{file}", Path(scratch) / "file", row["sha256"])
            except (Altered, FileNotFoundError):
                damage.append(Damage(step_id, name, file, "in the depot is not what was sent there", there=True))
    return damage


def _sha256(files: Mapping[str, Any], name: str) -> str:
    return str(files.get(name, {}).get("sha256", ""))


def _files(folder: Path) -> list[str]:
    found = []
    for home, _, names in os.walk(folder):
        found += [(Path(home) / name).relative_to(folder).as_posix() for name in names]
    return sorted(found)


@dataclass(frozen=True)
class Repaired:
    """`moved`: where damaged steps are now. `mended`: those of them that the depot has whole all the same."""

    moved: tuple[str, ...]
    mended: tuple[str, ...]


def move_aside(store: Store, damage: Sequence[Damage]) -> Repaired:
    """Move the folders of damaged steps to `work/damaged`; called with the store locked.

    What is damaged in a depot is moved to `damaged` there; where this machine has it whole, it is sent again.

    Raises LeavenError where one of them is being worked on or cannot be moved.
    """
    depot = shelf.depot_of(store)
    moved: list[str] = []
    mended: list[str] = []
    for step_id in dict.fromkeys(each.identity for each in damage if each.there):
        if depot:
            moved.append(depot.set_aside_there(step_id))
    for step_id in dict.fromkeys(each.identity for each in damage if not each.there):
        if shelf.being_worked_on(store, step_id):
            raise LeavenError(
                f"step {step_id[:12]} is being worked on\n  Wait until that has ended, then verify again."
            )
        moved.append(str(store.move_aside(step_id)))
    if depot:
        depot.sends = True
        ids = dict.fromkeys(each.identity for each in damage)
        mended = [step_id for step_id in ids if depot.arrived(step_id)]  # what is whole here is sent again
    return Repaired(tuple(moved), tuple(mended))
