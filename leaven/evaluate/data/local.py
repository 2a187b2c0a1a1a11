"""Files of a folder that can stand for a task, by the folder's `data.yaml` or by the built-in mapping."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from leaven.evaluate.data.fit import Wishes
from leaven.evaluate.data.known import KNOWN, Known, known
from leaven.evaluate.data.layouts import LAYOUTS
from leaven.evaluate.data.mapping import Entry, built_in, read_mapping
from leaven.evaluate.data.source import Reading, Source
from leaven.evaluate.data.wanted import Wanted
from leaven.ground.errors import BadInput, did_you_mean
from leaven.ground.files import sha256_file

MAPPING = "data.yaml"
OWN = (".jsonl", ".json", ".parquet")
"""Endings of a file that bears the task's name and holds the template's own fields."""
_FIX = "Fetch the file again, or say in data.yaml what it is (layout, fields)."


def sources(wanted: Wanted, place: str, reasons: list[str]) -> Iterator[Source]:
    """The files of a folder or mapping file that could stand for a task, best first.

    Files of a name that more than one layout has come as one source. A reason is added of a file that holds another
    split only, and of a mapping that does not have the task.

    Raises BadInput where the place is none, the mapping is malformed or names what is not there, or a public file is
    there twice.
    """
    root = Path(place).expanduser()
    mapping = mapping_of(place)
    if mapping is not None:
        yield from _mapped(wanted, mapping, reasons)
    elif root.is_dir():
        yield from _public(wanted, root, reasons)
    else:
        raise BadInput(
            "this is neither a folder nor a mapping file" if root.exists() else "there is no such folder",
            where=place,
            field="data",
            fix="Give a folder with the benchmarks' files, a data.yaml that names them, or the word hub.",
        )


def mapping_of(place: str) -> Path | None:
    """The user's own mapping that says what a place holds: the file itself, or the folder's `data.yaml`."""
    root = Path(place).expanduser()
    if root.is_dir():
        return root / MAPPING if (root / MAPPING).is_file() else None
    return root if root.suffix in (".yaml", ".yml") and root.is_file() else None


def public_names(wanted: Wanted) -> list[str]:
    """The names under which `sources` looks for a task's files in a folder without a mapping."""
    entries = [entry for entry in _entries(wanted) if entry.split in (None, wanted.split)]
    return list(dict.fromkeys(name for entry in entries for name in entry.names))


def _mapped(wanted: Wanted, mapping: Path, reasons: list[str]) -> Iterator[Source]:
    """What the user's own mapping names. What it names must be there."""
    benchmark = known(wanted.task, wanted.dataset, wanted.config)
    entries = read_mapping(mapping, str(mapping))
    key = next((name for name in _keys(wanted, benchmark) if name in entries), None)
    if key is None:
        # no folder is named: reasons are kept with results, which hold no path
        reasons.append(f"{mapping.name} has no entry {wanted.task}{did_you_mean(wanted.task, entries)}")
        return
    for entry in entries[key]:
        if not _serves(entry, wanted, entry.names[0], reasons):
            continue
        here = [name for name in entry.names if (mapping.parent / name).is_file()]
        if not here:
            raise BadInput(
                f"there is no file {' or '.join(entry.names)} beside the mapping",
                where=entry.where,
                field=f"{key}.file",
                fix="Paths are relative to the folder of the mapping.",
            )
        layout = LAYOUTS[entry.layout]
        if layout.refused:
            raise BadInput(layout.refused, where=entry.where, field=f"{key}.layout")
        inside = PurePosixPath(here[0])
        shown = inside.name if inside.is_absolute() or ".." in inside.parts else here[0]
        path = mapping.parent / here[0]
        yield _source([entry], path, path.as_posix(), shown, wanted, benchmark)


def _keys(wanted: Wanted, benchmark: Known | None) -> list[str]:
    """The names that a mapping may have a task under, its own first; a name that is another benchmark's is none."""
    own = benchmark.task if benchmark else ""
    others = {one.task for one in KNOWN} - {own}
    return [wanted.task, *(name for name in wanted.also if name not in others), *([own] if own else [])]


def _published(entry: Entry, benchmark: Known | None, split: str) -> int | None:
    """How many rows the public file has that stands for the same as an entry that does not say it: the file of its
    layout, else any other that holds this split alone."""
    public = built_in().get(benchmark.task, ()) if benchmark else ()
    told = [(one.layout == entry.layout, one.split, one.published) for one in public if one.published is not None]
    same = [rows for like, part, rows in told if like and part in (None, split)]
    return max(same or [rows for _, part, rows in told if part == split], default=None)


def _public(wanted: Wanted, root: Path, reasons: list[str]) -> Iterator[Source]:
    """Known files in the folder, and one folder below."""
    benchmark = known(wanted.task, wanted.dataset, wanted.config)
    by_file: dict[tuple[str, tuple[str, ...]], list[Entry]] = {}
    of_others: set[str] = set()
    for entry in _entries(wanted):
        found = _found(root, entry.names)
        if found is None or (found in of_others and not entry.where):
            continue
        if _serves(entry, wanted, found, reasons):
            by_file.setdefault((found, entry.labels), []).append(entry)
        else:
            of_others.add(found)
    for (name, _), entries in by_file.items():
        shown = (Path(root) / name).as_posix()
        yield _source(entries, root / name, shown, name, wanted, benchmark)


def _entries(wanted: Wanted) -> list[Entry]:
    """The public files of a benchmark, and at last a file of its name in the template's own fields (without a place
    in a mapping)."""
    benchmark = known(wanted.task, wanted.dataset, wanted.config)
    if benchmark is None and any(one.task == wanted.task for one in KNOWN):
        return []  # other data under a known name: the known files would be the wrong ones
    name = benchmark.task if benchmark else wanted.task
    named = tuple(dict.fromkeys((wanted.task, name)))
    own = tuple(f"{one}{ending}" for one in named if re.fullmatch(r"\w[\w.-]*", one) for ending in OWN)
    layouts = benchmark.layouts if benchmark else ("rows",)
    note = f"the file does not say which split it is; it is taken for {wanted.split}"
    entries = list(built_in().get(name, ()))
    return entries + [Entry("", own, layout=layout, kept=True, notes=(note,)) for layout in layouts if own]


def _serves(entry: Entry, wanted: Wanted, name: str, reasons: list[str]) -> bool:
    if entry.split in (None, wanted.split):
        return True
    reasons.append(f"{name} is the split {entry.split}, not {wanted.split}")
    return False


def _found(root: Path, names: Sequence[str]) -> str | None:
    """The path, relative to `root`, of the first of the names that is there; BadInput where two differ."""
    for name in names:
        packed = (name, f"{name}.gz") if not name.endswith(".parquet") else (name,)
        direct = [one for one in packed if (root / one).is_file()]
        if direct:
            return direct[0]
        below = sorted(path.relative_to(root).as_posix() for one in packed for path in root.glob(f"*/{one}"))
        below = [path for path in below if not path.startswith(".") and (root / path).is_file()]
        if len(below) > 1 and len({sha256_file(root / path) for path in below}) > 1:
            raise BadInput(
                f"the file is there more than once, and not the same: {', '.join(below)}",
                where=str(root),
                fix="Leave one of them, or name the one that is meant in data.yaml.",
            )
        if below:
            return below[0]
    return None


def _source(
    entries: Sequence[Entry], path: Path, shown: str, name: str, wanted: Wanted, benchmark: Known | None
) -> Source:
    readings = []
    form = benchmark.form if benchmark else ""
    for entry in entries:
        told = entry.published is not None
        published = entry.published if told else _published(entry, benchmark, wanted.split)
        wishes = Wishes(wanted.split, form, entry.fields, published, entry.kept, told, _FIX)
        origin = {
            "file": name,
            "config": entry.config if entry.config is not None else wanted.config,
            "split": wanted.split,
            "revision": None,
            "licence": entry.licence,
            "source": entry.source,
        }
        readings.append(Reading(entry.layout, wishes, origin, entry.notes))
    return Source(((path, shown),), tuple(readings), _labels(entries[0], path, shown))


def _labels(entry: Entry, path: Path, shown: str) -> tuple[Path, str] | None:
    """The file of answers beside a file of questions. Raises BadInput where it is named and not there."""
    for name in entry.labels:
        if (path.parent / name).is_file():
            return path.parent / name, (PurePosixPath(shown).parent / name).as_posix()
    if entry.labels:
        raise BadInput(f"the answers ({' or '.join(entry.labels)}) are not beside it", where=shown, fix=_FIX)
    return None
