"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.report import words


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (words.effect(0.2, -0.4, 0.8, "%"), "+0.2 % [−0.4, +0.8]"),
        (words.effect(-6.1, -9.0, -3.2, "points"), "−6.1 points [−9.0, −3.2]"),
        (words.effect(0.012, 0.010, 0.015, "%"), "+0.012 % [+0.010, +0.015]"),
        (words.effect(1.0, None, None, "%"), "+1.0 %"),
        (words.effect(None, 1, 2, "%"), "–"),
        (words.signed(-0.04), "0.0"),
        (words.amount(2_050_000), "2.05M"),
        (words.amount(400_000_000_000), "400B"),
        (words.amount(999_960), "1M"),
        (words.amount(9_600), "9,600"),
        (words.amount(0), "0"),
        (words.amount(None), "–"),
        (words.flops(4.2e13), "4.2 × 10¹³"),
        (words.flops(9.99e13), "1.0 × 10¹⁴"),
        (words.flops(0), "–"),
        (words.size(14_200_000), "14.2 MB"),
        (words.duration(8.43), "8.4 s"),
        (words.duration(59.97), "1 min 00 s"),
        (words.duration(200), "3 min 20 s"),
        (words.duration(18_720), "5 h 12 min"),
        (words.probability(0.0004), "p < 0.001"),
        (words.probability(0.034), "p = 0.034"),
        (words.count(1, "seed"), "1 seed"),
        (words.count(2, "entry", "entries"), "2 entries"),
        (words.listing(["a", "b", "c"]), "a, b and c"),
        (words.listing([]), ""),
        (words.sentence("done"), "done."),
        (words.sentence("Why?"), "Why?"),
    ],
)
def test_said(made: str, said: str) -> None:
    assert made == said


@given(st.floats(), st.floats(), st.floats())
def test_any_number_can_be_said(value: float, low: float, high: float) -> None:
    shown = words.effect(value, low, high, "%")
    assert "nan" not in shown
    assert "inf" not in shown
    assert "-" not in shown


@given(st.floats(min_value=1, max_value=1e15))
def test_amounts_keep_three_digits(value: float) -> None:
    shown = words.amount(value)
    scale = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}.get(shown[-1], 1.0)
    assert math.isclose(float(shown.rstrip("KMBT").replace(",", "")) * scale, value, rel_tol=6e-3, abs_tol=0.51)
