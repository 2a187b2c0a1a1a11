"""The last pass of the corpus step: texts into the order of the corpus, in two moves that never hold a source.

First every file's rows are sorted into buckets of that order (one process a file), then every bucket is gathered from
all files, sorted and written (one process a bucket).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from leaven.corpus.split import pieces

ROWS_AT_ONCE = 1024
"""Rows of a row group of what is written."""
READ_AT_ONCE = 512
ROWS_FILE, PLACES = "rows.arrow", "places.json"
ORDER = "order"


@dataclass(frozen=True)
class Move:
    """Rows of one file, each with its piece, its place in the order, its bucket, and how its id ends.

    Arrays are parallel, sorted by row and piece; `twins` tells equal ids of a source apart (0: nothing is added).
    """

    path: Path
    cut: int
    rows: np.ndarray
    pieces: np.ndarray
    order: np.ndarray
    buckets: np.ndarray
    twins: np.ndarray


@dataclass(frozen=True)
class Bucket:
    """One file of the corpus: bucket `number` of the moves in `folders`."""

    number: int
    folders: tuple[Path, ...]


def scatter(move: Move, out: Path) -> None:
    """Write the rows of a file, bucket by bucket, as Arrow batches; `places.json` says which batch is whose."""
    places: dict[str, list[int]] = {}
    written = 0
    with pq.ParquetFile(move.path) as stored:
        schema = stored.schema_arrow.append(pa.field(ORDER, pa.uint64()))
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.OSFile(str(out / ROWS_FILE), "wb") as sink, pa.ipc.new_file(sink, schema, options=options) as writer:
            first = 0
            for batch in stored.iter_batches(batch_size=READ_AT_ONCE):
                last = first + len(batch)
                here = slice(*np.searchsorted(move.rows, (first, last)).tolist())
                if here.start < here.stop:
                    table = _cut(pa.table(batch.columns, schema=stored.schema_arrow), move, here, first)
                    buckets = move.buckets[here]
                    sorted_rows = np.argsort(buckets, kind="stable")
                    table = table.take(pa.array(sorted_rows))
                    ends = np.flatnonzero(np.diff(buckets[sorted_rows], append=-1)) + 1
                    for begin, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True):
                        for part in table.slice(begin, end - begin).combine_chunks().to_batches():
                            writer.write_batch(part)
                            places.setdefault(str(int(buckets[sorted_rows[begin]])), []).append(written)
                            written += 1
                first = last
    (out / PLACES).write_text(json.dumps(places), encoding="utf-8")


def _cut(table: pa.Table, move: Move, here: slice, first: int) -> pa.Table:
    rows, numbers, twins = move.rows[here], move.pieces[here], move.twins[here]
    taken = table.take(pa.array(rows - first))
    counts = {}
    if move.cut:
        texts = taken.column("text").to_pylist()
        cut: dict[int, list[str]] = {}
        for place, (row, text) in enumerate(zip(rows.tolist(), texts, strict=True)):
            if len(text) > move.cut or text != text.strip("\n"):
                if row not in cut:
                    cut[row] = pieces(text, move.cut)
                texts[place] = cut[row][numbers[place]]
                counts[row] = len(cut[row])
        column = taken.schema.get_field_index("text")
        taken = taken.set_column(column, "text", pa.array(texts, pa.string()))
        size = taken.schema.get_field_index("bytes")
        taken = taken.set_column(size, "bytes", pa.array([len(text.encode()) for text in texts], pa.int64()))
    if counts or twins.any():
        names = taken.column("id").to_pylist()
        for place, row in enumerate(rows.tolist()):
            if twins[place]:
                names[place] += f"~{twins[place] + 1}"
            if counts.get(row, 1) > 1:
                names[place] += f"#{numbers[place] + 1}"
        taken = taken.set_column(taken.schema.get_field_index("id"), "id", pa.array(names, pa.string()))
    return taken.append_column(ORDER, pa.array(move.order[here]))


def gather(bucket: Bucket, out: Path) -> None:
    """Write one bucket in order, as `documents.parquet` in the part's folder."""
    batches = []
    schema = None
    for folder in bucket.folders:
        places = json.loads((folder / PLACES).read_text(encoding="utf-8")).get(str(bucket.number), [])
        with pa.memory_map(str(folder / ROWS_FILE)) as source, pa.ipc.open_file(source) as reader:
            schema = schema or reader.schema
            batches += [reader.get_batch(place) for place in places]
    table = pa.Table.from_batches(batches, schema)
    table = table.sort_by([(ORDER, "ascending"), ("id", "ascending")]).drop_columns([ORDER])
    pq.write_table(
        table,
        out / "documents.parquet",
        row_group_size=ROWS_AT_ONCE,
        compression="zstd",
        compression_level=3,
        store_schema=False,
    )
