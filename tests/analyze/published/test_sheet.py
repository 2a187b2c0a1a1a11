from __future__ import annotations

import math
from pathlib import Path

import pytest

from leaven.analyze.published import sheet as module
from leaven.analyze.published.sheet import aligned, read_sheet
from leaven.ground.errors import BadInput


def write(folder: Path, text: str | bytes, name: str = "a.csv") -> Path:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def test_columns_by_name(tmp_path: Path) -> None:
    read = read_sheet(write(tmp_path, "name,x\na, 1.5 \nb,\n"), "a.csv")
    assert read.texts("name") == ["a", "b"]
    values = read.numbers("x").tolist()
    assert values[0] == 1.5
    assert math.isnan(values[1])
    assert read.where(lambda row: row["name"] == "b").lines == (3,)


def test_rows_are_put_in_anothers_order(tmp_path: Path) -> None:
    first = read_sheet(write(tmp_path, "i,x\n1,a\n2,b\n"), "a.csv")
    second = read_sheet(write(tmp_path, "i,y\n2,d\n1,c\n", "b.csv"), "b.csv")
    assert aligned(first, second, "i").texts("y") == ["c", "d"]
    other = read_sheet(write(tmp_path, "i,y\n2,d\n3,c\n", "b.csv"), "b.csv")
    with pytest.raises(BadInput, match="b.csv: i: not the same i as a.csv"):
        aligned(first, other, "i")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.csv: the first line names no columns"),
        ("x,x\n1,2\n", "a.csv: the first line names no columns, or one twice"),
        ("i,x\n1\n", "a.csv:2: 1 cells under 2 columns"),
        (b"\xff\xfe", "a.csv: is no UTF-8"),
        ("i,x\n1,two\n", "a.csv:2: x: is no number"),
        ("i,x\n1,inf\n", "a.csv:2: x: is no number"),
        ("i,y\n1,2\n", 'a.csv: no column "x"'),
        (f"i,x\n{'o' * 200_000},1\n", "a.csv:2: no CSV"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(BadInput) as error:
        read_sheet(write(tmp_path, text), "a.csv").numbers("x")
    assert str(error.value).startswith(message)


def test_endless_and_missing_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 3)
    with pytest.raises(BadInput, match="more than 3 bytes"):
        read_sheet(write(tmp_path, "i,x\n"), "a.csv")
    with pytest.raises(BadInput, match="b.csv: cannot be read"):
        read_sheet(tmp_path, "b.csv")
