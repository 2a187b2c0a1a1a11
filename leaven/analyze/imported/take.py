"""What was given, a file, several or a folder, as readings; and where every number came from.

The kind of a file is told by what is in it: single results of lm-eval, runs and their mixtures in two files,
DataDecide's table, or any other table, read by its mapping and the names of its columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from leaven.analyze.imported import datadecide, harness, swarm
from leaven.analyze.imported.harness_files import results_in
from leaven.analyze.imported.mapping import Mapping
from leaven.analyze.imported.readings import Readings, gather, together
from leaven.analyze.imported.settle import settle
from leaven.analyze.imported.sheet import ENDINGS, Sheet, open_sheet, read
from leaven.ground.errors import BadInput


@dataclass(frozen=True)
class Taken:
    """`mapping`: the one given, with what a known kind of table adds to it; `files`: name -> sha256, bytes, rows."""

    readings: Readings
    mapping: Mapping
    files: dict[str, dict[str, Any]]


def take(paths: Sequence[Path], mapping: Mapping) -> Taken:
    """Raises BadInput for what is missing, cannot be read or does not fit together."""
    if not paths:
        raise BadInput("no file was given", field="--from")
    results, sheets = [], []
    for path in paths:
        if not path.exists():
            raise BadInput("there is no such file or folder", where=str(path))
        found = results_in(path)
        results += found
        if not found:
            sheets += _tables(path)
    if results and sheets:
        raise BadInput(
            f"{sheets[0].name} is a table and {results[0].name} a result of lm-eval: give one kind at a time"
        )
    if results:
        readings, files = harness.gather(results, mapping)
        return Taken(readings, mapping, files)
    files = {}
    for sheet in sheets:
        first = read(sheet, sheet.columns[:1])
        files[_unique(sheet, sheets)] = sheet.provenance(len(first))
    pairs = swarm.pairs_of(sheets)
    if pairs:
        return Taken(_swarm(pairs, sheets, mapping), mapping, files)
    if any(datadecide.is_one(sheet) for sheet in sheets):
        sheets, mapping = [datadecide.opened(sheet, mapping) for sheet in sheets], datadecide.completed(sheets, mapping)
    parts = []
    for sheet in sheets:
        roles = settle(sheet, mapping)
        with telling(roles.told):
            parts.append(gather(sheet, roles, mapping))
    with telling(list(dict.fromkeys(said for part in parts for said in part.told))):
        return Taken(together(parts), mapping, files)


@contextmanager
def telling(told: Sequence[str]) -> Iterator[None]:
    """Mistakes say what was taken as what, for a wrong guess may be what caused them."""
    try:
        yield
    except BadInput as error:
        said = "\n  ".join([error.fix] * bool(error.fix) + [f"taken: {each}" for each in told])
        raise BadInput(error.what, where=error.where, field=error.field, fix=said) from None


def _tables(path: Path) -> list[Sheet]:
    if not path.is_dir():
        return [open_sheet(path)]
    found = sorted(each for each in path.iterdir() if each.suffix.lower() in ENDINGS and each.is_file())
    if not found:
        raise BadInput(
            "the folder holds neither results of lm-eval (results_*.json) nor tables",
            where=str(path),
            fix=f"Tables end in {', '.join(ENDINGS)}.",
        )
    return [open_sheet(each) for each in found]


def _unique(sheet: Sheet, sheets: Sequence[Sheet]) -> str:
    """The file's name, with its folder's where two files have the same."""
    same = sum(other.name == sheet.name for other in sheets) > 1
    return f"{sheet.path.parent.name}/{sheet.name}" if same else sheet.name


def _swarm(pairs: Sequence[swarm.Pair], sheets: Sequence[Sheet], mapping: Mapping) -> Readings:
    """All pairs of files. Files with the same mixtures under the same names are sizes or repeats of one swarm; runs of
    others have the same names by chance, and get their file's before them."""
    known: list[tuple[dict[str, bytes], str]] = []
    mixtures = [swarm.mixtures(pair) for pair in pairs]
    for pair, own in zip(pairs, mixtures, strict=True):
        if all(own != other for other, _ in known):
            known.append((own, f"{pair.shares.path.stem}:"))
    prefixes = [next(prefix for other, prefix in known if other == own) if len(known) > 1 else "" for own in mixtures]
    readings = together([swarm.gather(pair, mapping, prefix=p) for pair, p in zip(pairs, prefixes, strict=True)])
    used = {sheet.path for pair in pairs for sheet in (pair.shares, pair.metrics)}
    left = [sheet.name for sheet in sheets if sheet.path not in used]
    told = [*readings.told, *swarm.told_of_code(pairs[0], mapping)]
    return replace(readings, told=(*told, *([f"not used: {', '.join(left)}"] if left else [])))
