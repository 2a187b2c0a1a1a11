from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from leaven.analyze.imported.cells import names, numbers
from leaven.analyze.imported.sheet import open_sheet, read
from leaven.ground.errors import BadInput
from tests.analyze.imported.tables import judge

ROWS = [{"variant": "a", "seed": 1, "acc": 0.5}, {"variant": "b", "seed": 2, "acc": 0.25}]


def written(path: Path) -> Path:
    frame = pd.DataFrame(ROWS)
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".tsv":
            frame.to_csv(path, index=False, sep="\t")
        case ".parquet":
            frame.to_parquet(path)
        case ".json":
            path.write_text(json.dumps(ROWS))
        case ".jsonl":
            path.write_text("\n".join(map(json.dumps, ROWS)))
    return path


def whole(path: Path) -> pd.DataFrame:
    sheet = open_sheet(path)
    return read(sheet, list(sheet.columns))


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "json", "jsonl"])
def test_every_kind_of_table_holds_the_same(tmp_path: Path, ending: str) -> None:
    sheet = open_sheet(written(tmp_path / f"t.{ending}"))
    assert sheet.columns == ("variant", "seed", "acc")
    frame = read(sheet, ["acc", "variant", "seed"])
    assert list(names(frame["variant"], "variant", sheet.row)) == ["a", "b"]
    assert list(names(frame["seed"], "seed", sheet.row)) == ["1", "2"]
    assert numbers(frame["acc"], "acc", sheet.row).tolist() == [0.5, 0.25]


def test_other_shapes_of_json_and_csv(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text('{"variant": ["a", "b"], "acc": [1, null]}')
    frame = read(open_sheet(tmp_path / "c.json"), ["variant", "acc"])
    assert frame["variant"].tolist() == ["a", "b"]
    assert np.isnan(frame["acc"][1])
    (tmp_path / "s.csv").write_text('\ufeffvariant;acc\n"a\nb";0.5\n', encoding="utf-8")
    sheet = open_sheet(tmp_path / "s.csv")
    assert sheet.columns == ("variant", "acc")
    assert read(sheet, ["variant"])["variant"].tolist() == ["a\nb"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", b"", "empty"),
        ("t.xlsx", b"PK\x03\x04", "what kind of table"),
        ("t.csv", b"PK\x03\x04", "zip"),
        ("t.csv", "variant,acc\na,1\n".encode("utf-16"), "UTF-16"),
        ("t.csv", b"variant,acc\n\xff,1\n", "not UTF-8"),
        ("t.csv", b"variant,acc\n" + b"a,1\n" * 500_000 + b"\xff,1\n", "UTF-8"),
        ("t.csv", b"variant\na\n", "one column only"),
        ("t.csv", b"a,a\n1,2\n", "same name: 'a'"),
        ("t.csv", b"a,b\n1,2\n1,2,3\n", r"t\.csv:3: a row cannot be read: it has 3 cells where the header has 2"),
        ("t.csv", b'a,b\n1,"' + b"x" * (40 << 20), "longer than 16 MB"),
        ("t.csv", b"a,b\0\n1,2\n", "zero bytes"),
        ("t.parquet", b"PAR1 no", "no Parquet file"),
        ("t.json", b"{", "no JSON"),
        ("t.json", b'{"a": [1], "b": []}', "not equally long"),
        ("t.json", b"[1, 2]", "list of objects"),
        ("t.json", b"[" * 100_000, "no JSON"),
        ("t.jsonl", b'{"a": 1}\n[]\n', r"t\.jsonl:2: this line is no JSON object"),
        ("t.jsonl", b'{"a": 1}\n{a}\n', r"t\.jsonl:2: this line is no JSON"),
    ],
)
def test_files_that_cannot_be_read_get_a_sentence(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=said):
        whole(tmp_path / name)


def test_words_among_numbers_are_named_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n1,two\n")
    sheet = open_sheet(tmp_path / "t.csv")
    with pytest.raises(BadInput, match=r"t\.csv:3: b: 'two' is no number"):
        numbers(read(sheet, ["b"])["b"], "b", sheet.row)
    with pytest.raises(BadInput, match="decimal point"):
        numbers(pd.Series(pd.Categorical(["0,5"])), "b", str)
    assert np.isnan(numbers(pd.Series(pd.Categorical(["", "NaN", "n/a"])), "b", str)).all()
    with pytest.raises(BadInput, match="no number"):
        numbers(pd.Series(pd.Categorical(["1_000"])), "b", str)


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "@SUM(A1)", "-2+3+cmd|' /C calc'!A0", "x" * 501])
def test_names_that_would_run_or_flood_are_refused(name: str) -> None:
    with pytest.raises(BadInput, match="Rename it"):
        names(pd.Series(pd.Categorical(["a", name])), "variant", str)


def test_usual_names_pass() -> None:
    usual = ["+code (10 %)", "-seed", "balanced→text", " padded "]
    found = names(pd.Series(pd.Categorical(usual)), "variant", str)
    assert list(found) == [*usual[:3], "padded"]
    assert list(names(pd.Series([1.0, np.nan, 2.5]), "seed", str)) == ["1", "", "2.5"]


def test_a_whole_number_beyond_all_numbers_is_infinite(tmp_path: Path) -> None:
    rows = [f'{{"variant": "{name}", "seed": {seed}, "loss": 1.{seed}}}' for name in "ab" for seed in (1, 2)]
    path = tmp_path / "r.jsonl"
    path.write_text("\n".join([*rows, f'{{"variant": "b", "seed": 3, "loss": 1{"0" * 400}}}']))
    assert any("b seed 3" in said for said in judge(path, baseline="a").data["left_out"])
