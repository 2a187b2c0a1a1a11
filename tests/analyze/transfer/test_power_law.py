from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from leaven.analyze.transfer.power_law import extrapolate, fit, moved, refusal

SIZES = [300_000, 1_000_000, 3_000_000, 10_000_000]


def law(n: float) -> float:
    return 1.2 + 2.0 * (n / 1e6) ** -0.3


def test_a_law_without_noise_is_found_again() -> None:
    scores = [np.full(3, law(n)) for n in SIZES]
    found = extrapolate(SIZES, scores, 1e8, 50, 1)
    assert (found.law.floor, found.law.exponent) == pytest.approx((1.2, 0.3), rel=1e-3)
    assert found.value == pytest.approx(law(1e8), rel=1e-5)
    assert found.draws == pytest.approx(law(1e8), rel=1e-5)
    assert not found.law.bounded


def test_the_fit_is_no_worse_than_a_general_optimizers() -> None:
    rng = np.random.default_rng(0)
    n = np.array(SIZES) / 1e6
    for _ in range(5):
        y = np.array([law(size) for size in SIZES]) + rng.normal(0, 0.02, 4)
        floor, scale, exponent = fit(n, y[None, :])
        ours = float(np.square(y - floor - scale * n ** -exponent[0]).sum())

        def error(p: np.ndarray, y: np.ndarray = y) -> float:
            return float(np.square(y - p[0] - p[1] * n ** -p[2]).sum())

        bounds = [(0, None), (0, None), (0.02, 2.0)]
        best = min(optimize.minimize(error, (1, 2, a), bounds=bounds, tol=1e-14).fun for a in (0.1, 0.4, 1.0))
        assert ours <= best * (1 + 1e-3) + 1e-10


def test_scores_that_rise_have_no_scale() -> None:
    floor, scale, _ = fit(np.array([1.0, 2.0, 4.0]), np.array([[1.0, 1.1, 1.2]]))
    assert scale[0] == 0
    assert floor[0] == pytest.approx(1.1)


def test_intervals_hold_the_truth() -> None:
    rng = np.random.default_rng(3)
    held = 0
    for study in range(60):
        scores = [rng.normal(law(n), 0.01, 3) for n in SIZES[:3]]
        low, high = np.quantile(extrapolate(SIZES[:3], scores, 3e7, 200, study).draws, [0.025, 0.975])
        held += low <= law(3e7) <= high
    assert held >= 54


def test_equal_keys_move_paired_variants_together() -> None:
    rng = np.random.default_rng(4)
    base = [law(n) + rng.normal(0, 0.02, 3) for n in SIZES]
    a, b = (extrapolate(SIZES, [factor * each for each in base], 1e8, 300, 7) for factor in (1.0, 0.99))
    change = 100 * (b.draws / a.draws - 1)
    assert change == pytest.approx(-1.0, abs=0.05)
    assert a.draws.std() > 0.001


def test_single_seeds_take_their_noise_from_residuals() -> None:
    rng = np.random.default_rng(5)
    sizes = [10**5 * 2**i for i in range(7)]
    found = extrapolate(sizes, [np.array([law(n) + rng.normal(0, 0.01)]) for n in sizes], 1e8, 300, 1)
    low, high = np.quantile(found.draws, [0.025, 0.975])
    assert low < law(1e8) < high


@pytest.mark.parametrize(
    ("sizes", "seeds", "level", "better", "said"),
    [
        (3, 3, 2.0, "higher", "grow to a ceiling"),
        (2, 3, 2.0, "lower", "at least 3 sizes, there are 2"),
        (3, 3, -1.0, "lower", "positive scores"),
        (4, 1, 2.0, "lower", "nothing to take the noise from"),
        (5, 1, 2.0, "lower", ""),
        (3, 2, 2.0, "lower", ""),
    ],
)
def test_refusals_are_in_words(sizes: int, seeds: int, level: float, better: str, said: str) -> None:
    found = refusal([10**i for i in range(4, 4 + sizes)], [np.full(seeds, level)] * sizes, better)
    assert said in found
    assert bool(said) is bool(found)


def test_a_mean_of_few_seeds_moves_by_a_t() -> None:
    values = np.array([1.0, 2.0, 4.0])
    levels = [0.025, 0.2, 0.5, 0.9, 0.975]
    expected = values.mean() + values.std(ddof=1) / np.sqrt(3) * stats.t(2).ppf(levels)
    assert np.quantile(moved(values, 200_000, 1), levels) == pytest.approx(expected, abs=0.06)
