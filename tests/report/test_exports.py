"""The numbers behind the page, as programs read them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from leaven.report.exports import SAMPLES, SCHEMAS
from leaven.report.page import write_report


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_csv_and_parquet_say_the_same(rendered: Path, name: str) -> None:
    table = pq.read_table(rendered / "data" / f"{name}.parquet")
    with (rendered / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert table.column_names == list(SCHEMAS[name])
    assert table.num_rows == len(rows) > 0
    for column in (column for column in table.column_names if SCHEMAS[name][column] == "double"):
        written = [float(row[column]) if row[column] else None for row in rows]
        assert written == table.column(column).to_pylist()


def test_power_says_of_which_comparisons_and_strengths_of_which_size(data: dict[str, Any], tmp_path: Path) -> None:
    data["verdict"]["power"] = [{**row, "role": "other baseline", "size": "1m"} for row in data["verdict"]["power"]]
    data["verdict"]["strengths"] = [{**row, "size": "1m"} for row in data["verdict"]["strengths"]]
    write_report(data, tmp_path)
    power = pq.read_table(tmp_path / "data" / "power.parquet").to_pydict()
    assert (set(power["role"]), set(power["size"])) == ({"other baseline"}, {"1m"})
    assert set(pq.read_table(tmp_path / "data" / "strengths.parquet").to_pydict()["size"]) == {"1m"}


def test_samples_keep_every_character(rendered: Path, hostile: str) -> None:
    lines = (rendered / "data" / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 16
    assert json.loads(lines[1])["variant_text"] == hostile
    assert pq.read_table(rendered / "data" / "samples.parquet").column_names == list(SAMPLES)


def test_ledger_has_plan_and_realisation_of_every_seed(rendered: Path) -> None:
    table = pq.read_table(rendered / "data" / "ledger.parquet").to_pydict()
    assert set(table["seed"]) == {1, 2, 3}
    assert table["planned"] == table["tokens"]


def test_a_shortfall_is_shown(data: dict[str, Any], tmp_path: Path) -> None:
    data["verdict"] = {}
    data["stages"] = data["stages"][:3]
    data["stages"][1]["ledger"]["text"]["tokens"] -= 128
    write_report(data, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "1 entry off plan" in page
    assert "119,872 (−128)" in page


def test_odd_cells_do_not_fail_an_export(tmp_path: Path) -> None:
    rows = [{"variant": "a\ud800", "measure": 3, "effect": "much", "seeds": 2**70, "items": float("nan")}]
    write_report({"verdict": {"comparisons": rows}}, tmp_path)
    table = pq.read_table(tmp_path / "data" / "gains.parquet").to_pydict()
    assert table["effect"] == [None]
    assert table["seeds"] == [None]
    assert table["variant"] == ["a\\u{d800}"]
