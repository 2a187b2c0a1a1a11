"""The rows of a file of JSON lines, JSON, CSV, Parquet or Arrow.

JSON lines end at "\\n" and nowhere else: U+2028, U+2029 and U+0085 are ordinary characters of a text.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from pathlib import Path
from typing import Any

from leaven.evaluate.data.table import Row, Table, kind
from leaven.ground.errors import BadInput

FORMS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow")
"""What can be read; the textual ones also with `.gz` behind."""
_AGAIN = "Fetch the file again."


def form_of(name: str) -> str | None:
    """The ending of FORMS that a file's name has, with `.gz` left off; None where it has none of them."""
    lower = name.lower()
    packed = lower.endswith(".gz")
    found = next((form for form in FORMS if lower.removesuffix(".gz").endswith(form)), None)
    return None if packed and found in (".parquet", ".arrow") else found


def read(path: Path, shown: str) -> Table:
    """All rows of `path`. Raises BadInput, naming `shown` and the line, for what cannot be read."""
    form = form_of(shown)  # the path itself may be that of a cache, whose files have no endings
    if form is None:
        raise BadInput("this form of file is not read", where=shown, fix=f"Known endings: {', '.join(FORMS)}.")
    if form in (".parquet", ".arrow"):
        table = _columns(path, shown, form)
    else:
        text = _text(path, shown)
        if form in (".csv", ".tsv"):
            table = _delimited(text, shown, "\t" if form == ".tsv" else ",")
        elif form == ".json":
            table = _document(text, shown)
        else:
            table = _lines(text, shown)
    if not table.rows:
        raise BadInput("the file holds no rows", where=shown, fix=_AGAIN)
    return table


def read_labels(path: Path, shown: str) -> list[int]:
    """One whole number per line."""
    labels = []
    for number, line in enumerate(_text(path, shown).rstrip("\r\n").split("\n"), 1):
        try:
            labels.append(int(line.strip()))
        except ValueError:
            raise BadInput(f"expected a whole number, found {line.strip()!r}", where=f"{shown}:{number}") from None
    return labels


def _bytes(path: Path, shown: str) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if shown.lower().endswith(".gz") else data
    except EOFError:
        raise BadInput("the gzip file ends too early", where=shown, fix=_AGAIN) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BadInput(f"not a gzip file, or a damaged one: {error}", where=shown, fix=_AGAIN) from None
    except OSError as error:
        raise BadInput(f"cannot read the file: {error.strerror}", where=shown) from None


def _text(path: Path, shown: str) -> str:
    data = _bytes(path, shown)
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise BadInput(
            "the file begins with a byte order mark", where=f"{shown}:1", fix="Save it as UTF-8 without one."
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput(
            f"not UTF-8 text (byte {data[error.start]:#04x})", where=f"{shown}:{line}", fix="Save it as UTF-8."
        ) from None


def _lines(text: str, shown: str) -> Table:
    rows: list[Row] = []
    body = text.rstrip("\r\n")
    for number, line in enumerate(body.split("\n") if body else [], 1):
        where = f"{shown}:{number}"
        if not line.strip():
            raise BadInput("the line is empty", where=where, fix=_AGAIN)
        rows.append(_row(_parsed(line, where), where))
    return Table(shown, tuple(rows), tuple(range(1, len(rows) + 1)))


def _document(text: str, shown: str) -> Table:
    """A list of rows, an object whose `data` is one, or (as some name them) JSON lines."""
    first = text.lstrip()[:1]
    if first == "{" and "\n" in text.rstrip("\r\n"):
        try:
            json.loads(text.split("\n", 1)[0])
        except ValueError:
            pass
        else:
            return _lines(text, shown)
    data = _parsed(text, shown) if first else []
    if isinstance(data, dict):
        data = data.get("data", [data])
    if not isinstance(data, list):
        raise BadInput(f"expected a list of rows, found {kind(data)}", where=shown)
    rows = tuple(_row(value, f"{shown}, row {number}") for number, value in enumerate(data, 1))
    return Table(shown, rows, tuple(range(1, len(rows) + 1)), lines=False)


def _parsed(text: str, where: str) -> Any:
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)
        if "\\u" in text:  # only an escape can make half of a surrogate pair
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except json.JSONDecodeError as error:
        what = f"not JSON: {error.msg} (column {error.colno})"
    except UnicodeEncodeError:
        what = "half of a surrogate pair stands alone in a text"
    except ValueError as error:
        what = f"not JSON: {error}"
    except RecursionError:
        what = "lists or objects are nested too deeply"
    raise BadInput(what, where=where, fix=_AGAIN)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f'the field "{next(name for name in names if names.count(name) > 1)}" is given twice')
    return made


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number of JSON")


def _row(value: Any, where: str) -> Row:
    if not isinstance(value, dict):
        raise BadInput(f"expected an object, found {kind(value)}", where=where)
    return value


def _delimited(text: str, shown: str, delimiter: str) -> Table:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    numbers: list[int] = []
    head: list[str] | None = None
    try:
        while True:
            number = reader.line_num + 1
            cells = next(reader, None)
            if cells is None:
                break
            if head is None:
                head = cells
                if len(set(head)) < len(head):
                    raise BadInput("a column is named twice", where=f"{shown}:1")
                continue
            if len(cells) != len(head):
                raise BadInput(f"expected {len(head)} cells, found {len(cells)}", where=f"{shown}:{number}", fix=_AGAIN)
            rows.append(dict(zip(head, cells, strict=True)))
            numbers.append(number)
    except csv.Error as error:
        raise BadInput(f"not CSV: {error}", where=f"{shown}:{reader.line_num}", fix=_AGAIN) from None
    return Table(shown, tuple(rows), tuple(numbers))


def _columns(path: Path, shown: str, form: str) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if form == ".parquet":
            rows = pq.ParquetFile(path).read().to_pylist()
        else:
            with pa.memory_map(str(path)) as source:
                rows = pa.ipc.open_stream(source).read_all().to_pylist()
    except (pa.ArrowException, OSError) as error:
        reason = str(error).split("\n", 1)[0]
        raise BadInput(f"not a complete {form[1:]} file: {reason}", where=shown, fix=_AGAIN) from None
    return Table(shown, tuple(rows), tuple(range(1, len(rows) + 1)), lines=False)
