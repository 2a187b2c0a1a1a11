"""Judged preferences in a verdict: all pairs, strengths, tables."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from leaven.analyze.export import WINRATES
from leaven.analyze.verdict import analyze
from leaven.ground.files import read_json

Study = tuple[dict[str, Any], list[Any], list[Any]]


@pytest.fixture(scope="module")
def pairs(study: Study, votes_writer: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Votes of the pair of two variants, besides those against the baseline."""
    root, rng = tmp_path_factory.mktemp("pairs"), np.random.default_rng(3)
    more = []
    for seed in study[0]["seeds"]:
        outcomes = [str(o) for o in rng.choice(["win", "lose", "tie"], size=60)]
        folder = votes_writer(root / str(seed), outcomes)
        more.append({"variant": "code→text", "baseline": "balanced→text", "seed": seed, "folder": folder})
    return [*more, *study[2]]


@pytest.fixture(scope="module")
def out(study: Study, pairs: list[Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judged")
    analyze(study[0], study[1], pairs, folder)
    return folder


def test_pairs_with_the_baseline_come_first_and_all_are_corrected_together(out: Path) -> None:
    rows = read_json(out / "verdict.json")["winrates"]
    assert [(row["variant"], row["baseline"]) for row in rows] == [
        ("balanced→text", "text-only"),
        ("code→text", "text-only"),
        ("code→text", "balanced→text"),
    ]
    smallest = min(rows, key=lambda row: row["p"])
    assert smallest["p_holm"] == pytest.approx(min(1, 3 * smallest["p"]))


def test_strengths_where_three_arms_all_met(study: Study, out: Path, tmp_path: Path) -> None:
    rows = read_json(out / "verdict.json")["strengths"]
    assert [row["arm"] for row in rows] == ["text-only", "balanced→text", "code→text"]
    assert all(row["reference"] == "text-only" for row in rows)
    analyze(*study, tmp_path)
    assert read_json(tmp_path / "verdict.json")["strengths"] == []


def test_any_order_of_judgements_gives_equal_bytes(study: Study, pairs: list[Any], out: Path, tmp_path: Path) -> None:
    analyze(study[0], study[1], pairs[::-1], tmp_path)
    for path in out.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_tables_hold_every_figure_of_the_rows(out: Path) -> None:
    rows = read_json(out / "verdict.json")["winrates"]
    table = pq.read_table(out / "winrates.parquet").to_pylist()
    assert set(rows[0]) - {"rules"} <= set(WINRATES.names)
    apart = ("rules", "controls", "reasons")  # more than one value; as text or in columns of their own
    for row, flat in zip(rows, table, strict=True):
        assert {name: flat[name] for name in row if name not in apart} == {
            name: value for name, value in row.items() if name not in apart
        }
    with (out / "winrates.csv").open(newline="") as file:
        assert [line["half"] for line in csv.DictReader(file)] == [str(row["half"]) for row in rows]
