"""The shards step: one source's documents as token ids.

`<split>.bin` is a flat little-endian array of ids, each document followed by the end of text; `<split>.idx`
holds the END of each document as u64, counted in tokens. No header, no sequence length: what a window is,
the loader decides. `<split>.provenance.parquet` says of every document where it comes from (see `provenance.py`).

Every file of documents is encoded by itself, over processes, and the parts are joined in order, so the bytes are the
same for any number of processes and after any interruption.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from leaven.corpus.document import Dropped
from leaven.corpus.encode import encode_flat
from leaven.corpus.files import document_files
from leaven.corpus.parts import run_parts
from leaven.corpus.provenance import SCORE, provenance_schema
from leaven.corpus.tokenizer import Tokenizer
from leaven.ground.files import read_json, sha256_file, write_json
from leaven.ground.progress import Progress, silent

SPLITS = ("train", "heldout")
BATCH = 512
"""Documents encoded at once."""

ROWS = 1 << 16
"""Documents in a row group of provenance."""

COPY = 1 << 23
"""Bytes copied at once."""

Transform = Callable[[str, str, str], str]
"""(text, language, document's id) → text. May raise Dropped."""


@dataclass(frozen=True)
class _Part:
    """One file of documents to encode; can be sent to another process."""

    split: str
    path: Path
    columns: tuple[str, ...]
    schema: pa.Schema


def dtype_for(vocab: int) -> str:
    """The smallest of uint16 and uint32 that holds ids below `vocab`."""
    return "uint16" if vocab <= 65_536 else "uint32"


def write_shards(
    corpus: Path,
    source: str,
    tokenizer: Path,
    out: Path,
    *,
    workers: int = 1,
    of: str | None = None,
    transform: Transform | None = None,
    state: Path | None = None,
    progress: Progress = silent,
) -> None:
    """Encode one source of a corpus step into the folder `out`.

    Args:
        corpus: folder of the corpus step.
        source: name of the shards, and of the corpus's source that is encoded unless `of` names another.
        tokenizer: folder of the tokenizer step.
        out: receives `train.bin`, `train.idx`, `train.provenance.parquet`, the same of `heldout`, and `shards.json`.
        workers: processes, each with at most a batch of documents and the vocabulary in memory.
        of: the corpus's source that is encoded, where the shards are a control of it.
        transform: makes of each document the text that is encoded (a control); a function that can be pickled. A
            document for which it raises Dropped is left out and counted.
        state: folder where finished parts are kept, so that an interrupted call continues; it stands for these
            arguments. Emptied when the shards are whole. Default: within `out`.
        progress: told in files of documents.
    """
    encoder = Tokenizer.load(tokenizer / "tokenizer.json")
    dtype = dtype_for(encoder.size)
    read = of if of is not None else source
    files = {split: document_files(corpus, split, read) for split in SPLITS}
    scores = _score_columns([path for split in SPLITS for path in files[split]])
    schema = provenance_schema(scores)
    items = [_Part(split, path, tuple(pq.read_schema(path).names), schema) for split in SPLITS for path in files[split]]
    folder = state if state is not None else out / "parts"
    work = functools.partial(_encode, tokenizer=tokenizer / "tokenizer.json", dtype=dtype, transform=transform)
    parts = run_parts(work, items, folder, workers=workers, progress=progress, note=source)
    report: dict[str, Any] = {"source": source, "dtype": dtype, "tokenizer": sha256_file(tokenizer / "tokenizer.json")}
    report |= {"of": read, "splits": {}, "files": {}, "dropped": {}}
    for split in SPLITS:
        mine = [part for part, item in zip(parts, items, strict=True) if item.split == split]
        counts = [read_json(part / "counts.json") for part in mine]
        report["splits"][split] = {key: sum(count[key] for count in counts) for key in ("tokens", "documents", "bytes")}
        dropped = sum((Counter(count["dropped"]) for count in counts), Counter())
        report["dropped"][split] = dict(sorted(dropped.items()))
        report["files"] |= _join(mine, counts, out, split, read, schema)
    write_json(out / "shards.json", report)
    shutil.rmtree(folder)


def _score_columns(files: list[Path]) -> dict[str, pa.DataType]:
    """The score columns of any of the files, sorted by name."""
    found: dict[str, pa.DataType] = {}
    for path in files:
        for field in pq.read_schema(path):
            if field.name.startswith(SCORE):
                found.setdefault(field.name, field.type)
    return dict(sorted(found.items()))


@functools.lru_cache(maxsize=1)
def _loaded(path: Path, mtime_ns: int) -> Tokenizer:
    return Tokenizer.load(path)


def _encode(part: _Part, out: Path, *, tokenizer: Path, dtype: str, transform: Transform | None) -> None:
    """One file of documents as `ids.bin`, `ends.idx`, `provenance.parquet` and `counts.json`, counted from 0."""
    encoder = _loaded(tokenizer, tokenizer.stat().st_mtime_ns)
    ids_type = np.dtype(dtype).newbyteorder("<")
    tokens = documents = size = read = 0
    dropped: Counter[str] = Counter()
    with (
        (out / "ids.bin").open("wb") as ids,
        (out / "ends.idx").open("wb") as ends,
        pq.ParquetWriter(out / "provenance.parquet", part.schema, compression="zstd") as rows,
        pq.ParquetFile(part.path) as file,
    ):
        for batch in file.iter_batches(batch_size=BATCH, columns=list(part.columns), use_threads=False):
            texts, kept = _texts(batch, transform, dropped)
            encoded = encode_flat(encoder, texts, ids_type)
            encoded.ids.tofile(ids)
            (encoded.ends + np.uint64(tokens)).astype("<u8").tofile(ends)
            lengths = np.diff(encoded.ends, prepend=np.uint64(0)).astype(np.int64)
            sizes = np.fromiter((len(text.encode(errors="replace")) for text in texts), np.int64, len(texts))
            rows.write_table(_provenance(batch, kept, read, lengths, sizes, part.schema))
            tokens += len(encoded.ids)
            documents += len(texts)
            size += int(sizes.sum())
            read += batch.num_rows
    counts = {"tokens": tokens, "documents": documents, "bytes": size, "read": read, "dropped": dict(dropped)}
    write_json(out / "counts.json", counts)


def _texts(batch: pa.RecordBatch, transform: Transform | None, dropped: Counter[str]) -> tuple[list[str], list[int]]:
    """Texts to encode, and the batch's rows they come from."""
    texts: list[str] = batch.column("text").to_pylist()
    if transform is None:
        return texts, list(range(len(texts)))
    made, kept = [], []
    languages, names = batch.column("language").to_pylist(), batch.column("id").to_pylist()
    for row, (text, language, name) in enumerate(zip(texts, languages, names, strict=True)):
        try:
            made.append(transform(text, language, name))
        except Dropped as reason:
            dropped[str(reason)] += 1
        else:
            kept.append(row)
    return made, kept


def _provenance(
    batch: pa.RecordBatch, kept: list[int], read: int, lengths: Any, sizes: Any, schema: pa.Schema
) -> pa.Table:
    """Rows of provenance for the kept documents of a batch; `source` and `row` are completed when parts are joined."""
    chosen = batch.take(pa.array(kept, pa.int64()))
    made: dict[str, Any] = {
        "source": pa.nulls(len(kept), pa.string()),
        "row": pa.array(np.asarray(kept, np.int64) + read),
        "tokens": pa.array(lengths),
        "bytes": pa.array(sizes),
    }
    names = set(chosen.schema.names) - {"text"}
    columns = [
        made[field.name]
        if field.name in made
        else chosen.column(field.name).cast(field.type)
        if field.name in names
        else pa.nulls(len(kept), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _join(
    parts: list[Path], counts: list[dict[str, Any]], out: Path, split: str, source: str, schema: pa.Schema
) -> dict[str, str]:
    """Write a split's three files from its parts in order; returns the SHA-256 of each by name."""
    ids = _write(out / f"{split}.bin", (block for part in parts for block in _blocks(part / "ids.bin")))
    ends = _write(out / f"{split}.idx", _shifted(parts, counts))
    path = out / f"{split}.provenance.parquet"
    with pq.ParquetWriter(path, schema, compression="zstd") as rows:
        for table in _regrouped(_rows(parts, counts, source, schema), schema):
            rows.write_table(table)
    return {f"{split}.bin": ids, f"{split}.idx": ends, path.name: sha256_file(path)}


def _write(path: Path, blocks: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for block in blocks:
            file.write(block)
            digest.update(block)
    return digest.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(COPY):
            yield block


def _shifted(parts: list[Path], counts: list[dict[str, Any]]) -> Iterator[bytes]:
    before = 0
    for part, count in zip(parts, counts, strict=True):
        for block in _blocks(part / "ends.idx"):
            yield (np.frombuffer(block, "<u8") + np.uint64(before)).astype("<u8").tobytes()
        before += count["tokens"]


def _rows(parts: list[Path], counts: list[dict[str, Any]], source: str, schema: pa.Schema) -> Iterator[pa.Table]:
    before = 0
    for part, count in zip(parts, counts, strict=True):
        with pq.ParquetFile(part / "provenance.parquet") as file:
            for batch in file.iter_batches(batch_size=ROWS):
                table = pa.Table.from_batches([batch])
                rows = pa.array(table.column("row").to_numpy() + before)
                named = pa.array([source], pa.string()).take(pa.array(np.zeros(len(table), np.int64)))
                table = table.set_column(schema.get_field_index("source"), schema.field("source"), named)
                yield table.set_column(schema.get_field_index("row"), schema.field("row"), rows)
        before += count["read"]


def _regrouped(tables: Iterator[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """The same rows in tables of `ROWS`, the last one shorter, however many parts there were."""
    waiting = schema.empty_table()
    for table in tables:
        waiting = pa.concat_tables([waiting, table])
        while len(waiting) >= ROWS:
            yield waiting.slice(0, ROWS).combine_chunks()
            waiting = waiting.slice(ROWS)
    if len(waiting):
        yield waiting.combine_chunks()
