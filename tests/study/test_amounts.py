from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.study.amounts import short, size, tokens


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("400B", 400 * 10**9),
        ("1.2M", 1_200_000),
        ("600k", 600_000),
        ("5000", 5000),
        (7, 7),
        ("2T", 2 * 10**12),
    ],
)
def test_tokens(text, value):
    assert tokens(text) == value


@pytest.mark.parametrize("text", ["", "B", "400 b B", "-5M", "1e6", "0.5", "4X", "400GB"])
def test_tokens_refused(text):
    with pytest.raises(ValueError, match="amount|whole"):
        tokens(text)


@pytest.mark.parametrize(
    ("text", "value"), [("12MB", 12_000_000), ("4 GB", 4_000_000_000), ("5000", 5000), ("100B", 100), (3, 3)]
)
def test_size(text, value):
    assert size(text) == value


@given(st.integers(0, 10**14))
def test_short_never_shows_an_exponent_and_stays_near(amount):
    assert "e" not in short(amount)
    assert tokens(short(amount)) == pytest.approx(amount, rel=6e-3)


@given(st.integers(1, 999), st.sampled_from(["", "K", "M", "B", "T"]))
def test_short_is_read_back(number, unit):
    assert tokens(short(tokens(f"{number}{unit}"))) == tokens(f"{number}{unit}")
