"""Reading what a study wrote about itself, again and again, each time only what is new.

Looking changes nothing: no file is written, and the store's lock is only tried for an instant (`Store.holder`): that
of the store which the run told of, whichever one is looked into.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leaven.engine.metrics import events
from leaven.engine.store import Store
from leaven.engine.stores import place
from leaven.engine.watching import outline as outlines
from leaven.engine.watching.heard import Heard
from leaven.engine.watching.outline import Outline
from leaven.engine.watching.view import View, view
from leaven.ground.errors import BadInput, LeavenError, did_you_mean
from leaven.ground.files import read_json

LOOK_EVERY = 5.0
"""Seconds after which the store is asked again what is done, even where the run told of nothing new."""


class Follower:
    """Of one study's folder. `options`: what a command needs besides the study's name to find it and its store."""

    def __init__(self, folder: Path, store: Store, options: Sequence[str] = ()) -> None:
        self.folder, self.store, self.options = folder, store, tuple(options)
        self.heard, self.offset = Heard(), 0
        self.outline, self.written, self.recorded = Outline(), -1, False
        self.done: set[str] = set()
        self.asked, self.count = 0.0, -1

    def look(self) -> View:
        """The study as it is now."""
        self._read_outline()
        self._read_events()
        status, age = self._status()
        lock = next((root for root in (self.outline.root, self.store.root) if root and _has_lock(root)), None)
        holder = Store(lock).holder() if lock else None
        if holder is not None and holder == self.heard.process != status.get("process"):
            status, age = {"process": holder}, 0.0  # that of an earlier run; this one has not written any yet
        finished = status.get("finished")
        count = finished if isinstance(finished, int) else -1
        now = time.monotonic()
        if count != self.count or now - self.asked >= LOOK_EVERY:
            self.asked, self.count = now, count
            self._ask()
        self.done |= {step_id for step_id, told in self.heard.steps.items() if told.finished}
        return view(
            self.folder.name,
            self.outline,
            status,
            self.heard,
            done=self.done,
            alive=_alive(status, holder) if lock or status.get("ended") else None,
            age=age,
            now=time.time(),
            options=self.options,
        )

    def _read_outline(self) -> None:
        try:
            written = (self.folder / outlines.FILE).stat().st_mtime_ns
        except OSError:
            if not self.recorded and self.written == -1:
                self.recorded = True  # asked once: it may be far away
                with contextlib.suppress(LeavenError):
                    self.outline = outlines.of_record(self.store, self.folder.name)
            return
        if written != self.written and (found := outlines.read(self.folder)) is not None:
            self.outline, self.written = found, written
            self.done, self.asked = set(), 0.0

    def _read_events(self) -> None:
        path = self.folder / events.NAME
        try:
            if path.stat().st_size < self.offset:  # another file took its place
                self.heard, self.offset = Heard(), 0
        except OSError:
            return
        rows, self.offset = events.read(path, self.offset)
        self.heard.hear(rows)

    def _status(self) -> tuple[dict[str, Any], float]:
        """What the run wrote last, and how many seconds ago."""
        path = self.folder / "status.json"
        try:
            data, written = read_json(path), path.stat().st_mtime
        except (OSError, ValueError):
            return {}, 0.0
        return (data if isinstance(data, dict) else {}), max(0.0, time.time() - written)

    def _ask(self) -> None:
        """Which steps the store holds; what it held once stays, as nothing is taken away while a study is in use. A
        store far away that does not answer is asked again later: the events tell most of it."""
        with contextlib.suppress(LeavenError):
            for step in self.outline.steps:
                if step.identity not in self.done and self.store.has(step.identity):
                    self.done.add(step.identity)


def _has_lock(root: Path) -> bool:
    """Whether a run has used the store there, and it can be seen from here."""
    return (root / "lock").exists()


def _alive(status: Mapping[str, Any], holder: int | None) -> bool:
    return holder is not None and holder == status.get("process") and not status.get("ended")


def kept_in(folder: Path | None, runs: Path, given: str | None) -> Store:
    """The store of a study: the one that is given, else that of its last run, else the one in the folder of runs."""
    known = outlines.read(folder) if folder and not given else None
    return place(given or (known.store if known else None), runs)


def options_of(folder: Path, runs: Path, given: str | None) -> list[str]:
    """What `leaven logs` needs besides the name of the study: `--runs DIR`, `--store DIR|URL`."""
    found = [] if runs == Path("runs") else ["--runs", str(runs)]
    if given and place(given, runs).where() != kept_in(folder, runs, None).where():
        found += ["--store", given]
    return found


def ran(runs: Path) -> list[Path]:
    """Folders of the studies that were run here, the one that was heard of last first."""
    try:
        folders = [folder for folder in runs.iterdir() if (folder / "study.yaml").is_file()]
    except OSError:
        return []
    return sorted(folders, key=lambda folder: (-_heard_of(folder), folder.name))


def _heard_of(folder: Path) -> float:
    times = [0.0]
    for name in ("status.json", events.NAME, outlines.FILE, "study.yaml"):
        path = folder / name
        if path.exists():
            times.append(path.stat().st_mtime)
    return max(times)


def folder_of(word: str, runs: Path) -> Path:
    """The folder of a study that is named as anywhere else: a study file, a built-in study, or its folder in `runs`.

    Raises BadInput where it is none of these.
    """
    from leaven.study.load import built_in, load

    if word not in ("", ".", "..") and "/" not in word and (runs / word).is_dir():
        return runs / word
    if word in built_in() or Path(word).suffix in (".yaml", ".yml"):
        return runs / load(word).study.study
    known = [folder.name for folder in ran(runs)]
    raise BadInput(
        f'no study "{word}" was run here{did_you_mean(word, known)}',
        where=str(runs),
        field="STUDY",
        fix="Give its name, its file, or the folder of its runs: --runs DIR.",
    )
