"""Files of documents with the scores of their rules: what a read step stores.

Scores are computed on the text as it was found; secrets are replaced before anything is written.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from leaven.corpus import rules
from leaven.corpus.document import BATCH, Document, as_table
from leaven.corpus.plan import SourcePlan
from leaven.corpus.provenance import SCORE
from leaven.corpus.redact import redact

STARS = "stars"
"""The score that no text tells: of the repository, 0 where nothing is known."""
BYTES = "bytes"
GROUP_BYTES = 16 << 20
"""UTF-8 bytes of a row group at most (but one document)."""
FILE_BYTES = 128 << 20
"""UTF-8 bytes of texts after which another file is begun: what one process works on later."""


class Writer:
    """Writes `00000.parquet`, … into a folder; at least one file, be it without documents."""

    def __init__(self, folder: Path, plan: SourcePlan) -> None:
        self.redacted: Counter[str] = Counter()
        self._folder, self._plan = folder, plan
        self._columns = rules.columns(plan.rules)
        self._stars = self._columns.index(STARS) if STARS in self._columns else None
        self._documents: list[Document] = []
        self._scores: list[list[float]] = []
        self._sizes: list[int] = []
        self._group = self._file = self._number = 0
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and (self._documents or not self._number):
            self._flush()
        if self._writer is not None:
            self._writer.close()

    def add(self, document: Document) -> None:
        """Score, redact and keep a document."""
        scores = rules.score(document.text, document.language, document.path, self._columns) if self._columns else []
        if self._stars is not None:
            scores[self._stars] = _number(document.labels.get("stars", ""))
        if self._plan.redact:
            text, found = redact(document.text)
            if found:
                self.redacted.update(found)
                document = replace(document, text=text)
        size = len(document.text.encode())
        if self._documents and self._group + size > GROUP_BYTES:
            self._flush()
        self._documents.append(document)
        self._scores.append(scores)
        self._sizes.append(size)
        self._group += size
        if len(self._documents) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        table = as_table(self._documents).append_column(BYTES, pa.array(self._sizes, pa.int64()))
        for place, name in enumerate(self._columns):
            values = pa.array([row[place] for row in self._scores], pa.float32())
            table = table.append_column(SCORE + name, values)
        if self._writer is None:
            path = self._folder / f"{self._number:05d}.parquet"
            self._writer = pq.ParquetWriter(path, table.schema, compression="zstd", compression_level=1)
            self._number += 1
        self._writer.write_table(table, row_group_size=max(len(table), 1))
        self._file += self._group
        self._documents, self._scores, self._sizes, self._group = [], [], [], 0
        if self._file >= FILE_BYTES:
            self._writer.close()
            self._writer, self._file = None, 0


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return 0.0
