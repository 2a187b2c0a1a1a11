"""EVALUATION.md §5: the table of what a win-rate can tell."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.analyze.preference_power import (
    EXACT,
    MOST_PROMPTS,
    exact_power,
    observed_ties,
    prompts_needed,
    resolvable,
)
from leaven.analyze.winrates import sign_test


def test_the_table() -> None:
    assert resolvable(200) == pytest.approx(16, abs=0.5)
    assert resolvable(805) == pytest.approx(8, abs=0.5)
    assert prompts_needed(6.6, 0.4) == pytest.approx(1100, rel=0.03)
    assert prompts_needed(6.6, 0.3) == pytest.approx(1300, rel=0.04)


@pytest.mark.parametrize(("prompts", "net", "ties"), [(8, 90.0, 0.05), (30, 40.0, 0.35), (100, -25.0, 0.3)])
def test_exact_power_is_how_often_the_sign_test_finds_it(prompts: int, net: float, ties: float) -> None:
    rng = np.random.default_rng(3)
    shares = [(1 - ties + net / 100) / 2, (1 - ties - net / 100) / 2, ties]
    drawn, counts = np.unique(rng.multinomial(prompts, shares, size=4000), axis=0, return_counts=True)
    found = [sign_test(np.repeat([[1.0, -1.0, 0.0]], composition, axis=1)) <= 0.05 for composition in drawn]
    assert exact_power(prompts, net, ties) == pytest.approx(float(counts @ found) / 4000, abs=0.025)


@pytest.mark.parametrize(("prompts", "ties"), [(200, 0.0), (200, 0.35), (805, 0.35)])
def test_the_sign_test_has_about_this_power(prompts: int, ties: float) -> None:
    """The exact test is conservative, so a little less than four in five, and a tenth more prompts are enough."""
    net = resolvable(prompts, ties)
    assert net is not None
    assert 0.74 < exact_power(prompts, net, ties) < 0.82
    assert exact_power(round(1.1 * prompts), net, ties) > 0.795


def test_clear_results_are_not_promised_the_impossible() -> None:
    """Of fewer than six decided prompts none is significant at 5 %, however clear."""
    assert prompts_needed(100, ties=0.0) == 6
    assert resolvable(5, ties=0.0) is None
    assert resolvable(6, ties=0.0) == pytest.approx(100 * (2 * 0.8 ** (1 / 6) - 1), abs=0.1)
    assert prompts_needed(50, ties=0.75) == prompts_needed(50, ties=0.5)  # noise of several seeds: all decided are won


@settings(deadline=None)
@given(st.floats(15, 100), st.floats(0.0, 0.8))
def test_small_numbers_have_the_power_that_is_wanted(net: float, ties: float) -> None:
    needed = prompts_needed(net, ties)
    assert needed is not None
    if needed < EXACT:
        assert exact_power(needed, net, ties) >= 0.8


@settings(deadline=None)
@given(st.integers(5, 5000), st.floats(0.0, 0.9))
def test_what_prompts_resolve_needs_these_prompts(prompts: int, ties: float) -> None:
    net = resolvable(prompts, ties)
    if net is None:
        return
    needed = prompts_needed(net + 1e-6, ties)
    assert needed is not None
    if prompts < EXACT:
        # The exact power has teeth: fewer prompts may do as well.
        assert needed <= prompts
        assert exact_power(needed, net + 1e-6, ties) >= 0.8
    elif prompts > EXACT + 1:
        assert abs(needed - prompts) <= 1
    more = resolvable(2 * prompts, ties)
    assert more is not None
    assert more < net


def test_what_no_number_of_prompts_resolves() -> None:
    assert prompts_needed(0.0) is None
    assert prompts_needed(5.0, ties=1.0) is None
    assert prompts_needed(0.1) is None  # beyond MOST_PROMPTS
    assert (prompts_needed(1.0) or 0) < MOST_PROMPTS
    assert resolvable(0) is None
    assert resolvable(3) is None  # not even winning all of them
    assert prompts_needed(-6.6) == prompts_needed(6.6)


def test_observed_noise_is_that_of_the_ties_and_less_with_seeds() -> None:
    outcomes = np.array([[1.0, -1, 0, 0, np.nan]])
    assert observed_ties(outcomes) == pytest.approx(0.5)
    assert observed_ties(np.array([[1.0, -1, 1, -1], [1, -1, -1, 1]])) == pytest.approx(0.5)
    assert observed_ties(np.full((2, 3), np.nan)) == 1
    rng = np.random.default_rng(1)
    drawn = rng.choice([1.0, 0.0, -1.0], p=[0.4, 0.35, 0.25], size=(1, 4000))
    net = 100 * drawn.mean()
    needed = prompts_needed(net, observed_ties(drawn))
    assert needed == pytest.approx((2.8016 * 100 * math.sqrt(drawn.var()) / net) ** 2, rel=0.03)
