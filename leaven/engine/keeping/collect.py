"""What may go from a store: steps that no kept study needs, and what killed runs left.

Kept are the steps of every record, everything they were made from as their manifests tell, and what is being worked on.
Whatever makes that unknown stops the whole: a record that cannot be read, work on a step of nobody's, a study whose
folder lies in RUNS but which no record keeps.
Invariants: what is planned is looked at again with the store locked, and only what both looks found goes; a step goes
before its inputs, at once (renamed aside), so that a collection that is killed leaves a store that is whole.
"""

from __future__ import annotations

import calendar
import csv
import json
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from leaven.engine.keeping import shelf
from leaven.engine.keeping.records import CORPORA, Record, chosen
from leaven.engine.keeping.usage import contents
from leaven.engine.store import DAMAGED, Store
from leaven.ground.errors import BadInput, LeavenError

PAID = "judge"
"""Folder of the cache that is never removed: replies of endpoints, which cost money and cannot be had again."""
DAY = 86_400
"""Seconds after which what a killed process was making is taken for left over: nothing takes so long to be made."""
_LOG = re.compile(r"([0-9a-f]{32})(?:\.\d+)?\.log")
"""A step's log, or that of another process of the machines that it ran on."""


@dataclass(frozen=True)
class Rule:
    """What besides steps of nobody's may go.

    Attributes:
        forget: studies (or STUDY@SET) that are kept no longer.
        newest: of each study only so many sets are kept; None keeps all.
        older_than: seconds since it was finished or last written that anything must be old to go.
        cache: compiled programs and hashes of raw files, too.
    """

    forget: tuple[str, ...] = ()
    newest: int | None = None
    older_than: float = 0.0
    cache: bool = False


@dataclass(frozen=True)
class Leaving:
    """One thing that may go: a `step`, a `log`, unfinished `work`, `damaged` results, `cache`, folders of
    `slurm` jobs, or `rest`: what killed processes left."""

    what: str
    path: Path
    bytes: int
    kind: str = ""
    name: str = ""


@dataclass(frozen=True)
class Collection:
    """What may go, in the order in which it goes; `forgotten` records go first. `kept`: steps that stay."""

    leaving: tuple[Leaving, ...]
    forgotten: tuple[Record, ...]
    kept: int

    @property
    def bytes(self) -> int:
        return sum(each.bytes for each in self.leaving)


def plan(store: Store, runs: Path, rule: Rule, now: float | None = None) -> Collection:
    """What may go. Nothing is changed.

    Args:
        runs: the folder that studies have their folders in.
        now: seconds since the epoch that ages are counted to.

    Raises:
        BadInput: what is kept is not known.
    """
    now = time.time() if now is None else now
    found = contents(store)
    steps = found.steps
    forgotten = _forgotten(found.records, runs, rule)
    gone = {record.label for record in forgotten}
    kept: set[str] = set().union(*(needed for label, needed in found.needed.items() if label not in gone))
    _every_study_is_known(found.records, runs, rule.forget, {*steps, *found.damaged} - kept)
    _nothing_unknown_goes_on(store, kept)
    young = [step_id for step_id, step in steps.items() if now - _seconds(step.finished, now) < rule.older_than]
    kept |= shelf.closure(young, steps)

    def old(path: Path) -> bool:
        return not rule.older_than or now - _last_written(path, now) >= rule.older_than

    unused = [step_id for step_id in steps if step_id not in kept]
    leaving = [
        Leaving("step", store.steps / step_id, steps[step_id].bytes, steps[step_id].kind, steps[step_id].names[0])
        for step_id in reversed(shelf.inputs_first(unused, steps))
    ]
    for step_id in found.damaged:
        path = store.steps / step_id
        if step_id not in kept and old(path):
            leaving.append(Leaving(DAMAGED, path, shelf.bytes_below(path)))
    going = {each.path.name for each in leaving}
    stays = kept | ({*steps, *found.damaged} - going)
    for name, size in shelf.entries(store, "work").items():
        path = store.work / name
        # A step that is finished and not worked on has no use for what it was made with.
        useless = shelf.IDENTITY.fullmatch(name) and (name not in kept or name in steps)
        if useless and not shelf.being_worked_on(store, name) and old(path):
            leaving.append(Leaving("work", path, size))
    for path in _below(store.work / DAMAGED):
        if old(path):
            leaving.append(Leaving(DAMAGED, path, shelf.bytes_below(path)))
    leaving += [
        Leaving(DAMAGED, store.root / DAMAGED / name, size)
        for name, size in shelf.damaged_there(store, now, rule.older_than).items()
    ]
    for name, size in shelf.entries(store, "logs").items():
        path = store.logs / name
        of = _LOG.fullmatch(name)
        if of and of[1] not in stays and (of[1] in going or old(path)):
            leaving.append(Leaving("log", path, size))
    leaving += [Leaving("rest", path, shelf.bytes_below(path)) for path in _below(store.root / shelf.ASIDE)]
    leaving += _left_over(store, {*steps, *found.damaged}, now, max(rule.older_than, DAY))
    if rule.cache:
        leaving += [
            Leaving("cache", path, shelf.bytes_below(path)) for path in _below(store.cache) if path.name != PAID
        ]
        leaving += [Leaving("cache", path, shelf.bytes_below(path)) for path in _below(store.root / "there")]
    return Collection(tuple(leaving), tuple(forgotten), sum(step_id in kept for step_id in steps))


def collect(store: Store, runs: Path, rule: Rule, shown: Collection) -> Collection:
    """Remove what may go and was `shown` to whoever asked; what went.

    Raises:
        BadInput: a run is using the store, on this machine or, behind a URL, on another; what is kept is not known.
        LeavenError: something cannot be removed; what went before it is gone.
    """
    seen = {each.path for each in shown.leaving}
    with store.lock(removing=True), shelf.alone(store):
        known = shelf.record_names(store)
        again = plan(store, runs, rule)
        if shelf.record_names(store) != known:
            raise BadInput(
                "what is kept has changed meanwhile",
                where=str(store.root),
                fix="Another machine has begun something. Look again. Nothing was removed.",
            )
        for record in again.forgotten:
            shelf.drop_record(store, record.file)
        went = tuple(each for each in again.leaving if each.path in seen)
        for each in went:
            try:
                shelf.remove(store, each.path)
            except OSError as error:
                raise LeavenError(
                    f"cannot remove {each.path}: {error.strerror}\n"
                    "  What was removed before it is gone; run again for the rest."
                ) from None
    return Collection(went, again.forgotten, again.kept)


def _left_over(store: Store, there: set[str], now: float, age: float) -> list[Leaving]:
    """What killed processes left that no other rule sees: half-fetched and half-sent steps, half-unpacked archives,
    single files of steps that are gone, and folders of jobs that have ended."""

    def dead(path: Path) -> bool:
        return now - _last_written(path, now) >= age

    paths = [path for path in _below(store.work) if path.name.startswith((".fetched.", ".back."))]
    paths += [path for path in _below(store.root / "importing") if path.name.startswith(".part-")]
    for depot in _below(store.root / "there"):
        if shelf.IDENTITY.fullmatch(depot.name) or depot.name in ("steps", "logs", "locks"):
            paths.append(depot)  # an earlier version did not tell depots apart
        paths += [path for path in _below(depot / "steps") if path.name not in there]
    found = [Leaving("rest", path, shelf.bytes_below(path)) for path in paths if dead(path)]
    found += [
        Leaving("rest", store.steps / step_id, size)
        for step_id, size in shelf.left_there(store, now, age).items()
        if step_id not in there
    ]
    jobs = [path for path in _below(store.root / "slurm") if path.name.startswith("leaven-")]
    found += [
        Leaving("slurm", path, shelf.bytes_below(path)) for path in jobs if dead(path) and not _has_jobs(store, path)
    ]
    return found


def _has_jobs(store: Store, folder: Path) -> bool:
    """Whether a step of an array is still being worked on, or whether that is unknown."""
    try:
        programs = json.loads((folder / "batch.json").read_bytes())["programs"]
        return any(shelf.being_worked_on(store, str(step)) for program in programs for step in program)
    except FileNotFoundError:
        return False  # it was never submitted
    except (OSError, ValueError, KeyError, TypeError):
        return True


def _forgotten(known: Sequence[Record], runs: Path, rule: Rule) -> list[Record]:
    found: dict[str, Record] = {}
    for word in rule.forget:
        if not (runs / word).is_dir() or any(record.name == word for record in known):
            found |= {record.label: record for record in chosen(known, word)}
    if rule.newest is not None:
        for name in {record.name for record in known}:
            mine = [record for record in known if record.name == name]
            found |= {record.label: record for record in mine[: max(0, len(mine) - rule.newest)]}
    return [record for record in known if record.label in found]


def _every_study_is_known(known: Sequence[Record], runs: Path, forget: Iterable[str], unkept: set[str]) -> None:
    """Raises BadInput for a study in RUNS that no record keeps although steps of nobody's may be its own.

    Studies run by a version that kept no records have none; their pages tell which stages are theirs.
    """
    names = {record.name for record in known} | {word.partition("@")[0] for word in forget}
    folders = [path for path in _below(runs) if (path / "study.yaml").is_file()]
    folders += [path for path in _below(runs / "corpora") if (path / "corpus.json").is_file()]
    unknown = []
    for folder in folders:
        name = folder.relative_to(runs).as_posix()
        if name not in names and (stages := _stages(folder)) is not None:
            if stages & unkept:
                unknown.append(name)
        elif name not in names and unkept:
            unknown.append(name)
    if unknown:
        own = unknown[0].removeprefix(CORPORA)
        again = f"leaven corpus build {own}" if own != unknown[0] else f"leaven run {own}"
        raise BadInput(
            f"which steps are needed is unknown: no record keeps {', '.join(unknown)}",
            where=str(runs),
            fix=f"Run it once more with its options, which computes nothing and keeps it ({again}); "
            f"or say that it may go: --forget {unknown[0]}. Nothing was removed.",
        )


def _stages(folder: Path) -> set[str] | None:
    """Identities of the stages on a study's page; None where there is no page to tell."""
    try:
        with (folder / "data" / "stages.csv").open(encoding="utf-8", newline="") as file:
            return {row["identity"] for row in csv.DictReader(file)}
    except (OSError, ValueError, KeyError, csv.Error):
        return None


def _nothing_unknown_goes_on(store: Store, kept: set[str]) -> None:
    for path in _below(store.work):
        mine = shelf.IDENTITY.fullmatch(path.name)
        if mine and path.name not in kept and shelf.being_worked_on(store, path.name):
            raise BadInput(
                f"step {path.name[:12]} is being worked on and no kept study needs it",
                where=str(path),
                fix="What it reads is unknown. Wait until it has ended, or cancel it. Nothing was removed.",
            )


def _below(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _seconds(finished: str, unknown: float) -> float:
    """Seconds since the epoch of a manifest's time."""
    try:
        return calendar.timegm(time.strptime(finished, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        return unknown


def _last_written(path: Path, unknown: float) -> float:
    """The latest time of a file, or of anything in a folder; of what lies only in a depot it is unknown."""
    try:
        times = [path.lstat().st_mtime]
        if path.is_dir() and not path.is_symlink():
            times += [inner.lstat().st_mtime for inner in path.rglob("*")]
    except FileNotFoundError:
        return unknown
    return max(times)
