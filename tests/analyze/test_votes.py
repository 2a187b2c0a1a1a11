"""Votes as the judge step writes them, and as it wrote them before it had more columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leaven.analyze.votes import read_votes
from leaven.analyze.winrates import winrate_rows
from leaven.ground.errors import LeavenError
from leaven.judge.run import judge_pair
from leaven.judge.scripted import Scripted

WORDS = ["bread", "water", "salt", "flour", "oven", "crust", "yeast", "dough", "heat", "time", "hand", "bowl", "rye"]


def complete(folder: Path, seed: int, prompts: int = 100, overlap: int = 0) -> Path:
    """A complete step whose completions are random words; the first of its prompts were met in training."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    rows = []
    for i in range(prompts):
        text = " ".join(rng.choice(WORDS, size=int(rng.integers(12, 40))))
        row: dict[str, Any] = {"id": f"{i:03d}", "prompt": f"Say {i}.", "completion": text, "degenerate": i == 7}
        rows.append(row | ({"overlap": ["dolly"]} if i < overlap else {}))
    (folder / "completions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def judged(root: Path, script: str, seed: int = 1, overlap: int = 0) -> dict[str, Any]:
    out = root / f"{script}-{seed}"
    a, b = complete(out / "a", 2 * seed, overlap=overlap), complete(out / "b", 2 * seed + 1, overlap=overlap)
    judge_pair(a, b, Scripted(script), out, controls=30)
    return {"variant": "v", "baseline": "b", "seed": seed, "folder": out}


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("first", ["cannot tell intact text", "goes by position", "does not agree with itself"]),
        ("longer", ["cannot tell intact text", "goes by length"]),
        ("random", ["cannot tell intact text", "does not agree with itself"]),
        ("coin", ["cannot tell intact text"]),
    ],
)
def test_a_scripted_judge_of_real_folders_is_exposed(tmp_path: Path, script: str, said: list[str]) -> None:
    (row,) = winrate_rows(read_votes([judged(tmp_path, script)]), 400, 0)
    warnings = " ".join(row["warnings"])
    assert row["warnings"][0].startswith("Made-up answers: not a result")
    assert [part for part in said if part not in warnings] == []
    assert row["scripted"] is True
    assert row["rules"] == {"degenerate": 1, "identical": 0}
    assert row["controls"]["n"] == 30


def test_seeds_and_columns(tmp_path: Path) -> None:
    given = [judged(tmp_path, "coin", seed, overlap=3) for seed in (2, 1)]
    (votes,) = read_votes(given)
    assert votes.outcomes.shape == (2, 100)
    assert votes.prompts == tuple(f"{i:03d}" for i in range(100))
    assert votes.overlap == ("dolly",) * 3 + ("",) * 97
    table = pq.read_table(given[1]["folder"] / "votes.parquet").to_pandas()
    assert votes.gap is not None
    assert votes.first is not None
    assert votes.gap[0].tolist() == [len(a) - len(b) for a, b in zip(table["a"], table["b"], strict=True)]
    assert votes.first[0].tolist() == table["first_order"].map({"a": 1, "b": -1, "tie": 0}).tolist()
    assert int((~votes.asked).sum()) == 2
    assert votes.controls is not None
    assert votes.controls["n"] == 60
    (row,) = winrate_rows([votes], 200, 0)
    assert (row["overlapping"], row["clean_net"] is not None) == (3, True)


def test_the_order_in_which_votes_and_seeds_are_handed_in_does_not_matter(tmp_path: Path) -> None:
    given = [judged(tmp_path, "random", seed) for seed in (1, 2, 3)]
    there = winrate_rows(read_votes(given), 200, 0)
    table = pq.read_table(given[0]["folder"] / "votes.parquet")
    pq.write_table(table.take(list(range(99, -1, -1))), given[0]["folder"] / "votes.parquet")
    assert winrate_rows(read_votes(given[::-1]), 200, 0) == there


def overlapping(given: dict[str, Any], cells: list[str | None]) -> dict[str, Any]:
    path = given["folder"] / "votes.parquet"
    table = pq.read_table(path)
    place = table.schema.get_field_index("overlap")
    pq.write_table(table.set_column(place, table.schema.field(place), pa.array(cells, pa.string())), path)
    return given


def test_where_nothing_was_searched_nothing_is_said_of_overlap(tmp_path: Path) -> None:
    never = overlapping(judged(tmp_path, "coin", 1), [None] * 100)
    (row,) = winrate_rows(read_votes([never]), 200, 0)
    assert (row["overlapping"], row["clean_net"]) == (None, None)
    nowhere = overlapping(judged(tmp_path, "coin", 2), [""] * 100)
    (row,) = winrate_rows(read_votes([nowhere]), 200, 0)
    assert row["overlapping"] == 0
    some = overlapping(judged(tmp_path, "coin", 3), ["dolly", None] * 50)
    (row,) = winrate_rows(read_votes([never, some]), 200, 0)
    assert row["overlapping"] == 50


def test_before_rules_had_names_a_rule_was_about_degenerate_completions(tmp_path: Path) -> None:
    given = judged(tmp_path, "coin")
    path = given["folder"] / "votes.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["rule", "length_a", "length_b", "overlap"]), path)
    (row,) = winrate_rows(read_votes([given]), 200, 0)
    assert row["rules"] == {"degenerate": 1, "identical": 0}
    assert [row[key] for key in ("longer_rate", "length_slope", "zero_gap", "overlapping", "clean_net")] == [None] * 5
    assert row["kappa"] == 1


def test_an_unknown_answer_is_named(tmp_path: Path) -> None:
    given = judged(tmp_path, "coin")
    path = given["folder"] / "votes.parquet"
    table = pq.read_table(path)
    changed = table.set_column(table.schema.get_field_index("first_order"), "first_order", [["draw"] * len(table)])
    pq.write_table(changed, path)
    with pytest.raises(LeavenError, match='judgement of v seed 1: unknown first order "draw"'):
        read_votes([given])
