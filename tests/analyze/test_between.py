"""Two studies side by side: the same comparison, and how sure one is that they differ."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.analyze.between import between, plain


def row(effect: float, half: float, verdict: str = "better", **more: Any) -> dict[str, Any]:
    return {
        "variant": "balanced",
        "baseline": "text-only",
        "measure": "code",
        "unit": "%",
        "better": "lower",
        "primary": True,
        "verdict": verdict,
        "effect": effect,
        "low": effect - half,
        "high": effect + half,
        "seeds": 3,
        "items": 100,
        **more,
    }


def study(name: str, *rows: dict[str, Any], steps: tuple[str, ...] = (), **declared: Any) -> dict[str, Any]:
    return {"name": name, "verdict": {"comparisons": rows}, "study": declared, "steps": steps}


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(0.01, 9), st.floats(0.01, 9))
def test_the_difference_has_the_quadrature_of_the_two_intervals(a: float, b: float, wide: float, wider: float) -> None:
    pair = between(study("A", row(a, wide)), study("B", row(b, wider)))["pairs"][0]
    assert pair["difference"] == pytest.approx(b - a)
    assert pair["high"] - pair["difference"] == pytest.approx(math.hypot(wide, wider), rel=1e-6)
    assert pair["apart"] == (pair["low"] > 0 or pair["high"] < 0)


def test_the_interval_of_a_difference_covers_it() -> None:
    """4,000 pairs of independent normal estimates with skewed noise of different size."""
    rng = np.random.default_rng(5)
    a, b = rng.normal(2, 1.0, 4000), rng.normal(5, 2.5, 4000)
    found = [
        between(study("A", row(x, 1.96)), study("B", row(y, 1.96 * 2.5)))["pairs"][0] for x, y in zip(a, b, strict=True)
    ]
    covered = np.mean([pair["low"] <= 3 <= pair["high"] for pair in found])
    assert 0.94 < covered < 0.96


def test_a_verdict_that_turns_round_is_named() -> None:
    found = between(study("A", row(-3, 1)), study("B", row(2, 1, "worse")))
    assert found["pairs"][0]["flips"]
    assert found["pairs"][0]["apart"]
    assert "1 of them from better to worse or back" in found["said"]


def test_other_measures_and_other_units_are_not_compared() -> None:
    found = between(study("A", row(-3, 1)), study("B", row(-3, 1, unit="points"), row(-3, 1, measure="prose")))
    assert found["pairs"] == []
    assert len(found["only_first"]) == 1
    assert len(found["only_second"]) == 2
    assert found["said"] == "A and B have no comparison in common."


def test_one_size_meets_another_and_several_meet_their_like() -> None:
    small = study("A", row(-3, 1, size="0.3m"))
    large = study("B", row(-2, 1, size="1m"))
    assert len(between(small, large)["pairs"]) == 1
    both = study("C", row(-3, 1, size="0.3m"), row(-2, 1, size="1m"))
    both["verdict"]["sizes"] = [{"size": "0.3m"}, {"size": "1m"}]
    assert len(between(both, both)["pairs"]) == 2
    (pair,) = between(small, both)["pairs"]
    assert (pair["size"], pair["first_effect"], pair["second_effect"]) == ("0.3m", -3, -3)
    nameless = study("D", row(-4, 1))
    nameless["verdict"]["sizes"] = [{"size": "1m"}]
    assert [pair["first_effect"] for pair in between(both, nameless)["pairs"]] == [-2]
    assert between(large, study("D", row(-2, 1)))["pairs"][0]["size"] == ""


def test_an_effect_without_an_interval_has_a_difference_without_one() -> None:
    lone = {**row(-3, 1), "low": None, "high": None}
    (pair,) = between(study("A", lone), study("B", row(-2, 1)))["pairs"]
    assert (pair["difference"], pair["low"], pair["high"], pair["apart"]) == (1.0, None, None, False)
    assert pair["said"] == "+1 %, no interval"
    (pair,) = between(study("A", {**lone, "effect": None}), study("B", row(-2, 1)))["pairs"]
    assert (pair["difference"], pair["said"]) == (None, "not known")


def test_shared_training_is_told_because_it_is_no_independent_evidence() -> None:
    found = between(study("A", row(-3, 1), steps=("x", "y")), study("B", row(-3, 1), steps=("y", "z")))
    assert found["shared"] == 1
    assert "not independent" in found["said"]


def test_what_is_stated_differently_is_named_down_to_the_weight() -> None:
    first = study("A", row(0, 1), mixtures={"code": {"web": 0.8, "markup": 0.2}, "text": {"text": 1.0}}, seeds=[1, 2])
    second = study("B", row(0, 1), mixtures={"code": {"web": 0.6, "markup": 0.4}, "text": {"text": 1.0}}, seeds=[1, 2])
    fields = {each["field"]: (each["first"], each["second"]) for each in between(first, second)["declared"]}
    assert fields == {"mixtures.code.web": (0.8, 0.6), "mixtures.code.markup": (0.2, 0.4)}


def test_what_only_one_states_is_named_down_to_the_weight_too() -> None:
    first = study("A", row(0, 1), mixtures={"code": {"web": 0.8}, "text": {"text": 1.0}}, baseline="text-only")
    second = study("B", row(0, 1), mixtures={"text": {"text": 1.0}})
    second["verdict"] |= {"baseline": "text-only", "seeds": [1]}
    found = between(first, second)["declared"]
    assert found == [
        {"field": "seeds", "first": None, "second": [1]},
        {"field": "mixtures.code.web", "first": 0.8, "second": None},
    ]


def test_stated_values_in_words() -> None:
    assert plain({"seeds": [1, 2], "stages": ["a", {"code": 0.8}]}) == "seeds 1, 2, stages a → code 0.8"
    assert plain(None) == "–"
