"""A published CSV file: columns by name, every cell that is used looked at, and what is wrong named with its line."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leaven.analyze.bootstrap import Floats
from leaven.ground.errors import BadInput, did_you_mean

LARGEST = 1 << 26
"""Bytes of a file; the largest read here has one million."""


@dataclass(frozen=True)
class Sheet:
    """`name` for people; `rows` are cells by column, `lines` the line in the file on which each row ends."""

    name: str
    head: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    lines: tuple[int, ...]

    def texts(self, column: str) -> list[str]:
        """A column's cells, without the space around them. Raises BadInput where there is no such column."""
        if column not in self.head:
            raise BadInput(f'no column "{column}"{did_you_mean(column, self.head)}', where=self.name)
        return [row[column].strip() for row in self.rows]

    def numbers(self, column: str) -> Floats:
        """A column's numbers [rows], NaN for an empty cell. Raises BadInput, with the line, for what is no number."""
        return np.array([self._number(cell, column, i) for i, cell in enumerate(self.texts(column))])

    def where(self, keep: Callable[[Mapping[str, str]], bool]) -> Sheet:
        """The rows that `keep` says yes to."""
        kept = [i for i, row in enumerate(self.rows) if keep(row)]
        return Sheet(self.name, self.head, tuple(self.rows[i] for i in kept), tuple(self.lines[i] for i in kept))

    def _number(self, cell: str, column: str, row: int) -> float:
        if not cell:
            return math.nan
        try:
            value = float(cell)
        except ValueError:
            value = math.inf
        if math.isinf(value):
            raise BadInput("is no number", where=f"{self.name}:{self.lines[row]}", field=column)
        return value


def read_sheet(folder: Path, name: str) -> Sheet:
    """The file `name` of a folder. Raises BadInput for what is no CSV in UTF-8 with equally many cells in every row."""
    path = folder / name
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"more than {LARGEST:,} bytes", where=name)
        text = path.read_text("utf-8")
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=name) from None
    except UnicodeDecodeError as error:
        raise BadInput(f"is no UTF-8: {error.reason} at byte {error.start:,}", where=name) from None
    lines = csv.reader(io.StringIO(text, newline=""))
    rows, ends = [], []
    try:
        head = next(lines, [])
        if not head or len(set(head)) < len(head):
            raise BadInput("the first line names no columns, or one twice", where=name)
        for cells in lines:
            if len(cells) != len(head):
                raise BadInput(f"{len(cells)} cells under {len(head)} columns", where=f"{name}:{lines.line_num}")
            rows.append(dict(zip(head, cells, strict=True)))
            ends.append(lines.line_num)
    except csv.Error as error:
        raise BadInput(f"no CSV: {error}", where=f"{name}:{lines.line_num}") from None
    return Sheet(name, tuple(head), tuple(rows), tuple(ends))


def aligned(first: Sheet, second: Sheet, column: str) -> Sheet:
    """`second` in the order in which `first` has the values of a column. Raises BadInput where they differ."""
    place = {value: i for i, value in enumerate(second.texts(column))}
    wanted = first.texts(column)
    if len(place) != len(second.rows) or sorted(place) != sorted(wanted):
        raise BadInput(f"not the same {column} as {first.name}", where=second.name, field=column)
    order: Sequence[int] = [place[value] for value in wanted]
    return Sheet(second.name, second.head, tuple(second.rows[i] for i in order), tuple(second.lines[i] for i in order))
