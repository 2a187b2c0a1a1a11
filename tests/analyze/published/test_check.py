from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.analyze.published.check import compare, rounding


@pytest.mark.parametrize(
    ("printed", "unit"),
    [("26.5", 0.05), ("396", 0.5), ("0.28", 0.005), ("-1.50", 0.005), ("1.5e-05", 5e-7), ("0", 0.5)],
)
def test_half_a_unit_of_the_last_digit(printed: str, unit: float) -> None:
    assert rounding(printed) == pytest.approx(unit, abs=1e-6)


@given(value=st.floats(-1e6, 1e6), places=st.integers(0, 12))
def test_what_was_rounded_agrees(value: float, places: int) -> None:
    assert compare("", "", "", f"{value:.{places}f}", value).ok


@given(value=st.floats(0, 100), places=st.integers(0, 6))
def test_two_units_off_does_not(value: float, places: int) -> None:
    assert not compare("", "", "", f"{value:.{places}f}", value + 2 * 10.0**-places).ok


def test_all_digits_leave_round_off_only() -> None:
    assert compare("", "", "", "26.459627329192543", 26.459627329192546).ok
    assert not compare("", "", "", "26.459627329192543", 26.4596275).ok


def test_a_defect_is_of_a_figure_that_does_not_agree() -> None:
    assert compare("", "", "", "2.0", 2.0, defect="known").defect == ""
    assert compare("", "", "", "2.0", 3.0, defect="known").defect == "known"
