"""A study as one file, to be taken to another machine: its steps, its folder and the record that keeps them.

Invariants: every result is hashed while it is written, so what is exported is what its manifest says or nothing; the
file appears whole or not at all; equal contents of the store give equal bytes, whenever the study was run last; its
page and tables travel only with the set of steps that they were made from.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from leaven.engine.keeping import archive
from leaven.engine.keeping.page import CORPUS, files_of
from leaven.engine.keeping.parcel import INDEX, RECORD, File, Index
from leaven.engine.keeping.records import Record, chosen, records, undated
from leaven.engine.store import MANIFEST, Store
from leaven.ground.errors import BadInput, LeavenError, did_you_mean
from leaven.ground.files import sha256_file, sync_folder
from leaven.ground.progress import Progress, silent
from leaven.ground.version import __version__
from leaven.study.versions import VERSIONS


@dataclass(frozen=True)
class Exported:
    """What is in the file. `missing`: steps that have not been computed; `left_out`: steps of kinds that stayed here.

    `other_sets`: further sets of the study, which are not in the file. `notes`: what of its folder is not, and why.
    """

    file: Path
    record: Record
    steps: int
    missing: int
    left_out: int
    bytes: int
    size: int
    other_sets: tuple[str, ...]
    notes: tuple[str, ...]


def export(
    store: Store, runs: Path, study: str, file: Path, *, without: Sequence[str] = (), progress: Progress = silent
) -> Exported:
    """Write a study's steps, record and folder to a file.

    Args:
        study: its name, whose latest set is meant, or STUDY@SET.
        file: `….tar.zst`, or `….tar` for one that is not compressed.
        without: kinds of steps that are left out, such as `stage`: the machine that imports it computes them again
            where it needs them. Never `verdict`.

    Raises:
        BadInput: no such study, file name or kind; the file is there already; none of its steps is there.
        LeavenError: a step is damaged, or the file cannot be written.
    """
    _check(file, without)
    known = records(store)
    found = chosen(known, study)
    record = found[-1]
    present = [step_id for step_id in record.steps if store.has(step_id)]
    if not present:
        raise BadInput(f"no step of {record.label} has been computed yet", field="STUDY", fix="Run it first.")
    taken = sorted(step_id for step_id in present if record.steps[step_id][0] not in without)
    home = runs / record.name
    mine, others = files_of(home, record)
    notes = _notes([path.relative_to(home).as_posix() for path in others])
    paths = {f"study/{path.relative_to(home).as_posix()}": path for path in mine}
    files = {name: File(sha256_file(path), path.stat().st_size) for name, path in paths.items()}
    kept = undated(record).data()
    files[RECORD] = _file(kept)
    for step_id in taken:
        folder = store.folder(step_id)
        for name, row in store.manifest(step_id)["files"].items():
            paths[f"steps/{step_id}/{name}"] = folder / name
            files[f"steps/{step_id}/{name}"] = File(row["sha256"], row["bytes"])
        paths[f"steps/{step_id}/{MANIFEST}"] = folder / MANIFEST
        files[f"steps/{step_id}/{MANIFEST}"] = _file((folder / MANIFEST).read_bytes())
    index = Index(__version__, record.name, record.set, tuple(sorted(set(without))), files, notes)
    size = _write(file, index, kept, paths, progress)
    return Exported(
        file,
        record,
        len(taken),
        len(record.steps) - len(present),
        len(present) - len(taken),
        sum(each.bytes for each in files.values()),
        size,
        tuple(other.label for other in found[:-1]),
        notes,
    )


def _check(file: Path, without: Sequence[str]) -> None:
    if not file.name.endswith(archive.SUFFIXES):
        raise BadInput(f"{file.name} has no name of an archive", field="FILE", fix="End it with .tar.zst, or .tar.")
    if file.exists():
        raise BadInput("is there already", where=str(file), fix="Give another name, or remove it first.")
    for kind in without:
        if kind not in VERSIONS:
            raise BadInput(f'no step is of kind "{kind}"{did_you_mean(kind, VERSIONS)}', field="--without")
        if kind == "verdict":
            raise BadInput("the verdict is what a study is for: it cannot be left out", field="--without")


def _notes(others: Sequence[str]) -> tuple[str, ...]:
    """Sentences on files of the folder that stay here."""
    notes = []
    if set(others) - {CORPUS}:
        notes.append("the page and tables in its folder are not those of this set and are not in it")
    if CORPUS in others:
        notes.append(f"{CORPUS} in its folder is not that of this set and is not in it")
    return tuple(notes)


def _file(data: bytes) -> File:
    return File(hashlib.sha256(data).hexdigest(), len(data))


def _write(file: Path, index: Index, kept: bytes, paths: dict[str, Path], progress: Progress) -> int:
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    total, done = sum(each.bytes for each in index.files.values()), 0
    try:
        with part.open("wb") as raw:
            with archive.writing(raw, compress=file.name.endswith(".zst")) as stream:
                data = index.data()
                stream.write(archive.header(INDEX, len(data)) + data + archive.padding(len(data)))
                for path, name in index.member_names().items():
                    expected = index.files[path]
                    stream.write(archive.header(name, expected.bytes))
                    if path == RECORD:
                        stream.write(kept)
                    else:
                        _copy(paths[path], stream, expected)
                    stream.write(archive.padding(expected.bytes))
                    done += expected.bytes
                    progress(done, total, path)
            raw.flush()
            os.fsync(raw.fileno())
        size = part.stat().st_size
        part.replace(file)
        sync_folder(file.parent)
    except OSError as error:
        raise LeavenError(f"cannot export: {error.strerror}: {error.filename or file}") from None
    finally:
        part.unlink(missing_ok=True)
    return size


def _copy(path: Path, stream: IO[bytes], expected: File) -> None:
    """Raises LeavenError where the content is not what was expected."""
    digest, left = hashlib.sha256(), expected.bytes
    with path.open("rb") as source:
        while piece := source.read(archive.CHUNK):
            left -= len(piece)
            if left < 0:
                break
            digest.update(piece)
            stream.write(piece)
    if left or digest.hexdigest() != expected.sha256:
        raise BadInput(
            "is not what it was when it was written, or changes while it is exported",
            where=str(path),
            fix="leaven store verify tells what is damaged. Nothing was exported.",
        )
