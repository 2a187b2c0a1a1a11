"""What a tournament will take, before the first call: questions, calls, tokens and USD.

One call a question: a reply without a verdict, which is asked for again, comes on top, and `at_most` says how far that
can go. Four characters count as a token.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from leaven.ground.chat import Usage
from leaven.judge.endpoint import Endpoint
from leaven.judge.question import Question
from leaven.judge.spending import CHARACTERS_PER_TOKEN, WRITTEN, Price, cost, read_by_judge
from leaven.judge.template import Template


@dataclass(frozen=True)
class Estimate:
    """`questions` in both orders; `calls`: of them not in the cache; tokens `given` to the judge and `written` by it
    in these calls; `usd`: None without a price. `at_most`: calls if no reply but the last of each question has a
    verdict."""

    questions: int
    calls: int
    given: int
    written: int
    usd: float | None
    at_most: int


def estimate(endpoint: Endpoint, questions: Sequence[Question], written: int = WRITTEN) -> Estimate:
    """What is still to be asked of an endpoint; `written`: tokens of one reply."""
    given = [read_by_judge(endpoint.template.messages(question)) for question in endpoint.missing(questions)]
    return _estimate(len(questions), len(given), sum(given), written, endpoint.price, endpoint.replies)


def expected(
    *,
    pairs: int,
    prompts: int,
    prompt_characters: float,
    completion_tokens: float,
    template: Template,
    price: Price | None = None,
    written: int = WRITTEN,
    replies: int = 3,
) -> Estimate:
    """What `pairs` of models cost to compare on `prompts` prompts in both orders, before anything was written.

    Args:
        prompt_characters: of an average prompt.
        completion_tokens: of an average completion.
        written: tokens of one reply.
        replies: asked for at most per question until one holds a verdict.
    """
    calls = 2 * pairs * prompts
    around = read_by_judge(template.messages(Question("", "", "")))
    each = around + prompt_characters / CHARACTERS_PER_TOKEN + 2 * completion_tokens
    return _estimate(calls, calls, math.ceil(calls * each), written, price, replies)


def _estimate(questions: int, calls: int, given: int, written: int, price: Price | None, replies: int) -> Estimate:
    usd = None if price is None else cost(Usage(given, calls * written), price)
    return Estimate(questions, calls, given, calls * written, usd, calls * replies)
