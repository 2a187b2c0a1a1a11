from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from leaven.analyze.crossed import difference, scaled
from leaven.analyze.export import rounded
from leaven.analyze.transfer.data import SizeEffects, transfer_data

PROSE, FACTS = "prose bits-per-byte", "fact recall"
BETTER = {PROSE: "lower", FACTS: "higher"}
UNITS = {PROSE: "%", FACTS: "points"}
BASE = "text-only"


def size(
    name: str,
    parameters: int,
    truth: Mapping[str, float],
    *,
    seeds: int = 3,
    spread: float = 0.003,
    baseline: str = BASE,
    key: int = 0,
) -> SizeEffects:
    """A size whose variants change prose by `truth` % and facts by a tenth of it, in points; arms paired by seed."""
    rng = np.random.default_rng([parameters, key])
    shared = rng.normal(0, 0.01, seeds)
    level = 1 + 2 * (parameters / 1e6) ** -0.1
    scores: dict[str, dict[str, Any]] = {PROSE: {}, FACTS: {}}
    effects: dict[str, dict[str, Any]] = {PROSE: {}, FACTS: {}}
    for variant, change in truth.items():
        scores[PROSE][variant] = level * (1 + change / 100) + shared + rng.normal(0, spread, seeds)
        scores[FACTS][variant] = 0.5 + change / 1000 + rng.normal(0, spread, seeds)
    for variant in truth:
        if variant == baseline:
            continue
        for measure, kind in ((PROSE, "relative"), (FACTS, "points")):
            new, old = scores[measure][variant], scores[measure][baseline]
            found = difference(new, old, np.tile(new, (40, 1)), np.tile(old, (40, 1)), kind)
            effects[measure][variant] = found if kind == "relative" else scaled(found, 100)
    return SizeEffects(name, parameters, baseline, scores, effects)


def found(*sizes: SizeEffects, draws: int = 200) -> dict[str, Any]:
    data = transfer_data(sizes, BETTER, UNITS, draws=draws, seed=0)
    assert data is not None
    return data


def of(data: Mapping[str, Any], name: str) -> Any:
    return next(measure for measure in data["measures"] if measure["name"] == name)


GROWING = [{BASE: 0, "a": -1.0, "b": 2.0}, {BASE: 0, "a": -1.2, "b": 1.0}, {BASE: 0, "a": -1.5, "b": -1.0}]
STEADY = [{BASE: 0, "a": -1.0, "b": 2.0}] * 3
SIZES = (("1m", 10**6), ("3m", 3 * 10**6), ("10m", 10**7))


def three(truths: list[dict[str, float]], **more: Any) -> list[SizeEffects]:
    return [size(name, n, truth, **more) for (name, n), truth in zip(SIZES, truths, strict=True)]


def test_a_flip_is_found_and_nothing_is_proven() -> None:
    data = found(*three(GROWING))
    prose = of(data, PROSE)
    assert {row["variant"]: row["state"] for row in prose["signs"]} == {"a": "signs agree", "b": "flip"}
    (flip,) = prose["flips"]
    assert (flip["variant"], flip["from"], flip["to"], flip["clear"]) == ("b", "3m", "10m", True)
    assert "worse at 3m" in flip["said"]
    assert "better at 10m" in flip["said"]
    assert data["proven"] is False
    assert "unproven; sign flips between sizes: b on prose bits-per-byte" in data["said"]
    slope = prose["interaction"]["b"]
    assert slope["low"] < slope["slope"] < slope["high"] < 0
    assert {row["variant"]: row["holds"] is None for row in prose["signs"]} == {"a": False, "b": True}


def test_a_flip_over_a_size_that_shows_nothing_is_one_sentence() -> None:
    data = found(*three([{BASE: 0, "a": -1.0, "b": 3.0}, {BASE: 0, "a": -1.0, "b": 0.05}, {BASE: 0, "b": -3.0}], key=1))
    prose = of(data, PROSE)
    (sign,) = [row for row in prose["signs"] if row["variant"] == "b"]
    assert sign["state"] == "flip"
    assert [(flip["from"], flip["to"], flip["clear"]) for flip in prose["flips"]] == [("1m", "10m", True)]
    assert "without being clear" not in prose["said"]
    assert "both signs are clear" in prose["said"]


def test_three_sizes_that_agree_prove_and_two_do_not() -> None:
    sizes = three(STEADY)
    prose = [SizeEffects(s.size, s.parameters, BASE, {PROSE: s.scores[PROSE]}, s.effects) for s in sizes]
    data = found(*prose)
    assert data["proven"] is True
    assert data["said"] == "On 3 sizes (1m, 3m, 10m), all 2 clear effects have the same clear sign at 3 sizes or more."
    assert of(data, PROSE)["pairs"][1]["accuracy"] == 1
    two = found(*prose[:2])
    assert two["proven"] is False
    assert "Only 2 sizes (1m, 3m) were trained, 3 are needed" in two["said"]
    assert of(two, PROSE)["interaction"] == {}
    assert "at least 3 sizes" in of(two, PROSE)["extrapolation"]["refused"]


def test_an_effect_that_is_not_clear_everywhere_proves_nothing() -> None:
    weak = [{BASE: 0, "a": -1.0, "b": 2.0}, {BASE: 0, "a": -1.0, "b": 2.0}, {BASE: 0, "a": 0.0, "b": 2.0}]
    data = found(*[SizeEffects(s.size, s.parameters, BASE, {PROSE: s.scores[PROSE]}, s.effects) for s in three(weak)])
    assert data["proven"] is False
    none = found(*three([{BASE: 0, "a": 0.0}] * 3, spread=0.05, key=4))  # one of twenty draws is clear by luck
    assert "no effect is clear at any size" in none["said"]


def test_one_size_says_nothing() -> None:
    assert transfer_data([], BETTER, UNITS, draws=100, seed=0) is None
    one = size("1m", 10**6, STEADY[0])
    assert transfer_data([one], BETTER, UNITS, draws=100, seed=0) is None
    assert transfer_data([one, size("1m again", 10**6, STEADY[0])], BETTER, UNITS, draws=100, seed=0) is None


def test_the_order_of_sizes_changes_nothing_and_all_of_it_is_json() -> None:
    sizes = three(GROWING)
    forth, back = (rounded(found(*each)) for each in (sizes, sizes[::-1]))
    assert forth == back
    assert json.loads(json.dumps(forth, allow_nan=False)) == forth


def test_decisions_regret_and_calibration() -> None:
    data = found(*three(GROWING))
    last = next(p for p in of(data, PROSE)["pairs"] if (p["from"], p["to"]) == ("1m", "10m"))
    assert (last["pairs"], last["right"]) == (3, 2)
    assert last["low"] < 2 / 3 < last["high"]
    assert last["regret"]["value"] == 0
    assert sum(row["pairs"] for row in last["by_gap"]) == 3
    picked = next(p for p in of(data, FACTS)["pairs"] if (p["from"], p["to"]) == ("1m", "10m"))
    assert picked["regret"]["share"] <= 1
    row = next(r for r in data["calibration"] if (r["from"], r["to"]) == ("1m", "10m"))
    assert row["pairs"] == 6
    assert row["observed"] <= row["predicted"]


def test_the_law_is_drawn_on_for_losses_only() -> None:
    data = found(*three(STEADY))
    ahead = of(data, PROSE)["extrapolation"]
    assert ahead["parameters"] == 1e8
    assert [row["variant"] for row in ahead["variants"]] == [BASE, "a", "b"]
    a = ahead["variants"][1]
    assert a["low"] < a["value"] < a["high"]
    assert a["effect_low"] < -1.0 < a["effect_high"]
    assert ahead["variants"][0]["effect"] is None
    assert "ceiling" in of(data, FACTS)["extrapolation"]["refused"]


def test_a_variant_without_a_law_is_left_out_by_name() -> None:
    sizes = three(STEADY)
    fewer = size("10m", 10**7, {BASE: 0, "a": -1.0})
    ahead = of(found(*sizes[:2], fewer), PROSE)["extrapolation"]
    assert [row["variant"] for row in ahead["variants"]] == [BASE, "a"]
    assert ahead["refused"] == ""
    assert ahead["left_out"] == [
        {"variant": "b", "why": "a law of three parameters needs at least 3 sizes, there are 2"}
    ]
    both = of(found(*sizes[:2]), PROSE)["extrapolation"]
    assert "there are 2" in both["refused"]
    assert both["left_out"] == []


def test_sizes_with_baselines_of_their_own_are_compared_with_the_largest_ones() -> None:
    sizes = three(STEADY)
    other = size("10m", 10**7, STEADY[2], baseline="a")
    data = found(*sizes[:2], other)
    assert data["baseline"] == "a"
    assert {row["variant"] for row in of(data, PROSE)["effects"]} == {BASE, "b"}
    for row in of(data, PROSE)["effects"]:
        assert row["effect"] == pytest.approx(3.03 if row["variant"] == "b" else 1.01, abs=0.5)


def test_single_seeds_have_no_intervals_and_prove_nothing() -> None:
    data = found(*three(STEADY, seeds=1))
    assert {row["low"] for row in of(data, PROSE)["effects"]} == {None}
    assert data["proven"] is False
    assert data["calibration"] == []
    assert of(data, PROSE)["pairs"][0]["accuracy"] is not None


def test_variants_that_one_size_lacks_take_no_part() -> None:
    sizes = three(STEADY)
    lone = size("30m", 3 * 10**7, {BASE: 0, "c": 1.0})
    data = found(*sizes, lone)
    assert {row["variant"] for row in of(data, PROSE)["effects"]} == {"a", "b"}
    assert [p["to"] for p in of(data, PROSE)["pairs"] if p["from"] == "1m"] == ["3m", "10m"]
