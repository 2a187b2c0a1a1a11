"""Every pair is judged in both orders, and only agreement wins.

* A win or a loss needs the same answer in both orders; a disagreement, or a tie in either, is a tie.
* No answer in either order (refusal, no readable verdict, outage, after the judge's own retries) makes the
  prompt an error. Errors are excluded and counted, never ties: otherwise an outage would look like a draw.
* Degenerate completions (empty, or flagged as such when they were made) are not put before a judge, because
  likelihood and style both fall for them. The rule: a degenerate completion loses to one that is not; two of
  them tie. How many prompts the rule decided is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from leaven.ground.progress import Progress, silent
from leaven.judge.question import Judge, Question, Verdict

RULE = "a degenerate completion loses to one that is not, and two of them tie, without asking the judge"

Side = Literal["a", "b", "tie", "error"]
Outcome = Literal["win", "lose", "tie", "error"]


@dataclass(frozen=True)
class Completion:
    """What a model wrote after a prompt. `degenerate` as flagged when it was made; an empty text always
    is."""

    id: str
    prompt: str
    text: str
    degenerate: bool


@dataclass(frozen=True)
class Vote:
    """The judgement of one prompt; `outcome` is that of a. `first_order` shows a first, `second_order` b
    first.

    `scores` are those of (a, b). `by_rule` marks what the degeneracy rule decided. `reason` says why it is an
    error.
    """

    a: Completion
    b: Completion
    first_order: Side
    second_order: Side
    by_rule: bool = False
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


def judge_both_orders(
    pairs: Sequence[tuple[Completion, Completion]], judge: Judge, progress: Progress = silent
) -> list[Vote]:
    """Judge every (a, b) in both orders: one vote for each, in their order."""
    ruled = [_by_rule(a, b) for a, b in pairs]
    asked = [pair for pair, vote in zip(pairs, ruled, strict=True) if vote is None]
    questions = [
        question
        for a, b in asked
        for question in (Question(a.prompt, a.text, b.text), Question(a.prompt, b.text, a.text))
    ]
    verdicts = judge.compare(questions, progress) if questions else []
    if len(verdicts) != len(questions):
        raise ValueError(f"judge {judge.name} gave {len(verdicts)} verdicts on {len(questions)} questions")
    orders = iter(zip(verdicts[::2], verdicts[1::2], strict=True))
    return [vote or _combined(a, b, *next(orders)) for (a, b), vote in zip(pairs, ruled, strict=True)]


def _by_rule(a: Completion, b: Completion) -> Vote | None:
    side = _degeneracy(a, b)
    return Vote(a, b, side, side, by_rule=True) if side else None


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
