"""A document and the Parquet files that hold documents.

Documents never change once made; every later step takes or leaves them. Files are written and read in
batches, so that no more than a batch of texts needs to be in memory.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

BATCH = 1024
"""Documents in one row group."""

COLUMNS = ("id", "text", "path", "group", "language", "licence", "repository", "labels")
SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS])


class Dropped(Exception):
    """A document that a rule refuses; the message is the rule's name, as counted."""


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
        repository: where the document was published, e.g. `owner/name` or `package@version`, "" where unknown.
        labels: whatever else is known of it, as words: `stars`, `subset`, `verified` …
    """

    id: str
    text: str
    path: str
    group: str
    language: str = ""
    licence: str = ""
    repository: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


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
            writer.write_table(as_table(batch))


def as_table(documents: Iterable[Document]) -> pa.Table:
    """Documents as rows of `SCHEMA`."""
    batch = list(documents)
    columns = [pa.array([getattr(document, name) for document in batch], pa.string()) for name in COLUMNS[:-1]]
    labels = [json.dumps(dict(d.labels), sort_keys=True, ensure_ascii=False) if d.labels else "" for d in batch]
    return pa.table([*columns, pa.array(labels, pa.string())], schema=SCHEMA)


def from_batch(batch: pa.RecordBatch) -> Iterator[Document]:
    """The documents of a batch of rows (further columns are not looked at)."""
    columns = [batch.column(name).to_pylist() for name in COLUMNS]
    for name, text, path, group, language, licence, repository, labels in zip(*columns, strict=True):
        further = json.loads(labels) if labels else {}
        yield Document(name, text, path, group, language, licence, repository, further)


def read_documents(path: Path) -> Iterator[Document]:
    """The documents of a file, in order, a batch at a time."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=BATCH, columns=list(COLUMNS)):
            yield from from_batch(batch)
