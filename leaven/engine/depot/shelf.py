"""Whole steps to and from a depot: `steps/<identity>/<files>`, with `manifest.json` sent last.

Invariants: a step exists there iff its manifest does, so one that was sent in part is invisible and is sent over; the
first manifest stays; what is fetched has the hashes of its manifest before anybody sees it here.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from leaven.engine.depot.digest import Digest, Found, digest
from leaven.engine.depot.remote import Altered, Remote
from leaven.engine.store import MANIFEST, Damaged, Gone, TwoResults
from leaven.ground.errors import LeavenError
from leaven.ground.files import sha256_file, sync_folder, write_bytes

STEPS = "steps"
SENDS = 3
"""Times a file is sent that lies there other than it is here, before the step gives up."""
LARGE = 16 << 20
"""Files of so many bytes travel one after another, in pieces; smaller ones several at once."""


def name_of(step_id: str) -> str:
    """The folder of a step in the depot."""
    return f"{STEPS}/{step_id}"


def send(remote: Remote, step_id: str, folder: Path, scratch: Path) -> None:
    """Make the step in `folder` exist there, unless it does. Nothing is seen of it before all of it is there.

    `scratch`: folder for what must be read back. Raises TwoResults where there is another one; LeavenError where a file
    here is not what its manifest says, or where files do not arrive as they are.
    """
    data = (folder / MANIFEST).read_bytes()
    files = files_of(json.loads(data), str(folder))
    if same_there(remote, step_id, files, str(folder)):
        return
    sums = {name: digest(folder / name) for name in files}
    for name, sum_ in sums.items():
        if sum_.sha256 != files[name]["sha256"]:
            raise LeavenError(f"{folder / name} was changed after it was written; remove {folder} and run again")
    left = sums
    for _ in range(SENDS):
        if not left:
            break
        _send_all(remote, step_id, folder, left)
        left = _not_there(remote, step_id, left, scratch)
    if left:
        where = f"{remote.place.url}/{name_of(step_id)}"
        raise LeavenError(f"{where}: {next(iter(left))} was sent {SENDS} times and is not there as it is here")
    if not remote.create(f"{name_of(step_id)}/{MANIFEST}", data):
        same_there(remote, step_id, files, str(folder))


def _send_all(remote: Remote, step_id: str, folder: Path, sums: Mapping[str, Digest]) -> None:
    def one(name: str) -> None:
        remote.send(folder / name, f"{name_of(step_id)}/{name}")

    remote.each(one, [name for name, sum_ in sums.items() if sum_.bytes < LARGE])
    for name, sum_ in sums.items():
        if sum_.bytes >= LARGE:
            one(name)


def _not_there(remote: Remote, step_id: str, sums: Mapping[str, Digest], scratch: Path) -> dict[str, Digest]:
    """Those files that do not lie there as they are here."""
    there = remote.files(name_of(step_id))
    right = remote.each(lambda name: _lies(remote, step_id, name, there, sums[name], scratch), list(sums))
    return {name: sums[name] for name, lies in zip(sums, right, strict=True) if not lies}


def _lies(remote: Remote, step_id: str, name: str, there: Mapping[str, Found], expected: Digest, scratch: Path) -> bool:
    """Whether a file lies there as it is here: by the sum that the listing tells, or read back."""
    entry = there.get(name)
    if entry is None or entry.bytes != expected.bytes:
        return False
    if entry.proves(expected):
        return True
    back = scratch / f".back.{uuid.uuid4().hex}"
    try:
        remote.get(f"{name_of(step_id)}/{name}", back)
        return sha256_file(back) == expected.sha256
    except FileNotFoundError:
        return False
    finally:
        back.unlink(missing_ok=True)


def same_there(remote: Remote, step_id: str, files: Mapping[str, Any], here: str) -> bool:
    """Whether the step is there with these results; False if it is not there. Raises TwoResults if they differ."""
    there = f"{remote.place.url}/{name_of(step_id)}"
    try:
        theirs = files_of(_parsed(remote.read(f"{name_of(step_id)}/{MANIFEST}"), there), there)
    except FileNotFoundError:
        return False
    for name in sorted({*files, *theirs}):
        one, other = (rows.get(name, {}).get("sha256", "no such file") for rows in (files, theirs))
        if one != other:
            raise TwoResults(
                f"step {step_id[:12]} has two different results: {name} is {one[:12]} in {here} and {other[:12]} in "
                f"{there}\n  One of the two machines computes wrongly or has other code. Remove the one you do not "
                "trust and run again."
            )
    return True


def fetch(remote: Remote, step_id: str, manifest: bytes, target: Path, scratch: Path) -> None:
    """Make the step appear in `target`, every file with the hash of its manifest. Raises Damaged, Gone."""
    there = f"{remote.place.url}/{name_of(step_id)}"
    files = files_of(_parsed(manifest, there), there)
    part = scratch / f".fetched.{step_id}.{uuid.uuid4().hex}"

    def one(name: str) -> None:
        remote.get(f"{name_of(step_id)}/{name}", part / name, files[name]["sha256"])

    try:
        part.mkdir(parents=True)
        for folder in {(part / name).parent for name in files}:
            folder.mkdir(parents=True, exist_ok=True)
        try:
            remote.each(one, [name for name, row in files.items() if row["bytes"] < LARGE])
            for name, row in files.items():
                if row["bytes"] >= LARGE:
                    one(name)
        except (Altered, FileNotFoundError) as error:
            if not remote.exists(f"{name_of(step_id)}/{MANIFEST}"):
                raise gone(step_id, there) from None
            raise Damaged(
                f"step {step_id[:12]} in the store is damaged: {error}",
                where=there,
                fix="Put the file back, or remove the whole folder there and run again: only this step is computed "
                "anew.",
            ) from None
        write_bytes(part / MANIFEST, manifest)
        if target.exists():
            # Without its manifest it is no step, and would stay in the way for ever.
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        part.rename(target)
        sync_folder(target.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def gone(step_id: str, there: str) -> Gone:
    """The error of a step that is not there any more."""
    return Gone(f"step {step_id[:12]} was removed meanwhile: {there}\n  Run again: only this step is computed anew.")


def files_of(manifest: Mapping[str, Any], where: str) -> dict[str, dict[str, Any]]:
    """The files of a manifest: {"sha256", "bytes"} by name. Raises Damaged for names that lead out of the folder."""
    try:
        files = {str(name): {"sha256": str(row["sha256"]), "bytes": int(row["bytes"])} for name, row in _rows(manifest)}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Damaged("its manifest does not name its files", where=where, fix=_REMOVE) from None
    for name in files:
        if not stays_inside(name) or name == MANIFEST:
            raise Damaged(f"its manifest names a file that cannot be one of it: {name!r}", where=where, fix=_REMOVE)
    return dict(sorted(files.items()))


def stays_inside(name: str) -> bool:
    """Whether a name of a file leads to a place below the folder that it is taken in."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and path.as_posix() == name and name not in ("", ".")


def _rows(manifest: Mapping[str, Any]) -> Any:
    return manifest["files"].items()


def _parsed(data: bytes, where: str) -> dict[str, Any]:
    try:
        manifest = json.loads(data)
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict):
        raise Damaged("its manifest cannot be read", where=where, fix=_REMOVE)
    return manifest


_REMOVE = "Remove this folder and run again: only this step is computed anew."
