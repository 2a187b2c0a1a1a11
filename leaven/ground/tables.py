"""Columns in Parquet files: equal columns give equal bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def write_table(path: Path, columns: Mapping[str, Sequence[Any]], schema: pa.Schema) -> None:
    """Write columns as Parquet (zstd). The schema is explicit so that an empty table keeps its types."""
    table = pa.table({name: columns[name] for name in schema.names}, schema=schema)
    part = path.with_name(f".{path.name}.part")
    pq.write_table(table, part, compression="zstd", compression_level=3)
    part.replace(path)


def read_table(path: Path, columns: Sequence[str] | None = None) -> dict[str, list[Any]]:
    """Columns as Python lists."""
    table = pq.read_table(path, columns=list(columns) if columns else None)
    return {name: table.column(name).to_pylist() for name in table.column_names}
