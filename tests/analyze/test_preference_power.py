"""EVALUATION.md §5: the table of what a win-rate can tell."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from leaven.analyze.preference_power import MOST_PROMPTS, observed_ties, prompts_needed, resolvable


def exact_power(prompts: int, net: float, ties: float) -> float:
    """Chance that the exact sign test finds this net win: over all numbers of decided prompts, then of wins."""
    decided = 1 - ties
    rate = (decided + net / 100) / (2 * decided)
    total = 0.0
    for m in range(prompts + 1):
        weight = stats.binom.pmf(m, prompts, decided)
        if weight < 1e-9:
            continue
        few = int(stats.binom.ppf(0.025, m, 0.5))
        few -= stats.binom.cdf(few, m, 0.5) > 0.025
        total += weight * (stats.binom.cdf(few, m, rate) + stats.binom.sf(m - few - 1, m, rate))
    return float(total)


def test_the_table() -> None:
    assert resolvable(200) == pytest.approx(16, abs=0.5)
    assert resolvable(805) == pytest.approx(8, abs=0.5)
    assert prompts_needed(6.6, 0.4) == pytest.approx(1100, rel=0.03)
    assert prompts_needed(6.6, 0.3) == pytest.approx(1300, rel=0.04)


@pytest.mark.parametrize(("prompts", "ties"), [(100, 0.35), (200, 0.0), (200, 0.35), (805, 0.35)])
def test_the_sign_test_has_about_this_power(prompts: int, ties: float) -> None:
    """The exact test is conservative, so a little less than four in five, and a tenth more prompts are enough."""
    net = resolvable(prompts, ties)
    assert net is not None
    assert 0.74 < exact_power(prompts, net, ties) < 0.82
    assert exact_power(round(1.1 * prompts), net, ties) > 0.795


@given(st.integers(5, 5000), st.floats(0.0, 0.9))
def test_what_prompts_resolve_needs_these_prompts(prompts: int, ties: float) -> None:
    net = resolvable(prompts, ties)
    if net is None:
        return
    needed = prompts_needed(net, ties)
    assert needed is not None
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
