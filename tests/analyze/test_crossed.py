from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from leaven.analyze.bootstrap import Sums, ratios_resampled
from leaven.analyze.crossed import FLOOR, FLOOR_OF_TWO, Crossed, cross, difference, scaled
from leaven.analyze.holm import holm


def sample(seeds: int = 3, items: int = 200, shift: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = (
        2 + shift + rng.normal(0, 0.05, (seeds, 1)) + rng.normal(0, 0.5, items) + rng.normal(0, 0.3, (seeds, items))
    )
    sums = Sums(values, np.ones_like(values))
    return sums.ratios, ratios_resampled([sums], 800, key=1)[0]


def test_without_item_noise_it_is_the_paired_t_test() -> None:
    per_seed = np.array([0.3, 0.5, 0.1, 0.45])
    crossed = cross(per_seed, np.tile(per_seed, (500, 1)), float(per_seed.mean()))
    reference = stats.ttest_1samp(per_seed, 0.0)
    low, high = reference.confidence_interval(0.95)
    assert crossed.p_difference() == pytest.approx(reference.pvalue, rel=1e-9)
    assert crossed.interval() == pytest.approx((low, high), rel=1e-7)


def test_without_seed_noise_it_is_the_bootstrap() -> None:
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 0.2, 4000)
    crossed = cross(np.full(3, 1.0), 1.0 + np.tile(shared[:, None], (1, 3)), 1.0)
    assert crossed.seed_se == 0
    assert crossed.interval() == pytest.approx((0.6, 1.4), abs=0.03)
    assert crossed.p_difference() == pytest.approx(1 / 4001)


def test_both_kinds_of_noise_match_the_behrens_fisher_distribution() -> None:
    rng = np.random.default_rng(1)
    crossed = Crossed(0.0, 1.0, 1.0, 1.0, 3, stats.norm.ppf((np.arange(4000) + 0.5) / 4000))
    drawn = rng.standard_t(2, 2_000_000) + rng.normal(size=2_000_000)
    assert crossed.interval()[1] == pytest.approx(float(np.quantile(drawn, 0.975)), rel=0.02)


def private_only(seeds: int, rng: np.random.Generator) -> Crossed:
    values = rng.normal(0, 1, (seeds, 200))
    sums = Sums(values, np.ones_like(values))
    return cross(sums.ratios, ratios_resampled([sums], 400, key=1)[0], float(sums.ratios.mean()))


def test_noise_private_to_seed_and_item_is_counted_once() -> None:
    """With private noise only, the seeds' spread holds all of it; where luck made that smaller, FLOOR of the rest is
    added."""
    rng = np.random.default_rng(2)
    for _ in range(40):
        crossed = private_only(5, rng)
        seeds, both, items = crossed.seed_se**2, crossed.seed_se**2 + crossed.item_se**2, crossed.total_item_se**2
        assert both == pytest.approx(seeds + FLOOR * max(items - seeds, 0.0), abs=0.4 * items)


def test_never_less_is_left_than_a_share_of_the_items_noise() -> None:
    rng = np.random.default_rng(5)
    for seeds in (2, 3, 5):
        for _ in range(40):
            crossed = private_only(seeds, rng)
            least = (FLOOR if seeds > 2 else FLOOR_OF_TWO) * crossed.total_item_se**2
            assert crossed.seed_se**2 + crossed.item_se**2 >= least * (1 - 1e-12)


def test_seeds_that_agree_by_luck_leave_the_items_their_noise() -> None:
    """Two seeds of 12 prompts with equal means and no prompt in common: the interval had no width."""
    outcomes = np.array([[1.0, 1, -1, -1, -1, 0, 1, -1, 0, 0, 1, -1], [-1, 0, 1, 0, 1, -1, -1, 1, -1, 1, -1, 0]])
    outcomes[1, 1] = -1 - outcomes[1].sum() + outcomes[1, 1]
    assert outcomes[0].sum() == outcomes[1].sum()
    sums = Sums(outcomes, np.ones_like(outcomes))
    crossed = cross(sums.ratios, ratios_resampled([sums], 800, key=1)[0], float(sums.ratios.mean()))
    assert crossed.seed_se == 0
    assert crossed.item_se == pytest.approx(crossed.total_item_se)
    assert crossed.item_se > 0.1
    low, high = crossed.interval()
    assert high - low > 0.2


def test_two_seeds_of_rare_successes_keep_the_level_of_a_family() -> None:
    """40 items, one in ten right: two seeds often agree exactly. With FLOOR, 11 % of families claimed a difference."""
    rng = np.random.default_rng(0)
    wrong, studies = 0, 250
    for study in range(studies):
        sums = [Sums(values, np.ones_like(values)) for values in (rng.random((5, 2, 40)) < 0.1).astype(float)]
        drawn = ratios_resampled(sums, 200, key=study)
        effects = [
            difference(arm.ratios, sums[0].ratios, under, drawn[0], "points")
            for arm, under in zip(sums[1:], drawn[1:], strict=True)
        ]
        wrong += min(holm([effect.p_difference() for effect in effects])) <= 0.05
    assert wrong <= stats.binom.ppf(0.99, studies, 0.05)


def test_one_seed_has_an_interval_and_no_test() -> None:
    per_seed, draws = sample(seeds=1)
    crossed = cross(per_seed, draws, float(per_seed[0]))
    assert (crossed.p_difference(), crossed.p_equivalence(1e9)) == (1, 1)
    assert crossed.interval()[0] < crossed.estimate < crossed.interval()[1]


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95, 0.999])
def test_interval_and_p_agree(level: float) -> None:
    per_seed, draws = sample()
    crossed = cross(per_seed, draws, float(per_seed.mean()))
    low, high = crossed.interval(level)
    edge = Crossed(crossed.estimate - low, *_rest(crossed))
    assert edge.p_difference() == pytest.approx(1 - level, abs=1e-6)
    edge = Crossed(crossed.estimate - high, *_rest(crossed))
    assert edge.p_difference() == pytest.approx(1 - level, abs=1e-6)


def test_tost_agrees_with_the_ninety_per_cent_interval() -> None:
    per_seed, draws = sample(shift=-2)
    crossed = cross(per_seed, draws, float(per_seed.mean()))
    reach = max(abs(bound) for bound in crossed.interval(0.90))
    assert crossed.p_equivalence(reach * 1.001) <= 0.05 < crossed.p_equivalence(reach * 0.999)


def test_relative_difference_of_known_ratio() -> None:
    per_seed, draws = sample()
    effect = difference(per_seed * 1.1, per_seed, draws * 1.1, draws, "relative")
    assert effect.estimate == pytest.approx(10)
    assert effect.seed_se == pytest.approx(0, abs=1e-10)  # all seeds agree on +10 %
    assert effect.interval() == pytest.approx((10, 10), abs=1e-6)


def test_pairing_removes_what_arms_share() -> None:
    a, a_draws = sample(seed=4)
    paired = difference(a + 0.1, a, a_draws + 0.1, a_draws, "points")
    assert max(paired.seed_se, paired.item_se) < 1e-12


def _rest(crossed: Crossed) -> tuple[float, float, float, int, np.ndarray]:
    return crossed.seed_se, crossed.item_se, crossed.total_item_se, crossed.seeds, crossed.deviations


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(4)), factor=st.floats(1e-3, 1e3))
def test_relabelling_seeds_and_scaling_bits_change_nothing(order: list[int], factor: float) -> None:
    (a, a_draws), (b, b_draws) = sample(4, seed=1), sample(4, shift=0.2, seed=2)
    effect = difference(b, a, b_draws, a_draws, "relative")
    index = np.array(order)
    other = difference(
        factor * b[index], factor * a[index], factor * b_draws[:, index], factor * a_draws[:, index], "relative"
    )
    assert other.estimate == pytest.approx(effect.estimate, rel=1e-9)
    assert other.interval() == pytest.approx(effect.interval(), rel=1e-6)
    assert other.p_difference() == pytest.approx(effect.p_difference(), rel=1e-6)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000))
def test_permuting_items_changes_the_interval_by_resampling_noise_only(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 0.05, (3, 1)) + rng.normal(0, 0.5, 150) + rng.normal(0, 0.3, (3, 150))
    widths = []
    for order in (np.arange(150), rng.permutation(150)):
        sums = Sums(values[:, order], np.ones_like(values))
        crossed = cross(sums.ratios, ratios_resampled([sums], 3000, key=1)[0], float(sums.ratios.mean()))
        widths.append(math.hypot(crossed.seed_se, crossed.total_item_se))
    assert widths[0] == pytest.approx(widths[1], rel=0.06)


def test_scaled_is_the_same_statement_in_another_unit() -> None:
    per_seed, draws = sample()
    crossed = cross(per_seed, draws, float(per_seed.mean()))
    points = scaled(crossed, 100)
    assert points.interval() == pytest.approx(tuple(100 * bound for bound in crossed.interval()), rel=1e-6)
    assert points.p_difference() == pytest.approx(crossed.p_difference(), rel=1e-6)
