"""Joint draws of a sweep's means: each contrast must deviate as its own paired t."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from leaven.analyze.optimum.noise import measured

RNG = np.random.default_rng(3)


def test_a_contrast_deviates_as_the_paired_t_of_its_seeds():
    values = RNG.normal(size=(5, 4)) * np.array([[1], [3], [1], [0.2], [2]]) + RNG.normal(size=4) * 9
    found = measured(list(values), None, 40_000, 1)
    weights = np.array([1.0, -2, 0.5, 0.25, 0.25])
    own = weights @ values
    reach = own.std(ddof=1) / 2 * special.stdtrit(3, 0.975)
    np.testing.assert_allclose(np.quantile(found.deviations @ weights, [0.025, 0.975]), [-reach, reach], rtol=0.06)


def test_what_a_seed_adds_to_every_share_is_no_noise():
    level = np.array([0.0, 7.0, -3.0])
    found = measured([share + level for share in (1.0, 2.0, 3.0)], None, 500, 1)
    np.testing.assert_allclose(found.deviations, 0, atol=1e-12)


def test_items_widen_and_what_items_do_to_all_shares_does_not():
    values = [np.array([1.0, 1.1, 0.9]), np.array([2.0, 2.2, 2.1]), np.array([3.0, 2.9, 3.1])]
    common = RNG.normal(size=(2000, 1))
    shared = measured(values, [value + common for value in values], 2000, 1)
    none = measured(values, None, 2000, 1)
    np.testing.assert_allclose(shared.deviations, none.deviations, atol=1e-9)
    own = [value + RNG.normal(size=(2000, 1)) for value in values]
    assert (measured(values, own, 2000, 1).deviations.std(axis=0) > none.deviations.std(axis=0)).all()


def test_one_seed_leaves_the_noise_unknown_and_unequal_seeds_are_not_paired():
    assert measured([np.ones(1)] * 4, None, 100, 0).variance is None
    apart = measured([np.array([1.0, 2.0]), np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0])], None, 4000, 0)
    correlation = np.corrcoef(apart.deviations, rowvar=False)
    assert abs(correlation[0, 1]) < 0.2
    assert apart.variance == pytest.approx(apart.variance)


def test_items_count_whether_seeds_pair_or_not():
    rng = np.random.default_rng(8)
    values = [share + 0.01 * rng.standard_normal(3) for share in (1.0, 2.0, 3.0, 4.0)]
    common = rng.normal(size=(4000, 1))
    own = [value + rng.normal(size=(4000, 1)) + common for value in values]
    for kept, paired in ((3, True), (3, False), (2, True), (1, True)):
        lost = [values[0], values[1][:kept], *values[2:]]
        found = measured(lost, [own[0], own[1][:, :kept], *own[2:]], 4000, 0, paired=paired)
        # What is common to all shares is out, what is a share's own stays but for its part in their mean.
        spread = np.quantile(found.deviations, 0.84, axis=0) - np.quantile(found.deviations, 0.16, axis=0)
        np.testing.assert_allclose(spread / 2, np.sqrt(3 / 4), rtol=0.1)


def test_measures_share_their_combinations_of_seeds():
    values = list(RNG.normal(size=(4, 3)))
    one, two = measured(values, None, 50, 5), measured([2 * value for value in values], None, 50, 5)
    np.testing.assert_allclose(2 * one.deviations, two.deviations)
