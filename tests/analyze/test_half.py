from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.analyze.half import Half, half, points, points_of
from leaven.analyze.winrates import net_win


@given(wins=st.integers(0, 50), losses=st.integers(0, 50), ties=st.integers(0, 50))
def test_counts_give_the_rate_and_its_error(wins: int, losses: int, ties: int) -> None:
    n = wins + losses + ties
    found = half(points_of(wins, losses, ties))
    assert found.n == n
    if n == 0:
        assert np.isnan(found.rate)
        return
    rate = (wins + ties / 2) / n
    assert found.rate == pytest.approx(100 * rate)
    if n == 1:
        assert np.isnan(found.se)
        return
    squares = wins * (1 - rate) ** 2 + losses * rate**2 + ties * (0.5 - rate) ** 2
    assert found.se == pytest.approx(100 * np.sqrt(squares / (n - 1) / n), abs=1e-6)


def test_it_is_half_way_between_the_net_win_and_everything() -> None:
    votes = np.array([[1.0] * 69 + [-1.0] * 56 + [0.0] * 74])
    net = net_win(votes, 100, key=0)
    assert half(points(votes)).rate == pytest.approx(50 + net.estimate / 2)
    assert half(points(votes)) == half(points_of(69, 56, 74))


def test_the_prompt_is_the_unit() -> None:
    votes = np.array([[1, 1, -1, np.nan, 0], [1, -1, np.nan, np.nan, 1]])
    assert list(points(votes)) == [1, 0.5, 0, 0.75]
    assert half(np.array([0.25])) == Half(25.0, pytest.approx(np.nan, nan_ok=True), 1)
