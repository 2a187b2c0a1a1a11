"""A store with a depot behind it: what steps read and write lies here, what is finished lies there as well.

<root>/steps, work, logs, cache          this machine's copy, a store like any other
<root>/there/<depot>/steps/<identity>    manifests, and single files, of steps that only the depot holds
<root>/there/<depot>/logs/<identity>.log logs of steps that ran elsewhere
<root>/there/<depot>/locks/<identity>    so that one process of this machine fetches a step

<depot> is made from the URL: what one depot tells says nothing of another.

Invariants: a step is published when the depot has it; what is read of it here has the hashes of its manifest; the
depot's first result of a step stays. Two runs may use one depot at once: at worst a step is computed twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from leaven.engine.depot.address import Address
from leaven.engine.depot.index import Index
from leaven.engine.depot.keeper import Keeper
from leaven.engine.depot.lease import REMOVING, held
from leaven.engine.depot.loans import Loans
from leaven.engine.depot.patience import Patience, seconds_in
from leaven.engine.depot.remote import Remote
from leaven.engine.depot.saved import fetch_newest, log_name
from leaven.engine.depot.shelf import fetch, files_of, gone, name_of, send
from leaven.engine.store import DAMAGED, MANIFEST, Damaged, Store, TwoResults
from leaven.ground.errors import LeavenError
from leaven.ground.files import sha256_file, write_bytes
from leaven.study.step import Step

PACKAGES = {"s3": ("s3fs",), "s3a": ("s3fs",), "gs": ("gcsfs",), "gcs": ("gcsfs",)}
THERE = "there"
"""Folder below the root for what is known of depots."""
SYNC = "LEAVEN_SYNC"
SYNC_EVERY = 30.0
"""Seconds between two looks for what a running step has that the depot has not."""


def key_of(place: Address) -> str:
    """The name of a depot's folder here."""
    return hashlib.sha256(place.url.encode()).hexdigest()[:12]


class Mirror(Store):
    """A store whose copy of record is at an address.

    `sends`: whether a step that only this machine holds is sent as soon as it is asked for, so that every machine has
    it. Runs and steps do that; commands that only look change nothing there.
    """

    def __init__(self, root: Path, place: Address, patience: Patience | None = None, *, sends: bool = False) -> None:
        super().__init__(root)
        self.remote, self.sends = Remote(place, patience), sends
        self.index = Index(self.remote, self._keep_manifest)
        self.every = seconds_in(SYNC, SYNC_EVERY)
        self._here, self._told = Store(root), Store(root / THERE / key_of(place))
        self._loans = Loans(self.remote, self.work)
        self._keepers: dict[str, Keeper] = {}

    def prepare(self) -> None:
        """Make the folders here, and prove that both can be written. Raises BadInput, LeavenError."""
        super().prepare()
        self.remote.prove()
        self.sends = True
        self._told.root.mkdir(parents=True, exist_ok=True)

    @property
    def was_used(self) -> bool:
        """Whether this machine has used the depot before: then it may be empty, and is not mistyped."""
        return self._told.root.is_dir()

    @contextlib.contextmanager
    def lock(self, *, removing: bool = False) -> Iterator[None]:
        """As in any store, and other machines see it: who removes waits for runs elsewhere, and they for it."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from None
        with super().lock(), self.at_work(REMOVING if removing else "run"):
            yield

    def at_work(self, what: str) -> contextlib.AbstractContextManager[None]:
        """Have other machines see that the depot is used (`lease`)."""
        return held(self.remote, what)

    def packages(self) -> tuple[str, ...]:
        """What a process that uses the store imports; a nursery may do it once, before it forks."""
        return PACKAGES.get(self.remote.place.protocol, ())

    def where(self) -> dict[str, Any]:
        return {**super().where(), "url": self.remote.place.url}

    def has(self, step_id: str) -> bool:
        if not self._here.has(step_id):
            return self.index.has(step_id)
        if self.sends and not self.index.has(step_id):
            self._send(step_id)
        return True

    def arrived(self, step_id: str) -> bool:
        """One question: never a listing, which may be older than the step."""
        there = self.index.knows(step_id) or self.index.ask(step_id)
        if not self._here.has(step_id):
            return there
        if self.sends and not there:
            self._send(step_id)
        return True

    def folder(self, step_id: str) -> Path:
        """The folder of a step, fetched if only the depot has it. Raises Damaged, Gone."""
        if not self._here.has(step_id) and self.index.has(step_id):
            self._fetch(step_id)
        return self._here.folder(step_id)

    def file(self, step_id: str, name: str) -> Path:
        if self._here.has(step_id) or not self.index.has(step_id):
            return self._here.file(step_id, name)
        target = self._told.folder(step_id) / name
        if target.exists() and sha256_file(target) == self._row(step_id, name).get("sha256"):
            return target
        with self._fetching(step_id):
            self._ask_again(step_id)
            row = self._row(step_id, name)
            if not row:
                return target
            part = target.with_name(f".{target.name}.part")
            target.parent.mkdir(parents=True, exist_ok=True)
            self.remote.get(f"{name_of(step_id)}/{name}", part, row["sha256"])
            part.replace(target)
        return target

    def part(self, step_id: str, names: Sequence[str]) -> Path:
        if self._here.has(step_id) or not self.index.has(step_id):
            return self._here.folder(step_id)
        for name in names:
            self.file(step_id, name)
        return self._told.folder(step_id)

    def manifest(self, step_id: str) -> dict[str, Any]:
        if self._here.has(step_id):
            return self._here.manifest(step_id)
        if not self._told.has(step_id) and not self.index.ask(step_id):
            raise gone(step_id, self._url(step_id))
        try:
            return self._told.manifest(step_id)
        except Damaged:
            self._told.folder(step_id).joinpath(MANIFEST).unlink(missing_ok=True)
            raise Damaged(
                f"step {step_id[:12]} in the store is damaged: its manifest cannot be read or does not describe it",
                where=self._url(step_id),
                fix="Remove the whole folder there and run again: only this step is computed anew.",
            ) from None

    def manifests(self) -> Iterator[dict[str, Any]]:
        here, there = self.identities_here(), self.index.all()
        self.learn(step_id for step_id in there if step_id not in here)
        for step_id in sorted(here.union(there)):
            with contextlib.suppress(LeavenError):
                yield self.manifest(step_id)

    def learn(self, step_ids: Iterable[str]) -> None:
        """Have the manifests of these steps here, several fetched at once."""
        unknown = [each for each in step_ids if not self._here.has(each) and not self._told.has(each)]
        self.remote.each(self.index.ask, unknown)

    def manifest_there(self, step_id: str) -> dict[str, Any] | None:
        """The depot's manifest of a step as it is now; None where it has none. Raises Damaged."""
        if not self.index.ask(step_id):
            return None
        try:
            return self._told.manifest(step_id)
        except Damaged as error:
            self._told.folder(step_id).joinpath(MANIFEST).unlink(missing_ok=True)
            raise Damaged(error.what, where=self._url(step_id), fix=error.fix) from None

    def identities_here(self) -> set[str]:
        """The finished steps that this machine holds."""
        if not self.steps.is_dir():
            return set()
        return {folder.name for folder in self.steps.iterdir() if self._here.has(folder.name)}

    def begin(self, step_id: str) -> tuple[Path, Path]:
        """As in any store; the checkpoint that a machine elsewhere got furthest with is brought here."""
        out, state = super().begin(step_id)
        fetch_newest(self.remote, step_id, state)
        return out, state

    @contextlib.contextmanager
    def _kept(self, step_id: str) -> Iterator[None]:
        keeper = Keeper(self.remote, step_id, self.work / step_id / "state", self.log(step_id), self.every)
        self._keepers[step_id] = keeper
        keeper.start()
        try:
            yield
        finally:
            keeper.stop()
            del self._keepers[step_id]
            keeper.send()  # after publishing there is no state any more, and the log has its last line

    def keeping(self, step_id: str) -> contextlib.AbstractContextManager[None]:
        """Send checkpoints and the log every LEAVEN_SYNC seconds while the step executes, and when it ends."""
        return self._kept(step_id)

    def publish(self, step: Step, made: dict[str, Any]) -> None:
        """As in any store, then there; where that fails, the step is here and is sent by the next run."""
        if step.identity in self._keepers:
            self._keepers[step.identity].stop()  # it must not send checkpoints of a step that is finished
        self._here.publish(step, made)
        self._send(step.identity)
        self.remote.remove_all(f"work/{step.identity}")

    def verify(self, step_ids: Iterator[str] | list[str], *, trust_times: bool = True) -> None:
        """Rehash what lies here. What lies only there is rehashed when it is fetched, or now without `trust_times`."""
        ids = list(step_ids)
        self._here.verify([step_id for step_id in ids if self._here.has(step_id)], trust_times=trust_times)
        if not trust_times:
            for step_id in ids:
                self.folder(step_id)

    def lend(self, path: Path) -> None:
        self._loans.lend(path)

    def borrow(self, path: Path) -> None:
        self._loans.borrow(path)

    def log_of(self, step_id: str) -> Path:
        """A step's log: this machine's, or that of the depot where it says more."""
        ours, theirs = self.log(step_id), self._told.log(step_id)
        try:
            data = self.remote.read(log_name(step_id))
        except FileNotFoundError:
            return ours
        if ours.exists() and ours.stat().st_size >= len(data):
            return ours
        theirs.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(theirs, data)
        return theirs

    def remove_there(self, step_id: str) -> None:
        """Remove a step from the depot, its manifest first, so that nobody sees a part of it."""
        self.remote.remove(f"{name_of(step_id)}/{MANIFEST}")
        self.remote.remove_all(name_of(step_id))
        self._forget(step_id)

    def set_aside_there(self, step_id: str) -> str:
        """Move a step to `damaged` in the depot, its manifest first; the URL of where it is now."""
        there, number = {name.partition("/")[0] for name in self.remote.files(DAMAGED)}, 1
        while f"{step_id}.{number}" in there:
            number += 1
        target = f"{DAMAGED}/{step_id}.{number}"
        names = self.remote.files(name_of(step_id))
        for name in sorted(names, key=lambda name: name != MANIFEST):
            self.remote.move(f"{name_of(step_id)}/{name}", f"{target}/{name}")
        self.remote.remove_all(name_of(step_id))  # empty folders
        self._forget(step_id)
        return f"{self.remote.place.url}/{target}"

    def _forget(self, step_id: str) -> None:
        self.index.forget(step_id)
        shutil.rmtree(self._told.folder(step_id), ignore_errors=True)

    def _send(self, step_id: str) -> None:
        """Send a step that is here. Where the depot has another result, this one is no step any more: what is read of
        it next is the depot's, which was first."""
        self.work.mkdir(parents=True, exist_ok=True)
        try:
            send(self.remote, step_id, self._here.folder(step_id), self.work)
        except TwoResults as error:
            aside = self._here.move_aside(step_id)
            raise TwoResults(f"{error}\n  The result of this machine is now in {aside}.") from None
        self.index.add(step_id)

    def _ask_again(self, step_id: str) -> None:
        """The manifest kept here may be that of a step since removed, or computed anew. Raises Gone."""
        if not self.index.ask(step_id):
            self._forget(step_id)
            raise gone(step_id, self._url(step_id))

    def _fetch(self, step_id: str) -> None:
        with self._fetching(step_id):
            if self._here.has(step_id):
                return  # another process has fetched it meanwhile
            self._ask_again(step_id)
            self.manifest(step_id)
            self.work.mkdir(parents=True, exist_ok=True)
            told = self._told.folder(step_id) / MANIFEST
            fetch(self.remote, step_id, told.read_bytes(), self._here.folder(step_id), self.work)

    def _row(self, step_id: str, name: str) -> dict[str, Any]:
        """What the manifest says of a file; nothing where it names no such file."""
        return files_of(self.manifest(step_id), self._url(step_id)).get(name, {})

    def _keep_manifest(self, step_id: str, data: bytes) -> None:
        folder = self._told.folder(step_id)
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / MANIFEST, data)

    @contextlib.contextmanager
    def _fetching(self, step_id: str) -> Iterator[None]:
        folder = self._told.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / step_id).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _url(self, step_id: str) -> str:
        return f"{self.remote.place.url}/{name_of(step_id)}"
