"""One file to its place elsewhere, whole or not at all, whatever the file system can do.

Object stores show an object when its upload has ended. Everywhere else the bytes go under a name that no reader looks
at (`PART`), and are then renamed. `exclusive`: only if nothing has that name yet; atomic on S3 and Google's storage
(conditional writes) and in folders of this machine (a hard link), otherwise a look just before.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

from leaven.engine.depot.address import Address
from leaven.ground.files import sync_folder

PART = ".part"
"""How names end that are not there yet."""
PIECE = 16 << 20
"""Bytes sent or fetched at a time. Files up to twice that go in one request; the digest of longer ones knows it."""
TOGETHER = 4
"""Pieces of one file under way at once, so that memory stays below 64 MB."""
NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})
"""What a file system without hard links answers: there the look is just before."""
CONDITIONAL = frozenset({"s3", "s3a", "gs", "gcs", "memory"})


def upload(system: Any, place: Address, source: Path, target: str) -> None:
    """Copy a file of this machine to `target`, over whatever is there."""
    if place.is_local:
        _copy_here(source, Path(target), exclusive=False)
    elif place.whole_objects:
        system.put_file(str(source), target, **sizes(place))
    else:
        part = _part(target)
        system.makedirs(target.rpartition("/")[0], exist_ok=True)
        _renamed(system, part, target, lambda: system.put_file(str(source), part))


def write(system: Any, place: Address, data: bytes, target: str, *, exclusive: bool = False) -> None:
    """Write bytes to `target`. Raises FileExistsError if `exclusive` and there is one."""
    if place.is_local:
        _write_here(data, Path(target), exclusive)
        return
    if exclusive and place.protocol in CONDITIONAL:
        system.pipe_file(target, data, mode="create")
        return
    if exclusive and system.exists(target):
        raise FileExistsError(target)
    if place.whole_objects:
        system.pipe_file(target, data)
    else:
        part = _part(target)
        system.makedirs(target.rpartition("/")[0], exist_ok=True)
        _renamed(system, part, target, lambda: system.pipe_file(part, data))


def download(system: Any, place: Address, source: str, target: Path) -> None:
    """Copy a file from elsewhere to `target`; a failure may leave a part of it there."""
    if place.is_local:
        shutil.copyfile(source, target)
    else:
        system.get_file(source, str(target), **(sizes(place) if place.protocol in ("s3", "s3a") else {}))


def move(system: Any, place: Address, source: str, target: str) -> None:
    """Rename a file, or copy it and remove it where nothing can be renamed. Raises FileNotFoundError."""
    if place.is_local:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        os.replace(source, target)
        return
    if not place.whole_objects:
        system.makedirs(target.rpartition("/")[0], exist_ok=True)
    system.mv(source, target)


def sizes(place: Address) -> dict[str, int]:
    """How the file system is to cut long files, where it can be told."""
    if place.protocol in ("s3", "s3a"):
        return {"chunksize": PIECE, "max_concurrency": TOGETHER}
    return {"chunksize": PIECE} if place.protocol in ("gs", "gcs") else {}


def _part(target: str) -> str:
    folder, _, name = target.rpartition("/")
    return f"{folder}/.{name}.{uuid.uuid4().hex[:12]}{PART}"


def _renamed(system: Any, part: str, target: str, make: Any) -> None:
    try:
        make()
        system.mv(part, target)
    except BaseException:
        with contextlib.suppress(Exception):  # the error that counts is the first one
            system.rm_file(part)
        raise


def _write_here(data: bytes, target: Path, exclusive: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(_part(str(target)))
    try:
        part.write_bytes(data)
        _appear(part, target, exclusive)
    finally:
        part.unlink(missing_ok=True)


def _copy_here(source: Path, target: Path, *, exclusive: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(_part(str(target)))
    try:
        shutil.copyfile(source, part)
        _appear(part, target, exclusive)
    finally:
        part.unlink(missing_ok=True)


def _appear(part: Path, target: Path, exclusive: bool) -> None:
    with part.open("rb") as file:
        os.fsync(file.fileno())
    if exclusive:
        try:
            os.link(part, target)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            if target.exists():
                raise FileExistsError(target) from None
            part.replace(target)
    else:
        part.replace(target)
    sync_folder(target.parent)
