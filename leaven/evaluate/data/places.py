"""Where a task's documents come from: folders of files, mapping files, copies of hub data sets, and the hub itself.

A place is a folder, a mapping file (`.yaml`), or the word `hub`. A folder that holds `data.yaml` is read by it, any
other by the built-in mapping of public files; both for copies of hub data sets as well. Nothing is fetched unless `hub`
is among the places.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from leaven.evaluate.data import local
from leaven.evaluate.data.card import CARD, Card, NotHere, files_of, read_card
from leaven.evaluate.data.download import Remote, remote, told_offline
from leaven.evaluate.data.fit import Wishes
from leaven.evaluate.data.known import known
from leaven.evaluate.data.snapshot import snapshot_in
from leaven.evaluate.data.source import VERSION, Reading, Source
from leaven.evaluate.data.wanted import Found, Missing, Wanted
from leaven.ground.canonical import identity
from leaven.ground.progress import Progress, silent

__all__ = ["HUB", "Found", "Missing", "Wanted", "find", "survey"]

HUB = "hub"
_FIX = "Fetch the data set again; or name one of its files in data.yaml."


@dataclass
class _Looked:
    """Why what was found is not it, and what to do about the last of these."""

    reasons: list[str] = field(default_factory=list)
    fix: str = ""


def find(wanted: Wanted, places: Sequence[str], progress: Progress = silent) -> Found | Missing:
    """The documents of a task, from the first place that has them.

    Raises:
        BadInput: a place does not exist, or a file that stands for the task is malformed.
        LeavenError: `hub` is among the places and cannot be reached.
    """
    looked = _Looked()
    for one in _sources(wanted, places, looked):
        source = _fetched(wanted, one, progress) if isinstance(one, Remote) else one
        found = source.read()
        if isinstance(found, Found):
            return found
        looked.reasons.append(found)
    return _missing(wanted, places, looked)


def survey(wanted: Wanted, places: Sequence[str]) -> str | None:
    """The identity of what `find` gives, without reading a row; None where nothing is there.

    Of local files the bytes are hashed. On the hub only the commit, the list of files and the card are asked for. What
    `find` refuses for its rows has an identity all the same. Raises as `find` does, but for rows.
    """
    one = next(_sources(wanted, places, _Looked()), None)
    return None if one is None else identity([VERSION, one.fingerprint(), wanted.config, wanted.split])


def _sources(wanted: Wanted, places: Sequence[str], looked: _Looked) -> Iterator[Source | Remote]:
    """What could stand for the task, in the order of the places."""
    for place in places:
        try:
            if place != HUB:
                yield from local.sources(wanted, place, looked.reasons)
                if wanted.dataset and (copied := _copied(wanted, wanted.dataset, Path(place).expanduser())):
                    yield copied
            elif wanted.dataset:
                yield remote(wanted.dataset, wanted.config, wanted.split)
        except NotHere as error:
            looked.reasons.append(error.reason)
            looked.fix = error.fix


def _copied(wanted: Wanted, dataset: str, place: Path) -> Source | None:
    """The split in a folder's copy of the data set. Raises NotHere where the copy has it not."""
    root = place if place.is_dir() else place.parent
    copy = snapshot_in(root, dataset)
    if copy is None:
        return None
    paths = copy.paths()
    shown = copy.root.as_posix()
    card = Card()
    if CARD in paths:
        card = read_card((copy.root / CARD).read_text(encoding="utf-8", errors="replace"), f"{shown}/{CARD}")
    taken = files_of(paths, card, dataset, wanted.config, wanted.split)
    return _of_hub(wanted, [(copy.root / path, f"{shown}/{path}") for path in taken], card, copy.revision)


def _fetched(wanted: Wanted, found: Remote, progress: Progress) -> Source:
    paths = found.fetch(progress)
    shown = [f"{found.dataset}/{entry.path}" for entry in found.entries]
    return _of_hub(wanted, list(zip(paths, shown, strict=True)), found.card, found.commit)


def _of_hub(wanted: Wanted, files: list[tuple[Path, str]], card: Card, revision: str | None) -> Source:
    """Files of a data set in the hub's own form."""
    benchmark = known(wanted.task, wanted.dataset, wanted.config)
    origin = {
        "dataset": wanted.dataset,
        "config": wanted.config,
        "split": wanted.split,
        "revision": revision,
        "licence": card.licence,
        "source": f"the hub's {wanted.dataset}",
    }
    wishes = Wishes(wanted.split, benchmark.form if benchmark else "", kept=True, fix=_FIX)
    layouts = benchmark.layouts if benchmark else ("rows",)
    return Source(tuple(files), tuple(Reading(layout, wishes, origin) for layout in layouts), card=card)


def _missing(wanted: Wanted, places: Sequence[str], looked: _Looked) -> Missing:
    folders = sum(place != HUB and local.mapping_of(place) is None for place in places)
    copies = sum(place != HUB for place in places) - folders
    benchmark = known(wanted.task, wanted.dataset, wanted.config)
    parts = []
    if folders:
        names = local.public_names(wanted)
        copy = f"no copy of {wanted.dataset}" if wanted.dataset else ""
        what = " and ".join(part for part in (f"none of {', '.join(names)}" if names else "", copy) if part)
        parts.append(f"{what or 'no data.yaml'} in the {'place' if folders == 1 else f'{folders} places'} given")
    elif copies and wanted.dataset:
        parts.append(f"no copy of {wanted.dataset} beside {'the mapping' if copies == 1 else 'the mappings'}")
    if looked.reasons:
        parts.append("; ".join(dict.fromkeys(looked.reasons)))
    if HUB not in places:
        parts.append("the hub was not to be asked")
    elif not wanted.dataset:
        parts.append("the task names no data set of the hub")
    offline = told_offline() if HUB in places else None
    if offline and wanted.dataset:
        parts.append(f"the environment says offline ({offline})")
    ways = [looked.fix] if looked.fix else []
    ways.append(benchmark.get if benchmark else "Name its file in data.yaml in a folder given as data.")
    if HUB not in places and wanted.dataset and not (benchmark and benchmark.script):
        ways.append("Give hub as a place to have it downloaded from there.")
    if offline and wanted.dataset and not (benchmark and benchmark.script):
        ways.append(f"Unset {offline.partition('=')[0]} to have it downloaded.")
    return Missing(f"no {wanted.split} data for {wanted.task}: {'; '.join(parts)}.", " ".join(ways))
