"""Which column of a table holds what: what the mapping says, else what the columns' own names leave no doubt about.

Every guess becomes a sentence that the user is shown. A long table has a row for each value, a wide one a column for
each metric; both may hold single items.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from leaven.analyze.imported import conventions
from leaven.analyze.imported.cells import is_numeric, mostly_numbers, numbers
from leaven.analyze.imported.mapping import Mapping
from leaven.analyze.imported.sheet import Sheet, read
from leaven.analyze.text import listing
from leaven.ground.errors import BadInput, did_you_mean

SAME = 1e-9
"""How far the shares of a variant may lie apart, by the arithmetic they come from."""
LONG_ONLY = ("metric", "value", "se", "weight")
"""Roles of columns that say something in a long table only, unless the mapping names them."""


@dataclass(frozen=True)
class Roles:
    """Attributes: `columns`: role -> columns; `metrics`: columns of a wide table, () of a long one; `errors`: metric ->
    column of its standard errors; `shares`: source -> columns; `told`: sentences on what was guessed."""

    columns: dict[str, tuple[str, ...]]
    metrics: tuple[str, ...] = ()
    errors: dict[str, str] = field(default_factory=dict)
    shares: dict[str, tuple[str, ...]] = field(default_factory=dict)
    told: tuple[str, ...] = ()

    @property
    def long(self) -> bool:
        return "value" in self.columns

    @property
    def used(self) -> list[str]:
        groups: list[Iterable[str]] = [*self.columns.values(), self.metrics, self.errors.values()]
        return list(dict.fromkeys(name for group in [*groups, *self.shares.values()] for name in group))


def settle(sheet: Sheet, mapping: Mapping) -> Roles:
    """Raises BadInput for a column that is named and not there, and for a table without a metric that is known."""
    given = _given(sheet, mapping)
    shares = {source: _found(names, sheet, f"shares.{source}") for source, names in mapping.shares.items()}
    taken = {name for columns in (*given.values(), *shares.values()) for name in columns}
    guessed: dict[str, tuple[str, ...]] = {}
    _one_variant(sheet, given)
    for role, usual in conventions.ROLES.items():
        column = _usual(usual, sheet, taken) if role not in given else ""
        if column:
            guessed[role] = (column,)
            taken.add(column)
    if not _is_long(given, guessed, sheet, mapping):
        for role in LONG_ONLY:
            taken -= set(guessed.pop(role, ()))
    if not mapping.shares:
        variants = (given | guessed).get("variant", ())
        for name in sheet.columns:
            source, sure = conventions.share_of(name)
            if source and name not in taken and (sure or _constant(sheet, name, variants)):
                shares[source] = (name,)
                taken.add(name)
    columns = given | guessed
    metrics: tuple[str, ...] = ()
    if "value" not in columns:
        metrics = _metrics(sheet, mapping, taken, by_task="task" in columns)
    errors = {of: name for name in sheet.columns if (of := conventions.error_of(name, sheet.columns)) in metrics}
    roles = Roles(columns, metrics, errors, shares)
    return Roles(columns, metrics, errors, shares, tuple(_told(sheet, mapping, roles, guessed)))


def _one_variant(sheet: Sheet, given: dict[str, tuple[str, ...]]) -> None:
    """A dataset beside a model is what was trained on, or, in a long table, what was asked. Raises BadInput there."""
    plain = {conventions.plain(name): name for name in sheet.columns}
    data = next((plain[name] for name in ("dataset", "data") if name in plain), "")
    long = any(name in plain for name in conventions.ROLES["value"])
    clear = {*conventions.ROLES["variant"], *conventions.ROLES["task"]} - {"data", "dataset", "model"}
    if "variant" in given or "model" not in plain or not data or not long or clear & set(plain):
        return
    if {data, plain["model"]} & {name for names in given.values() for name in names}:
        return
    model = plain["model"]
    raise BadInput(
        f"columns {model} and {data} may both name what is compared",
        where=sheet.name,
        field="columns.variant",
        fix=f"Say it in a mapping file: columns: {{variant: {model}, task: {data}}}, or columns: {{variant: {data}}}.",
    )


def _given(sheet: Sheet, mapping: Mapping) -> dict[str, tuple[str, ...]]:
    given = {}
    for role, named in mapping.columns:
        names = (named,) if isinstance(named, str) else named
        if names:
            for name in names:
                if name not in sheet.columns:
                    raise BadInput(
                        f'there is no column "{name}"{did_you_mean(name, sheet.columns[:30])}',
                        where=sheet.name,
                        field=f"columns.{role}",
                    )
            given[role] = tuple(names)
    return given


def _found(patterns: Sequence[str], sheet: Sheet, where: str) -> tuple[str, ...]:
    """Columns that the names and patterns mean."""
    found: dict[str, None] = {}
    for pattern in patterns:
        names = match(pattern, sheet.columns)
        if not names:
            raise BadInput(
                f'no column is "{pattern}"{did_you_mean(pattern, sheet.columns[:30])}', where=sheet.name, field=where
            )
        found.update(dict.fromkeys(names))
    return tuple(found)


def match(pattern: str, known: Sequence[str]) -> list[str]:
    """The name itself where it is there, however it is spelt, else the names that a pattern with `*` means."""
    return [pattern] if pattern in known else fnmatch.filter(known, pattern)


def _usual(usual: Sequence[str], sheet: Sheet, taken: set[str]) -> str:
    plain = {conventions.plain(name): name for name in reversed(sheet.columns) if name not in taken}
    return next((plain[name] for name in usual if name in plain), "")


def _constant(sheet: Sheet, name: str, variants: tuple[str, ...]) -> bool:
    """Whether a column holds one share of each variant's: a number from 0 to 1, or to 100."""
    if not variants:
        return False
    frame = read(sheet, [*dict.fromkeys([*variants, name])])
    if not is_numeric(frame[name]):
        return False
    values = pd.Series(numbers(frame[name], name, sheet.row))
    known = values.notna().to_numpy()
    by = [frame[each].astype(str).to_numpy()[known] for each in variants]
    spread = values[known].groupby(by).agg(lambda own: own.max() - own.min())
    return bool(values.min() >= 0 and values.max() <= 100 and spread.max() <= SAME)


def _is_long(
    given: dict[str, tuple[str, ...]], guessed: dict[str, tuple[str, ...]], sheet: Sheet, mapping: Mapping
) -> bool:
    if "value" in given or "value" not in guessed:
        return "value" in given
    if mapping.metrics:
        wanted = {part for name, metric in mapping.metrics.items() for part in ((metric and metric.of) or (name,))}
        return not wanted & set(sheet.columns)
    named = {"metric", "task", "item"} & (set(given) | set(guessed))
    return bool(named) or not any(conventions.direction(name) for name in sheet.columns)


def _metrics(sheet: Sheet, mapping: Mapping, taken: set[str], *, by_task: bool) -> tuple[str, ...]:
    if mapping.metrics:
        found: dict[str, None] = {}
        for name, metric in mapping.metrics.items():
            parts = (metric and metric.of) or (name,)
            if by_task:  # a metric is called task:column then
                parts = tuple(part if match(part, sheet.columns) else part.rpartition(":")[2] for part in parts)
            found.update(dict.fromkeys(_found(parts, sheet, f"metrics.{name}")))
        return tuple(found)
    free = [name for name in sheet.columns if name not in taken]
    likely = [n for n in free if conventions.direction(n) and not conventions.error_of(n, sheet.columns)]
    frame = read(sheet, likely or sheet.columns[:1])
    if not len(frame):
        raise BadInput("there are no rows", where=str(sheet.path))
    metrics = tuple(name for name in likely if is_numeric(frame[name]))
    for name in likely:
        if name not in metrics and mostly_numbers(frame[name]):
            numbers(frame[name], name, sheet.row)  # one bad cell must not take a whole metric away unseen
    if not metrics:
        shown = ", ".join(free[:8]) + (f" and {len(free) - 8} more" if len(free) > 8 else "")
        raise BadInput(
            f"no column is a metric whose better direction its name would tell (columns: {shown or 'none'})",
            where=sheet.name,
            field="metrics",
            fix="Name them in a mapping file: metrics: {NAME: {better: lower}}.",
        )
    return metrics


def _told(sheet: Sheet, mapping: Mapping, roles: Roles, guessed: dict[str, tuple[str, ...]]) -> list[str]:
    shape = "a row for each value" if roles.long else "a column for each metric"
    items = ", of single items" if "item" in roles.columns else ""
    told = [f"{sheet.name} was read as a table with {shape}{items}"]
    if guessed:
        told.append(f"{listing([f'column {names[0]} as {role}' for role, names in guessed.items()])}: by their names")
    if roles.metrics and not mapping.metrics:
        told.append(f"{_some(roles.metrics)} as metrics, because their names tell which way is better")
    if roles.errors:
        told.append(f"{_some(list(roles.errors.values()))} as standard errors")
    if roles.shares and not mapping.shares:
        told.append(f"{_some([names[0] for names in roles.shares.values()])} as shares of the training data")
    unused = [name for name in sheet.columns if name not in roles.used]
    if unused:
        told.append(f"not used: {_some(unused)}")
    return told


def _some(names: Sequence[str], most: int = 6) -> str:
    return listing(list(names)) if len(names) <= most else f"{', '.join(names[:most])} and {len(names) - most} more"
