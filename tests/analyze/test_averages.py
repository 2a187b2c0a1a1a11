"""Category scores over variants and seeds."""

from __future__ import annotations

import json
import math

import pytest

from leaven.analyze.averages import average_data

AVERAGES = {"reason": ["piqa", "boolq"], "know": ["nq"], "nl": ["reason", "know"]}
PRIMARY = {"piqa": "accuracy", "boolq": "accuracy", "nq": "exact_match"}


def entry(measure, value, bound, n=1000):
    return {measure: {"value": value, "n": n, "se": math.sqrt(value * (1 - value) / (n - 1))}, "bound": bound}


def runs(tmp_path, table):
    found = []
    for (variant, seed, point), scores in table.items():
        folder = tmp_path / f"{variant}-{seed}-{point}"
        folder.mkdir()
        (folder / "scores.json").write_text(json.dumps(scores))
        found.append({"variant": variant, "seed": seed, "point": point, "folder": folder})
    return found


def one(piqa, boolq, nq):
    return {
        "piqa": entry("accuracy", piqa, 0.5),
        "boolq": entry("accuracy", boolq, 0.62),
        "nq": entry("exact_match", nq, 0.01),
    }


def rows(data, average, rule):
    return {row["variant"]: row for row in data["rows"] if (row["average"], row["rule"]) == (average, rule)}


def test_a_variant_is_the_mean_over_seeds_and_one_weak_run_takes_a_task_out_for_all(tmp_path):
    table = {
        ("text", 1, "final"): one(0.60, 0.70, 0.10),
        ("text", 2, "final"): one(0.64, 0.72, 0.12),
        ("code", 1, "final"): one(0.62, 0.71, 0.11),
        ("code", 2, "final"): one(0.62, 0.62, 0.11),
    }
    data = average_data(runs(tmp_path, table), AVERAGES, PRIMARY)
    every, above = rows(data, "reason", "every task that ran"), rows(data, "reason", "at-chance rule")
    assert every["text"]["value"] == pytest.approx((0.60 + 0.70 + 0.64 + 0.72) / 4)
    assert above["text"]["value"] == pytest.approx(0.62)
    assert above["text"]["tasks"] == ["piqa"]
    assert list(data["at_chance"]) == ["boolq"]
    assert "code/seed-2" in data["at_chance"]["boolq"]
    assert "text/seed" not in data["at_chance"]["boolq"]
    nl = rows(data, "nl", "at-chance rule")["code"]
    assert nl["value"] == pytest.approx((0.62 + 0.11) / 2)


def test_the_item_part_does_not_shrink_with_seeds(tmp_path):
    same = {("text", seed, "final"): one(0.6, 0.7, 0.1) for seed in range(4)}
    found = rows(average_data(runs(tmp_path, same), AVERAGES, PRIMARY), "know", "every task that ran")["text"]
    assert found["se"] == pytest.approx(math.sqrt(0.1 * 0.9 / 999))
    assert found["seeds"] == 4


def test_the_seed_part_is_added(tmp_path):
    table = {("text", seed, "final"): one(0.6, 0.7, value) for seed, value in enumerate((0.1, 0.2))}
    found = rows(average_data(runs(tmp_path, table), AVERAGES, PRIMARY), "know", "every task that ran")["text"]
    items = (0.1 * 0.9 + 0.2 * 0.8) / 2 / 999
    assert found["se"] == pytest.approx(math.sqrt(items + 0.1**2 / 2 / 2))


def test_what_did_not_run_is_named_and_an_average_without_tasks_has_no_value(tmp_path):
    scores = one(0.6, 0.7, 0.1) | {"nq": {"left_out": "no data for nq", "chance": None}}
    data = average_data(runs(tmp_path, {("text", 1, "final"): scores}), AVERAGES, PRIMARY)
    assert data["missing"] == {"nq": "no data for nq"}
    assert rows(data, "nl", "every task that ran")["text"]["value"] is None
    assert rows(data, "reason", "every task that ran")["text"]["value"] == pytest.approx(0.65)
