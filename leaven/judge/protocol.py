"""Every pair is judged in both orders, and only agreement wins.

* A win or a loss needs the same answer in both orders; a disagreement, or a tie in either, is a tie.
* No answer in either order (refusal, no readable verdict, outage, after the judge's own retries) makes the
  prompt an error. Errors are excluded and counted, never ties: otherwise an outage would look like a draw.
* Degenerate completions (empty, or flagged as such when they were made): with the gate `lose` they are not put before
  a judge, because likelihood and style both fall for them. A degenerate completion loses to one that is not; two of
  them tie. With the gate `ask` the judge sees them like any other, and flags are only reported.
* Identical completions tie without asking: both orders would be the same question.

How many prompts each rule decided is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from leaven.ground.progress import Progress, silent
from leaven.judge.question import Judge, Question, Verdict

Gate = Literal["lose", "ask"]
Rule = Literal["", "degenerate", "identical"]
Side = Literal["a", "b", "tie", "error"]
Outcome = Literal["win", "lose", "tie", "error"]

GATES: dict[Gate, str] = {
    "lose": "a degenerate completion loses to one that is not, and two of them tie, without asking the judge",
    "ask": "degenerate completions are put before the judge like any other",
}
IDENTICAL = "identical completions tie, without asking the judge"


@dataclass(frozen=True)
class Completion:
    """What a model wrote after a prompt.

    `prompt` is what the judge reads, `given` what the model was given where that differs, else empty. `degenerate`
    as flagged when it was made; an empty text always is. `overlap` names the training sources that hold the prompt,
    None where none was searched; `category` is its kind in the set of prompts; both are only carried along.
    """

    id: str
    prompt: str
    text: str
    degenerate: bool
    given: str = ""
    overlap: tuple[str, ...] | None = None
    category: str = ""


@dataclass(frozen=True)
class Vote:
    """The judgement of one prompt; `outcome` is that of a. `first_order` shows a first, `second_order` b
    first.

    `rule` names what decided without asking the judge, empty where it was asked. `scores` are those of (a, b).
    `reason` says why it is an error. `replies` are what the judge wrote, for each order.
    """

    a: Completion
    b: Completion
    first_order: Side
    second_order: Side
    rule: Rule = ""
    scores: tuple[float, float] | None = None
    reason: str = ""
    replies: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    @property
    def outcome(self) -> Outcome:
        orders = {self.first_order, self.second_order}
        if "error" in orders:
            return "error"
        return "win" if orders == {"a"} else "lose" if orders == {"b"} else "tie"

    @property
    def flipped(self) -> bool:
        """Both orders were decided, for different sides: the judge went by position."""
        return {self.first_order, self.second_order} == {"a", "b"}

    @property
    def decided(self) -> bool:
        """The judge was asked, and chose a side in both orders."""
        return not self.rule and {self.first_order, self.second_order} <= {"a", "b"}


def judge_both_orders(
    pairs: Sequence[tuple[Completion, Completion]], judge: Judge, progress: Progress = silent, *, gate: Gate = "lose"
) -> list[Vote]:
    """Judge every (a, b), two completions of one prompt, in both orders: one vote for each, in their order."""
    questions = questions_about(pairs, gate)
    verdicts = judge.compare(questions, progress) if questions else []
    if len(verdicts) != len(questions):
        raise ValueError(f"judge {judge.name} gave {len(verdicts)} verdicts on {len(questions)} questions")
    orders = iter(zip(verdicts[::2], verdicts[1::2], strict=True))
    return [_by_rule(a, b, gate) or _combined(a, b, *next(orders)) for a, b in pairs]


def questions_about(pairs: Iterable[tuple[Completion, Completion]], gate: Gate = "lose") -> list[Question]:
    """Two questions for each pair that no rule decides: a first, then b first."""
    return [
        Question(a.prompt, first.text, second.text, a.given)
        for a, b in pairs
        if _by_rule(a, b, gate) is None
        for first, second in ((a, b), (b, a))
    ]


def _by_rule(a: Completion, b: Completion, gate: Gate) -> Vote | None:
    side = _degeneracy(a, b) if gate == "lose" else None
    if side:
        return Vote(a, b, side, side, rule="degenerate")
    return Vote(a, b, "tie", "tie", rule="identical") if a.text == b.text else None


def _degeneracy(a: Completion, b: Completion) -> Side | None:
    bad_a, bad_b = is_degenerate(a), is_degenerate(b)
    if bad_a and bad_b:
        return "tie"
    return "b" if bad_a else "a" if bad_b else None


def is_degenerate(completion: Completion) -> bool:
    return completion.degenerate or not completion.text.strip()


def _combined(a: Completion, b: Completion, first: Verdict, second: Verdict) -> Vote:
    sides: dict[str, tuple[Side, Side]] = {
        "first": ("a", "b"),
        "second": ("b", "a"),
        "tie": ("tie", "tie"),
        "error": ("error", "error"),
    }
    return Vote(
        a,
        b,
        first_order=sides[first.choice][0],
        second_order=sides[second.choice][1],
        scores=first.scores,
        reason=first.reason or second.reason,
        replies=(first.replies, second.replies),
    )
