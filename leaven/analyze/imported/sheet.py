"""One table of results as it lies on disk: its columns by name, its rows only of the columns that are asked for.

CSV and TSV are read in blocks and Parquet by columns, so that memory grows with what is used and not with the file.
Words repeat in such tables, so they are held once each. Every cell of a CSV stays text here: "007" and "NA" may be
names, and what is a number is decided where one is needed (`cells`). Invariant: the file is opened for reading only.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from leaven.ground.errors import BadInput
from leaven.ground.files import sha256_file

ENDINGS = (".csv", ".tsv", ".parquet", ".json", ".jsonl")
BLOCK = 1 << 24
"""Bytes of a CSV read at once; a row must fit into one block."""
LONGEST_HEAD = 1 << 20
"""Characters of a header."""
LARGEST_JSON = 1 << 30
"""Bytes of a JSON array, which is read whole. JSON lines, CSV and Parquet have no limit."""
MOST_COLUMNS = 20_000
MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x1f\x8b": "gzip", b"PK": "zip"}
"""First bytes of files that are something else."""


@dataclass(frozen=True)
class Sheet:
    """A table on disk. `kind` is its ending without the dot, `delimiter` that of a CSV, `head` lines of its header."""

    path: Path
    columns: tuple[str, ...]
    kind: str
    delimiter: str = ","
    head: int = 1
    held: pd.DataFrame | None = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        return self.path.name

    def row(self, index: int) -> str:
        """`results.csv:12` of a data row counted from 0; a line where rows are lines."""
        line = self.kind in ("csv", "tsv")
        return f"{self.name}:{index + 1 + self.head}" if line else f"{self.name}, row {index + 1}"

    def provenance(self, rows: int) -> dict[str, Any]:
        return {"sha256": sha256_file(self.path), "bytes": self.path.stat().st_size, "rows": rows}


def open_sheet(path: Path) -> Sheet:
    """Look at a table's columns. Raises BadInput for a file that is missing, empty or no table."""
    kind = path.suffix.lower().lstrip(".")
    if f".{kind}" not in ENDINGS:
        raise BadInput(
            "what kind of table this is cannot be told from its name",
            where=str(path),
            fix=f"Tables end in {', '.join(ENDINGS)}; a folder may hold them or results of lm-eval.",
        )
    try:
        with path.open("rb") as file:
            first = file.read(4)
    except OSError as error:
        raise BadInput(f"cannot read the file: {error.strerror}", where=str(path)) from None
    if not first:
        raise BadInput("the file is empty", where=str(path))
    if kind != "parquet":
        for mark, what in MARKS.items():
            if first.startswith(mark):
                raise BadInput(f"this is {what} and no plain text", where=str(path), fix="Save it as UTF-8 text.")
    sheet = {"parquet": _parquet, "json": _json, "jsonl": _json}.get(kind, _delimited)(path, kind)
    twice = [name for name in sheet.columns if sheet.columns.count(name) > 1] if len(sheet.columns) < 2000 else []
    if twice or len(set(sheet.columns)) != len(sheet.columns):
        raise BadInput(f"two columns have the same name{f': {twice[0]!r}' if twice else ''}", where=str(path))
    if len(sheet.columns) > MOST_COLUMNS:
        raise BadInput(f"more than {MOST_COLUMNS:,} columns", where=str(path))
    return sheet


def read(sheet: Sheet, columns: Sequence[str]) -> pd.DataFrame:
    """Rows of some columns. Raises BadInput naming the line of a row that cannot be read."""
    if sheet.held is not None:
        return sheet.held[list(columns)]
    try:
        if sheet.kind == "parquet":
            table = pq.read_table(sheet.path, columns=list(columns))
            for name in columns:
                if pa.types.is_nested(table.schema.field(name).type):
                    raise BadInput(f'column "{name}" holds lists or mappings, not values', where=str(sheet.path))
        else:
            table = _read_delimited(sheet, columns)
        frame: pd.DataFrame = table.select(list(columns)).to_pandas(strings_to_categorical=True)
    except pa.ArrowInvalid as error:
        raise BadInput(_plainly(str(error)), where=str(sheet.path)) from None
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"the file cannot be read: {error}", where=str(sheet.path)) from None
    return frame


def _delimited(path: Path, kind: str) -> Sheet:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            start = file.read(LONGEST_HEAD)
    except UnicodeDecodeError as error:
        raise BadInput(f"not UTF-8 text (byte {error.start})", where=str(path), fix="Save it as UTF-8.") from None
    if "\0" in start:
        raise BadInput("this is no text: it holds zero bytes", where=str(path))
    line = start.partition("\n")[0]
    delimiter = "\t" if kind == "tsv" else max(",;\t|", key=line.count)
    reader = csv.reader(start.splitlines(keepends=True), delimiter=delimiter)
    try:
        names = next(reader)
    except (csv.Error, StopIteration) as error:
        raise BadInput(f"the header cannot be read: {error}", where=str(path)) from None
    if len(names) < 2:
        raise BadInput("the header names one column only", where=f"{path}:1", fix="Cells are separated by commas.")
    columns = tuple(name.strip() or f"column {place}" for place, name in enumerate(names, start=1))
    return Sheet(path, columns, kind, delimiter, reader.line_num)


def _read_delimited(sheet: Sheet, columns: Sequence[str]) -> pa.Table:
    wrong: list[str] = []

    def broken(row: Any) -> str:
        wrong.append(f"it has {row.actual_columns} cells where the header has {row.expected_columns}")
        return "error"

    text = pa.dictionary(pa.int32(), pa.string())
    try:
        reader = pcsv.open_csv(
            sheet.path,
            read_options=pcsv.ReadOptions(
                block_size=BLOCK, use_threads=False, column_names=list(sheet.columns), skip_rows=sheet.head
            ),
            parse_options=pcsv.ParseOptions(
                delimiter=sheet.delimiter, newlines_in_values=True, invalid_row_handler=broken
            ),
            convert_options=pcsv.ConvertOptions(
                column_types=dict.fromkeys(columns, text), include_columns=list(columns), strings_can_be_null=False
            ),
        )
        return pa.Table.from_batches(list(reader), reader.schema).unify_dictionaries()
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return pa.table({name: pa.array([], pa.string()) for name in columns})
        if wrong:
            raise BadInput(f"a row cannot be read: {wrong[0]}", where=_line(sheet, columns)) from None
        raise


def _line(sheet: Sheet, columns: Sequence[str]) -> str:
    """Where the first row of the wrong length stands: looked for only once there is one."""
    with sheet.path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=sheet.delimiter)
        try:
            for cells in reader:
                if cells and len(cells) != len(sheet.columns):
                    return f"{sheet.path}:{reader.line_num}"
        except csv.Error:
            return f"{sheet.path}:{reader.line_num + 1}"
    return str(sheet.path)


def _plainly(said: str) -> str:
    if "straddling" in said or "block size" in said.lower():
        return f"a row is longer than {BLOCK >> 20} MB, or a quotation mark is never closed"
    if "utf8" in said.lower() or "utf-8" in said.lower():
        return "not UTF-8 text: save it as UTF-8"
    return f"the table cannot be read: {said.splitlines()[0][:300]}"


def _parquet(path: Path, kind: str) -> Sheet:
    try:
        return Sheet(path, tuple(pq.read_schema(path).names), kind)
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"this is no Parquet file: {str(error).splitlines()[0][:200]}", where=str(path)) from None


def _json(path: Path, kind: str) -> Sheet:
    """Objects of a JSON array or of JSON lines, or one object of equally long lists; held in memory as columns."""
    columns: dict[str, list[Any]] = {}
    rows = 0
    for row, where in _columns_of(path) if kind == "json" else _lines(path):
        for name, value in row.items():
            column = columns.setdefault(str(name), [None] * rows)
            if isinstance(value, dict | list):
                value = json.dumps(value)
            column.append(value)
        rows += 1
        if len(columns) > MOST_COLUMNS:
            raise BadInput(f"more than {MOST_COLUMNS:,} columns", where=where)
        for column in columns.values():
            if len(column) < rows:
                column.append(None)
    if not rows:
        raise BadInput("there are no rows", where=str(path))
    frame = pd.DataFrame({name: _series(values) for name, values in columns.items()})
    return Sheet(path, tuple(columns), kind, held=frame)


def _series(values: list[Any]) -> pd.Series[Any]:
    if any(isinstance(value, str) for value in values):
        words = [None if value is None else value if isinstance(value, str) else json.dumps(value) for value in values]
        return pd.Series(pd.Categorical(words))
    return pd.Series([_number(value) for value in values], dtype="float64")


def _number(value: Any) -> float:
    """A JSON number; a whole one beyond all floating-point numbers is infinite, and told as that."""
    try:
        return math.nan if value is None else float(value)
    except OverflowError:
        return math.inf


def _columns_of(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    if path.stat().st_size > LARGEST_JSON:
        raise BadInput("more than 1 GB of JSON", where=str(path), fix="Save it as JSON lines, CSV or Parquet.")
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadInput(f"not UTF-8 text (byte {error.start})", where=str(path)) from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"this is no JSON: {error}", where=str(path)) from None
    if isinstance(data, dict) and data and all(isinstance(value, list) for value in data.values()):
        lengths = {len(value) for value in data.values()}
        if len(lengths) > 1:
            raise BadInput("its columns are not equally long", where=str(path))
        data = [dict(zip(data, cells, strict=True)) for cells in zip(*data.values(), strict=True)]
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in islice(data, 10_000)):
        raise BadInput("a table in JSON is a list of objects, or an object of equally long lists", where=str(path))
    for index, row in enumerate(data):
        if not isinstance(row, dict):
            raise BadInput("this is no object", where=f"{path}, row {index + 1}")
        yield row, str(path)


def _lines(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            where = f"{path}:{number}"
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise BadInput(f"this line is no JSON: {error}", where=where) from None
            if not isinstance(row, dict):
                raise BadInput("this line is no JSON object", where=where)
            yield row, where
