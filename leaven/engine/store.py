"""The store: one folder a step, addressed by identity. A folder appears whole, with its manifest, or not at all.

<root>/steps/<identity>/manifest.json, results…   finished steps, never modified
<root>/work/<identity>/out, state                 what a running or killed step left; `state` holds checkpoints
<root>/logs/<identity>.log                        what the step said
<root>/verified.json                              which folders were rehashed, by size and time of their files
<root>/kept/                                      which steps each study needs (`leaven.engine.keeping`)
<root>/cache/                                     compiled programs, hashes of raw files: safe to delete
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from leaven.ground.canonical import identity as hash_of
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import read_json, sha256_file, sync_folder, write_json
from leaven.study.step import Step

MANIFEST = "manifest.json"
LEAST_FREE = 200_000_000
"""Bytes that must be free before a run starts: the pocket study writes about 100 MB."""
DAMAGED = "damaged"
"""Folder of `work` that results are moved to which are not what they should be: no step, and still to be looked at."""
LOCK_PATIENCE = 0.5
"""Seconds a run waits for the lock: `leaven status` looks at it for an instant and must not turn a run away."""


class Damaged(BadInput):
    """A step of the store that is not what its manifest says; never that it could not be looked at."""


class TwoResults(LeavenError):
    """A step that two machines computed, to different results."""


class Gone(LeavenError):
    """A step that was there a moment ago: somebody removed it meanwhile."""


class Store:
    """A store on a local disk. `option`: how whoever runs leaven says where it is."""

    def __init__(self, root: Path, option: str = "--runs DIR") -> None:
        self.root, self.option = root, option
        self.steps = root / "steps"
        self.work = root / "work"
        self.logs = root / "logs"
        self.cache = root / "cache"

    def prepare(self) -> None:
        """Make the folders and prove that they can be written. Raises BadInput."""
        try:
            for folder in (self.steps, self.work, self.logs, self.cache):
                folder.mkdir(parents=True, exist_ok=True)
            probe = self.root / f".probe.{os.getpid()}"
            probe.write_bytes(b"leaven")
            probe.unlink()
        except OSError as error:
            raise self._unwritable(error) from None
        free = shutil.disk_usage(self.root).free
        if free < LEAST_FREE:
            raise BadInput(
                f"only {free / 1e6:.0f} MB are free; a run needs at least {LEAST_FREE / 1e6:.0f} MB",
                where=str(self.root),
                fix=f"Free some space or give a folder on another disk: {self.option}. Nothing was run.",
            )

    def _unwritable(self, error: OSError) -> BadInput:
        return BadInput(
            f"cannot write to the store: {error.strerror}",
            where=str(self.root),
            fix=f"Give a folder you can write to: {self.option}.",
        )

    @contextlib.contextmanager
    def lock(self, *, removing: bool = False) -> Iterator[None]:
        """Hold the store for one run; the kernel lets go when this process ends, however it ends.

        `removing`: to remove what nobody needs, which no run on any machine must see. Raises BadInput.
        """
        try:
            file = (self.root / "lock").open("a+")
        except OSError as error:
            raise self._unwritable(error) from None
        with file:
            deadline = time.monotonic() + LOCK_PATIENCE
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() < deadline:
                        time.sleep(0.02)
                        continue
                    file.seek(0)
                    raise BadInput(
                        f"another run is using this store (process {file.read().strip() or 'unknown'})",
                        where=str(self.root),
                        fix=f"Wait for it (leaven status shows how far it is) or give another folder: {self.option}.",
                    ) from None
                except OSError as error:
                    raise BadInput(
                        f"this file system cannot lock files: {error.strerror}",
                        where=str(self.root),
                        fix=f"Give a folder on a local disk: {self.option}.",
                    ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def holder(self) -> int | None:
        """The process whose run holds the store now, or None."""
        try:
            with (self.root / "lock").open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return int(file.read() or 0)
        except (OSError, ValueError):
            return None
        return None

    def packages(self) -> tuple[str, ...]:
        """What a process that uses the store imports besides leaven."""
        return ()

    def where(self) -> dict[str, Any]:
        """How a process that executes a step finds this store (`leaven.engine.stores.opened`)."""
        return {"root": str(self.root.resolve())}

    def keeping(self, step_id: str) -> contextlib.AbstractContextManager[None]:
        """While a step executes: nothing to do, its checkpoints are where they will be looked for."""
        return contextlib.nullcontext()

    def lend(self, path: Path) -> None:
        """Let other machines see a file or folder of `work` (`borrow`): here they see it already."""

    def borrow(self, path: Path) -> None:
        """Have here what another machine has lent under the same place in its store."""

    def folder(self, step_id: str) -> Path:
        return self.steps / step_id

    def file(self, step_id: str, name: str) -> Path:
        """One file of a finished step's results; where they are elsewhere, no other is fetched for it."""
        return self.steps / step_id / name

    def part(self, step_id: str, names: Sequence[str]) -> Path:
        """A folder that holds these files of a finished step's results; where they are elsewhere, perhaps no others."""
        return self.folder(step_id)

    def log(self, step_id: str) -> Path:
        return self.logs / f"{step_id}.log"

    def log_of(self, step_id: str) -> Path:
        """A step's log to be read, from wherever the most of it is."""
        return self.log(step_id)

    def has(self, step_id: str) -> bool:
        return (self.folder(step_id) / MANIFEST).exists()

    def arrived(self, step_id: str) -> bool:
        """Whether a step is there that somebody says has just ended."""
        return self.has(step_id)

    def appears(self, step_id: str, patience: float = 5.0) -> bool:
        """Whether a step that its process has published is there within so many seconds: a network disk answers from
        memory that it is not, until the folder is listed anew."""
        until = time.monotonic() + patience
        while True:
            with contextlib.suppress(OSError):
                os.listdir(self.steps)
            if self.arrived(step_id):
                return True
            if time.monotonic() >= until:
                return False
            time.sleep(0.2)

    def manifest(self, step_id: str) -> dict[str, Any]:
        """Raises Damaged if it is not a manifest of this step."""
        path = self.folder(step_id) / MANIFEST
        try:
            manifest = read_json(path)
            described = {part: manifest[part] for part in ("kind", "fields", "inputs", "versions")}
            files, made = manifest["files"], manifest["made"]
            seconds, _, _ = float(made["seconds"]), str(made["finished"]), manifest["names"][0]
        except (OSError, ValueError, KeyError, TypeError, IndexError, OverflowError, RecursionError) as error:
            raise self._damaged(step_id, f"its manifest cannot be read ({type(error).__name__})") from None
        if hash_of(described) != step_id or not isinstance(files, dict) or not 0 <= seconds < float("inf"):
            raise self._damaged(step_id, "its manifest does not describe it")
        return cast(dict[str, Any], manifest)

    def manifests(self) -> Iterator[dict[str, Any]]:
        """Every readable manifest, for `why` and for estimates."""
        if self.steps.is_dir():
            for folder in sorted(self.steps.iterdir()):
                with contextlib.suppress(LeavenError):
                    yield self.manifest(folder.name)

    def begin(self, step_id: str) -> tuple[Path, Path]:
        """An empty folder for results and a lasting one for checkpoints."""
        out, state = self.work / step_id / "out", self.work / step_id / "state"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        state.mkdir(exist_ok=True)
        return out, state

    def publish(self, step: Step, made: dict[str, Any]) -> None:
        """Hash the results, write the manifest, and let the folder appear."""
        out = self.work / step.identity / "out"
        files = {}
        for path in sorted(p for p in out.rglob("*") if p.is_file()):
            files[path.relative_to(out).as_posix()] = {
                "sha256": sha256_file(path),
                "bytes": path.stat().st_size,
            }
            with path.open("rb") as file:
                os.fsync(file.fileno())
        for folder in (path for path in out.rglob("*") if path.is_dir()):
            sync_folder(folder)
        write_json(
            out / MANIFEST,
            {
                **step.describe(),
                "identity": step.identity,
                "names": list(step.names),
                "files": files,
                "made": made,
            },
        )
        sync_folder(out)
        if not self.has(step.identity):
            target = self.folder(step.identity)
            if target.exists():
                # Somebody removed a part of it, the manifest too: it is no step, and would stay in the way for ever.
                shutil.rmtree(target)
            out.rename(target)
            sync_folder(self.steps)
        shutil.rmtree(self.work / step.identity, ignore_errors=True)

    def verify(self, step_ids: Iterator[str] | list[str], *, trust_times: bool = True) -> None:
        """Rehash the results of finished steps whose files changed in size or time since they were last rehashed.

        Raises LeavenError naming the step, the file and what to do when a file is not what its manifest says.
        """
        record_path = self.root / "verified.json"
        try:
            record = read_json(record_path)
        except (OSError, ValueError):
            record = {}
        if not isinstance(record, dict):
            record = {}
        fresh = dict(record) if trust_times else {}
        for step_id in step_ids:
            files = self.manifest(step_id)["files"]
            signature = self._signature(step_id, files)
            if fresh.get(step_id) == signature:
                continue
            for name, expected in files.items():
                path = self.folder(step_id) / name
                try:
                    found = sha256_file(path)
                except OSError as error:
                    raise self._damaged(step_id, f"{name} cannot be read: {error.strerror}") from None
                if found != expected["sha256"]:
                    raise self._damaged(
                        step_id,
                        f"{name} was changed after it was written "
                        f"(sha256 {found[:12]}…, expected {expected['sha256'][:12]}…)",
                    )
            fresh[step_id] = signature
        if fresh != record:
            # Results may be read from a store that cannot be written: they are then rehashed every time.
            with contextlib.suppress(OSError):
                write_json(record_path, fresh)

    def _signature(self, step_id: str, files: dict[str, Any]) -> str:
        parts = []
        for name in sorted([*files, MANIFEST]):
            try:
                stat = (self.folder(step_id) / name).stat()
            except OSError:
                raise self._damaged(step_id, f"{name} is missing") from None
            parts.append((name, stat.st_size, stat.st_mtime_ns, stat.st_ino))
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def move_aside(self, step_id: str) -> Path:
        """Move the folder of a step to `work/damaged`, whole; where it is now. Raises LeavenError."""
        home, folder, number = self.work / DAMAGED, self.steps / step_id, 1
        while (target := home / f"{step_id}.{number}").exists():
            number += 1
        try:
            home.mkdir(parents=True, exist_ok=True)
            folder.rename(target)
            sync_folder(self.steps)
        except OSError as error:
            raise LeavenError(f"cannot move {folder} to {target}: {error.strerror}") from None
        return target

    def _damaged(self, step_id: str, what: str) -> Damaged:
        return Damaged(
            f"step {step_id[:12]} in the store is damaged: {what}",
            where=str(self.folder(step_id)),
            fix="Put the file back, or remove the whole folder and run again: only this step is computed anew.",
        )
