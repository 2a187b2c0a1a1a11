"""The reference-likelihood judge: bits per byte, a tie band, no flips, and an honest name."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.judge.protocol import Completion, judge_both_orders
from leaven.judge.question import Question
from leaven.judge.scored import ReferenceLikelihood


def judge(bits: dict[str, float], tie: float = 0.05) -> ReferenceLikelihood:
    return ReferenceLikelihood(lambda texts: [(bits[text], len(text.encode())) for _, text in texts], tie)


@pytest.mark.parametrize(
    ("first", "second", "choice"),
    [(4.0, 8.0, "first"), (8.0, 4.0, "second"), (4.0, 4.0, "tie"), (4.0, 5.0, "tie"), (4.0, 5.1, "first")],
)
def test_fewer_bits_per_byte_are_preferred_outside_the_band(first, second, choice):
    (verdict,) = judge({"abcd": first, "wxyz": second}, tie=0.25).compare([Question("p", "abcd", "wxyz")])
    assert verdict.choice == choice
    assert verdict.scores == (first / 4, second / 4)


def test_it_is_bits_per_byte_not_bits_so_length_does_not_decide():
    (verdict,) = judge({"ab": 4.0, "éééé": 12.0}).compare([Question("p", "ab", "éééé")])
    assert verdict.choice == "second"
    assert verdict.scores == (2.0, 1.5)


@given(st.lists(st.floats(0, 100), min_size=2, max_size=30), st.floats(0, 2))
def test_it_never_flips(values, tie):
    bits = {f"text {i:02}": value for i, value in enumerate(values)}
    texts = [Completion(str(i), "p", text, False) for i, text in enumerate(bits)]
    votes = judge_both_orders([(a, b) for a in texts[:5] for b in texts], judge(bits, tie))
    assert not any(vote.flipped for vote in votes)
    assert all(vote.first_order == vote.second_order for vote in votes)


def test_each_text_is_scored_once():
    seen = []

    def score(texts):
        seen.extend(texts)
        return [(1.0, len(text)) for _, text in texts]

    questions = [Question("p", "x", "y"), Question("p", "y", "x"), Question("q", "x", "x")]
    ReferenceLikelihood(score, 0.0).compare(questions)
    assert seen == [("p", "x"), ("p", "y"), ("q", "x")]


def test_likelihood_is_that_after_what_the_models_were_given():
    seen = []

    def score(texts):
        seen.extend(texts)
        return [(1.0, len(text)) for _, text in texts]

    questions = [Question("ask", "x", "yy", given="Q: ask A:"), Question("ask", "x", "yy")]
    verdicts = ReferenceLikelihood(score, 0.0).compare(questions)
    assert seen == [("Q: ask A:", "x"), ("Q: ask A:", "yy"), ("ask", "x"), ("ask", "yy")]
    assert [verdict.choice for verdict in verdicts] == ["second", "second"]


@pytest.mark.parametrize("bits", [math.nan, math.inf])
def test_a_likelihood_that_is_no_number_is_an_error(bits):
    (verdict,) = judge({"x": bits, "y": 1.0}).compare([Question("p", "x", "y")])
    assert (verdict.choice, verdict.reason) == ("error", "no likelihood")


def test_no_bytes_are_an_error_too():
    (verdict,) = judge({"": 0.0, "y": 1.0}).compare([Question("p", "", "y")])
    assert verdict.choice == "error"


def test_it_says_what_it_is():
    assert judge({}).name == "reference-likelihood"
    assert "not a judge of quality" in judge({}).what
    assert "ties within 0.05" in judge({}).what
    assert "never flips" in judge({}).what
