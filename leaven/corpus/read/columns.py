"""Rows of Parquet and Arrow files, of which only the needed columns are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from leaven.corpus.read.forms import limits
from leaven.corpus.read.open import is_remote, open_input
from leaven.corpus.read.units import DAMAGE, WHOLE, Unit

BATCH_BYTES = 1 << 24
"""Bytes of rows turned into Python objects at once, about."""
BATCH_ROWS = 1024
BUFFER = 1 << 20
_BARE = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary()}

Rows = Iterator[tuple[int, dict[str, Any]]]


def parquet(unit: Unit, skipped: Counter[str], columns: frozenset[str] | None) -> Rows:
    """(row from 1, record) of the unit's row groups; a damaged row group costs only its own rows."""
    try:
        with open_input(unit.entry.file) as handle, pq.ParquetFile(handle, buffer_size=BUFFER) as table:
            needed = _needed(table.schema_arrow.names, columns, skipped)
            if needed is None:
                return
            groups = table.metadata.num_row_groups if unit.last == WHOLE else unit.last
            number = sum(table.metadata.row_group(group).num_rows for group in range(unit.first))
            for group in range(unit.first, groups):
                yield from _row_group(table, group, number, needed, skipped)
                number += table.metadata.row_group(group).num_rows
    except DAMAGE:
        skipped["truncated or damaged Parquet"] += 1


def _row_group(table: Any, group: int, number: int, needed: list[str], skipped: Counter[str]) -> Rows:
    meta = table.metadata.row_group(group)
    unpacked = 0
    for index in range(meta.num_columns):
        column = meta.column(index)
        if column.path_in_schema.partition(".")[0] in needed:
            size = column.total_uncompressed_size
            unpacked += size
            if size > limits()["chunk"] and size > limits()["ratio"] * column.total_compressed_size:
                skipped["Parquet unpacks to far more than it holds"] += 1
                return
    rows = max(1, min(BATCH_ROWS, BATCH_BYTES * max(meta.num_rows, 1) // max(unpacked, 1)))
    try:
        for batch in table.iter_batches(batch_size=rows, row_groups=[group], columns=needed):
            yield from _rows(batch, number, skipped)
            number += batch.num_rows
    except DAMAGE:
        skipped["truncated or damaged Parquet"] += 1


def arrow(unit: Unit, skipped: Counter[str], columns: frozenset[str] | None) -> Rows:
    """(row from 1, record) of the unit's batches, of a stream or a file of Arrow's."""
    remote = is_remote(unit.entry.file)
    try:
        with (
            pa.PythonFile(open_input(unit.entry.file), "r") if remote else pa.memory_map(unit.entry.file) as source,
        ):
            is_file = source.read(6) == b"ARROW1"
            source.seek(0)
            reader = pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)
            needed = _needed(reader.schema.names, columns, skipped)
            if needed is None:
                return
            number = 0
            last = None if unit.last == WHOLE else unit.last
            for index, batch in enumerate(islice(_from_file(reader, skipped) if is_file else reader, last)):
                if index >= unit.first and batch is not None:
                    yield from _batch(batch, number, needed, skipped)
                number += 0 if batch is None else batch.num_rows
    except DAMAGE:
        skipped["truncated or damaged Arrow"] += 1


def _from_file(reader: Any, skipped: Counter[str]) -> Iterator[Any]:
    """The batches of a file, which has an index of them: None for one that is damaged."""
    for index in range(reader.num_record_batches):
        try:
            yield reader.get_batch(index)
        except DAMAGE:
            skipped["truncated or damaged Arrow"] += 1
            yield None


def _batch(batch: Any, number: int, needed: list[str], skipped: Counter[str]) -> Rows:
    """The rows of a batch whose offsets nobody has looked at yet: unlike Parquet's they come from the file."""
    chosen = batch.select(needed)
    if not _is_sound(chosen):
        skipped["truncated or damaged Arrow"] += 1
        return
    step = max(1, min(BATCH_ROWS, BATCH_BYTES * max(batch.num_rows, 1) // max(chosen.nbytes, 1)))
    for first in range(0, batch.num_rows, step):
        yield from _rows(chosen.slice(first, step), number + first, skipped)


def _is_sound(batch: Any) -> bool:
    """Whether every offset of a batch points into it. Strings that are no UTF-8 are left to `_rows`."""
    try:
        batch.validate(full=True)
    except pa.ArrowException:
        try:
            for column in batch.columns:
                bare = _BARE.get(column.type)
                (column.view(bare) if bare else column).validate(full=True)
        except pa.ArrowException:
            return False
    return True


def _needed(names: list[str], columns: frozenset[str] | None, skipped: Counter[str]) -> list[str] | None:
    """The columns to read; None, counted, where the file has none of those that are asked for."""
    needed = [name for name in names if columns is None or name in columns]
    if needed:
        return needed
    skipped[f"no column {' or '.join(sorted(columns or ()))}"] += 1
    return None


def _rows(batch: Any, number: int, skipped: Counter[str]) -> Rows:
    """The rows of a batch, which is a number of rows after the file's first; text that is no UTF-8 costs its row."""
    try:
        columns = [column.to_pylist() for column in batch.columns]
    except UnicodeDecodeError:
        if batch.num_rows == 1:
            skipped["invalid UTF-8"] += 1
            return
        half = batch.num_rows // 2
        yield from _rows(batch.slice(0, half), number, skipped)
        yield from _rows(batch.slice(half), number + half, skipped)
        return
    names = batch.schema.names
    for index, row in enumerate(zip(*columns, strict=True), number + 1):
        yield index, dict(zip(names, row, strict=True))
