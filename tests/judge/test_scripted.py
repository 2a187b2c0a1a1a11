"""Scripted judges are marked as such, wherever their results go."""

from __future__ import annotations

import pytest

from leaven.ground.errors import BadInput
from leaven.judge.protocol import Completion, judge_both_orders
from leaven.judge.question import Question
from leaven.judge.scripted import SCRIPTS, Scripted


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_never_passes_for_a_judge(script):
    judge = Scripted(script)
    assert judge.scripted
    assert judge.name == f"scripted:{script}"
    assert "mean nothing" in judge.what


def test_the_coin_is_fair_and_does_not_see_positions():
    pairs = [
        (Completion(str(i), f"p{i}", f"a{i}", False), Completion(str(i), f"p{i}", f"b{i}", False)) for i in range(400)
    ]
    votes = judge_both_orders(pairs, Scripted("coin"))
    assert not any(vote.flipped for vote in votes)
    wins = sum(vote.outcome == "win" for vote in votes)
    assert abs(wins - 200) < 4 * 10


def test_the_throws_are_new_for_each_order():
    """Independent throws agree half of the time: a quarter of the prompts is won, a quarter lost."""
    pairs = [
        (Completion(str(i), f"p{i}", f"a{i}", False), Completion(str(i), f"p{i}", f"b{i}", False)) for i in range(400)
    ]
    votes = judge_both_orders(pairs, Scripted("random"))
    assert all(vote.decided for vote in votes)
    for is_so in (
        [vote.flipped for vote in votes],
        [vote.first_order == "a" for vote in votes],
        [vote.second_order == "b" for vote in votes],
    ):
        assert abs(sum(is_so) - 200) < 4 * 10
    assert votes == judge_both_orders(pairs, Scripted("random"))


@pytest.mark.parametrize(
    ("script", "first", "second", "choice"),
    [
        ("longer", "xx", "y", "first"),
        ("longer", "x", "yy", "second"),
        ("longer", "x", "y", "tie"),
        ("first", "x", "yy", "first"),
    ],
)
def test_a_script_is_followed(script, first, second, choice):
    assert Scripted(script).compare([Question("p", first, second)])[0].choice == choice


def test_an_unknown_script_gets_a_suggestion():
    with pytest.raises(BadInput, match='did you mean "longer"'):
        Scripted("longest")
