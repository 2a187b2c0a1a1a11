"""The first pass of the corpus step: what has to be known of each document before any can be taken or left.

Each file of documents is measured by one process. A document may be cut into pieces; every row here is a piece. Texts
are read and forgotten; what stays is some hundred bytes a piece, in arrays that the later steps map.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from leaven.corpus.contamination.index import Index
from leaven.corpus.contamination.items import Items
from leaven.corpus.dedup.exact import content_keys
from leaven.corpus.dedup.minhash import NOBODY, band_keys, signatures
from leaven.corpus.dedup.near import Near
from leaven.corpus.licence.spdx import classify
from leaven.corpus.split import pieces
from leaven.ground.canonical import key64

ROWS, CONTENT, BANDS, SIGNATURES = "rows.parquet", "content.npy", "bands.npy", "signatures.npy"
LICENCE_CLASSES = ("permissive", "no_license", "non_permissive")
BATCH_BYTES = 8 << 20
"""UTF-8 bytes of texts measured at once: arrays of a batch are some ten times as large."""

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("piece", pa.int32()),
        ("bytes", pa.int64()),
        ("order", pa.uint64()),
        ("group", pa.uint64()),
        ("licence", pa.int8()),
        ("stars", pa.int32()),
        ("hits", pa.string()),
    ]
)


@dataclass(frozen=True)
class Measuring:
    """What is measured of every file of a source.

    Attributes:
        source: its name; part of the keys that order its documents.
        seed: of the order and of the held-out split.
        cut: characters after which documents are cut; 0: never.
        near: how near-duplicates are found; None where this source does not take part.
        salt: distinguishes the bands of sources that are not compared with each other.
        items: a JSON file of {task: `Items.as_data`}, "" where nothing is looked for.
        keep_signatures: whether candidates will be verified by their signatures.
    """

    source: str
    seed: int
    cut: int
    near: Near | None
    salt: int
    items: str
    keep_signatures: bool
    bands: int


@dataclass(frozen=True)
class File:
    """One file of documents: its number in its source, and the rows that are kept, in order."""

    measuring: Measuring
    path: Path
    number: int
    rows: np.ndarray


def group_key(seed: int, group: str) -> int:
    """The key of a group: its place in the order in which groups are held out."""
    return key64("heldout/1", seed, group)


def measure(file: File, out: Path) -> None:
    """Measure one file; writes `rows.parquet`, `content.npy`, `bands.npy` and, if wanted, `signatures.npy`."""
    index = _index(file.measuring.items) if file.measuring.items else None
    tables: list[pa.Table] = []
    contents: list[np.ndarray] = []
    bands: list[np.ndarray] = []
    signed: list[np.ndarray] = []
    for batch in _batches(file):
        table, content, band, signature = _measured(batch, file.measuring, index)
        tables.append(table)
        contents.append(content)
        bands.append(band)
        signed.append(signature)
    pq.write_table(pa.concat_tables(tables) if tables else SCHEMA.empty_table(), out / ROWS)
    np.save(out / CONTENT, np.concatenate(contents) if contents else np.zeros((0, 2), np.uint64))
    wide = file.measuring.bands
    joined = np.concatenate(bands) if bands else np.zeros((0, wide), np.uint64)
    np.save(out / BANDS, np.ascontiguousarray(joined.T))
    if file.measuring.keep_signatures:
        np.save(out / SIGNATURES, np.concatenate(signed) if signed else np.zeros((0, 1), np.uint32))


@dataclass
class _Batch:
    rows: list[int]
    parts: list[int]
    names: list[str]
    texts: list[str]
    groups: list[str]
    licences: list[str]
    labels: list[str]


def _batches(file: File) -> Any:
    """Pieces of the kept documents, about BATCH_BYTES of text at a time."""
    wanted = file.rows
    first = size = 0
    batch = _Batch([], [], [], [], [], [], [])
    with pq.ParquetFile(file.path) as stored:
        columns = ["id", "text", "group", "licence", "labels"]
        for table in stored.iter_batches(batch_size=256, columns=columns):
            last = first + len(table)
            inside = wanted[np.searchsorted(wanted, first) : np.searchsorted(wanted, last)]
            if len(inside):
                taken = table.take(pa.array(inside - first))
                values = [taken.column(name).to_pylist() for name in columns]
                for row, name, text, group, licence, labels in zip(inside.tolist(), *values, strict=True):
                    for number, piece in enumerate(pieces(text, file.measuring.cut) if file.measuring.cut else [text]):
                        batch.rows.append(row)
                        batch.parts.append(number)
                        batch.names.append(name)
                        batch.texts.append(piece)
                        batch.groups.append(group)
                        batch.licences.append(licence)
                        batch.labels.append(labels)
                        size += len(piece)
                    if size >= BATCH_BYTES:
                        yield batch
                        batch, size = _Batch([], [], [], [], [], [], []), 0
            first = last
    if batch.rows:
        yield batch


def _measured(
    batch: _Batch, measuring: Measuring, index: Index | None
) -> tuple[pa.Table, np.ndarray, np.ndarray, np.ndarray]:
    count = len(batch.rows)
    seed, source = measuring.seed, measuring.source
    order = np.fromiter(
        (
            key64("corpus-order/2", seed, source, name, part)
            for name, part in zip(batch.names, batch.parts, strict=True)
        ),
        np.uint64,
        count,
    )
    known: dict[str, int] = {}
    groups = np.fromiter((_known(known, seed, group) for group in batch.groups), np.uint64, count)
    classes = {licence: LICENCE_CLASSES.index(classify(licence)) for licence in set(batch.licences)}
    found = index.search(batch.texts) if index else []
    table = pa.table(
        [
            pa.array(batch.rows, pa.int64()),
            pa.array(batch.parts, pa.int32()),
            pa.array([len(text.encode()) for text in batch.texts], pa.int64()),
            pa.array(order),
            pa.array(groups),
            pa.array([classes[licence] for licence in batch.licences], pa.int8()),
            pa.array([_stars(labels) for labels in batch.labels], pa.int32()),
            pa.array([json.dumps(hits) if hits else "" for hits in found] or [""] * count, pa.string()),
        ],
        schema=SCHEMA,
    )
    if measuring.near is None:
        signed = np.zeros((count, 1), np.uint32)
        band = np.full((count, measuring.bands), NOBODY)
    else:
        signed = signatures(batch.texts, measuring.near)
        band = band_keys(signed, measuring.near)
        band[band != NOBODY] ^= np.uint64(measuring.salt)
    return table, content_keys(batch.texts), band, signed


def _known(known: dict[str, int], seed: int, group: str) -> int:
    key = known.get(group)
    if key is None:
        key = known[group] = group_key(seed, group)
    return key


def _stars(labels: str) -> int:
    if '"stars"' not in labels:
        return 0
    try:
        return max(0, min(int(float(json.loads(labels)["stars"])), 2**31 - 1))
    except (ValueError, OverflowError):
        return 0


@functools.lru_cache(maxsize=1)
def _index(path: str) -> Index:
    stored = json.loads(Path(path).read_text(encoding="utf-8"))
    return Index.build({task: Items.from_data(data) for task, data in stored.items()})
