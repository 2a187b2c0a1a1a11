"""Short answers: our rule by hand, lm-eval's against lm-eval."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.evaluate.short import exact_match, normalise


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        (" The  Beatles.", "beatles"),
        ("A.B.C.", "abc"),
        ("an apple a day", "apple day"),
        ("Theatre, and the others", "theatre and others"),
        ("Ünü\u00a0x", "ünü x"),
        ("the", ""),
        ("!?", ""),
    ],
)
def test_normalisation_by_hand(text, normal):
    assert normalise(text) == normal


@given(st.text())
def test_normalising_again_changes_no_match(text):
    assert exact_match(text, [text.partition("\n")[0]]) == bool(normalise(text.partition("\n")[0]))


@pytest.mark.parametrize(
    ("text", "known", "right"),
    [
        (" Washington, D.C.\nQ: next", ["Washington D.C."], True),
        (" 14 December 1972", ["14 December 1972 UTC", "December 14, 1972"], False),
        (" the horse", ["Horse"], True),
        ("\n Horse", ["Horse"], False),
        ("", ["", "The"], False),
        ("?!", ["?!"], False),
        ("a", ["The"], False),
    ],
)
def test_exact_match_by_hand(text, known, right):
    assert exact_match(text, known) is right
