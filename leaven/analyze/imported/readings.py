"""Rows of all tables in one form: who (variant, size, seed), when (point), what (metric), and the number itself.

Invariants: every row has a finite value and a variant; no two rows say the same thing of the same run; a run that
disagrees with itself is an error, and whatever was dropped is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leaven.analyze.imported import conventions
from leaven.analyze.imported.cells import names, numbers
from leaven.analyze.imported.mapping import Mapping
from leaven.analyze.imported.settle import Roles
from leaven.analyze.imported.sheet import Sheet, read
from leaven.analyze.text import listing
from leaven.ground.errors import BadInput, did_you_mean

WORDS = ("variant", "size", "point", "seed", "metric", "item", "group")
NUMBERS = ("value", "se", "n", "weight")
KEYS = ["size", "point", "metric", "variant", "seed", "item"]
RUN = ["variant", "size", "seed"]
JOINT = " / "
WHOLE = re.compile(r"^\d+\.0+$")
MOST_METRICS = 2000
SAME = 1e-6
"""How far two files may round the same share apart."""


@dataclass(frozen=True)
class Readings:
    """Attributes: `rows`: the columns WORDS and NUMBERS, "" and NaN where a table has none; `shares`: variant -> source
    -> share of its data in 0…1; `told`: what was taken as what; `notes`: what a reader of the verdict must know;
    `better`: metric -> direction where the file itself states it."""

    rows: pd.DataFrame
    shares: dict[str, dict[str, float]] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    better: dict[str, str] = field(default_factory=dict)

    def names(self, column: str) -> list[str]:
        """Names that occur in a column, as people order them."""
        return sorted((str(name) for name in self.rows[column].unique()), key=conventions.natural)


def gather(sheet: Sheet, roles: Roles, mapping: Mapping) -> Readings:
    """All rows of one table that count."""
    if "variant" not in roles.columns:
        shown = ", ".join(sheet.columns[:12])
        raise BadInput(
            f"which column names the variant cannot be told (columns: {shown})",
            where=sheet.name,
            field="columns.variant",
            fix="Name it in a mapping file: columns: {variant: NAME}.",
        )
    for name in mapping.where:
        if name not in sheet.columns:
            raise BadInput(
                f'there is no column "{name}"{did_you_mean(name, sheet.columns[:30])}', where=sheet.name, field="where"
            )
    raw = read(sheet, list(dict.fromkeys([*roles.used, *mapping.where])))
    if not len(raw):
        raise BadInput("there are no rows", where=str(sheet.path))
    keep = np.ones(len(raw), dtype=bool)
    for name, values in mapping.where.items():
        keep &= _among(names(raw[name], name, sheet.row), values)
    places = np.flatnonzero(keep)
    raw = raw.iloc[places].reset_index(drop=True)
    if not len(raw):
        raise BadInput("no row has the values that `where` asks for", where=sheet.name, field="where")

    def where(row: int) -> str:
        return sheet.row(int(places[row]))

    base = {role: _joined(raw, roles.columns.get(role, ()), role, where) for role in ("variant", "seed")}
    base["seed"] = _whole(base["seed"])
    base |= {
        role: _joined(raw, roles.columns.get(role, ()), role, where) for role in ("size", "point", "item", "group")
    }
    empty = np.flatnonzero(np.asarray(base["variant"] == ""))
    if empty.size == len(raw):
        raise BadInput("no row names a variant", where=sheet.name, field=roles.columns["variant"][0])
    shares, told = _shares(raw, roles, base["variant"], where)
    parts = []
    for metric, value, others in _values(raw, roles, where):
        parts.append(
            pd.DataFrame({**base, "metric": metric, "value": value, **others, "place": np.arange(len(raw), dtype=int)})
        )
    rows = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    notes = []
    if empty.size:
        rows = rows[rows["variant"] != ""]
        said = "names no variant and is" if empty.size == 1 else "name no variant and are"
        notes.append(f"{_count(empty.size)} of {sheet.name} {said} left out ({where(int(empty[0]))})")
    rows, dropped = _finite(rows, roles, where)
    rows = _only(rows, mapping)
    rows, repeated = _once(rows, where)
    return Readings(rows.drop(columns="place"), shares, (*roles.told, *told), (*notes, *dropped, *repeated))


def together(parts: Sequence[Readings]) -> Readings:
    """Readings of several tables as one; a run may not be in two of them with different numbers."""
    if len(parts) == 1:
        return parts[0]
    frames = [part.rows.astype(dict.fromkeys(WORDS, "str")) for part in parts]
    rows = pd.concat(frames, ignore_index=True)
    rows["place"] = np.arange(len(rows))
    rows, repeated = _once(rows, lambda row: "two files")
    shares: dict[str, dict[str, float]] = {}
    better: dict[str, str] = {}
    for part in parts:
        for variant, own in part.shares.items():
            known = shares.setdefault(variant, {})
            for source, share in own.items():
                if abs(known.setdefault(source, share) - share) > SAME:
                    raise BadInput(
                        f"{variant} has a share of {source} of {known[source]:g} in one file and {share:g} in another",
                        field="shares",
                        fix="A variant has one. If these are different variants, give them different names.",
                    )
        better |= part.better
    told = list(dict.fromkeys(said for part in parts for said in part.told))
    notes = list(dict.fromkeys([said for part in parts for said in part.notes] + repeated))
    for column in WORDS:
        rows[column] = rows[column].astype("category")
    return Readings(rows.drop(columns="place"), shares, tuple(told), tuple(notes), better)


def noted(readings: Readings, rows: pd.DataFrame, notes: Sequence[str] = (), told: Sequence[str] = ()) -> Readings:
    """The same readings with fewer rows and more to say."""
    return replace(readings, rows=rows, notes=(*readings.notes, *notes), told=(*readings.told, *told))


def _count(rows: int) -> str:
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def _among(cells: pd.Categorical, wanted: Sequence[str]) -> NDArray[np.bool_]:
    """Which cells are one of the values, as text or as numbers: 1 is 1.0."""
    either = {*wanted, *(value for word in wanted if (value := _value(word)) is not None)}
    hits = [str(word) in either or _value(str(word)) in either for word in cells.categories]
    chosen: NDArray[np.bool_] = np.array([*hits, False])[cells.codes]
    return chosen


def _value(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def _joined(raw: pd.DataFrame, columns: Sequence[str], role: str, where: Any) -> pd.Categorical:
    """One column of names from none, one or several."""
    if not columns:
        return pd.Categorical.from_codes(np.zeros(len(raw), dtype=np.int64), categories=[""])
    found = [names(raw[name], name, where) for name in columns]
    if len(found) == 1:
        return found[0]
    return pd.Categorical([JOINT.join(cells) for cells in zip(*found, strict=True)])


def _whole(seeds: pd.Categorical) -> pd.Categorical:
    """Labels of seeds that are whole numbers without the point that some programs write: 1.0 is 1."""
    words = [word.partition(".")[0] if WHOLE.match(word) else word for word in map(str, seeds.categories)]
    turn = {word: place for place, word in enumerate(dict.fromkeys(words))}
    codes = np.array([turn[word] for word in words], dtype=np.int64)[seeds.codes]
    return pd.Categorical.from_codes(codes, categories=list(turn))


def _values(raw: pd.DataFrame, roles: Roles, where: Any) -> Iterator[tuple[Any, Any, dict[str, Any]]]:
    """Name, value and what goes with it: once of a long table, for each metric of a wide one."""
    missing = np.full(len(raw), np.nan)
    extra = {
        role: numbers(raw[roles.columns[role][0]], roles.columns[role][0], where) if role in roles.columns else missing
        for role in ("se", "n", "weight")
    }
    kinds = [role for role in ("task", "metric") if role in roles.columns]
    tasks = [names(raw[roles.columns[role][0]], role, where) for role in kinds]
    if roles.long:
        column = roles.columns["value"][0]
        named: Any = column
        if tasks:
            named = tasks[0] if len(tasks) == 1 else _pairs(tasks[0], tasks[1])
        yield named, numbers(raw[column], column, where), extra
        return
    for column in roles.metrics:
        se = {"se": numbers(raw[roles.errors[column]], roles.errors[column], where)} if column in roles.errors else {}
        named = _pairs(tasks[0], pd.Categorical([column] * len(raw))) if tasks else column
        yield named, numbers(raw[column], column, where), extra | se


def _pairs(tasks: pd.Categorical, metrics: pd.Categorical) -> pd.Categorical:
    """`task:metric`, made once for each pair that occurs."""
    wide = len(metrics.categories)
    pairs, codes = np.unique(tasks.codes.astype(np.int64) * wide + metrics.codes, return_inverse=True)
    if len(pairs) > MOST_METRICS:
        raise BadInput(f"more than {MOST_METRICS:,} pairs of task and metric", field="columns.task")
    labels = [f"{tasks.categories[pair // wide]}:{metrics.categories[pair % wide]}" for pair in pairs]
    return pd.Categorical.from_codes(codes.reshape(-1), categories=labels)


def _shares(
    raw: pd.DataFrame, roles: Roles, variant: pd.Categorical, where: Any
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Shares of each variant; they must be the same in all of its rows. Above 1 they are per cent, and it is told."""
    found: dict[str, dict[str, float]] = {}
    told: list[str] = []
    for source, columns in roles.shares.items():
        values = np.sum([numbers(raw[name], name, where) for name in columns], axis=0)
        known = np.isfinite(values)
        if not known.any():
            continue
        if (values[known] < 0).any() or (values[known] > 100).any():
            row = int(np.flatnonzero(known & ((values < 0) | (values > 100)))[0])
            raise BadInput(
                f"{values[row]:g} is no share: one lies between 0 and 1, or 0 and 100 %",
                where=where(row),
                field=columns[0],
                fix=_no_share(columns, source),
            )
        scale = 100.0 if (values[known] > 1 + 1e-6).any() else 1.0
        if scale > 1:
            told.append(f"shares of {source} are in %, as one is {values[known].max():g}")
        for name, group in pd.Series(values[known] / scale).groupby(np.asarray(variant, dtype=object)[known]):
            if group.max() - group.min() > 1e-9:
                raise BadInput(
                    f"{name} has shares of {source} from {group.min():g} to {group.max():g}; a variant has one",
                    where=where(int(np.flatnonzero(known)[group.index[0]])),
                    field=columns[0],
                    fix=_no_share(columns, source),
                )
            found.setdefault(str(name), {})[source] = float(group.iloc[0])
    return found, told


def _no_share(columns: Sequence[str], source: str) -> str:
    return (
        f"{listing(list(columns))} was taken as the share of {source} in the training data. If it is something else, "
        "rename it, or name the columns that are shares in a mapping file: shares: {SOURCE: COLUMN}."
    )


def _finite(rows: pd.DataFrame, roles: Roles, where: Any) -> tuple[pd.DataFrame, list[str]]:
    """Rows with a number. In a wide table single cells are usually empty, as not everything is measured at every step;
    a run without any number is named there too, and so is one where it says inf. What lacks a metric is told later."""
    value = rows["value"].to_numpy()
    wrong = np.isinf(value) if not roles.long else ~np.isfinite(value)
    notes = []
    if wrong.any():
        shown, place = _runs(rows[wrong], where)
        hold = "holds" if wrong.sum() == 1 else "hold"
        left = "is" if wrong.sum() == 1 else "are"
        notes.append(f"{_count(int(wrong.sum()))} {hold} no finite value and {left} left out: {shown} ({place})")
    kept = rows[np.isfinite(value)]
    if not roles.long:
        runs = pd.MultiIndex.from_frame(rows[RUN].astype(str))
        empty = ~runs.isin(pd.MultiIndex.from_frame(kept[RUN].drop_duplicates().astype(str)))
        if empty.any():
            shown, place = _runs(rows[empty], where)
            notes.append(f"no cell of these runs holds a finite value, so they are left out: {shown} ({place})")
    if not len(kept):
        raise BadInput("no row holds a number", field=roles.columns.get("value", ("",))[0])
    for name in ("se", "n", "weight"):
        bad = (kept[name] < 0) | np.isinf(kept[name])
        if bad.any():
            raise BadInput(
                f"{name} is negative or infinite", where=where(int(kept["place"][bad].iloc[0])), field=f"columns.{name}"
            )
    return kept, notes


def _runs(rows: pd.DataFrame, where: Any) -> tuple[str, str]:
    """The first runs of some rows by name, and where the first row stands."""
    runs = rows.drop_duplicates(RUN)
    named = [_run(row) for row in runs.head(3).itertuples()]
    shown = listing(named) if len(runs) <= len(named) else f"{', '.join(named)} and {len(runs) - len(named)} more"
    return shown, where(int(rows["place"].iloc[0]))


def _run(row: Any) -> str:
    size = f" at {row.size}" if isinstance(row.size, str) and row.size else ""
    return f"{row.variant}{size}{f' seed {row.seed}' if row.seed else ''}"


def _only(rows: pd.DataFrame, mapping: Mapping) -> pd.DataFrame:
    """Rows of the variants and sizes that are asked for."""
    for column, wanted in (("variant", mapping.variants), ("size", mapping.sizes)):
        if not wanted:
            continue
        known = [str(name) for name in rows[column].unique()]
        if known == [""]:
            raise BadInput(f"no column names a {column}", field=f"{column}s", fix=f"columns: {{{column}: NAME}}")
        for name in wanted:
            if name not in known:
                raise BadInput(f'there is no {column} "{name}"{did_you_mean(name, known)}', field=f"{column}s")
        rows = rows[rows[column].isin(list(wanted))]
    return rows


def _once(rows: pd.DataFrame, where: Any) -> tuple[pd.DataFrame, list[str]]:
    """Rows without repetitions. The same number twice is dropped and told; two numbers for one thing are an error."""
    twice = rows.duplicated(KEYS, keep=False)
    if not twice.any():
        return rows, []
    spread = rows[twice].groupby(KEYS, observed=True, sort=False)["value"].agg(["min", "max", "size"])
    differ = spread[spread["max"] > spread["min"]]
    if len(differ):
        key = dict(zip(KEYS, differ.index[0], strict=True))
        same = np.logical_and.reduce([(rows[name] == word).to_numpy() for name, word in key.items()])
        places = [where(int(place)) for place in rows["place"][same].head(2)]
        of = ", ".join(f"{name} {word}" for name, word in key.items() if word)
        raise BadInput(
            f"two different values for the same run and metric ({of}): {differ['min'].iloc[0]:g} and "
            f"{differ['max'].iloc[0]:g}",
            where=" and ".join(dict.fromkeys(places)),
            fix="If these are different runs, say which column tells them apart: columns: {seed: NAME}.",
        )
    dropped = int(twice.sum()) - len(spread)
    said = "says again what another row says, and counts once" if dropped == 1 else ""
    said = said or "say again what another row says, and count once"
    return rows.drop_duplicates(KEYS), [f"{_count(dropped)} {said}"]
