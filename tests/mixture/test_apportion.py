"""Shares are exact, fair and independent of the order of declaration."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.ground.errors import BadInput
from leaven.mixture.apportion import apportion, shares

weights = st.dictionaries(
    st.text(min_size=1, max_size=4),
    st.one_of(st.integers(0, 1000), st.floats(0, 1e6, allow_nan=False, allow_subnormal=False)),
    min_size=1,
    max_size=12,
).filter(lambda mixture: any(weight > 0 for weight in mixture.values()))


@given(weights, st.integers(0, 10**12))
def test_the_total_is_exact_and_everyone_is_within_one_of_their_share(mixture, total):
    counts = apportion(mixture, total)
    assert sum(counts.values()) == total
    for name, share in shares(mixture).items():
        assert abs(counts[name] - share * total) < 1
        assert mixture[name] > 0 or counts[name] == 0


@given(weights, st.integers(0, 10**6))
def test_the_order_of_declaration_does_not_matter(mixture, total):
    backwards = dict(reversed(mixture.items()))
    assert list(apportion(mixture, total).items()) == list(apportion(backwards, total).items())


@given(weights, st.integers(0, 10**6))
def test_it_is_the_largest_remainders_that_are_rounded_up(mixture, total):
    counts = apportion(mixture, total)
    ideal = {name: share * total for name, share in shares(mixture).items()}
    up = [ideal[n] - math.floor(ideal[n]) for n in counts if counts[n] > math.floor(ideal[n])]
    down = [ideal[n] - math.floor(ideal[n]) for n in counts if counts[n] == math.floor(ideal[n])]
    assert not up or not down or min(up) >= max(down)


def test_declared_decimals_are_taken_at_their_word():
    assert shares({"a": 0.1, "b": 0.2}) == {"a": Fraction(1, 3), "b": Fraction(2, 3)}
    assert apportion({"text": 0.9, "code": 0.1}, 10**17) == {"code": 10**16, "text": 9 * 10**16}


def test_equal_remainders_go_to_the_first_name():
    assert apportion({"c": 1, "b": 1, "a": 1}, 4) == {"a": 2, "b": 1, "c": 1}
    assert apportion({"b": 1, "a": 1}, 1) == {"a": 1, "b": 0}


@pytest.mark.parametrize(
    ("mixture", "says"),
    [
        ({"text": -1.0, "code": 2.0}, "text is -1.0"),
        ({"text": math.nan}, "text is nan"),
        ({"text": math.inf}, "text is inf"),
        ({"text": 0.0, "code": 0}, "every weight is zero"),
        ({}, "no sources"),
    ],
)
def test_weights_that_cannot_be_shares_are_bad_input(mixture, says):
    with pytest.raises(BadInput, match=says):
        apportion(mixture, 10)


def test_a_negative_total_is_a_defect_of_the_caller():
    with pytest.raises(ValueError, match="-1 samples"):
        apportion({"a": 1}, -1)
