"""The keyed permutation: a bijection, equal to its plain-Python reference, and a fair shuffle."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.mixture.permute import GOLDEN, MIX_1, MIX_2, ROUNDS, permute

M64 = 2**64 - 1
keys = st.integers(0, M64)


def reference(key: int, size: int, index: int) -> int:
    """The same permutation in plain integers, one index at a time."""
    half = 1
    while 4**half <= size:
        half += 1
    mask = 2**half - 1

    def mix(z: int) -> int:
        z = ((z ^ (z >> 30)) * MIX_1) & M64
        z = ((z ^ (z >> 27)) * MIX_2) & M64
        return z ^ (z >> 31)

    while True:
        left, right = index >> half, index & mask
        for i in range(1, ROUNDS + 1):
            left, right = right, left ^ (mix(right ^ mix((key + i * GOLDEN) & M64)) & mask)
        index = (left << half) | right
        if index < size:
            return index


@given(keys, st.integers(1, 3000))
def test_it_is_a_bijection(key, size):
    there = permute(key, size, np.arange(size))
    assert there.dtype == np.int64
    assert np.array_equal(np.sort(there), np.arange(size))


@given(keys, st.integers(1, 2**62 - 1), st.data())
def test_it_equals_the_plain_reference(key, size, data):
    index = data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=8))
    assert permute(key, size, np.array(index)).tolist() == [reference(key, size, i) for i in index]


@given(st.lists(st.tuples(keys, st.integers(1, 10**6), st.floats(0, 0.999999)), min_size=1, max_size=10))
def test_many_permutations_in_one_call(triples):
    key = np.array([k for k, _, _ in triples], np.uint64)
    size = np.array([n for _, n, _ in triples], np.int64)
    index = np.array([int(n * f) for _, n, f in triples], np.int64)
    one_by_one = [reference(k, n, i) for k, n, i in zip(key.tolist(), size.tolist(), index.tolist(), strict=True)]
    assert permute(key, size, index).tolist() == one_by_one


def test_every_order_of_a_few_rows_is_about_equally_likely():
    """Chi-square over 4,800 keys, below its 99.9 % point for 1, 5, 23 and 119 degrees of freedom."""
    for rows, orders, limit in ((2, 2, 10.8), (3, 6, 20.5), (4, 24, 49.7), (5, 120, 175.0)):
        every = np.tile(np.arange(rows), 4800)
        keys = np.repeat(np.arange(4800).astype(np.uint64), rows)
        seen = Counter(map(tuple, permute(keys, rows, every).reshape(-1, rows).tolist()))
        assert len(seen) == orders
        expected = 4800 / orders
        assert sum((count - expected) ** 2 / expected for count in seen.values()) < limit


def test_a_shuffle_has_no_memory_of_its_order():
    """Neighbours land independently: correlations over n = 100,000 rows are within 4 / √n of zero."""
    n = 100_000
    there = permute(7, n, np.arange(n)).astype(float)
    assert abs(np.corrcoef(np.arange(n), there)[0, 1]) < 4 / n**0.5
    assert abs(np.corrcoef(there[:-1], there[1:])[0, 1]) < 4 / n**0.5
    other = permute(8, n, np.arange(n)).astype(float)
    assert abs(np.corrcoef(there, other)[0, 1]) < 4 / n**0.5


@pytest.mark.parametrize(("size", "index"), [(5, 5), (5, -1), (0, 0), (2**62, 0)])
def test_outside_the_range_is_refused(size, index):
    with pytest.raises(ValueError, match="outside"):
        permute(1, size, np.array([index]))


def test_nothing_permuted_is_nothing():
    assert permute(1, 0, np.empty(0, np.int64)).tolist() == []


def test_golden_permutation():
    """Changing this is changing the order of every study ever run: it needs a new `order/` version."""
    there = permute(0x0123456789ABCDEF, 1000, np.arange(1000))
    assert there[:8].tolist() == GOLDEN_START
    assert hashlib.sha256(there.tobytes()).hexdigest() == GOLDEN_HASH


GOLDEN_START = [350, 547, 328, 97, 243, 673, 430, 922]
GOLDEN_HASH = "d684ef9a5ec46e030cf238bc116511eee616b1b4c0c7ce365ec1d88c46ccf910"
