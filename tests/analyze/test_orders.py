from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.analyze.orders import ANSWERS, kappa, orders
from leaven.analyze.votes import SIDE, Votes

SIDES = ["a", "b", "tie", "error"]


def votes(first: list[list[str]], second: list[list[str]], rules: list[list[str]] | None = None) -> Votes:
    one, two = (np.array([[SIDE[side] for side in row] for row in rows]) for rows in (first, second))
    outcomes = np.where(np.isnan(one + two), np.nan, np.where(one == two, one, 0.0))
    ruled = np.array(rules) if rules else np.full(one.shape, "")
    return Votes("a", "b", outcomes, 0, 0, "j", "A judge.", first=one, second=two, rules=ruled)


def test_a_judge_without_position_bias_prefers_the_first_half_of_the_time() -> None:
    found = orders(votes([["a", "b", "a", "tie"]], [["a", "b", "a", "a"]]), 200, 1)
    assert (found.decided, found.flip_rate) == (3, 0)
    assert found.first is not None
    assert (found.first.value, found.first.low, found.first.high) == (0.5, 0.5, 0.5)


def test_a_judge_that_goes_by_position_is_seen() -> None:
    found = orders(votes([["a"] * 30], [["b"] * 30]), 200, 1)
    assert found.flip_rate == 1
    assert found.first is not None
    assert found.kappa is not None
    assert (found.first.value, found.first.low) == (1, 1)
    assert found.kappa.value == 0


def test_both_orders_must_be_decided_and_asked() -> None:
    rules = [["", "", "", "degenerate", ""]]
    found = orders(votes([["a", "a", "error", "b", "tie"]], [["a", "b", "b", "b", "b"]], rules), 200, 1)
    assert found.decided == 2
    assert found.answered == 3
    assert found.flip_rate == 0.5
    assert found.flip is not None
    assert (found.flip.low, found.flip.high) == (0, 1)
    assert found.first is not None
    assert found.first.value == 0.75
    assert found.error_rate == pytest.approx(1 / 4)


def test_seeds_of_a_prompt_are_one_cluster() -> None:
    """Ten seeds that copy one another know no more about a judge than one of them."""
    rng = np.random.default_rng(1)
    one, two = ([[str(rng.choice(["a", "b", "tie"])) for _ in range(60)]] for _ in range(2))
    alone, copied = orders(votes(one, two), 400, 1), orders(votes(one * 10, two * 10), 400, 1)
    for name in ("first", "kappa"):
        few, many = getattr(alone, name), getattr(copied, name)
        assert (few.value, few.low, few.high) == pytest.approx((many.value, many.low, many.high))


def test_kappa_by_hand() -> None:
    table = np.array([[20.0, 5, 0], [10, 15, 0], [0, 0, 0]])
    assert kappa(table) == pytest.approx(0.4)  # Cohen's classic: 0.7 agreed, 0.5 by chance
    assert np.isnan(kappa(np.diag([7.0, 0, 0])))
    assert kappa(np.diag([7.0, 2, 1])) == pytest.approx(1)


def test_kappa_is_what_loops_say_and_its_interval_is_plausible() -> None:
    rng = np.random.default_rng(5)
    truth = rng.choice([1.0, -1.0, 0.0], size=300)
    one, two = (np.where(rng.random(300) < 0.7, truth, rng.choice([1.0, -1.0, 0.0], size=300)) for _ in range(2))
    agreed = np.mean(one == two)
    chance = sum(np.mean(one == side) * np.mean(two == side) for side in ANSWERS)
    given_votes = Votes("a", "b", one[None], 0, 0, "j", "A judge.", first=one[None], second=two[None])
    found = orders(given_votes, 2000, 1).kappa
    assert found is not None
    assert found.value == pytest.approx((agreed - chance) / (1 - chance))
    # Cohen's large-sample standard error, which treats the margins as known.
    se = np.sqrt(agreed * (1 - agreed) / 300) / (1 - chance)
    assert found.high - found.low == pytest.approx(2 * 1.96 * se, rel=0.1)


def test_nothing_known_is_none() -> None:
    old = Votes("a", "b", np.array([[1.0, np.nan]]), 0, 0, "j", "A judge.")
    found = orders(old, 200, 1)
    assert (found.flip_rate, found.first, found.kappa, found.error_rate) == (None, None, None, 0.5)
    alike = orders(votes([["a"] * 5], [["a"] * 5]), 200, 1)
    assert alike.kappa is None
    silent = orders(votes([["error"] * 3], [["error"] * 3]), 200, 1)
    assert (silent.flip_rate, silent.first, silent.kappa, silent.error_rate) == (None, None, None, 1)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(SIDES), st.sampled_from(SIDES)), min_size=1, max_size=30))
def test_whom_one_calls_a_does_not_matter(answers: list[tuple[str, str]]) -> None:
    other = {"a": "b", "b": "a", "tie": "tie", "error": "error"}
    there = orders(votes([[one for one, _ in answers]], [[two for _, two in answers]]), 100, 1)
    back = orders(votes([[other[two] for _, two in answers]], [[other[one] for one, _ in answers]]), 100, 1)
    assert there.flip_rate == back.flip_rate
    assert (there.first is None) == (back.first is None)
    if there.first is not None and back.first is not None:
        assert there.first.value == pytest.approx(back.first.value)
    if there.kappa is not None and back.kappa is not None:
        assert there.kappa.value == pytest.approx(back.kappa.value)
