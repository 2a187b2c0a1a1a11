from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.analyze.crossed import Crossed
from leaven.analyze.transfer.calibration import decisions, sure, table, together
from leaven.analyze.transfer.prior import PRIOR, held, kind_of
from leaven.analyze.transfer.signs import AGREE, FLIP, MAYBE, NOTHING, SAME, At, at, flips, holds, state


def seen(value: float, se: float = 0.1, seeds: int = 3) -> At:
    return at("", 1, Crossed(value, se if seeds > 1 else 0.0, 0.0, 0.0, seeds, np.zeros(1)))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((1, 1, 1), AGREE),
        ((1, 1), SAME),
        ((1, 1, 0.01), SAME),
        ((1, 1, 1, -0.01), MAYBE),
        ((1, -0.01, 0.01), MAYBE),
        ((1, -1, 1), FLIP),
        ((0.01, -0.01, 0.02), NOTHING),
    ],
)
def test_states(values: tuple[float, ...], said: str) -> None:
    assert state([seen(value) for value in values]) == said


def test_one_seed_shows_no_sign() -> None:
    single = seen(5.0, seeds=1)
    assert (single.low, single.high, single.clear, single.confidence) == (None, None, False, 0.5)
    assert state([single] * 3) == NOTHING


def test_flips_are_of_neighbours_and_say_how_sure() -> None:
    a, b, c = seen(1.0), seen(-1.0), seen(-0.01)
    ((small, large, confidence),) = flips([a, b, c])
    assert (small, large) == (a, b)
    assert confidence > 0.98
    ((_, _, unsure),) = flips([a, c])
    assert 0.5 < unsure < 0.6
    assert flips([b, c]) == []


def test_clear_signs_that_turn_over_an_unclear_size_are_one_flip() -> None:
    a, between, c = seen(1.0), seen(0.01), seen(-1.0)
    assert [(small, large) for small, large, _ in flips([a, between, c])] == [(a, c)]
    later = seen(0.02)
    assert [(small, large) for small, large, _ in flips([a, between, c, later])] == [(a, c), (c, later)]
    assert [(small, large) for small, large, _ in flips([a, seen(0.0), seen(-0.01)])] == [(a, seen(-0.01))]


@given(st.lists(st.sampled_from([-1.0, -0.01, 0.0, 0.01, 1.0]), min_size=1, max_size=7))
def test_flips_say_what_the_state_says(values: list[float]) -> None:
    effects = [seen(value) for value in values]
    found = flips(effects)
    clear = any(small.clear and large.clear for small, large, _ in found)
    assert (state(effects) == FLIP) == clear
    assert state(effects) not in (MAYBE, FLIP) or found
    assert state(effects) not in (AGREE, SAME) or not found


def test_a_sign_holds_if_it_is_right_and_kept_or_wrong_and_turned() -> None:
    assert holds(1.0, 0.8) == pytest.approx(0.8)
    assert holds(0.5, 0.8) == pytest.approx(0.5)
    assert holds(0.9, 1.0) == pytest.approx(0.9)


def test_the_prior_grows_with_the_gap_and_is_lower_for_code() -> None:
    assert kind_of("prose bits-per-byte") == "web"
    assert kind_of("Python bits-per-byte") == kind_of("code") == "code"
    for low in (0.001, 0.007, 0.015, 0.03):
        assert held(low, "code").share < held(low, "web").share
        assert held(low, "web").share < held(2 * low + 0.001, "web").share
    assert held(0.05, "web") is PRIOR["web"][-1]
    assert held(0.0, "code") is PRIOR["code"][0]
    with pytest.raises(KeyError):
        held(0.1, "speech")


def test_what_is_expected_of_a_new_pair_is_never_certain() -> None:
    for row in (row for rows in PRIOR.values() for row in rows):
        assert min(0.5, row.share) < row.expected < max(0.5, row.share)
    assert held(0.3, "web").expected == pytest.approx((17948 / 255 + 0.5) / (17948 / 255 + 1))
    assert f"{100 * holds(1.0, held(0.3, 'web').expected):.0f}" == "99"


def test_what_seeds_predict_of_decisions() -> None:
    assert sure(0.0, 1.0, 3) == 0.5
    assert sure(0.3, 0.0, 3) == 1.0
    assert sure(4.302653, 1.0, 3) == pytest.approx(0.975, abs=1e-6)
    proxy = [np.array([1.0, 1.1, 0.9]), np.array([2.0, 2.1, 1.9]), np.array([1.0])]
    found = decisions(proxy, np.array([1.0, 2.0, 3.0]))
    assert (found.predicted.tolist(), found.right.tolist()) == ([1.0], [1.0])
    row = table(together([found, decisions(proxy, np.array([2.0, 1.0, 3.0]))]))
    assert (row["pairs"], row["predicted"], row["observed"], row["brier"]) == (2, 1.0, 0.5, 0.5)
    assert table(decisions(proxy, np.ones(3)))["observed"] is None


def test_proxies_that_differ_by_seeds_alone_are_calibrated() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 0.5, 40)
    parts = []
    for _ in range(6):
        proxy = [value + rng.normal(0, 0.5, 5) for value in truth]
        parts.append(decisions(proxy, truth))
    found = table(together(parts))
    assert found["observed"] == pytest.approx(found["predicted"], abs=0.04)
