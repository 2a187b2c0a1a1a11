"""What lies in a store, as housekeeping sees it: steps by their manifests, records, work in progress.

The one place that knows where housekeeping finds and changes things, so that a store elsewhere is one more case here
and nowhere else. Nothing here decides what may go.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leaven.engine.store import DAMAGED, MANIFEST, Damaged, Gone, Store
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import sync_folder, write_bytes

if TYPE_CHECKING:
    from leaven.engine.depot.mirror import Mirror

IDENTITY = re.compile(r"[0-9a-f]{32}")
KEPT = "kept"
BESIDE = ("work", "logs", "cache", "kept", "there", "slurm", "importing", "removed")
"""Folders below the root that hold no steps."""
ASIDE = "removed"
"""Folder below the root that what is removed is renamed into first: it is gone at once, whatever stops the rest."""


@dataclass(frozen=True)
class Lying:
    """A finished step in the store. `bytes`: its results and its manifest. `finished`: UTC."""

    identity: str
    kind: str
    names: tuple[str, ...]
    inputs: tuple[str, ...]
    files: int
    bytes: int
    finished: str


def lying(store: Store) -> tuple[dict[str, Lying], dict[str, str]]:
    """Finished steps by identity; and of those whose manifest is damaged what is wrong.

    Raises LeavenError where the store cannot be looked at: what is not seen is not damaged.
    """
    found: dict[str, Lying] = {}
    damaged: dict[str, str] = {}
    every, depot = identities(store), depot_of(store)
    if depot:
        depot.learn(depot.index.present())
    for step_id in every:
        try:
            manifest = store.manifest(step_id)
            files = [int(row["bytes"]) for row in manifest["files"].values()]
            size = sum(files) + bytes_below(store.steps / step_id / MANIFEST)
            found[step_id] = Lying(
                step_id,
                str(manifest["kind"]),
                tuple(map(str, manifest["names"])),
                tuple(dict.fromkeys(map(str, manifest["inputs"].values()))),
                len(files),
                size,
                str(manifest["made"]["finished"]),
            )
        except Gone:
            continue  # removed since it was listed
        except Damaged as error:
            damaged[step_id] = error.what.partition(" is damaged: ")[2] or error.what
        except (KeyError, TypeError, ValueError, AttributeError, OSError, RecursionError) as error:
            damaged[step_id] = f"its manifest cannot be read ({type(error).__name__})"
    return found, damaged


def identities(store: Store) -> list[str]:
    """Every folder that claims to be a step, here or in the depot, sorted."""
    here = [path.name for path in store.steps.iterdir()] if store.steps.is_dir() else []
    depot = depot_of(store)
    there = depot.index.all() if depot else []
    return sorted(name for name in {*here, *there} if IDENTITY.fullmatch(name))


def depot_of(store: Store) -> Mirror | None:
    """The store as one that has a depot behind it, if it has."""
    from leaven.engine.depot.mirror import Mirror

    return store if isinstance(store, Mirror) else None


def entries(store: Store, folder: str) -> dict[str, int]:
    """What lies in `work` or `logs`, here or in the depot, by name: bytes, those of both places together."""
    home = store.root / folder
    found = {path.name: bytes_below(path) for path in home.iterdir()} if home.is_dir() else {}
    depot = depot_of(store)
    for name, file in (depot.remote.files(folder) if depot else {}).items():
        first = name.partition("/")[0]
        found[first] = found.get(first, 0) + file.bytes
    return dict(sorted(found.items()))


def closure(step_ids: Iterable[str], among: Mapping[str, Lying]) -> set[str]:
    """These steps and everything they were made from, as far as manifests tell."""
    needed: set[str] = set()
    waiting = list(step_ids)
    while waiting:
        step_id = waiting.pop()
        if step_id not in needed:
            needed.add(step_id)
            waiting.extend(among[step_id].inputs if step_id in among else ())
    return needed


def inputs_first(step_ids: Iterable[str], among: Mapping[str, Lying]) -> list[str]:
    """These steps in an order in which every step follows its inputs; otherwise by identity."""
    wanted, ordered = set(step_ids), dict[str, None]()
    for first in sorted(wanted):
        waiting = [(first, False)]
        while waiting:
            step_id, below = waiting.pop()
            if below:
                ordered[step_id] = None
            elif step_id not in ordered:
                waiting.append((step_id, True))
                inputs = among[step_id].inputs if step_id in among else ()
                waiting.extend((parent, False) for parent in inputs if parent in wanted and parent not in ordered)
    return list(ordered)


def being_worked_on(store: Store, step_id: str) -> bool:
    """Whether a process holds the step's lock, or a cluster has it in its queue."""
    folder = store.work / step_id
    if (folder / "job.json").exists():
        return True
    try:
        with (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def bytes_below(path: Path) -> int:
    """Bytes of a file, or of all files of a folder; links count as themselves."""
    if path.is_symlink() or not path.is_dir():
        try:
            return path.lstat().st_size
        except OSError:
            return 0
    try:
        return sum(bytes_below(Path(entry.path)) for entry in os.scandir(path))
    except FileNotFoundError:
        return 0  # removed meanwhile


def damaged_there(store: Store, now: float, age: float) -> dict[str, int]:
    """What repairs have moved aside in the depot, at least `age` seconds old: bytes by folder."""
    depot = depot_of(store)
    sizes: dict[str, int] = {}
    for name, file in (depot.remote.files(DAMAGED) if depot else {}).items():
        if not age or now - (file.modified or now) >= age:
            folder = name.partition("/")[0]
            sizes[folder] = sizes.get(folder, 0) + file.bytes
    return sizes


def left_there(store: Store, now: float, age: float) -> dict[str, int]:
    """Folders of steps in the depot that have no manifest and were last written `age` seconds ago: bytes by identity.
    A step that is being sent has none either, so what may be young stays."""
    depot = depot_of(store)
    if depot is None:
        return {}
    sizes: dict[str, int] = {}
    latest: dict[str, float] = {}
    whole = set()
    for name, file in depot.remote.files("steps").items():
        step_id, _, rest = name.partition("/")
        if rest == MANIFEST:
            whole.add(step_id)
        sizes[step_id] = sizes.get(step_id, 0) + file.bytes
        latest[step_id] = max(latest.get(step_id, 0.0), file.modified or now)
    return {
        step_id: size
        for step_id, size in sizes.items()
        if step_id not in whole and IDENTITY.fullmatch(step_id) and now - latest[step_id] >= age
    }


@contextlib.contextmanager
def alone(store: Store) -> Iterator[None]:
    """One at a time: what removes steps, and what counts on steps that are there. Waits for the other."""
    store.root.mkdir(parents=True, exist_ok=True)
    with (store.root / "keeping.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def announced(store: Store, what: str) -> contextlib.AbstractContextManager[None]:
    """Have other machines see that the store is used for `what`, where there are others. Raises BadInput."""
    depot = depot_of(store)
    return depot.at_work(what) if depot else contextlib.nullcontext()


def record_names(store: Store) -> set[str]:
    """Names of the files of records, here and in the depot, now."""
    depot = depot_of(store)
    here = {path.name for path in (store.root / KEPT).glob("*.json")}
    return here | {name for name in (depot.remote.files(KEPT) if depot else ()) if name.endswith(".json")}


def record_files(store: Store) -> list[tuple[str, str, bytes]]:
    """The files of records: where each is, its name and its content. With a depot those of both places, because what
    was run here without it is kept as well. Raises BadInput where one cannot be read at all."""
    found = []
    if depot := depot_of(store):
        for name in [name for name in depot.remote.files(KEPT) if name.endswith(".json")]:
            with contextlib.suppress(FileNotFoundError):  # forgotten since it was listed
                found.append((f"{depot.remote.place.url}/{KEPT}/{name}", name, depot.remote.read(f"{KEPT}/{name}")))
    for path in sorted((store.root / KEPT).glob("*.json")):
        try:
            found.append((str(path), path.name, path.read_bytes()))
        except OSError as error:
            raise BadInput(
                f"this record of what is kept cannot be read: {error.strerror}",
                where=str(path),
                fix="Which steps it keeps is unknown, so nothing is removed.",
            ) from None
    return found


def put_record(store: Store, file: str, data: bytes) -> None:
    """Write a record, whole or not at all, here and in the depot if there is one. Raises BadInput."""
    if depot := depot_of(store):
        depot.remote.write(f"{KEPT}/{file}", data)
    folder = store.root / KEPT
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / file, data)
    except OSError as error:
        raise BadInput(
            f"cannot write to the store: {error.strerror}",
            where=str(folder),
            fix=f"Give a folder you can write to: {store.option}.",
        ) from None


def drop_record(store: Store, file: str) -> None:
    if depot := depot_of(store):
        depot.remote.remove(f"{KEPT}/{file}")
    (store.root / KEPT / file).unlink(missing_ok=True)


def land(store: Store, step_id: str, folder: Path) -> None:
    """Make a folder that was checked a step of the store, and of its depot; one that is there already stays.

    Raises LeavenError.
    """
    target = store.steps / step_id
    try:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            else:
                sync_folder(path)
        sync_folder(folder)
        if store.has(step_id):
            return
        if target.exists():
            shutil.rmtree(target)  # what is left of a step that somebody removed by hand
        folder.rename(target)
        sync_folder(store.steps)
        store.has(step_id)  # a prepared store with a depot sends what only this machine holds
    except OSError as error:
        raise LeavenError(f"cannot put step {step_id[:12]} into the store: {error.strerror}") from None


def remove(store: Store, path: Path) -> None:
    """Remove a file or folder of the store, in the depot first: renamed aside, then taken apart. Raises OSError."""
    _remove_there(store, path)
    home = store.root / ASIDE
    home.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=home))
    try:
        path.rename(aside / path.name)
    except FileNotFoundError:
        aside.rmdir()  # it is only there, or somebody else has removed it
        return
    sync_folder(path.parent)
    shutil.rmtree(aside)


def _remove_there(store: Store, path: Path) -> None:
    depot, (first, *rest) = depot_of(store), path.relative_to(store.root).parts
    if depot is None or len(rest) != 1:
        return
    if first == DAMAGED:
        depot.remote.remove_all(f"{DAMAGED}/{rest[0]}")
    elif first == "steps":
        depot.remove_there(rest[0])
    elif first == "logs":
        depot.remote.remove(f"logs/{rest[0]}")
    elif first == "work":
        depot.remote.remove_all(f"work/{rest[0]}")
