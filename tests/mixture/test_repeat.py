"""The repetition cap: worded for the person who set the budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.ground.errors import BadInput
from leaven.mixture.repeat import check_repetition, tokens_in_words

ROW = 1000


def test_the_message_says_what_is_needed_what_there_is_and_what_to_do():
    with pytest.raises(BadInput) as caught:
        check_repetition(
            "pretrain 400B text",
            {"text": 400_000_000},
            {},
            {"text": 31_200_000},
            4,
            ROW,
            where="study.yaml:7",
        )
    assert str(caught.value) == (
        "study.yaml:7: stage pretrain 400B text needs 400.0B tokens; source text has 31.2B and repeat: 4 "
        "allows 124.8B.\n  Lower the budget, raise repeat, or add sources. Nothing was run."
    )


def test_in_a_mixture_and_down_a_chain_it_says_which_source_and_what_came_before():
    with pytest.raises(BadInput, match=r"needs 5\.0K tokens of b after the 6\.0K of earlier stages; source b has 10"):
        check_repetition("cooldown 10K finish", {"a": 5, "b": 5}, {"b": 6}, {"a": 5, "b": 10}, 1.0, ROW)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 100), st.integers(1, 50))
def test_it_is_refused_exactly_above_the_cap(before, quota, rows, tenths):
    def check() -> None:
        check_repetition("s", {"text": quota}, {"text": before}, {"text": rows}, tenths / 10, ROW)

    if quota and 10 * (before + quota) > tenths * rows:
        with pytest.raises(BadInput, match="allows"):
            check()
    else:
        check()


def test_sources_that_are_not_drawn_may_be_missing():
    check_repetition("s", {"text": 1, "code": 0}, {"code": 99}, {"text": 1}, 1, ROW)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.0K"),
        (2_500_000, "2.5M"),
        (31_200_000_000, "31.2B"),
        (4 * 10**12, "4.0T"),
    ],
)
def test_tokens_are_said_briefly(count, words):
    assert tokens_in_words(count) == words
