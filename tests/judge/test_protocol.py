"""Both orders always; only agreement wins; errors are never ties; degenerate text is ruled on, not judged."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.judge.protocol import Completion, judge_both_orders
from leaven.judge.question import Choice, Question, Verdict
from leaven.judge.scripted import SCRIPTS, Scripted


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
    assert (vote.outcome, vote.flipped, vote.rule) == (outcome, flipped, "")


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
    assert (vote.outcome, vote.rule, vote.flipped) == (outcome, "degenerate", False)


def test_with_the_gate_open_the_judge_sees_degenerate_text_too():
    pairs = [(completion("fine"), completion("the the the", True)), (completion(""), completion("fine"))]
    judge = Answers([Verdict("second"), Verdict("first"), Verdict("first"), Verdict("second")])
    votes = judge_both_orders(pairs, judge, gate="ask")
    assert [q.first for q in judge.questions] == ["fine", "the the the", "", "fine"]
    assert [(vote.outcome, vote.rule) for vote in votes] == [("lose", ""), ("win", "")]


@pytest.mark.parametrize("gate", ["lose", "ask"])
def test_identical_texts_tie_without_asking(gate):
    judge = Answers([])
    (vote,) = judge_both_orders([(completion("same"), completion("same"))], judge, gate=gate)
    assert judge.questions == []
    assert (vote.outcome, vote.rule, vote.flipped, vote.decided) == ("tie", "identical", False, False)


@pytest.mark.parametrize(("gate", "rule"), [("lose", "degenerate"), ("ask", "identical")])
def test_degeneracy_is_looked_at_before_identity(gate, rule):
    judge = Answers([])
    (vote,) = judge_both_orders([(completion("x x"), completion("x x", True))], judge, gate=gate)
    assert vote.rule == rule
    assert vote.outcome == ("win" if gate == "lose" else "tie")


def test_a_question_holds_what_the_models_were_given():
    judge = Answers([Verdict("first"), Verdict("second")])
    pair = [Completion("1", "Say hi.", text, False, given="User: Say hi.\nBot:") for text in "xy"]
    judge_both_orders([tuple(pair)], judge)
    assert judge.questions == [
        Question("Say hi.", "x", "y", "User: Say hi.\nBot:"),
        Question("Say hi.", "y", "x", "User: Say hi.\nBot:"),
    ]


def test_it_is_decided_where_both_orders_chose_a_side():
    choices: list[tuple[Choice, Choice]] = [("first", "first"), ("first", "second"), ("tie", "first"), ("error", "tie")]
    judge = Answers([Verdict(choice) for pair in choices for choice in pair])
    votes = judge_both_orders([(completion("x"), completion("y"))] * 4, judge)
    assert [vote.decided for vote in votes] == [True, True, False, False]


texts = st.sampled_from(["", " ", "x", "y", "longer", "the the"])
sides = st.builds(lambda text, flag: (text, flag), texts, st.booleans())
pairs_of = st.lists(st.tuples(sides, sides), max_size=12)
MIRRORED = {"win": "lose", "lose": "win", "tie": "tie", "error": "error"}


def _pairs(drawn):
    return [(Completion(str(i), f"p{i}", *a), Completion(str(i), f"p{i}", *b)) for i, (a, b) in enumerate(drawn)]


@given(pairs_of, st.sampled_from(sorted(SCRIPTS)), st.sampled_from(["lose", "ask"]))
def test_swapping_the_sides_swaps_wins_and_losses(drawn, script, gate):
    pairs = _pairs(drawn)
    there = judge_both_orders(pairs, Scripted(script), gate=gate)
    back = judge_both_orders([(b, a) for a, b in pairs], Scripted(script), gate=gate)
    assert [vote.outcome for vote in back] == [MIRRORED[vote.outcome] for vote in there]
    assert [(vote.rule, vote.flipped) for vote in back] == [(vote.rule, vote.flipped) for vote in there]


@given(pairs_of, st.sampled_from(sorted(SCRIPTS)), st.sampled_from(["lose", "ask"]), st.randoms(use_true_random=False))
def test_the_order_of_the_prompts_does_not_matter(drawn, script, gate, random):
    pairs = _pairs(drawn)
    votes = judge_both_orders(pairs, Scripted(script), gate=gate)
    random.shuffle(pairs)
    again = judge_both_orders(pairs, Scripted(script), gate=gate)
    assert sorted(again, key=lambda vote: vote.a.id) == sorted(votes, key=lambda vote: vote.a.id)


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
