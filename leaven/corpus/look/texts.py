"""The texts of a few documents out of many, reading only the row groups that hold them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from leaven.corpus.document import COLUMNS, Document, from_batch


def texts(files: Sequence[Path], file: np.ndarray, row: np.ndarray) -> list[Document]:
    """Documents by place: number of the file, and row in it. In the order asked for, one row group in memory."""
    found: dict[tuple[int, int], Document] = {}
    for number in sorted(set(file.tolist())):
        wanted = sorted(set(row[file == number].tolist()))
        with pq.ParquetFile(files[number]) as stored:
            before = 0
            for group in range(stored.num_row_groups):
                size = stored.metadata.row_group(group).num_rows
                inside = [place for place in wanted if before <= place < before + size]
                if inside:
                    table = stored.read_row_group(group, columns=list(COLUMNS)).take([r - before for r in inside])
                    taken = (document for batch in table.to_batches() for document in from_batch(batch))
                    found |= {(number, place): document for place, document in zip(inside, taken, strict=True)}
                before += size
    return [found[pair] for pair in zip(file.tolist(), row.tolist(), strict=True)]
