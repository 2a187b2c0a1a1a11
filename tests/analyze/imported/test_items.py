"""Single items: a table of them is worth what this project's own evaluations are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from leaven.analyze.verdict import analyze
from leaven.ground.errors import BadInput
from leaven.ground.files import read_json
from tests.analyze.imported.tables import judge, write

MEASURES: dict[str, dict[str, Any]] = {
    "prose bits-per-byte": {"of": "bpb_text", "better": "lower", "effect": "relative", "margin": 1.0, "primary": True},
    "code bits-per-byte": {"of": "bpb_code", "better": "lower", "effect": "relative", "margin": 1.0, "primary": True},
    "fact recall": {
        "of": "facts",
        "better": "higher",
        "scale": "share",
        "margin": 5.0,
        "chance": 0.26,
        "primary": True,
    },
    "reasoning probes": {"of": "boolean", "better": "higher", "scale": "share", "margin": 5.0, "chance": 0.5},
}
Study = tuple[dict[str, Any], list[Any], list[Any]]


def item_rows(evaluations: list[Any]) -> list[dict[str, Any]]:
    rows = []
    for evaluation in evaluations:
        if evaluation["point"] != "final":
            continue
        found = pq.read_table(Path(evaluation["folder"]) / "items.parquet").to_pylist()
        weights = {(row["task"], row["item"]): row["value"] for row in found if row["measure"] == "bytes"}
        for row in found:
            if row["measure"] != "bytes":
                kept = {name: row[name] for name in ("task", "item", "group", "value")}
                weight = weights.get((row["task"], row["item"]), "")
                rows.append({"variant": evaluation["variant"], "seed": evaluation["seed"], **kept, "bytes": weight})
    return rows


def test_a_table_of_items_gets_the_verdict_of_evaluations(study: Study, tmp_path: Path) -> None:
    request, evaluations, _ = study
    (tmp_path / "own").mkdir()
    analyze(request, evaluations, [], tmp_path / "own")
    own = read_json(tmp_path / "own/verdict.json")["comparisons"]
    path = write(tmp_path / "items.csv", item_rows(evaluations))
    order = ["text-only", "balanced→text", "code→text"]
    draws = {"draws": request["draws"], "seed": request.get("seed", 0), "alpha": request.get("alpha", 0.05)}
    made = judge(path, baseline="text-only", variants=order, metrics=MEASURES, **draws)
    theirs = made.data["comparisons"]
    assert [(row["variant"], row["measure"]) for row in own] == [(row["variant"], row["measure"]) for row in theirs]
    for mine, other in zip(own, theirs, strict=True):
        assert mine["verdict"] == other["verdict"]
        assert mine["items"] == other["items"]
        for key in ("effect", "low", "high", "p", "p_holm", "p_equivalence"):
            assert other[key] == pytest.approx(mine[key], rel=1e-6, abs=1e-9), key
    assert [row["task"] for row in made.data["excluded"]] == ["boolean"]


def test_items_that_do_not_pair_are_named_or_left_out(tmp_path: Path) -> None:
    rows = [
        {"variant": v, "seed": s, "task": "t", "item": i, "correct": (i * 7 + s) % 3 > (v == "b")}
        for v in ("a", "b")
        for s in (1, 2)
        for i in range(30)
    ]
    rows = [{**row, "correct": int(row["correct"])} for row in rows]
    path = write(tmp_path / "r.csv", rows[:-1])
    with pytest.raises(BadInput, match="t:correct: item 29 is in a seed 1 and not in b seed 2"):
        judge(path, baseline="a")
    made = judge(path, baseline="a", items="common")
    assert made.data["comparisons"][0]["items"] == 29
    assert any("1 items that not every run has" in note for note in made.data["left_out"])
    twice = [*rows, {**rows[0], "correct": 1 - rows[0]["correct"]}]
    with pytest.raises(BadInput, match="two different values"):
        judge(write(tmp_path / "s.csv", twice), baseline="a")
    mixed = [*rows, {**rows[0], "seed": 9, "item": ""}]
    with pytest.raises(BadInput, match="some rows are single items and others are not"):
        judge(write(tmp_path / "m.csv", mixed), baseline="a")
