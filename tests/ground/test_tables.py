from __future__ import annotations

import pyarrow as pa
import pytest

from leaven.ground.tables import read_table, write_table

SCHEMA = pa.schema([("name", pa.string()), ("value", pa.float64())])


def test_equal_columns_give_equal_bytes(tmp_path):
    columns = {"value": [1.0, None], "name": ["→", "b"]}
    for name in ("one", "two"):
        write_table(tmp_path / name, columns, SCHEMA)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert read_table(tmp_path / "one") == columns
    assert read_table(tmp_path / "one", ["value"]) == {"value": [1.0, None]}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_an_empty_table_keeps_its_types(tmp_path):
    write_table(tmp_path / "empty", {"name": [], "value": []}, SCHEMA)
    assert read_table(tmp_path / "empty") == {"name": [], "value": []}
    assert pa.parquet.read_schema(tmp_path / "empty").equals(SCHEMA)


def test_columns_that_do_not_fit_write_nothing(tmp_path):
    with pytest.raises(KeyError):
        write_table(tmp_path / "x", {"name": []}, SCHEMA)
    assert list(tmp_path.iterdir()) == []
