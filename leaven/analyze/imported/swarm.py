"""Swarms in two files: a row of shares for each run in one, the run's metrics in the other, joined on the run.

RegMix (`train_mixture_1m.csv` with `train_pile_loss_1m.csv`, on `index`) and OLMix (`ratios.csv` with `metrics.csv`, on
`run`) come so. A file of shares is known by its rows, which add up to one. Runs with equal shares are the same mixture
in whatever file they are: that is what ranks are compared over from one size to another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from leaven.analyze.bootstrap import Floats
from leaven.analyze.imported import conventions
from leaven.analyze.imported.cells import is_numeric, names, numbers
from leaven.analyze.imported.mapping import Mapping
from leaven.analyze.imported.readings import WORDS, Readings
from leaven.analyze.imported.settle import match
from leaven.analyze.imported.sheet import Sheet, read
from leaven.ground.errors import BadInput

KEYS = ("run", "index", "run_id", "id")
OTHER_WORDS = ("name", "swarm", "group")
"""Columns that neither share nor metric are, in files of this kind."""
OFF = 0.03
"""How far rounded shares may add up to another number than one (RegMix rounds 17 shares to three digits)."""
SIZE = re.compile(r"(?:^|[_\-.])(\d+(?:\.\d+)?[kKmMbB])(?:[_\-.]|$)")
PREFIXES = ("train_the_pile_", "metric/the_pile_", "the_pile_")
OLMIX = re.compile(r"(?:dclm|stack-edu):")
"""Sources of OLMix: topics of DCLM and languages of Stack-Edu."""
CODE = re.compile(r"github|stack-?edu|starcoder|\bcode\b", re.IGNORECASE)


@dataclass(frozen=True)
class Pair:
    shares: Sheet
    metrics: Sheet
    key: str
    size: str


def pairs_of(sheets: Sequence[Sheet]) -> list[Pair]:
    """Files that belong together: the most alike names among those with the same key and size. [] without any."""
    keyed = {sheet.path: _key(sheet) for sheet in sheets}
    mixed = [sheet for sheet in sheets if keyed[sheet.path] and _adds_up(sheet, keyed[sheet.path])]
    others = [sheet for sheet in sheets if keyed[sheet.path] and sheet not in mixed]
    pairs = []
    for sheet in mixed:
        near = [
            other
            for other in others
            if keyed[other.path] == keyed[sheet.path]
            and _size(other) == _size(sheet)
            and other.path.parent == sheet.path.parent
        ]
        if near:
            chosen = max(near, key=lambda other: (len(_head(other, sheet)), other.name))
            others.remove(chosen)
            pairs.append(Pair(sheet, chosen, keyed[sheet.path], _size(sheet)))
    return pairs


def _key(sheet: Sheet) -> str:
    return next((name for name in KEYS if name in sheet.columns), "")


def _head(one: Sheet, other: Sheet) -> str:
    pairs = enumerate(zip(one.name, other.name, strict=False))
    return one.name[: next((place for place, (a, b) in pairs if a != b), min(len(one.name), len(other.name)))]


def _size(sheet: Sheet) -> str:
    found = SIZE.findall(sheet.path.stem)
    return found[-1] if found else ""


def _sources(sheet: Sheet, key: str) -> list[str]:
    return [
        name for name in sheet.columns if name != key and name not in OTHER_WORDS and not name.startswith("column ")
    ]


def _matrix(sheet: Sheet, columns: Sequence[str]) -> Floats:
    frame = read(sheet, columns)
    return np.column_stack([numbers(frame[name], name, sheet.row) for name in columns])


def _adds_up(sheet: Sheet, key: str) -> bool:
    """Whether the other columns are shares of one whole, row by row."""
    columns = _sources(sheet, key)
    frame = read(sheet, columns)
    if len(columns) < 2 or not all(is_numeric(frame[name]) for name in columns):
        return False
    values = np.nan_to_num(_matrix(sheet, columns))
    sums = values.sum(axis=1)
    return bool(values.size and values.min() >= 0 and np.abs(sums - 1).max() < OFF)


def mixtures(pair: Pair) -> dict[str, bytes]:
    """Run -> its shares, to be compared with another file's."""
    keys = names(read(pair.shares, [pair.key])[pair.key], pair.key, pair.shares.row)
    rows = np.round(_matrix(pair.shares, _sources(pair.shares, pair.key)), 9) + 0.0
    return {str(run): row.tobytes() for run, row in zip(keys, rows, strict=True)}


def gather(pair: Pair, mapping: Mapping, *, prefix: str) -> Readings:
    """The metrics of every run of a pair; its mixture's name as variant, made from the shares.

    Raises BadInput for a run that is twice in a file, or in one file only.
    """
    sheets = (pair.shares, pair.metrics)
    keys = [list(names(read(sheet, [pair.key])[pair.key], pair.key, sheet.row)) for sheet in sheets]
    for sheet, own in zip(sheets, keys, strict=True):
        if len(set(own)) < len(own):
            twice = next(name for name in own if own.count(name) > 1)
            raise BadInput(f'run "{twice}" is there twice', where=str(sheet.path), field=pair.key)
    lost = set(keys[0]) ^ set(keys[1])
    if lost:
        run = sorted(lost, key=conventions.natural)[0]
        raise BadInput(
            f'run "{run}" has no {"metrics" if run in keys[0] else "shares"}: {len(lost):,} runs are in one file only',
            where=f"{pair.shares.name} and {pair.metrics.name}",
            field=pair.key,
        )
    sources, wanted = _sources(pair.shares, pair.key), _metrics(pair.metrics, pair.key, mapping)
    shares = _matrix(pair.shares, sources)
    variants = [f"{prefix}{run}" for run in keys[0]]
    turn = {run: place for place, run in enumerate(keys[1])}
    order = [turn[run] for run in keys[0]]
    values = _matrix(pair.metrics, wanted)[order]
    frame = pd.DataFrame(
        {
            "variant": np.repeat(np.array(variants, dtype=object), len(wanted)),
            "size": pair.size,
            "point": "",
            "seed": "",
            "metric": np.tile(np.array([short(name) for name in wanted], dtype=object), len(variants)),
            "item": "",
            "group": "",
            "value": values.ravel(),
            "se": np.nan,
            "n": np.nan,
            "weight": np.nan,
        }
    )
    finite = np.isfinite(frame["value"].to_numpy())
    notes = () if finite.all() else (f"{pair.metrics.name}: {int((~finite).sum()):,} cells hold no number",)
    frame = frame[finite].astype(dict.fromkeys(WORDS, "category"))
    told = (
        f"{pair.shares.name} holds each run's shares of {len(sources)} sources, {pair.metrics.name} its "
        f"{len(wanted)} metrics; joined on {pair.key}, {len(variants):,} runs"
        + (f" at size {pair.size}" if pair.size else ""),
    )
    return Readings(frame, _named(sources, shares, variants, mapping), told, notes, _lower(pair, wanted))


def short(name: str) -> str:
    """`metric/the_pile_github_val_loss` as `github_val_loss`."""
    return next((name.removeprefix(prefix) for prefix in PREFIXES if name.startswith(prefix)), name)


def _metrics(sheet: Sheet, key: str, mapping: Mapping) -> list[str]:
    frame = read(sheet, _sources(sheet, key))
    known = [name for name in frame.columns if is_numeric(frame[name])]
    if not mapping.metrics:
        return known
    wanted = [pattern for name, metric in mapping.metrics.items() for pattern in ((metric and metric.of) or (name,))]
    shown = [short(name) for name in known]
    found = {each for pattern in wanted for each in match(pattern, shown)}
    return [name for name in known if short(name) in found]


def _lower(pair: Pair, wanted: Sequence[str]) -> dict[str, str]:
    """OLMix' metrics are bits per byte of answers, and most names do not say so (METHODS §8). Its tables are known by
    the sources in them; a name that tells a direction is believed in any table."""
    if pair.key != "run" or not any(OLMIX.match(name) for name in pair.shares.columns):
        return {}
    return {short(name): "lower" for name in wanted if not conventions.direction(name)}


def _named(
    sources: Sequence[str], shares: Floats, variants: Sequence[str], mapping: Mapping
) -> dict[str, dict[str, float]]:
    """Shares of the sources asked for: those of the mapping, else all code together, else each."""
    groups: dict[str, list[int]] = {}
    if mapping.shares:
        for source, patterns in mapping.shares.items():
            found = [name for pattern in patterns for name in match(pattern, [*sources, *map(short, sources)])]
            if not found:
                raise BadInput(f'no column is "{patterns[0]}"', field=f"shares.{source}")
            groups[source] = [place for place, name in enumerate(sources) if name in found or short(name) in found]
    else:
        code = [place for place, name in enumerate(sources) if CODE.search(name)]
        groups = {"code": code} if code else {short(name): [place] for place, name in enumerate(sources)}
    return {
        variant: {source: float(shares[row, places].sum()) for source, places in groups.items()}
        for row, variant in enumerate(variants)
    }


def told_of_code(pair: Pair, mapping: Mapping) -> list[str]:
    """Which columns were taken as code."""
    if mapping.shares:
        return []
    found = [short(name) for name in _sources(pair.shares, pair.key) if CODE.search(name)]
    more = f" and {len(found) - 4} more" if len(found) > 4 else ""
    return [f"code is {', '.join(found[:4])}{more}, by name"] if found else []
