"""Counts, the exact sign test, and how far a judge goes by position."""

from __future__ import annotations

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from leaven.judge.protocol import Completion, Vote
from leaven.judge.statistics import Counts, count, first_position_rate, flip_rate, net_win, sign_test


def vote(first: str, second: str, rule: str = "") -> Vote:
    return Vote(Completion("1", "p", "x", False), Completion("1", "p", "y", False), first, second, rule)


VOTES = [
    vote("a", "a"),
    vote("a", "a"),
    vote("b", "b"),
    vote("a", "b"),
    vote("a", "b"),
    vote("b", "a"),
    vote("tie", "a"),
    vote("error", "a"),
    vote("a", "a", rule="degenerate"),
    vote("tie", "tie", rule="identical"),
]


def test_counts_keep_errors_apart_from_ties():
    counts = count(VOTES)
    assert counts == Counts(wins=3, losses=1, ties=5, errors=1, flips=3)
    assert counts.judged == 9
    assert net_win(counts) == pytest.approx(100 * 2 / 9)


def test_position_is_measured_on_what_the_judge_decided():
    assert flip_rate(VOTES) == 3 / 6
    # Six prompts, twelve answers: one first-place answer for each agreement, two or none for a flip.
    assert first_position_rate(VOTES) == (3 + 2 + 2 + 0) / 12


def test_nothing_decided_is_nothing_not_zero():
    undecided = [vote("tie", "tie"), vote("error", "error"), vote("b", "b", rule="degenerate")]
    assert flip_rate(undecided) is None
    assert first_position_rate(undecided) is None
    assert net_win(count([vote("error", "error")])) is None


@given(st.integers(0, 400), st.integers(0, 400))
def test_the_sign_test_is_the_binomial_test(wins, losses):
    if wins + losses == 0:
        assert sign_test(0, 0) == 1.0
        return
    expected = scipy.stats.binomtest(wins, wins + losses).pvalue
    assert sign_test(wins, losses) == pytest.approx(expected, rel=1e-9)


def test_the_papers_win_rate_is_not_significant():
    """34.7 % against 28.1 % of 199 prompts (Fig 7 of the paper) is 69 wins and 56 losses: p about 0.28."""
    assert sign_test(69, 56) == pytest.approx(0.28, abs=0.005)
