"""Files as the world has them: what is read, and the line that is named where it cannot be."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.evaluate.data.read import read
from leaven.ground.errors import BadInput

ROWS = [{"q": "a\u2028b", "n": 1}, {"q": "c\u0085d\u2029", "n": 2}, {"q": "e\x0bf\x1c", "n": 3}]


def test_a_line_ends_at_a_line_feed_only(write) -> None:
    table = read(write("x.jsonl", ROWS) / "x.jsonl", "x.jsonl")
    assert list(table.rows) == ROWS
    assert [table.where(n) for n in range(3)] == ["x.jsonl:1", "x.jsonl:2", "x.jsonl:3"]


def test_forms_of_equal_rows(write, tmp_path: Path) -> None:
    lines = "".join(json.dumps(row) + "\r\n" for row in ROWS)
    write("a.jsonl", lines)
    write("b.jsonl.gz", lines)
    write("c.json", json.dumps(ROWS))
    write("d.json.gz", json.dumps({"version": 1, "data": ROWS}))
    write("e.json", lines)
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "f.parquet")
    with pa.ipc.new_stream(tmp_path / "g.arrow", pa.Table.from_pylist(ROWS).schema) as out:
        out.write_table(pa.Table.from_pylist(ROWS))
    for path in sorted(tmp_path.iterdir()):
        assert list(read(path, path.name).rows) == ROWS, path.name
    assert read(tmp_path / "f.parquet", "f.parquet").where(1) == "f.parquet, row 2"


def test_csv_names_the_line_on_which_a_row_begins(write) -> None:
    folder = write("x.csv", 'a,b\n"one\ntwo",2\n3,4\n')
    table = read(folder / "x.csv", "x.csv")
    assert list(table.rows) == [{"a": "one\ntwo", "b": "2"}, {"a": "3", "b": "4"}]
    assert [table.where(n) for n in range(2)] == ["x.csv:2", "x.csv:4"]


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none()), min_size=1))
def test_json_lines_come_back(tmp_path_factory, rows: list[dict[str, object]]) -> None:
    path = tmp_path_factory.mktemp("any") / "x.jsonl"
    path.write_bytes("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())
    assert list(read(path, "x.jsonl").rows) == rows


BROKEN = [
    ("x.jsonl", b"", r"x\.jsonl: the file holds no rows"),
    ("x.json", b"[]", "holds no rows"),
    ("x.jsonl", b'{"a": 1}\n{"a": \n', r"x\.jsonl:2: not JSON"),
    ("x.jsonl", b'{"a": 1}\n\n{"a": 2}\n', r"x\.jsonl:2: the line is empty"),
    ("x.jsonl", b'{"a": 1}\n[1]\n', r"x\.jsonl:2: expected an object, found a list"),
    ("x.jsonl", b'{"a": 1, "a": 2}\n', r'x\.jsonl:1: .*"a" is given twice'),
    ("x.jsonl", b'{"a": NaN}\n', r"x\.jsonl:1: .*NaN"),
    ("x.jsonl", b'{"a": 1}\n{"a": "\\ud800"}\n', r"x\.jsonl:2: half of a surrogate"),
    ("x.jsonl", b'{"a": 1}\n{"a": "\xff"}\n', r"x\.jsonl:2: not UTF-8 text \(byte 0xff\)"),
    ("x.jsonl", b'\xef\xbb\xbf{"a": 1}\n', r"x\.jsonl:1: .*byte order mark"),
    ("x.jsonl", b'\xff\xfe{\x00"\x00', r"x\.jsonl:1: .*byte order mark"),
    ("x.jsonl", b"[" * 200_000, "nested too deeply"),
    ("x.json", b'{"data": 3}', "expected a list of rows"),
    ("x.csv", b"\xef\xbb\xbfa,b\n1,2\n", "byte order mark"),
    ("x.csv", b"a,b\n1,2\n1\n", r"x\.csv:3: expected 2 cells, found 1"),
    ("x.csv", b"a,a\n1,2\n", r"x\.csv:1: a column is named twice"),
    ("x.csv", b'a,b\n1,"2\n', r"not CSV"),
    ("x.csv", b"a,b\n", "holds no rows"),
    ("x.parquet", b"PAR1" + bytes(40), "not a complete parquet file"),
    ("x.arrow", b"\x00" * 9, "not a complete arrow file"),
    ("x.txt", b"a", "this form of file is not read"),
    ("x.parquet.gz", b"a", "this form of file is not read"),
    ("x.jsonl.gz", b"no", "not a gzip file"),
    ("x.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 999)[:-9], "ends too early"),
    ("x.jsonl.gz", gzip.compress(b'{"a": 1}\n')[:-5] + b"\0\0\0\0\0", "damaged"),
]


@pytest.mark.parametrize(("name", "data", "said"), BROKEN, ids=[f"{n}-{b[2][:24]}" for n, b in enumerate(BROKEN)])
def test_what_cannot_be_read_is_named(write, name: str, data: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read(write(name, data) / name, name)


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot read the file"):
        read(tmp_path / "none.jsonl", "none.jsonl")
