"""The rows of a file → the documents of a task: renamed, converted, checked, counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from leaven.evaluate.data.layouts import LAYOUTS, Layout
from leaven.evaluate.data.table import Row, Table, Unfit
from leaven.ground.errors import BadInput

PLACE = "_src_index"
"""The field that a file cut to some of its rows has: each row's place in the whole file."""


@dataclass(frozen=True)
class Wishes:
    """How a file is to be read.

    Args:
        form: of the task's documents (see `forms`); "" where the task is not known.
        fields: template field → file field.
        published: rows of the published file; fewer are a cut one.
        most: whether more are refused.
        kept: whether equal rows are kept.
        fix: what a user does about a row that does not fit.
    """

    split: str
    form: str = ""
    fields: Mapping[str, str] | None = None
    published: int | None = None
    kept: bool = False
    most: bool = True
    fix: str = ""


@dataclass(frozen=True)
class Fitted:
    """Documents, whether their file was cut, and what is to be told of them."""

    rows: tuple[Row, ...]
    cut: bool
    notes: tuple[str, ...]


def renamed(row: Row, fields: Mapping[str, str] | None) -> Row:
    """The row under the template's names. Raises Unfit where a named field is missing."""
    if not fields:
        return row
    for name in fields.values():
        if name not in row:
            raise Unfit(name, f"the field is missing; the row has {', '.join(map(str, row))}")
    moved = set(fields.values())
    return {k: v for k, v in row.items() if k not in moved} | {target: row[name] for target, name in fields.items()}


def looks_like(table: Table, layout: Layout, wishes: Wishes) -> bool:
    """Whether the first row has the fields that the layout needs and, of plain rows, the task's."""
    try:
        first = renamed(table.rows[0], wishes.fields)
    except Unfit:
        return False
    return set(layout.expects(wishes.form)) <= first.keys()


def fit(table: Table, layout: Layout, wishes: Wishes) -> Fitted:
    """The documents of a table. Raises BadInput naming file, line and field of the first row that does not fit.

    No row is dropped: what a layout takes apart by split is the one exception, and is told.
    """
    made: list[Row] = []
    remarks: Counter[str] = Counter()
    seen: dict[str, int] = {}
    places: dict[object, int] = {}
    repeated = 0
    for index, raw in enumerate(table.rows):
        row = {name: value for name, value in raw.items() if name != PLACE}
        try:
            if PLACE in raw:
                _place(raw[PLACE], table, index, places)
            row = renamed(row, wishes.fields)
            documents = layout.documents(row, wishes.form)
            key = json.dumps(row, sort_keys=True, default=repr)
            if seen.setdefault(key, index) != index:
                repeated += 1
                if not wishes.kept:
                    raise _twice(table, index, seen[key])
            if layout.remark and (remark := layout.remark(row)):
                remarks[remark] += 1
            made += [one for one in documents if layout.keep is None or layout.keep(one, wishes.split)]
        except Unfit as error:
            raise _misfit(table, index, error, layout, wishes) from None
    if places and len(places) < len(table.rows):
        lacking = next(index for index, row in enumerate(table.rows) if PLACE not in row)
        raise BadInput(f"the field is missing, which other rows have ({PLACE})", where=table.where(lacking))
    cut = bool(places) or (wishes.published is not None and len(table.rows) < wishes.published)
    notes = [*_size(table, wishes, bool(places)), *layout.notes]
    notes += [f"{count:,} of {len(table.rows):,} rows {remark}" for remark, count in sorted(remarks.items())]
    if repeated:
        notes.append(f"{repeated:,} of {len(table.rows):,} rows equal an earlier one; they are kept")
    return Fitted(tuple(made), cut, tuple(notes))


def _size(table: Table, wishes: Wishes, placed: bool) -> list[str]:
    count, published = len(table.rows), wishes.published
    if published is not None and count > published and wishes.most:
        raise BadInput(
            f"the file has {count:,} rows, the published one {published:,}",
            where=table.shown,
            fix="Two files may have been joined; fetch it again, or say in data.yaml what it is.",
        )
    of = f" {published:,}" if published is not None else ""
    if placed:
        return [f"{count:,} of the file's{of} rows; not the published benchmark"]
    if published is not None and count < published:
        rows = "1 row" if count == 1 else f"{count:,} rows"
        return [f"{rows}, where the published file has{of}; not the published benchmark"]
    return []


def _place(value: object, table: Table, index: int, places: dict[object, int]) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Unfit(PLACE, f"expected the row's place in the whole file, found {value!r}")
    if places.setdefault(value, index) != index:
        raise Unfit(PLACE, f"{value} is given in {table.where(places[value])} already")


def _twice(table: Table, index: int, first: int) -> BadInput:
    return BadInput(
        f"the row is the same as {table.where(first)}",
        where=table.where(index),
        fix="Remove it; or, if the published file is so, give the file in data.yaml with duplicates: kept.",
    )


def _misfit(table: Table, index: int, error: Unfit, layout: Layout, wishes: Wishes) -> BadInput:
    fix = wishes.fix
    if index == 0 and (others := others_like(table, layout)):
        fix = f"The file looks like one of layout {' or '.join(others)}. {fix}".rstrip()
    return BadInput(f"{error.what} (layout {layout.name})", where=table.where(index), field=error.field, fix=fix)


def others_like(table: Table, but: Layout | None = None) -> list[str]:
    """Layouts, other than plain rows and `but`, that the first row does fit."""
    first = {name: value for name, value in table.rows[0].items() if name != PLACE}
    found = []
    for layout in LAYOUTS.values():
        if layout is but or not layout.needs or layout.refused:
            continue
        try:
            layout.documents(first, "")
        except Unfit:
            continue
        found.append(layout.name)
    return found
