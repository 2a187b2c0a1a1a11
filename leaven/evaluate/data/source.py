"""Files on this computer that can stand for a task, and how they are read, before anything is read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leaven.evaluate.data.card import Card, with_classes
from leaven.evaluate.data.fit import Wishes, fit, looks_like, others_like
from leaven.evaluate.data.layouts import LAYOUTS
from leaven.evaluate.data.read import read, read_labels
from leaven.evaluate.data.table import Table
from leaven.evaluate.data.wanted import Found
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput
from leaven.ground.files import sha256_file

VERSION = "benchmark data/2"
"""Part of every fingerprint: raise it when equal files would give other documents."""


@dataclass(frozen=True)
class Reading:
    """One way to read the files.

    Args:
        layout: its name in LAYOUTS.
        origin: what is recorded of them, but for what only the rows tell.
        notes: told beside the layout's own.
    """

    layout: str
    wishes: Wishes
    origin: Mapping[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """Files, and the ways they may be read.

    Args:
        files: (path, how the user knows it), in order.
        readings: the first is taken whose fields the rows have.
        labels: a file of the answers to the one file's questions.
        card: of a data set of the hub's form.
    """

    files: tuple[tuple[Path, str], ...]
    readings: tuple[Reading, ...]
    labels: tuple[Path, str] | None = None
    card: Card = field(default_factory=Card)

    def sha256(self) -> str:
        """Of the file's bytes; of several files, of the sorted list of their hashes."""
        hashes = sorted(sha256_file(path) for path, _ in (*self.files, *([self.labels] if self.labels else [])))
        return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()

    def fingerprint(self) -> str:
        """The identity of what `read` gives."""
        ways = [
            [
                [way.layout, way.wishes.form, dict(way.wishes.fields or {}), way.wishes.published, way.wishes.kept],
                [dict(way.origin), list(way.notes)],
            ]
            for way in self.readings
        ]
        return identity([self.sha256(), ways])

    def read(self) -> Found | str:
        """The documents; or, in one sentence, why the file cannot stand for the benchmark.

        Raises BadInput where a file cannot be read, has none of the layouts, or holds a row that does not fit.
        """
        tables = self._tables()
        way = next((way for way in self.readings if looks_like(tables[0], LAYOUTS[way.layout], way.wishes)), None)
        if way is None:
            raise self._unlike(tables[0])
        layout = LAYOUTS[way.layout]
        if layout.refused:
            return layout.refused
        fitted = [fit(table, layout, way.wishes) for table in tables]
        rows = tuple(row for one in fitted for row in one.rows)
        if not rows:
            raise BadInput(f'no row is of the split "{way.wishes.split}"', where=tables[0].shown)
        origin = {
            **way.origin,
            "rows": len(rows),
            "layout": way.layout,
            "cut": any(one.cut for one in fitted),
            "notes": list(dict.fromkeys((*way.notes, *(note for one in fitted for note in one.notes)))),
        }
        return Found(rows, self.sha256(), origin, dict(layout.overrides))

    def _tables(self) -> list[Table]:
        tables = [read(path, shown) for path, shown in self.files]
        if self.labels is not None:
            [table] = tables
            labels = read_labels(*self.labels)
            if len(labels) != len(table.rows):
                raise BadInput(
                    f"{len(labels):,} answers, and {len(table.rows):,} rows in {table.shown}", where=self.labels[1]
                )
            rows = ({**row, "label": label} for row, label in zip(table.rows, labels, strict=True))
            return [Table(table.shown, tuple(rows), table.numbers, table.lines)]
        if self.card.names:
            config = self.readings[0].origin["config"]
            return [
                Table(one.shown, tuple(with_classes(one.rows, self.card, config)), one.numbers, one.lines)
                for one in tables
            ]
        return tables

    def _unlike(self, table: Table) -> BadInput:
        has = ", ".join(map(str, table.rows[0])) or "no field"
        wanted = " or ".join(
            dict.fromkeys(
                f"{', '.join(LAYOUTS[way.layout].expects(way.wishes.form))} ({way.layout})" for way in self.readings
            )
        )
        others = others_like(table)
        like = f"The file looks like one of layout {' or '.join(others)}. " if others else ""
        return BadInput(
            f"expected the fields {wanted}; found {has}",
            where=table.where(0),
            fix=f"{like}{self.readings[0].wishes.fix}",
        )
