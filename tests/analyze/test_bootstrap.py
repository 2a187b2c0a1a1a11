from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from leaven.analyze.bootstrap import Sums, cluster_sums, ratios_reference, ratios_resampled, widening


def arms(count: int, seeds: int, groups: int, *, same_bytes: bool, seed: int = 0) -> list[Sums]:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(50, 500, size=groups).astype(float)
    found = []
    for _ in range(count):
        below = np.tile(sizes, (seeds, 1)) if same_bytes else sizes * rng.uniform(0.9, 1.1, (seeds, groups))
        found.append(Sums(below * rng.uniform(1, 3, (seeds, groups)), below))
    return found


@pytest.mark.parametrize("same_bytes", [True, False])
def test_fast_equals_the_plain_reference(same_bytes: bool) -> None:
    sample = arms(3, 4, 17, same_bytes=same_bytes)
    fast, plain = ratios_resampled(sample, 60, key=5), ratios_reference(sample, 60, key=5)
    np.testing.assert_allclose(fast, plain, rtol=1e-12)


def test_fast_equals_the_reference_across_chunks_and_with_empty_clusters() -> None:
    rng = np.random.default_rng(1)
    below = (rng.random((2, 3)) > 0.4).astype(float)
    below[:, 0] = 1
    sample = [Sums(rng.normal(size=(2, 3)) * below, below)]
    np.testing.assert_allclose(ratios_resampled(sample, 600, 9), ratios_reference(sample, 600, 9), rtol=1e-12)


def test_draws_are_shared_by_arms_and_repeat() -> None:
    (sample,) = arms(1, 3, 40, same_bytes=True)
    first = ratios_resampled([sample, sample], 300, key=3)
    np.testing.assert_array_equal(first[0], first[1])
    np.testing.assert_array_equal(first, ratios_resampled([sample, sample], 300, key=3))
    assert not np.array_equal(first, ratios_resampled([sample, sample], 300, key=4))


def test_standard_error_of_a_mean() -> None:
    values = np.random.default_rng(2).normal(size=(1, 400))
    drawn = ratios_resampled([Sums(values, np.ones_like(values))], 4000, key=1)[0, :, 0]
    assert drawn.std() == pytest.approx(float(stats.sem(values[0])), rel=0.05)


def test_clusters_are_drawn_whole() -> None:
    # Ten items a cluster, all alike: the error is that of the clusters, √10 larger than that of independent items.
    level = np.random.default_rng(3).normal(size=100)
    values, clusters = np.repeat(level, 10)[None], np.repeat(np.arange(100), 10)
    sums = Sums(cluster_sums(values, clusters), cluster_sums(np.ones_like(values), clusters))
    drawn = ratios_resampled([sums], 4000, key=1)[0, :, 0]
    assert drawn.std() == pytest.approx(float(stats.sem(level)), rel=0.06)


def test_widening_is_one_for_many_clusters_and_zero_for_one() -> None:
    assert widening(1) == 0
    assert widening(10) == pytest.approx(1.217, abs=1e-3)
    assert widening(100_000) == pytest.approx(1, abs=1e-4)


@settings(max_examples=25, deadline=None)
@given(factor=st.floats(1e-3, 1e3), seed=st.integers(0, 99))
def test_scaling_bits_scales_the_draws(factor: float, seed: int) -> None:
    (sample,) = arms(1, 2, 11, same_bytes=True, seed=seed)
    drawn = ratios_resampled([sample], 50, key=2)
    scaled = ratios_resampled([Sums(sample.numerator * factor, sample.denominator)], 50, key=2)
    np.testing.assert_allclose(scaled, drawn * factor, rtol=1e-9)


def test_fifteen_runs_of_five_thousand_items_take_seconds() -> None:
    sample = arms(5, 3, 5000, same_bytes=True)
    start = time.process_time()
    assert ratios_resampled(sample, 2000, key=1).shape == (5, 2000, 3)
    assert time.process_time() - start < 150
