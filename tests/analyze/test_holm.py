from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.analyze.holm import holm

P = st.lists(st.floats(0, 1), max_size=12)


def test_known_answer() -> None:
    # Textbook example: 0.01, 0.04, 0.03, 0.005 -> 0.03, 0.06, 0.06, 0.02.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_empty_and_single() -> None:
    assert holm([]) == []
    assert holm([0.03]) == [0.03]


@given(P)
def test_between_raw_and_bonferroni(p_values: list[float]) -> None:
    for raw, adjusted in zip(p_values, holm(p_values), strict=True):
        assert raw <= adjusted <= min(1.0, raw * len(p_values)) + 1e-12


@given(P)
def test_keeps_the_order_of_evidence(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    pairs = sorted(zip(p_values, adjusted, strict=True))
    assert [a for _, a in pairs] == sorted(a for _, a in pairs)
