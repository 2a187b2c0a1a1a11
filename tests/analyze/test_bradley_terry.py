from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from leaven.analyze.bradley_terry import fit, strengths, wins_by_prompt
from leaven.analyze.holm import holm
from leaven.analyze.votes import Votes
from leaven.ground.errors import LeavenError

ARMS = ("a", "b", "c")


def votes(variant: str, baseline: str, outcomes: Any) -> Votes:
    array = np.atleast_2d(np.asarray(outcomes, dtype=float))
    return Votes(variant, baseline, array, 0, 0, "coin", "A coin.", tuple(f"{p:04d}" for p in range(array.shape[1])))


def tournament(truth: Any, prompts: int, seeds: int, rng: np.random.Generator, shared: float = 1.0) -> list[Votes]:
    """Every pair of arms; a prompt's votes are by Gumbel utilities, so that each alone is Bradley–Terry and all are
    consistent with one another; with probability 1 − shared a seed draws utilities of its own."""
    truth = np.asarray(truth)
    common = truth + rng.gumbel(size=(1, prompts, len(truth)))
    own = truth + rng.gumbel(size=(seeds, prompts, len(truth)))
    utility = np.where(rng.random((seeds, prompts, 1)) < shared, common, own)
    names = "abcdefgh"[: len(truth)]
    return [
        votes(names[i], names[j], np.sign(utility[:, :, i] - utility[:, :, j]))
        for i, j in itertools.combinations(range(len(truth)), 2)
    ]


def by_arm(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["arm"]: row for row in rows}


def sandwich(given_votes: list[Votes], arms: tuple[str, ...], clustered: bool) -> np.ndarray:
    """Standard errors of all arms but the first: information⁻¹ · Σ s sᵀ · information⁻¹ with the scores s of prompts
    (clustered), or information⁻¹ alone, which takes votes for independent. Plain loops."""
    wins = wins_by_prompt(given_votes, arms)
    best = fit(wins.sum(axis=(0, 1)))
    information = np.zeros((len(arms), len(arms)))
    scores = np.zeros((len(wins), len(arms)))
    for p, i, j in itertools.product(range(len(wins)), range(len(arms)), range(len(arms))):
        if i == j:
            continue
        rate = float(special.expit(best[i] - best[j]))
        won, lost = wins[p, :, i, j].sum(), wins[p, :, j, i].sum()
        scores[p, i] += won - (won + lost) * rate
        information[i, i] += (won + lost) * rate * (1 - rate)
        information[i, j] -= (won + lost) * rate * (1 - rate)
    inverse = np.linalg.inv(information[1:, 1:])
    middle = scores[:, 1:].T @ scores[:, 1:]
    return np.sqrt(np.diag(inverse @ middle @ inverse if clustered else inverse))


def test_known_strengths_come_back() -> None:
    truth = [0.0, 0.7, -0.4, 1.5]
    rows = strengths(tournament(truth, 20_000, 2, np.random.default_rng(1), shared=0.5), "abcd", "a", 200, 0)
    assert [row["arm"] for row in rows] == list("abcd")
    assert [row["strength"] for row in rows] == pytest.approx(truth, abs=0.05)
    assert rows[0]["low"] == rows[0]["high"] == 0
    assert rows[0]["rate"] == 50
    for row in rows:
        assert row["rate"] == pytest.approx(100 * special.expit(row["strength"]))
        assert row["rate_low"] <= row["rate"] <= row["rate_high"]
        assert row["identified"]
        assert row["why"] == ""


@settings(deadline=None, max_examples=40)
@given(wins=st.integers(0, 30), losses=st.integers(0, 30), ties=st.integers(1, 30), errors=st.integers(0, 5))
def test_of_two_arms_it_is_the_log_odds_of_the_tie_half_rate(wins: int, losses: int, ties: int, errors: int) -> None:
    pair = votes("b", "a", [1.0] * wins + [-1.0] * losses + [0.0] * ties + [np.nan] * errors)
    row = strengths([pair], ("a", "b"), "a", 50, 0)[1]
    if wins + losses + ties < 2:
        assert row["why"] == "one judged prompt says nothing of b on others"
        return
    half = (wins + ties / 2) / (wins + losses + ties)
    assert row["strength"] == pytest.approx(special.logit(half), abs=1e-9)
    assert row["rate"] == pytest.approx(100 * half)


@settings(deadline=None, max_examples=30)
@given(
    counts=st.lists(st.integers(1, 400).map(lambda n: n / 2), min_size=12, max_size=12),
)
def test_the_fit_is_what_a_general_optimizer_finds(counts: list[float]) -> None:
    wins = np.zeros((4, 4))
    wins[~np.eye(4, dtype=bool)] = counts

    def loss(free: np.ndarray) -> float:
        theta = np.append(0, free)
        return -float((wins * special.log_expit(theta[:, None] - theta[None, :])).sum())

    found = optimize.minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-7})
    assert fit(wins)[1:] == pytest.approx(found.x, abs=2e-4)
    assert loss(fit(wins)[1:]) <= loss(found.x) + 1e-9


def test_a_lopsided_fit_converges() -> None:
    wins = np.array([[0, 0.5, 0], [1e6, 0, 0.5], [0, 1e6, 0]])
    assert fit(wins) == pytest.approx([0, np.log(2e6), 2 * np.log(2e6)], rel=1e-8)


def test_a_fit_on_which_whole_steps_would_fly_away() -> None:
    wins = np.zeros((5, 5))
    wins[0, 1], wins[1, 3], wins[2, 1], wins[3, 0], wins[3, 4], wins[4, 0], wins[4, 2] = [
        1,
        1490,
        11.5,
        1199.5,
        6.5,
        871,
        9642,
    ]
    found = fit(wins)
    expected = (wins + wins.T) * special.expit(found[:, None] - found[None, :])
    assert expected.sum(axis=1) == pytest.approx(wins.sum(axis=1), rel=1e-9)


def test_a_cycle_counts_as_it_is() -> None:
    """On every prompt a beats b, b beats c and c beats a: three arms of one strength."""
    n = 10
    rows = strengths([votes("a", "b", [1] * n), votes("b", "c", [1] * n), votes("c", "a", [1] * n)], ARMS, "a", 50, 0)
    assert [row["strength"] for row in rows] == pytest.approx([0, 0, 0], abs=1e-12)
    assert all(row["identified"] for row in rows)


def test_the_order_of_arms_pairs_sides_and_prompts_does_not_matter() -> None:
    given_votes = tournament([0, 0.5, 1.0], 60, 3, np.random.default_rng(2), shared=0.5)
    once = by_arm(strengths(given_votes, ARMS, "a", 300, 0))
    shuffle = np.random.default_rng(3).permutation(60)
    turned = [
        replace(v, outcomes=v.outcomes[:, shuffle], prompts=tuple(v.prompts[p] for p in shuffle))
        for v in reversed(given_votes)
    ]
    turned[0] = replace(turned[0], variant="c", baseline="b", outcomes=-turned[0].outcomes)
    again = by_arm(strengths(turned, ("c", "a", "b"), "a", 300, 0))
    assert list(again) == ["c", "a", "b"]
    for arm, row in once.items():
        assert [again[arm][key] for key in ("strength", "low", "high")] == pytest.approx(
            [row[key] for key in ("strength", "low", "high")], abs=1e-9
        )


def test_another_reference_shifts_the_strengths() -> None:
    given_votes = tournament([0, 0.5, 1.0], 80, 2, np.random.default_rng(4), shared=0.5)
    of_a, of_c = (by_arm(strengths(given_votes, ARMS, name, 300, 0)) for name in "ac")
    shift = of_a["c"]["strength"]
    for arm in ARMS:
        assert of_c[arm]["strength"] == pytest.approx(of_a[arm]["strength"] - shift, abs=1e-9)
    assert (of_c["a"]["low"], of_c["a"]["high"]) == pytest.approx((-of_a["c"]["high"], -of_a["c"]["low"]), abs=1e-2)


def test_pairs_are_joined_by_the_names_of_their_prompts() -> None:
    one = votes("b", "a", [1, -1, 0])
    other = replace(votes("c", "a", [1, 1]), prompts=("0002", "0009"))
    wins = wins_by_prompt([one, other], ARMS)
    assert wins.shape == (4, 1, 3, 3)
    assert wins[2, 0, 1, 0] == 0.5
    assert wins[2, 0, 2, 0] == 1
    assert wins[3, 0, 2, 0] == 1
    assert wins[3].sum() == 1
    nameless = [replace(one, prompts=()), replace(votes("c", "a", [1, 1, -1]), prompts=())]
    assert wins_by_prompt(nameless, ARMS)[2, 0, 0, 2] == 1


def test_intervals_agree_with_the_clustered_sandwich() -> None:
    given_votes = tournament([0, 0.4, 0.8], 400, 1, np.random.default_rng(5))
    rows = strengths(given_votes, ARMS, "a", 4000, 0)
    wide = np.array([row["high"] - row["low"] for row in rows[1:]]) / (2 * 1.96)
    assert wide == pytest.approx(sandwich(given_votes, ARMS, clustered=True), rel=0.04)


def test_coverage_with_correlated_votes() -> None:
    """Votes of one prompt hang together over pairs: clustered intervals cover 95 %, independent rows much less."""
    truth, runs = np.array([0.0, 0.5, 1.0, 0.2]), 250
    clustered = independent = 0
    for run in range(runs):
        given_votes = tournament(truth, 80, 1, np.random.default_rng([6, run]))
        rows = strengths(given_votes, "abcd", "a", 250, run)
        clustered += sum(row["low"] <= true <= row["high"] for row, true in zip(rows[1:], truth[1:], strict=True))
        errors = sandwich(given_votes, tuple("abcd"), clustered=False) if run < 100 else None
        if errors is not None:
            best = np.array([row["strength"] for row in rows[1:]])
            independent += int((np.abs(best - truth[1:]) <= 1.96 * errors).sum())
    assert 0.93 <= clustered / (3 * runs) <= 0.975
    assert independent / 300 < 0.92


def test_the_seeds_spread_is_held() -> None:
    """Seeds that disagree widen the interval; a seed of which nothing was judged is no seed."""
    calm = np.tile([1.0, -1, 0, 1, -1], (4, 20))
    wild = calm.copy()
    wild[0], wild[1] = 1, -1

    def width(outcomes: np.ndarray) -> float:
        row = strengths([votes("b", "a", outcomes)], ("a", "b"), "a", 300, 0)[1]
        return float(row["high"] - row["low"])

    assert width(wild) > 5 * width(calm)
    unjudged = np.vstack([calm, np.full((1, 100), np.nan)])
    assert width(unjudged) == pytest.approx(width(calm))


def test_a_rare_loss_keeps_its_interval_finite() -> None:
    """Many draws hold no loss at all; their estimate would be infinite."""
    row = strengths([votes("b", "a", [1.0] * 39 + [-1.0])], ("a", "b"), "a", 400, 0)[1]
    assert row["low"] < row["strength"] < row["high"] < 12
    assert row["rate_high"] > 99


def test_without_a_loss_there_is_no_strength() -> None:
    pairs = [votes("b", "a", [1, -1, 0, 1]), votes("c", "a", [1, 1, 1, 1]), votes("c", "b", [1, 1, 1, 1])]
    a, b, c = strengths(pairs, ARMS, "a", 100, 0)
    assert b["identified"]
    assert b["strength"] == pytest.approx(special.logit(2.5 / 4))
    assert (c["strength"], c["low"], c["rate"], c["identified"]) == (None, None, None, False)
    assert c["why"] == "c never lost or tied against a, b, so its strength has no upper bound"
    rows = by_arm(strengths(pairs, ARMS, "c", 100, 0))
    assert rows["a"]["why"] == "none of a, b ever won or tied against c, so the strength of a has no lower bound"
    assert rows["c"]["strength"] == 0
    assert a["identified"]


def test_arms_that_nothing_compares() -> None:
    apart = [votes("b", "a", [1, -1]), votes("d", "c", [1, -1])]
    rows = by_arm(strengths(apart, "abcde", "a", 100, 0))
    assert rows["b"]["identified"]
    assert rows["c"]["why"] == "no chain of wins or ties leads from c to a or back, so nothing compares them"
    assert rows["e"]["why"] == "e was judged against none of these arms"
    silent = votes("b", "a", [np.nan, np.nan])
    assert strengths([silent], ("a", "b"), "a", 10, 0)[1]["why"] == "b was judged, without an outcome"
    assert strengths([], ("a", "b"), "a", 10, 0)[1]["identified"] is False


@pytest.mark.parametrize("seeds", [1, 3])
def test_arms_that_only_tied_are_not_equal_for_sure(seeds: int) -> None:
    pairs = [votes(*names, np.zeros((seeds, 12))) for names in (("b", "a"), ("c", "a"), ("c", "b"))]
    for row in strengths(pairs, ARMS, "a", 400, 0)[1:]:
        assert row["identified"]
        assert row["strength"] == pytest.approx(0, abs=1e-9)
        assert row["low"] < -0.1
        assert row["high"] > 0.1
        assert row["p"] > 0.3


def test_p_is_of_the_distribution_that_the_interval_is_of_and_is_corrected_by_holm() -> None:
    given_votes = tournament([0, 0.05, 0.8, 2.0], 150, 1, np.random.default_rng(7))
    rows = strengths(given_votes, "abcd", "a", 500, 0)
    assert (rows[0]["p"], rows[0]["p_holm"]) == (None, None)
    for row in rows[1:]:
        assert (row["p"] < 0.05) == (row["low"] > 0 or row["high"] < 0)
    assert rows[3]["p"] == 1 / 500
    assert [row["p_holm"] for row in rows[1:]] == holm([row["p"] for row in rows[1:]])
    unbeaten = [votes("b", "a", [1, -1, 0, 1]), votes("c", "a", [1, 1, 1, 1]), votes("c", "b", [1, 1, 1, 1])]
    a, b, c = strengths(unbeaten, ARMS, "a", 100, 0)
    assert (a["p_holm"], c["p"], c["p_holm"]) == (None, None, None)
    assert b["p_holm"] == b["p"]  # the only one identified


def test_of_six_equal_arms_some_arm_seldom_stands_out() -> None:
    """With Holm; by the intervals alone it is about one run in five."""
    runs, corrected, alone = 120, 0, 0
    for run in range(runs):
        rows = strengths(tournament([0.0] * 6, 60, 1, np.random.default_rng([8, run])), "abcdef", "a", 250, run)[1:]
        corrected += any(row["p_holm"] <= 0.05 for row in rows)
        alone += any(row["low"] > 0 or row["high"] < 0 for row in rows)
    assert corrected / runs <= 0.06
    assert alone / runs > 0.1


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(LeavenError, match='the reference "z" is none of the arms'):
        strengths([], ARMS, "z", 10, 0)
    with pytest.raises(LeavenError, match=r"unequal numbers of seeds: \[1, 2\]"):
        strengths([votes("b", "a", [1, 0]), votes("c", "a", [[1, 0], [1, 0]])], ARMS, "a", 10, 0)
