from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from leaven.analyze.transfer.agreement import (
    accuracy_interval,
    by_gap,
    pairs_of,
    regret,
    spearman,
    wilson,
)

SCORES = st.lists(st.floats(0.5, 5), min_size=2, max_size=12)


def in_loops(proxy: list[float], target: list[float]) -> tuple[list[float], list[float]]:
    """Decisions one by one: gaps and agreements."""
    gaps, agreed = [], []
    for i in range(len(target)):
        for j in range(i + 1, len(target)):
            here, there = proxy[i] - proxy[j], target[i] - target[j]
            if there == 0:
                continue
            gaps.append(abs(there) / min(target[i], target[j]))
            agreed.append(0.5 if here == 0 else float((here > 0) == (there > 0)))
    return gaps, agreed


@given(data=st.data(), target=SCORES)
def test_pairs_are_those_of_plain_loops(data: st.DataObject, target: list[float]) -> None:
    proxy = data.draw(st.lists(st.floats(0.5, 5), min_size=len(target), max_size=len(target)))
    found = pairs_of(np.array(proxy), np.array(target))
    gaps, agreed = in_loops(proxy, target)
    assert found.agreed.tolist() == agreed
    assert found.gaps == pytest.approx(gaps)


def test_ties_at_the_target_are_no_decisions_and_at_the_proxy_a_coin() -> None:
    found = pairs_of(np.array([1.0, 1.0, 2.0]), np.array([1.0, 2.0, 2.0]))
    assert found.agreed.tolist() == [0.5, 1.0]
    assert pairs_of(np.ones(3), np.arange(1.0, 4)).accuracy == 0.5
    assert math.isnan(pairs_of(np.arange(3.0), np.ones(3)).accuracy)


def test_gaps_of_scores_that_are_not_positive_are_unknown() -> None:
    found = pairs_of(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    assert np.isnan(found.gaps).all()
    assert by_gap(found) == []
    assert found.accuracy == 1.0


def test_bins_take_their_lower_edge() -> None:
    found = by_gap(pairs_of(np.array([1.0, 2.0, 3.0]), np.array([100.0, 101.0, 100.5])), edges=(0, 0.005, 0.01, 1))
    assert [(row.low, row.pairs, row.accuracy) for row in found] == [(0, 1, 0.0), (0.005, 1, 1.0), (0.01, 1, 1.0)]


@given(first=st.lists(st.integers(0, 5), min_size=3, max_size=20), data=st.data())
def test_rank_correlation_is_scipys(first: list[int], data: st.DataObject) -> None:
    second = data.draw(st.lists(st.integers(0, 5), min_size=len(first), max_size=len(first)))
    ours = spearman(np.array(first, float), np.array(second, float))
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert math.isnan(ours)
    else:
        assert ours == pytest.approx(stats.spearmanr(first, second)[0], abs=1e-12)


def test_regret_of_the_pick() -> None:
    proxy, target = np.array([1.0, 2.0, 3.0]), np.array([1.5, 1.0, 3.0])
    lower = regret(proxy, target, "lower")
    assert (lower.pick, lower.best, lower.value, lower.share) == (0, 1, 0.5, 0.25)
    assert regret(proxy, target, "higher").value == 0
    assert regret(proxy, np.ones(3), "lower").share == 0


def test_few_variants_are_as_uncertain_as_half_as_many_pairs() -> None:
    proxy = np.arange(4.0)
    assert accuracy_interval(proxy, proxy + 1, 100, 1) == wilson(1.0, 2)
    assert accuracy_interval(proxy, np.ones(4), 100, 1) == (0.0, 1.0)
    low, high = wilson(0.5, 10)
    assert (low, high) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_the_interval_of_few_variants_is_of_the_gaps_asked_for() -> None:
    target = np.array([100.0, 101.0, 150.0, 151.0])
    proxy = np.array([2.0, 1.0, 4.0, 3.0])  # wrong within each couple, right between them
    assert accuracy_interval(proxy, target, 100, 1) == wilson(4 / 6, 2)
    assert accuracy_interval(proxy, target, 100, 1, edges=(0.05, math.inf)) == wilson(1.0, 1)
    assert accuracy_interval(proxy, target, 100, 1, edges=(0.0, 0.05)) == (0.0, 1.0)
    assert accuracy_interval(proxy, target, 100, 1, edges=(0.0, 0.001)) == (0.0, 1.0)


def test_many_variants_are_resampled_and_agreement_everywhere_is_no_certainty() -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(10, 1, 60)
    proxy = target + rng.normal(0, 0.5, 60)
    low, high = accuracy_interval(proxy, target, 500, 3)
    assert low < pairs_of(proxy, target).accuracy < high
    assert high - low < 0.2
    assert (low, high) == accuracy_interval(proxy, target, 500, 3)
    sure = accuracy_interval(target, target, 500, 3)
    assert 0.85 < sure[0] < 1
    assert sure[1] == pytest.approx(1)


def test_intervals_of_decision_accuracy_cover() -> None:
    """Truth: the chance that two recipes drawn anew are ordered alike, ½ + arcsin(ρ)/π of a normal pair."""
    rng = np.random.default_rng(5)
    rho = 0.8
    truth = 0.5 + math.asin(rho) / math.pi
    for count in (5, 40):
        held = 0
        for study in range(200):
            target = rng.normal(size=count)
            proxy = rho * target + math.sqrt(1 - rho**2) * rng.normal(size=count)
            low, high = accuracy_interval(proxy, target, 200, study)
            held += low <= truth <= high
        assert held / 200 >= 0.91
