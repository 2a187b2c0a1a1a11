"""Laws against plain fits of the same curves, and what a lowest point is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from leaven.analyze.optimum.laws import LAWS, explained, isotonic, left_out, lowest

SHARES = np.array([0, 0.25, 0.5, 0.75, 0.9, 1.0])
GRID = np.linspace(0, 1, 101)
BY_NAME = {law.name: law for law in LAWS}


def pooled(values: list[float]) -> list[float]:
    """Pool adjacent violators, one at a time."""
    blocks: list[list[float]] = []
    for value in values:
        blocks.append([value])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    return [float(np.mean(block)) for block in blocks for _ in block]


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=9))
def test_isotonic_is_pool_adjacent_violators(values):
    np.testing.assert_allclose(isotonic(np.array(values)), pooled(values), atol=1e-9)


@pytest.mark.parametrize("name", ["quadratic", "root", "root of the rest"])
def test_linear_laws_are_least_squares(name):
    law = BY_NAME[name]
    means = np.random.default_rng(0).normal(size=(3, 6))
    for row, curve in zip(means, law.curves(SHARES, means, GRID), strict=True):
        solved = np.linalg.lstsq(law.features(SHARES), row, rcond=None)[0]
        np.testing.assert_allclose(curve, law.features(GRID) @ solved, atol=1e-9)


@pytest.mark.parametrize("rate", [-9.0, -2.0, 0.7, 12.0])
def test_the_exponential_is_as_good_as_a_free_search(rate):
    means = 1.2 + 0.8 * np.exp(rate * SHARES) / max(1, np.exp(rate)) + np.random.default_rng(1).normal(0, 0.02, 6)

    def curve(x, c, k, t):
        return c + k * np.exp(t * x) / max(1, np.exp(t))

    best, _ = optimize.curve_fit(curve, SHARES, means, p0=(1, 1, rate), maxfev=20_000)
    free = ((means - curve(SHARES, *best)) ** 2).sum()
    ours = ((means - BY_NAME["exponential"].curves(SHARES, means, SHARES)) ** 2).sum()
    assert free <= ours * (1 + 1e-6)
    assert ours <= free + 1e-3 * np.ptp(means) ** 2


def test_monotone_takes_the_direction_that_fits():
    law = BY_NAME["monotone"]
    falling = np.array([5.0, 4, 4.2, 3, 2, 2.5])
    curve = law.curves(SHARES, falling, GRID)
    assert (np.diff(curve) <= 1e-12).all()
    np.testing.assert_allclose(law.curves(SHARES, -falling, GRID), -curve)


def test_lowest_lies_between_grid_points_and_at_the_far_end_of_a_flat_stretch():
    assert lowest(GRID, (GRID - 0.333) ** 2) == pytest.approx(0.333, abs=1e-6)
    assert lowest(GRID, GRID) == 0
    assert lowest(GRID, -GRID) == 1
    assert lowest(GRID, np.where(GRID < 0.4, 0.4 - GRID, 0.0)) == 1
    assert lowest(GRID, np.where(GRID < 0.4, 0.0, GRID - 0.4)) == 0


def test_leaving_out_finds_the_law_that_made_the_data():
    truths = {
        "quadratic": (SHARES - 0.4) ** 2,
        "root": SHARES - 1.2 * np.sqrt(SHARES),
        "exponential": np.exp(-5 * SHARES),
    }
    for name, means in truths.items():
        errors = {law.name: left_out(law, SHARES, means) for law in LAWS}
        assert min(errors, key=errors.get) == name
        assert explained(BY_NAME[name], SHARES, means) == pytest.approx(1, abs=1e-3)


def test_with_three_shares_nothing_can_be_left_out_of_a_bend():
    assert left_out(BY_NAME["root"], SHARES[:3], np.ones(3)) == np.inf
