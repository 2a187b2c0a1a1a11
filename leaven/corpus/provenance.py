"""Where the tokens of a shard come from: the documents of a token range, and back to their texts.

Row i of `<split>.provenance.parquet` is document i of the shard.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from leaven.corpus.document import Document, from_batch
from leaven.corpus.files import document_files
from leaven.ground.errors import BadInput, LeavenError

SCORE = "score:"
"""Beginning of the name of a column that holds a rule's score."""

_TEXTS = ("id", "source", "path", "group", "repository", "licence", "language", "labels")
_NUMBERS = ("row", "tokens", "bytes")


@dataclass(frozen=True, slots=True)
class Origin:
    """A document of a shard.

    Attributes:
        document: its number in the shard, from 0.
        first: its first token; `end`: the token after its end of text. Counted in the shard's tokens.
        row: its number among the source's documents in the corpus; differs from `document` only where a transform
            left documents out.
        tokens: with the end of text. `bytes`: UTF-8 bytes of the text that was encoded.
        scores: rule → score, where the corpus kept scores; None for a rule that does not apply.
    """

    document: int
    first: int
    end: int
    id: str
    source: str
    path: str
    group: str
    repository: str
    licence: str
    language: str
    row: int
    tokens: int
    bytes: int
    labels: Mapping[str, str] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)


def provenance_schema(scores: Mapping[str, pa.DataType]) -> pa.Schema:
    """Columns of a provenance file, with the score columns of the documents (name with `score:` → type)."""
    return pa.schema(
        [*((name, pa.string()) for name in _TEXTS), *((name, pa.int64()) for name in _NUMBERS), *scores.items()]
    )


def which(out: Path, split: str, first_token: int, end_token: int) -> list[Origin]:
    """The documents that the tokens `first_token` … `end_token` − 1 of a shard belong to, in order.

    Args:
        out: a shards folder.
        split: "train" or "heldout".
        first_token, end_token: a range of the shard's tokens that is not empty.

    Raises:
        BadInput: the shard does not have these tokens.
    """
    ends = _ends(out / f"{split}.idx")
    total = int(ends[-1]) if len(ends) else 0
    if not 0 <= first_token < end_token <= total:
        raise BadInput(
            f"the shard has {total:,} tokens; {first_token:,} to {end_token:,} is no range of them",
            where=str(out),
            field=split,
        )
    begin = int(np.searchsorted(ends, first_token, "right"))
    end = int(np.searchsorted(ends, end_token - 1, "right")) + 1
    starts = [int(ends[n - 1]) if n else 0 for n in range(begin, end)]
    rows = _rows(out / f"{split}.provenance.parquet", begin, end)
    found = []
    for number, start, row in zip(range(begin, end), starts, rows, strict=True):
        labels = json.loads(row["labels"]) if row["labels"] else {}
        scores = {name.removeprefix(SCORE): value for name, value in row.items() if name.startswith(SCORE)}
        plain: dict[str, Any] = {name: row[name] if row[name] is not None else "" for name in _TEXTS}
        plain |= {name: row[name] for name in _NUMBERS} | {"labels": labels, "scores": scores}
        found.append(Origin(document=number, first=start, end=int(ends[number]), **plain))
    return found


def documents(corpus: Path, split: str, origins: Sequence[Origin]) -> Iterator[Document]:
    """The corpus's documents of origins of one source, in the order of the corpus, without reading the others.

    Raises:
        LeavenError: the corpus is not the one that the shard was made of.
    """
    wanted = {origin.row: origin for origin in origins}
    if not wanted:
        return
    before = 0
    for path in document_files(corpus, split, next(iter(wanted.values())).source):
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                size = file.metadata.row_group(group).num_rows
                inside = sorted(row for row in wanted if before <= row < before + size)
                if inside:
                    table = file.read_row_group(group).take([row - before for row in inside])
                    found = [document for batch in table.to_batches() for document in from_batch(batch)]
                    for row, document in zip(inside, found, strict=True):
                        if document.id != wanted.pop(row).id:
                            raise LeavenError(f"document {row} of {path.name} is another than when it was encoded")
                        yield document
                before += size
    if wanted:
        raise LeavenError(f"the corpus has {before} documents of the source; the shard was made of more")


def _ends(path: Path) -> npt.NDArray[np.uint64]:
    if path.stat().st_size == 0:
        return np.empty(0, np.uint64)
    return np.memmap(path, "<u8", mode="r")


def _rows(path: Path, begin: int, end: int) -> list[dict[str, Any]]:
    """Rows [begin, end) of a Parquet file; only the row groups that hold them are read."""
    found: list[dict[str, Any]] = []
    before = 0
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            low, high = max(begin - before, 0), min(end - before, size)
            if low < high:
                found.extend(file.read_row_group(group).slice(low, high - low).to_pylist())
            before += size
    return found
