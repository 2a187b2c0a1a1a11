from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from leaven.analyze.length import Length, fit, length
from leaven.analyze.votes import Votes

RAW, CONTROLLED = 26.459627, 26.294954
"""Published for alpaca-7b by AlpacaEval 1: win rate, and length-controlled win rate."""


def votes(outcomes: Any, gap: Any, rules: Any = None) -> Votes:
    outcomes, gap = np.atleast_2d(np.asarray(outcomes, float)), np.atleast_2d(np.asarray(gap, float))
    return Votes("a", "b", outcomes, 0, 0, "j", "A judge.", gap=gap, rules=rules)


def drawn(
    prompts: int, slope: float, zero: float, seed: int, seeds: int = 1, ties: float = 0.2, shared: float = 0.0
) -> Votes:
    """Votes of a judge with this slope on tanh of the gap; `shared`: sd of what a prompt's seeds have in common."""
    rng = np.random.default_rng(seed)
    gap = rng.normal(0, 200, (seeds, prompts)).round()
    logit = zero + slope * np.tanh(gap / 200) + rng.normal(0, shared, prompts)
    outcomes = np.where(rng.random(gap.shape) < special.expit(logit), 1.0, -1.0)
    return votes(np.where(rng.random(gap.shape) < ties, 0.0, outcomes), gap)


def reference(given_votes: Votes) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients by a general optimiser and their sandwich covariance, one vote and one prompt at a time."""
    assert given_votes.gap is not None
    x = np.tanh(given_votes.gap / given_votes.gap.std(ddof=1))

    def loss(at: np.ndarray) -> float:
        total = 0.0
        for outcome, z in zip(given_votes.outcomes.ravel(), at[0] + at[1] * x.ravel(), strict=True):
            for weight, sign in (((1 + outcome) / 2, 1), ((1 - outcome) / 2, -1)):
                total += weight * np.logaddexp(0, -sign * z)
        return total

    best = optimize.minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11}).x
    bread, meat = np.zeros((2, 2)), np.zeros((2, 2))
    for p in range(x.shape[1]):
        score = np.zeros(2)
        for s in range(x.shape[0]):
            row = np.array([1.0, x[s, p]])
            rate = 1 / (1 + np.exp(-row @ best))
            bread += rate * (1 - rate) * np.outer(row, row)
            score += row * ((1 + given_votes.outcomes[s, p]) / 2 - rate)
        meat += np.outer(score, score)
    inside = np.linalg.inv(bread)
    return best, inside @ meat @ inside * x.shape[1] / (x.shape[1] - 1)


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_fit_is_what_a_slow_reference_finds(seeds: int) -> None:
    given_votes = drawn(60, 1.0, 0.4, seed=2, seeds=seeds)
    best, covariance = reference(given_votes)
    found = length(given_votes, 4000, 1)
    assert found.slope is not None
    assert found.zero_gap is not None
    assert found.slope.value == pytest.approx(best[1], abs=1e-5)
    assert found.zero_gap.value == pytest.approx(special.expit(best[0]), abs=1e-6)
    t = -special.stdtrit(59, 0.025)
    assert found.slope.high - found.slope.low == pytest.approx(2 * t * np.sqrt(covariance[1, 1]), rel=1e-5)
    if seeds == 1:
        low, high = (special.logit(bound) for bound in (found.zero_gap.low, found.zero_gap.high))
        assert high - low == pytest.approx(2 * t * np.sqrt(covariance[0, 0]), rel=0.06)


def test_influences_are_what_leaving_one_out_does() -> None:
    rng = np.random.default_rng(3)
    x, y = np.tanh(rng.normal(size=400)), rng.choice([0.0, 0.5, 1.0], size=400)
    found, influence = fit(x, y)
    assert np.abs(influence.sum(axis=0)).max() < 1e-8
    for i in (0, 17, 200):
        without, _ = fit(np.delete(x, i), np.delete(y, i))
        assert found - without == pytest.approx(influence[i], abs=3e-4)


@pytest.mark.parametrize(("slope", "zero", "seeds"), [(0.0, 0.5, 1), (1.5, 0.0, 1), (1.0, 0.5, 3)])
def test_intervals_cover_the_truth(slope: float, zero: float, seeds: int) -> None:
    """Without ties: as halves they make the truth of the fit smaller than that of the decided votes."""
    held = np.zeros(2)
    for study in range(200):
        found = length(drawn(150, slope, zero, seed=study, seeds=seeds, ties=0.0), 200, study)
        assert found.slope is not None
        assert found.zero_gap is not None
        held += (
            found.slope.low <= slope <= found.slope.high,
            found.zero_gap.low <= special.expit(zero) <= found.zero_gap.high,
        )
    assert (held / 200 >= 0.92).all()


def test_votes_on_one_prompt_are_not_independent() -> None:
    """Three seeds that share a prompt's difficulty: ignoring the clusters would call the slope too certain."""
    copied = drawn(100, 1.0, 0.2, seed=4)
    assert copied.gap is not None
    one = length(copied, 200, 1)
    three = length(votes(np.repeat(copied.outcomes, 3, axis=0), np.repeat(copied.gap, 3, axis=0)), 200, 1)
    assert one.slope is not None
    assert three.slope is not None
    assert three.slope.high - three.slope.low == pytest.approx(one.slope.high - one.slope.low, rel=0.02)


@pytest.mark.parametrize(
    ("outcomes", "gap", "why"),
    [
        (np.sign(np.arange(-20, 21)), np.arange(-20, 21), "every win has a larger length gap than every loss"),
        (-np.sign(np.arange(-20, 21)), np.arange(-20, 21), "every win has a smaller length gap than every loss"),
        (np.ones(30), np.arange(30), "one side won every prompt"),
        (-np.ones(30), np.arange(30), "one side lost every prompt"),
        (np.resize([1, -1], 30), np.full(30, 12), "all pairs have the same length gap"),
        (np.resize([1, -1], 19), np.arange(19), "fewer than 20 prompts were put before the judge and answered"),
    ],
)
def test_what_cannot_be_fitted_is_said(outcomes: Any, gap: Any, why: str) -> None:
    found = length(votes(outcomes, gap), 200, 1)
    assert (found.slope, found.zero_gap, found.why) == (None, None, why)


def beside_yes(mean: float, prompts: int = 200, seeds: int = 1) -> Votes:
    """One arm wins three in four and is longer by `mean` standard deviations of the gap."""
    rng = np.random.default_rng(7)
    shape = seeds, prompts
    return votes(np.where(rng.random(shape) < 0.75, 1.0, -1.0), rng.normal(mean, 1, shape))


@pytest.mark.parametrize("mean", [3, 6, 10, 15, 20, 200, -6, -15])
def test_nothing_is_said_of_equal_lengths_where_one_arm_is_nearly_always_longer(mean: float) -> None:
    found = length(beside_yes(mean, seeds=2), 200, 1)
    assert (found.slope, found.zero_gap) == (None, None)
    assert found.why == "one arm is nearly always longer: nothing can be said about equal lengths"
    assert found.longer is not None


@pytest.mark.parametrize("mean", [0, 0.5, 1])
def test_an_arm_that_is_often_longer_is_compared_at_equal_lengths(mean: float) -> None:
    found = length(beside_yes(mean), 200, 1)
    assert found.zero_gap is not None
    assert found.zero_gap.low < 0.75 < found.zero_gap.high


@pytest.mark.parametrize(
    ("gaps", "why"),
    [
        ((40.0, 40.0), "all pairs have the same length gap"),
        ((0.1, 0.1), "all pairs have the same length gap"),
        ((100.0, 300.0), "one arm is nearly always longer: nothing can be said about equal lengths"),
        ((0.0, 300.0), ""),
        ((-5.0, 5.0), ""),
    ],
)
def test_gaps_of_one_or_two_sizes(gaps: tuple[float, float], why: str) -> None:
    """Of two sizes the fit has no freedom left: both shares of wins come out as they are."""
    outcomes, gap = np.resize([1, 1, -1, 1, -1, -1], 60), np.resize(gaps, 60)
    outcomes[1::2] = np.resize([1, 1, -1], 30)
    found = length(votes(outcomes, gap), 200, 1)
    assert found.why == why
    assert (found.slope is None) is bool(why)
    if gaps[0] == 0:
        assert found.zero_gap is not None
        assert found.zero_gap.value == pytest.approx((outcomes[::2] == 1).mean())


def test_a_slope_does_not_rest_on_a_handful_of_prompts() -> None:
    gap = np.resize([1.0, -1.0], 100)
    gap[:3] = 1e6
    assert length(votes(np.resize([1, 1, -1], 100), gap), 200, 1).why == "the length gaps of nearly all pairs are alike"


def test_a_fit_that_finds_no_maximum_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leaven.analyze.length.MOST_STEPS", 1)
    found = length(drawn(60, 1.0, 0.4, seed=2), 200, 1)
    assert (found.slope, found.zero_gap, found.why) == (None, None, "the fit found no maximum")
    with pytest.raises(np.linalg.LinAlgError):
        fit(np.ones(30), np.resize([1.0, 0.0, 0.5], 30))


@given(st.lists(st.tuples(st.sampled_from([1.0, -1.0, 0.0]), st.integers(-9, 9)), min_size=20, max_size=40))
@settings(max_examples=60)
def test_either_a_reason_or_finite_figures(pairs: list[tuple[float, int]]) -> None:
    """The overlap rule is exact: whatever it lets through has a maximum."""
    found = length(votes([outcome for outcome, _ in pairs], [gap for _, gap in pairs]), 100, 1)
    if found.why:
        assert found.slope is None
        return
    assert found.slope is not None
    assert found.zero_gap is not None
    assert np.isfinite([found.slope.value, found.slope.low, found.slope.high]).all()
    assert 0 <= found.zero_gap.low <= found.zero_gap.value <= found.zero_gap.high <= 1


def test_whom_one_calls_a_does_not_matter_and_the_unit_of_length_neither() -> None:
    there = drawn(80, 1.0, 0.7, seed=9)
    assert there.gap is not None
    one, other = length(there, 200, 1), length(votes(-there.outcomes, -7 * there.gap), 200, 1)
    assert one.slope is not None
    assert other.slope is not None
    assert one.zero_gap is not None
    assert other.zero_gap is not None
    assert one.slope.value == pytest.approx(other.slope.value)
    assert one.zero_gap.value == pytest.approx(1 - other.zero_gap.value)
    assert one.longer == other.longer
    assert (other.spread or 0) == pytest.approx(7 * (one.spread or 0))


def test_votes_decided_by_rule_say_nothing_of_a_judge() -> None:
    rng = np.random.default_rng(1)
    outcomes, gap = rng.choice([1.0, -1.0], size=(1, 60)), rng.normal(0, 100, (1, 60))
    rules = np.full((1, 60), "")
    plain = length(votes(outcomes, gap, rules), 200, 1)
    more = np.concatenate([outcomes, np.ones((1, 10))], axis=1), np.concatenate([gap, np.full((1, 10), 900.0)], axis=1)
    assert length(votes(*more, np.append(rules, np.full((1, 10), "degenerate"), axis=1)), 200, 1) == plain


def test_errors_ties_and_equal_lengths_are_not_decided() -> None:
    found = length(votes([1, -1, 0, np.nan, 1, -1], [5, 5, 5, 5, 0, -3]), 200, 1)
    assert found.decided == 3
    assert found.longer is not None
    assert found.longer.value == pytest.approx(2 / 3)
    assert length(Votes("a", "b", np.ones((1, 3)), 0, 0, "j", "A judge."), 200, 1) == Length(
        why="these votes do not hold lengths"
    )


def alpaca() -> Votes:
    folder = Path(os.environ.get("LEAVEN_SHARED", Path(__file__).parents[2] / "../shared")) / "benchdata/alpaca_eval"
    file = folder / "alpaca-7b.alpaca_eval_gpt4.annotations.json.gz"
    if not file.is_file():
        pytest.skip(
            "no AlpacaEval annotations: benchdata is not beside the checkout and LEAVEN_SHARED does not name it"
        )
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = json.load(lines)
    preference = np.array([row["preference"] or 1.5 for row in rows])
    return votes(2 * preference - 3, [len(row["output_2"]) - len(row["output_1"]) for row in rows])


def test_length_control_moves_alpaca_eval_as_published() -> None:
    """Their control has a term for the instruction's difficulty that is not published beside the annotations, so only
    direction and rough size can agree."""
    found = length(alpaca(), 1000, 1)
    assert found.zero_gap is not None
    assert found.slope is not None
    assert found.longer is not None
    assert found.slope.low > 0
    assert 100 * found.zero_gap.value < RAW
    assert 100 * found.zero_gap.value == pytest.approx(CONTROLLED, abs=1.5)
    assert 100 * found.zero_gap.low < CONTROLLED < 100 * found.zero_gap.high
    assert found.longer.value == pytest.approx(0.68, abs=0.02)
