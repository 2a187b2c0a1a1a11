"""A study from another machine: its archive is unpacked beside the store and checked, then becomes part of it.

What is checked: every member is a plain file that the index names, at a path that an export writes, of the size and
hash the index gives; every step's manifest hashes to its identity and names exactly its files; the record keeps all of
them. A step that is there already must have the same results.
Invariants: until all of that holds, nothing appears in the store; then the record comes first, so that nothing is
collected meanwhile, and steps after their inputs; an import that is killed is repeated.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from leaven.engine.keeping import archive, shelf
from leaven.engine.keeping.parcel import INDEX, LARGEST_INDEX, RECORD, Index, read_index
from leaven.engine.keeping.records import CORPORA, Record, arrived, names_a_folder, read, records
from leaven.engine.store import LEAST_FREE, MANIFEST, Store
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import sha256_file
from leaven.ground.folders import appear, part
from leaven.ground.progress import Progress, silent


@dataclass(frozen=True)
class Imported:
    """`new`: steps that appeared; `there`: those that the store had; `missing`: those of the study in neither; `notes`:
    what the archive says of itself."""

    record: Record
    folder: Path
    folder_is_new: bool
    new: int
    there: int
    missing: int
    bytes: int
    notes: tuple[str, ...]


def bring(store: Store, runs: Path, file: Path, *, name: str | None = None, progress: Progress = silent) -> Imported:
    """Make the study of an archive part of a store.

    Args:
        name: the study's folder below `runs` and its name among the kept; its own by default.

    Raises:
        BadInput: the archive is damaged or not leaven's, or does not fit on the disk; a study of this name is there; a
            step is there with other results.
    """
    store.prepare()
    try:
        opened = file.open("rb")
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=str(file), field="FILE") from None
    with opened, part(store.root / "importing") as here:
        reader = archive.Reader(file, opened)
        index = _index(reader)
        needed, free = sum(each.bytes for each in index.files.values()), shutil.disk_usage(store.root).free
        if needed + LEAST_FREE > free:
            raise BadInput(
                f"{needed / 1e6:,.0f} MB do not fit: {free / 1e6:,.0f} MB are free",
                where=str(store.root),
                fix=f"Free some space or give a folder on another disk: {store.option}. Nothing was imported.",
            )
        names = list(index.member_names().items())
        if names[0][0] != RECORD:
            raise reader.bad("its record does not come first")
        record = _record(reader, index, here)
        target = _target(record.name if name is None else name, record)
        folder_is_new = _folder_is_new(store, runs, target, record, index, reader)
        done = index.files[RECORD].bytes
        for path, member in names[1:]:
            _unpack(reader, index, path, member, here / path)
            done += index.files[path].bytes
            progress(done, needed, path)
        if reader.next() is not None:
            raise reader.bad("it holds more than its index names")
        steps = _steps(reader, index, record, here)
        with shelf.alone(store), shelf.announced(store, "import"):
            record = arrived(record, target, records(store))
            there = [step_id for step_id in steps if _is_there(store, Store(here), step_id)]
            shelf.put_record(store, record.file, record.data())
            for step_id in shelf.inputs_first([each for each in steps if each not in there], steps):
                shelf.land(store, step_id, here / "steps" / step_id)
        if folder_is_new and (here / "study").is_dir():
            _make_folder(here / "study", runs / target)
    here_now = sum(store.has(step_id) for step_id in record.steps)
    return Imported(
        record,
        runs / target,
        folder_is_new,
        len(steps) - len(there),
        len(there),
        len(record.steps) - here_now,
        needed,
        index.notes,
    )


def _index(reader: archive.Reader) -> Index:
    member = reader.next()
    if member is None or member.name != INDEX or member.size > LARGEST_INDEX:
        raise reader.bad("it was not written by leaven store export: its index does not come first")
    try:
        return read_index(b"".join(reader.content()))
    except ValueError as error:
        raise reader.bad(f"it cannot be used: {error}") from None


def _record(reader: archive.Reader, index: Index, here: Path) -> Record:
    _unpack(reader, index, RECORD, RECORD, here / RECORD)
    record = read((here / RECORD).read_bytes(), f"{reader.path}: {RECORD}")
    if (record.name, record.set) != (index.study, index.set):
        raise reader.bad("its index and its record are of two studies")
    return record


def _unpack(reader: archive.Reader, index: Index, path: str, name: str, target: Path) -> None:
    expected, member = index.files[path], reader.next()
    if member is None or (member.name, member.size) != (name, expected.bytes):
        found = "nothing more" if member is None else f"{member.name!r} of {member.size:,} bytes"
        raise reader.bad(f"its index names {name!r} of {expected.bytes:,} bytes where it holds {found}")
    digest = hashlib.sha256()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            for piece in reader.content():
                digest.update(piece)
                file.write(piece)
    except OSError as error:
        raise LeavenError(f"cannot unpack {path!r}: {error.strerror}\n  Nothing was imported.") from None
    if digest.hexdigest() != expected.sha256:
        raise reader.bad(f"it is damaged: {path!r} does not have the hash that its index gives")


def _target(name: str, record: Record) -> str:
    """Raises BadInput for a name that no study's folder can have."""
    home = CORPORA if record.name.startswith(CORPORA) else ""
    name = home + name.removeprefix(home)
    if not names_a_folder(name) or name.startswith(".") or not name.isprintable():
        raise BadInput(f'"{name}" cannot name a folder of a study', field="--as", fix="Letters, digits, _, - and .")
    return name


def _folder_is_new(store: Store, runs: Path, target: str, record: Record, index: Index, reader: archive.Reader) -> bool:
    """Whether the study's folder is still to be made; the same study's own stays as it is. Raises BadInput."""
    folder = runs / target
    if not folder.exists():
        return True
    main = "corpus.json" if target.startswith(CORPORA) else "study.yaml"
    expected = index.files.get(f"study/{main}")
    same_set = any((known.name, known.set) == (target, record.set) for known in records(store))
    if same_set and expected and (folder / main).is_file() and sha256_file(folder / main) == expected.sha256:
        return False
    raise BadInput(
        f"a study {target} is there already, and it is not the one of {reader.path.name}",
        where=str(folder),
        field="STUDY",
        fix="Give the imported one another name: --as NAME. Nothing was imported.",
    )


def _make_folder(unpacked: Path, folder: Path) -> None:
    """RUNS may be on another disk than the store. Raises LeavenError."""
    with part(folder.parent) as made:
        try:
            shutil.copytree(unpacked, made, dirs_exist_ok=True)
        except OSError as error:
            raise LeavenError(f"cannot write {folder}: {error.strerror or error}\n  Import it again.") from None
        appear(made, folder)


def _steps(reader: archive.Reader, index: Index, record: Record, here: Path) -> dict[str, shelf.Lying]:
    """The unpacked steps, each of which is what its identity says."""
    steps, damaged = shelf.lying(Store(here))
    for step_id, files in index.steps().items():
        if step_id in damaged or step_id not in steps:
            raise reader.bad(f"its step {step_id[:12]} cannot be used: {damaged.get(step_id, 'it has no manifest')}")
        if step_id not in record.steps:
            raise reader.bad(f"its step {step_id[:12]} is not one of the study's")
        told = Store(here).manifest(step_id)["files"]
        listed = {name: (row.get("sha256"), row.get("bytes")) for name, row in told.items()}
        if listed != {name: (file.sha256, file.bytes) for name, file in files.items() if name != MANIFEST}:
            raise reader.bad(f"its step {step_id[:12]} does not hold the files that the step's manifest names")
    return steps


def _is_there(store: Store, other: Store, step_id: str) -> bool:
    """Whether the store has the step. Raises BadInput where it has it with other results."""
    if not store.has(step_id):
        return False
    mine, sent = (_hashes(each, step_id) for each in (store, other))
    if mine != sent:
        name = next(iter(sorted({name for name in {*mine, *sent} if mine.get(name) != sent.get(name)})))
        raise BadInput(
            f"step {step_id[:12]} is there already with other results: {name} differs",
            where=str(store.folder(step_id)),
            fix="One of the two was changed or made by something that was not deterministic: leaven store verify on "
            "both machines tells which. Nothing was imported.",
        )
    return True


def _hashes(store: Store, step_id: str) -> dict[str, str]:
    return {name: str(row["sha256"]) for name, row in store.manifest(step_id)["files"].items()}
