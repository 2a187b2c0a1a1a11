"""What would change a verdict: the sentence names exactly what does."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from leaven.analyze.change import last_level
from leaven.analyze.crossed import Crossed
from leaven.analyze.decision import Comparison, decide_family
from leaven.analyze.holm import holm
from leaven.analyze.measures import Measure

NOISE = stats.norm.ppf((np.arange(500) + 0.5) / 500)
MEASURE = Measure("prose", ("bpb",), "bits_per_byte", "lower", "relative", 1.0, True)


def pair(estimate: float, se: float, measure: Measure = MEASURE) -> Comparison:
    return Comparison("v", "b", measure, Crossed(estimate, se, se / 5, se / 5, 5, NOISE * se / 5), 500, 500)


@given(st.lists(st.floats(1e-9, 1.0), min_size=1, max_size=8), st.integers(0, 7))
def test_the_last_level_is_where_holm_stops_rejecting(p_values: list[float], which: int) -> None:
    i = which % len(p_values)
    level = last_level(p_values, i, 0.05)
    for p, rejected in ((level * (1 - 1e-9), True), (level * (1 + 1e-9), False)):
        moved = [p if j == i else other for j, other in enumerate(p_values)]
        assert (holm(moved)[i] <= 0.05) == rejected


@pytest.mark.parametrize("estimate", [-4.0, 4.0])
def test_the_bias_and_the_noise_that_would_undo_a_difference_do(estimate: float) -> None:
    others = [pair(0.5, 0.6), pair(-9.0, 0.5)]
    row = decide_family([pair(estimate, 0.5), *others], 0.05)[0]
    assert row["verdict"] == ("better" if estimate < 0 else "worse")
    side = "in its favour" if estimate < 0 else "against it"
    found = re.fullmatch(
        rf"a bias of (.*) % {side}, or noise (.*) times what was seen, would undo it", row["would_change"]
    )
    assert found is not None
    bias, times = float(found[1]), float(found[2])
    for share, verdict in ((0.97, row["verdict"]), (1.03, "unresolved")):
        shifted = pair(estimate - np.sign(estimate) * share * bias, 0.5)
        assert decide_family([shifted, *others], 0.05)[0]["verdict"] == verdict
        assert decide_family([pair(estimate, 0.5 * share * times), *others], 0.05)[0]["verdict"] == verdict


def test_the_margin_and_the_bias_that_would_undo_an_equivalence_do() -> None:
    row = decide_family([pair(0.2, 0.1)], 0.05)[0]
    assert row["verdict"] == "equivalent"
    found = re.fullmatch(
        r"a smallest effect of interest below (.*) %, or a bias of (.*) %, would undo it", row["would_change"]
    )
    assert found is not None
    margin, bias = float(found[1]), float(found[2])
    for share, kept in ((1.02, True), (0.96, False)):
        narrower = pair(0.2, 0.1, replace(MEASURE, margin=margin * share))
        assert (decide_family([narrower], 0.05)[0]["verdict"] == "equivalent") == kept
    for share, kept in ((0.96, True), (1.04, False)):
        assert (decide_family([pair(0.2 + share * bias, 0.1)], 0.05)[0]["verdict"] == "equivalent") == kept


def test_every_verdict_says_what_would_change_it() -> None:
    rows = decide_family([pair(-4.0, 0.2), pair(4.0, 0.2), pair(0.1, 0.1), pair(0.8, 0.6)], 0.05)
    assert [row["verdict"] for row in rows] == ["better", "worse", "equivalent", "unresolved"]
    assert all(row["would_change"] for row in rows)
    assert rows[3]["would_change"] == rows[3]["would_resolve"]
    assert not any(row["would_resolve"] for row in rows[:3])
