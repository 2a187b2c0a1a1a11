"""The interleave against a plain reference: sort every draw of every source as fractions."""

from __future__ import annotations

import hashlib
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.mixture.order import MOST_SAMPLES, slots

quotas = st.lists(st.integers(0, 60), min_size=1, max_size=9)


def reference(counts: list[int]) -> list[tuple[int, int]]:
    draws = [(Fraction(2 * k + 1, 2 * n), s, k) for s, n in enumerate(counts) for k in range(n)]
    return [(s, k) for _, s, k in sorted(draws)]


def as_pairs(counts, start, stop) -> list[tuple[int, int]]:
    source, local = slots(counts, start, stop)
    assert source.dtype == np.int32
    assert local.dtype == np.int64
    return list(zip(source.tolist(), local.tolist(), strict=True))


@given(quotas, st.data())
def test_any_range_is_that_range_of_the_sorted_reference(counts, data):
    total = sum(counts)
    start = data.draw(st.integers(0, total))
    stop = data.draw(st.integers(start, total))
    assert as_pairs(counts, start, stop) == reference(counts)[start:stop]


@given(st.lists(st.integers(1, 2000), min_size=2, max_size=5))
def test_every_prefix_is_near_the_ideal_share(counts):
    total, S = sum(counts), len(counts)
    source, _ = slots(counts, 0, total)
    drawn_iS = np.cumsum(source[:, None] == np.arange(S), axis=0)
    ideal_iS = np.arange(1, total + 1)[:, None] * np.array(counts) / total
    bound_S = 0.5 + S * np.array(counts) / (2 * total)
    assert (np.abs(drawn_iS - ideal_iS) <= bound_S + 1e-9).all()


@given(
    st.lists(st.integers(0, 2**28), min_size=1, max_size=7).filter(any),
    st.floats(0, 1),
    st.integers(1, 300),
)
def test_far_into_a_large_stage_ranges_still_join(counts, where, length):
    total = sum(counts)
    start = int(where * (total - 1))
    middle, stop = min(total, start + length), min(total, start + 2 * length)
    whole = as_pairs(counts, start, stop)
    assert whole == as_pairs(counts, start, middle) + as_pairs(counts, middle, stop)
    times = [(Fraction(2 * k + 1, 2 * counts[s]), s) for s, k in whole]
    assert times == sorted(times)


def test_at_the_bound_nothing_overflows():
    half = MOST_SAMPLES // 2
    counts = [half, MOST_SAMPLES - half]
    assert as_pairs(counts, MOST_SAMPLES - 2, MOST_SAMPLES) == [(0, half - 1), (1, half)]
    assert as_pairs([MOST_SAMPLES], MOST_SAMPLES - 1, MOST_SAMPLES) == [(0, MOST_SAMPLES - 1)]
    # A thousand sources of fifty thousand samples: every one of them is drawn once in each thousand.
    source, local = slots([50_000] * 1000, 25_000_000, 25_001_000)
    assert source.tolist() == list(range(1000))
    assert set(local.tolist()) == {25_000}


def test_two_close_times_keep_their_order():
    """Times of neighbouring huge quotas differ by about 2**-60: less than a float64 can tell near one."""
    n, m = 2**30, 2**30 - 1
    whole = as_pairs([n, m], n + m - 400, n + m)
    times = [(Fraction(2 * k + 1, 2 * (n, m)[s]), s) for s, k in whole]
    assert times == sorted(times)
    assert len(set(whole)) == 400


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2), (0, 6)])
def test_a_range_outside_the_stage_is_refused(start, stop):
    with pytest.raises(ValueError, match="of a stage of 5"):
        slots([2, 3], start, stop)


def test_impossible_quotas_are_refused():
    with pytest.raises(ValueError, match="zero or above"):
        slots([2, -1], 0, 1)
    with pytest.raises(ValueError, match="exact up to"):
        slots([MOST_SAMPLES, 1], 0, 1)


def test_empty_ranges_and_stages():
    assert as_pairs([], 0, 0) == []
    assert as_pairs([3], 1, 1) == []
    assert as_pairs([0, 2, 0], 0, 2) == [(1, 0), (1, 1)]


def test_golden_order():
    """Changing this is changing the order of every study ever run: it needs a new `order/` version."""
    source, local = slots([700, 200, 99, 1], 0, 1000)
    assert source[:12].tolist() == GOLDEN_START
    assert hashlib.sha256(source.tobytes() + local.tobytes()).hexdigest() == GOLDEN_HASH


GOLDEN_START = [0, 0, 1, 0, 0, 2, 0, 1, 0, 0, 0, 0]
GOLDEN_HASH = "11b7f39ba13d68c25c63e844ca5808526d61cda58fe95686523c68cd77d546aa"
