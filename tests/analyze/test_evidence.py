"""Evidence in, verdict out: sizes, roles, pairs, near-zero baselines, items that occur, gates, and laws of all that."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leaven.analyze.bootstrap import Sums, ratios_resampled
from leaven.analyze.evidence import Context, Evidence, conclude, earlier_gains, write
from leaven.analyze.export import rounded
from leaven.analyze.request import Request, parse_request
from leaven.analyze.results import Sampled
from leaven.analyze.text import render_lines
from leaven.ground.errors import BadInput
from leaven.ground.files import read_json

BITS = {"name": "bits", "tasks": ["t"], "statistic": "gold_bpb", "better": "lower", "effect": "relative"}
PASS = {"name": "pass", "tasks": ["p"], "statistic": "pass@1", "better": "higher", "effect": "relative"}
MAIN = [{**BITS, "margin": 1.0, "primary": True}]


def asked(measures: list[dict[str, Any]] | None = None, **more: Any) -> Request:
    base = {"study": "s", "baseline": "b", "variants": ["b", "v", "w"], "seeds": [1, 2, 3], "draws": 200}
    return parse_request({**base, "measures": measures or MAIN, **more})


def arms(levels: dict[str, float], seeds: dict[str, list[int]] | None = None, items: int = 80) -> dict[str, Sampled]:
    """Bits per byte around these levels; seeds and items shared, seed 0.3 % apart."""
    rng = np.random.default_rng(4)
    hard, luck = rng.normal(0, 0.2, items), rng.normal(0, 0.01, 9)
    found = {}
    for i, (name, level) in enumerate(levels.items()):
        own = np.random.default_rng([5, i])
        which = (seeds or {}).get(name, [1, 2, 3])
        each = own.normal(0, 0.003, (9, 1)) + own.normal(0, 0.05, (9, items))
        values = (level + level / 2 * (hard + luck[:, None] + each))[which]
        sums = Sums(values, np.ones_like(values))
        found[name] = Sampled(tuple(which), sums.ratios, ratios_resampled([sums], 200, key=1)[0], items, items)
    return found


def evidence(
    request: Request, levels: dict[str, float], size: str = "", point: str = "final", **more: Any
) -> list[Evidence]:
    return [Evidence(size, point, one, arms(levels, **more), one.tasks) for one in request.measures]


LEVELS = {"b": 2.0, "v": 1.8, "w": 2.3}


def test_pairs_are_made_of_the_seeds_both_have() -> None:
    request = asked()
    data = conclude(request, evidence(request, LEVELS, seeds={"b": [1, 2, 3], "v": [2, 3, 4], "w": [3]}))
    assert [(row["variant"], row["seeds"]) for row in data["comparisons"]] == [("v", 2), ("w", 1)]
    whole = conclude(request, evidence(request, LEVELS))["comparisons"]
    fewer = conclude(request, evidence(request, LEVELS, seeds={"w": [3]}))["comparisons"]
    # Another arm's missing seed costs v nothing but what the family's correction says.
    assert [fewer[0][name] for name in ("effect", "low", "high", "p")] == [
        whole[0][name] for name in ("effect", "low", "high", "p")
    ]
    assert [(gate["variant"], gate["said"].split(":")[0]) for gate in data["gates"]] == [
        ("v", "v against b has 2 common seeds"),
        ("w", "w has 1 seed"),
    ]


def test_further_baselines_are_told_beside_the_first_and_correct_nothing() -> None:
    request = asked(sizes=[one("1m", against={"w": ["v", "b"]})])
    data = conclude(request, evidence(request, LEVELS, size="1m"))
    roles = [(row["variant"], row["baseline"], row["role"], row["primary"]) for row in data["comparisons"]]
    assert roles == [("v", "b", "primary", True), ("w", "v", "primary", True), ("w", "b", "other baseline", False)]
    alone = conclude(asked(), evidence(asked(), LEVELS))["comparisons"][1]
    assert data["comparisons"][2]["effect"] == pytest.approx(alone["effect"])
    assert data["comparisons"][2]["p_holm"] == data["comparisons"][2]["p"]
    assert [row["role"] for row in data["power"]] == ["primary", "other baseline"]
    none = asked(sizes=[one("1m", against={"w": []})])
    assert [row["variant"] for row in conclude(none, evidence(none, LEVELS, size="1m"))["comparisons"]] == ["v"]


def one(size: str, parameters: int = 1_000_000, **more: Any) -> dict[str, Any]:
    return {
        "size": size,
        "parameters": parameters,
        "baseline": "b",
        "variants": ["b", "v", "w"],
        "seeds": [1, 2, 3],
    } | more


def test_the_primary_family_is_that_of_all_sizes() -> None:
    request = asked(sizes=[one("1m"), one("3m", 3_000_000)])
    both = [*evidence(request, LEVELS, "1m"), *evidence(request, {"b": 1.8, "v": 1.9, "w": 2.0}, "3m")]
    data = conclude(request, both)
    assert [(row["size"], row["variant"]) for row in data["comparisons"]] == [
        ("1m", "v"),
        ("1m", "w"),
        ("3m", "v"),
        ("3m", "w"),
    ]
    smallest = min(data["comparisons"], key=lambda row: row["p"])
    assert smallest["p_holm"] == pytest.approx(4 * smallest["p"])
    assert "4 primary comparisons of all sizes" in data["method"]
    assert {row["size"] for row in data["scores"]} == {row["size"] for row in data["noise"]} == {"1m", "3m"}
    assert data["transfer"] is not None
    assert [row["size"] for row in data["headlines"]] == ["1m", "1m", "3m", "3m"]
    assert data["headlines"][0]["said"].startswith("at 1m, v instead of b (3 seeds) is better on bits (−")
    lines = render_lines(rounded(data))
    assert lines[0].startswith("verdict (95 % intervals, Holm over 4 primary comparisons of 2 sizes")
    assert lines[1] == "  1m"
    assert any(line.startswith("  transfer ") for line in lines)
    assert data["answers"][2].startswith("3m: v against b on bits: ")


def test_one_size_has_no_transfer_and_no_sweep_no_optimum() -> None:
    data = conclude(asked(), evidence(asked(), LEVELS))
    assert data["transfer"] is None
    assert data["optimum"] is None
    assert data["sizes"][0]["against"] == {"v": ["b"], "w": ["b"]}


def test_a_sweep_reaches_the_optimum_with_its_shares() -> None:
    names = ["b", "v", "w"]
    request = asked(sweep={"of": "code", "variants": names, "shares": {"b": 0.0, "v": 0.25, "w": 0.5}})
    found = conclude(request, evidence(request, LEVELS))["optimum"]
    assert found["of"] == "code"
    assert [row["name"] for row in found["measures"]] == ["bits"]


def test_the_point_of_the_verdict_is_the_requests() -> None:
    request = asked(point="before cooldown")
    given = [*evidence(request, LEVELS), *evidence(request, {**LEVELS, "v": 2.4}, point="before cooldown")]
    data = conclude(request, given)
    assert data["comparisons"][0]["effect"] > 0
    assert [row["point"] for row in data["scores"][:3]] == ["before cooldown"] * 3
    earlier = earlier_gains(request, given)
    assert {row["point"] for row in earlier} == {"final"}
    assert earlier[0]["effect"] < 0


def counted(passed: dict[str, int], items: int = 200) -> dict[str, Sampled]:
    found = {}
    for name, right in passed.items():
        values = np.zeros((3, items))
        for seed in range(3):
            values[seed, seed : seed + right] = 1.0
        sums = Sums(values, np.ones_like(values))
        found[name] = Sampled((1, 2, 3), sums.ratios, ratios_resampled([sums], 200, key=1)[0], items, items)
    return found


@pytest.mark.parametrize(("base", "flagged"), [(1, True), (3, True), (40, False)])
def test_a_multiple_of_nearly_nothing_is_told_in_points(base: int, flagged: bool) -> None:
    request = asked([{**PASS, "margin": 5.0, "primary": True}])
    (measure,) = request.measures
    data = conclude(request, [Evidence("", "final", measure, counted({"b": base, "v": base + 9}), ("p",))])
    (row,) = data["comparisons"]
    assert bool(row["ratio"]) == flagged
    if flagged:
        assert row["unit"] == "points"
        assert row["effect"] == pytest.approx(4.5)
        assert row["margin"] == 0
        assert row["p_equivalence"] == 1
        assert (
            f"{(base + 9) / base:.2g} times that says little; the absolute change is told: +4.5 points" in row["ratio"]
        )
        assert any("near zero" in line for line in render_lines(rounded(data)))
    else:
        assert (row["unit"], row["effect"]) == ("%", pytest.approx(22.5))


def test_items_that_occur_are_told_apart_and_a_verdict_they_make_is_flagged() -> None:
    request = asked()
    (measure,) = request.measures
    dirty = evidence(request, LEVELS)
    same, other = evidence(request, LEVELS), evidence(request, {**LEVELS, "v": 2.0})
    for clean, words in ((same, "every verdict on bits is the same"), (other, "v against b on bits is")):
        data = conclude(request, dirty, Context(clean=clean, dirty={"t": 12}))
        (gate,) = [gate for gate in data["gates"] if gate["gate"] == "contaminated"]
        assert gate["said"].startswith("12 items of t occur in training documents; without them ")
        assert words in gate["said"]
        assert (gate["task"], gate["effect"]) == ("t", "flagged")
        assert set(data["comparisons"][0]["clean"]) == {"verdict", "effect", "low", "high", "unit", "items"}
    assert gate["said"].endswith(", and not better")
    assert conclude(request, dirty)["comparisons"][0]["clean"] is None
    assert measure.name == "bits"


def test_tasks_that_occur_are_named_by_size() -> None:
    """Sizes may count different tasks; that of the last size used to be named for all."""
    request = asked(sizes=[one("1m"), one("3m", 3_000_000)])
    (measure,) = request.measures
    given = [Evidence(size, "final", measure, arms(LEVELS), (task,)) for size, task in (("1m", "t"), ("3m", "u"))]
    gates = conclude(request, given, Context(clean=given, dirty={"t": 30, "u": 1}))["gates"]
    assert [(gate["size"], gate["task"], gate["said"].split(";")[0]) for gate in gates] == [
        ("1m", "t", "30 items of t occur in training documents"),
        ("3m", "u", "1 item of u occurs in training documents"),
    ]


def test_a_measure_of_few_items_is_flagged() -> None:
    request = asked()
    (measure,) = request.measures
    data = conclude(request, [Evidence("", "final", measure, arms(LEVELS, items=3), ("t",))])
    (gate,) = data["gates"]
    assert gate["said"].startswith("bits rests on 3 items: too few")
    assert "few items" in data["gates_run"][0]["gates"]
    assert any("bits rests on 3 items" in line for line in render_lines(rounded(data)))


def test_without_a_comparison_nothing_is_corrected() -> None:
    data = conclude(asked(), [])
    assert render_lines(rounded(data))[0] == "verdict (95 % intervals, nothing can be compared; baseline b)"
    assert "over the primary comparisons, of which there are none here" in data["method"]


def test_what_is_written_is_what_was_concluded(tmp_path: Path) -> None:
    request = asked()
    data = conclude(request, evidence(request, LEVELS), Context(notes=["a word"]))
    write(tmp_path, data)
    assert read_json(tmp_path / "verdict.json") == json.loads(json.dumps(rounded(data)))
    head, *rows = (tmp_path / "gains.csv").read_text().splitlines()
    assert head.startswith("size,variant,baseline,point,measure,role,primary,verdict")
    assert len(rows) == 2


@given(
    st.lists(st.floats(1.5, 2.5), min_size=3, max_size=3),
    st.permutations([0, 1, 2]),
    st.floats(0.5, 20.0),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_laws(levels: list[float], order: list[int], factor: float) -> None:
    """Verdicts do not depend on the order of evidence or on the unit of a relative measure; a claim never goes with an
    interval on the other side of zero."""
    request = asked([*MAIN, {**BITS, "name": "more", "margin": 1.0}])
    given = evidence(request, dict(zip("bvw", levels, strict=True)))
    rows = conclude(request, given)["comparisons"]
    backwards = conclude(request, given[::-1])["comparisons"]
    assert sorted(map(str, backwards)) == sorted(map(str, rows))
    turned = [replace(e, arms={"bvw"[place]: e.arms["bvw"[place]] for place in order}) for e in given]
    assert conclude(request, turned)["comparisons"] == rows
    scaled = [
        replace(
            e,
            arms={n: replace(a, per_seed=factor * a.per_seed, draws=factor * a.draws) for n, a in e.arms.items()},
        )
        for e in given
    ]
    for row, other in zip(rows, conclude(request, scaled)["comparisons"], strict=True):
        assert other["verdict"] == row["verdict"]
        assert other["effect"] == pytest.approx(row["effect"], rel=1e-6, abs=1e-9)
        if row["verdict"] in ("better", "worse"):
            assert row["low"] * row["high"] > 0
            assert (row["effect"] < 0) == (row["verdict"] == "better")
        if row["verdict"] == "equivalent":
            assert abs(row["effect"]) < row["margin"]
        assert row["p"] <= row["p_holm"]
        assert row["low"] <= row["effect"] <= row["high"]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"sizes": [one("1m"), one("1m")]}, "sizes"),
        ({"sizes": [one("1m", baseline="x")]}, r"sizes\[0\].baseline"),
        ({"sizes": [one("1m", against={"x": ["b"]})]}, r"sizes\[0\].against"),
        ({"sizes": [one("1m", against={"v": ["x"]})]}, r"sizes\[0\].against.v"),
        ({"sizes": [one("1m", against={"v": ["v"]})]}, r"sizes\[0\].against.v"),
        ({"sweep": {"of": "code", "variants": ["x"], "shares": {}}}, "sweep.variants"),
        ({"sweep": {"of": "code", "variants": ["v"], "shares": {}}}, "sweep.shares"),
    ],
)
def test_requests_that_make_no_sense_name_the_field(more: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        asked(**more)
    assert re.fullmatch(field, caught.value.field)
