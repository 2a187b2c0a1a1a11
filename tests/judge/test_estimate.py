"""What a tournament will take, said before the first call."""

from __future__ import annotations

import math

import pytest

from leaven.ground.chat import Chat, Reply
from leaven.ground.replies import ReplyCache
from leaven.judge.endpoint import Endpoint
from leaven.judge.estimate import Estimate, estimate, expected
from leaven.judge.question import Question
from leaven.judge.spending import Price
from leaven.judge.template import Template

# As long as the instructions of the paper's template.
TEMPLATE = Template(
    name="t", user="x" * 1000 + "{prompt}{first}{second}", begins="Preferred:", first="Answer (A)", second="Answer (B)"
)
PRICE = Price(2.5, 10.0)


def test_before_anything_was_written_it_is_what_the_evaluation_plan_says():
    """200 prompts × 2 orders × about 700 tokens read and 120 written: 0.28M and 0.05M, about 1.2 USD at 2.5/10."""
    known = {"prompt_characters": 200, "completion_tokens": 200, "template": TEMPLATE, "price": PRICE}
    dolly = expected(pairs=1, prompts=200, **known)
    assert (dolly.questions, dolly.calls, dolly.at_most) == (400, 400, 1200)
    assert expected(pairs=1, prompts=200, replies=2, **known).at_most == 800
    assert dolly.given / dolly.calls == 700
    assert (dolly.given, dolly.written) == (280_000, 48_000)
    assert dolly.usd == pytest.approx(1.18)
    # AlpacaEval's 805 prompts: four times that. Nine arms against one baseline: about 10 USD.
    assert expected(pairs=1, prompts=805, **known).usd == pytest.approx(4 * dolly.usd, rel=0.01)
    assert expected(pairs=9, prompts=200, **known).usd == pytest.approx(10, rel=0.1)


def test_without_a_price_there_is_no_sum():
    sums = expected(pairs=1, prompts=1, prompt_characters=0, completion_tokens=0, template=TEMPLATE, written=7)
    assert sums == Estimate(2, 2, 500, 14, None, at_most=6)


def test_of_questions_only_those_that_need_a_call_are_counted(tmp_path):
    cache = ReplyCache(tmp_path / "replies.jsonl")
    judge = Endpoint(Chat("http://nowhere/v1", "m"), cache, TEMPLATE, replies=2, price=PRICE)
    questions = [Question(f"prompt {i}", "x" * 100 * i, "y") for i in range(5)]
    # The first is answered, the second is asked again, the third is an error for good; the last is there twice.
    for question, texts in zip(questions, (["Preferred: Answer (B)"], ["Hm."], ["Hm.", "Hm."]), strict=False):
        for text in texts:
            cache.add(judge.key(question), Reply(text))
    left = [questions[1], questions[3], questions[4]]
    given = sum(math.ceil((1000 + len(q.prompt) + len(q.first) + len(q.second)) / 4) for q in left)
    said = estimate(judge, [*questions, questions[4]])
    assert said == Estimate(6, 3, given, 360, pytest.approx((given * 2.5 + 360 * 10) / 1e6), at_most=6)
    assert estimate(judge, questions[:1]) == Estimate(1, 0, 0, 0, 0.0, at_most=0)


def test_without_a_price_an_endpoint_has_no_sum_either(tmp_path):
    judge = Endpoint(Chat("http://nowhere/v1", "m"), ReplyCache(tmp_path / "replies.jsonl"), TEMPLATE)
    assert estimate(judge, [Question("p", "x", "y")], written=50).usd is None
