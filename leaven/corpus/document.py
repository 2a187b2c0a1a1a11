"""A document and the Parquet files that hold documents.

Documents never change once made; every later step takes or leaves them. Files are written and read in
batches, so that no more than a batch of texts needs to be in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

BATCH = 1024
"""Documents in one row group."""

COLUMNS = ("id", "text", "path", "group", "language", "licence")
SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS])


@dataclass(frozen=True, slots=True)
class Document:
    """One text with where it came from.

    Attributes:
        id: unique within its source.
        text: valid Unicode without NUL, lines ending in `\\n`.
        path: relative, with `/`; never a path of this machine.
        group: the unit of the held-out split, e.g. the package a file belongs to.
        language: natural or programming language, "" where unknown.
        licence: SPDX expression or the package's own words, "" where unknown.
    """

    id: str
    text: str
    path: str
    group: str
    language: str = ""
    licence: str = ""


@dataclass(slots=True)
class Tally:
    """What a reading saw: files opened, and why files were skipped or documents dropped."""

    files: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)


def write_documents(path: Path, documents: Iterable[Document]) -> None:
    """Write documents in the given order. Equal documents give equal bytes."""
    stream = iter(documents)
    with pq.ParquetWriter(path, SCHEMA, compression="zstd", compression_level=3) as writer:
        while batch := list(islice(stream, BATCH)):
            columns = [[getattr(document, name) for document in batch] for name in COLUMNS]
            writer.write_table(pa.table([pa.array(column, pa.string()) for column in columns], schema=SCHEMA))


def read_documents(path: Path) -> Iterator[Document]:
    """The documents of a file, in order, a batch at a time."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=BATCH, columns=list(COLUMNS)):
            for row in zip(*(batch.column(name).to_pylist() for name in COLUMNS), strict=True):
                yield Document(*row)
