"""Both orders always; only agreement wins; errors are never ties; degenerate text is ruled on, not judged."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from leaven.judge.protocol import Completion, judge_both_orders
from leaven.judge.question import Question, Verdict
from leaven.judge.scripted import Scripted


def completion(text: str, degenerate: bool = False) -> Completion:
    return Completion("1", "a prompt", text, degenerate)


@dataclass
class Answers:
    """Gives the verdicts it was made with, and keeps the questions."""

    verdicts: list[Verdict]
    questions: list[Question] = field(default_factory=list)
    name: str = "answers"
    what: str = "a test"
    scripted: bool = True

    def compare(self, questions, progress=None) -> list[Verdict]:
        self.questions += questions
        return self.verdicts


@pytest.mark.parametrize(
    ("first", "second", "outcome", "flipped"),
    [
        ("first", "second", "win", False),
        ("second", "first", "lose", False),
        ("first", "first", "tie", True),
        ("second", "second", "tie", True),
        ("tie", "tie", "tie", False),
        ("first", "tie", "tie", False),
        ("tie", "first", "tie", False),
        ("error", "second", "error", False),
        ("first", "error", "error", False),
        ("error", "tie", "error", False),
    ],
)
def test_the_outcome_of_two_orders(first, second, outcome, flipped):
    judge = Answers([Verdict(first), Verdict(second)])
    (vote,) = judge_both_orders([(completion("x"), completion("y"))], judge)
    assert judge.questions == [Question("a prompt", "x", "y"), Question("a prompt", "y", "x")]
    assert (vote.outcome, vote.flipped, vote.by_rule) == (outcome, flipped, False)


def test_scores_are_those_of_a_and_b_and_the_reason_is_kept():
    judge = Answers([Verdict("first", (1.0, 2.0)), Verdict("error", reason="refusal", replies=("no",))])
    (vote,) = judge_both_orders([(completion("x"), completion("y"))], judge)
    assert vote.scores == (1.0, 2.0)
    assert vote.reason == "refusal"
    assert vote.replies == ((), ("no",))


@pytest.mark.parametrize(
    ("a", "b", "outcome"),
    [
        (completion("fine"), completion("the the the", True), "win"),
        (completion("the the the", True), completion("fine"), "lose"),
        (completion(" \n"), completion("fine"), "lose"),
        (completion(""), completion("the the the", True), "tie"),
    ],
)
def test_degenerate_text_is_decided_by_the_rule_without_asking(a, b, outcome):
    judge = Answers([])
    (vote,) = judge_both_orders([(a, b)], judge)
    assert judge.questions == []
    assert (vote.outcome, vote.by_rule, vote.flipped) == (outcome, True, False)


def test_votes_come_in_the_order_of_the_pairs():
    pairs = [
        (completion("longer"), completion("short")),
        (completion("", True), completion("fine")),
        (completion("short"), completion("longer")),
    ]
    assert [vote.outcome for vote in judge_both_orders(pairs, Scripted("longer"))] == ["win", "lose", "lose"]


def test_a_judge_that_only_looks_at_positions_never_wins():
    pairs = [(completion(f"a{i}"), completion(f"b{i}")) for i in range(20)]
    votes = judge_both_orders(pairs, Scripted("first"))
    assert {vote.outcome for vote in votes} == {"tie"}
    assert all(vote.flipped for vote in votes)


def test_a_judge_that_loses_count_is_a_defect():
    with pytest.raises(ValueError, match="0 verdicts on 2 questions"):
        judge_both_orders([(completion("x"), completion("y"))], Answers([]))
