"""What a judge may cost: a cap that threads, other processes and a kill cannot get round."""

from __future__ import annotations

import json
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.ground.chat import Chat, Reply, Usage
from leaven.ground.errors import BadInput
from leaven.ground.replies import ReplyCache, Spent
from leaven.judge.endpoint import Endpoint
from leaven.judge.question import Question
from leaven.judge.spending import BudgetError, Price, Spending, cost, dollars, usd_of
from leaven.judge.template import Template

TEMPLATE = Template(name="t", user="{prompt}{first}{second}", begins="Preferred:", first="A", second="B")
# A call that reads 1,000 tokens and writes 100 costs 2 + 1 = 3 thousandths of a dollar.
PRICE, CALL, USD = Price(2.0, 10.0), Usage(1000, 100), 0.003


def questions(n: int) -> list[Question]:
    """Of 4,000 characters, which are taken for 1,000 tokens."""
    return [Question(f"{i:04}", "x" * 3990, "y" * 6) for i in range(n)]


@pytest.fixture
def cache(tmp_path):
    return lambda: ReplyCache(tmp_path / "replies.jsonl")


@pytest.fixture
def judge(server, cache):
    def make(**changed) -> Endpoint:
        chat = Chat(server.url, "m", first_wait=0.001, tries=2, timeout=5)
        return Endpoint(chat, cache(), TEMPLATE, **{"price": PRICE, "scope": "study", **changed})

    server.default = lambda request: answer(server)
    return make


def answer(server, usage: Usage | None = CALL, text: str = "Preferred: A"):
    body = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}
    if usage:
        body["usage"] = {"prompt_tokens": usage.given, "completion_tokens": usage.written}
    return server.answer(body=json.dumps(body).encode())


def test_prices_are_for_a_million_tokens():
    assert cost(Usage(1_000_000, 0), Price(2.5, 10)) == 2.5
    assert cost(CALL, PRICE) == pytest.approx(USD)
    with pytest.raises(BadInput, match="price.output: -1 USD is no price"):
        Price(1, -1)
    with pytest.raises(BadInput, match="price.input"):
        Price(float("nan"), 1)


def test_small_sums_keep_their_digits():
    assert [dollars(usd) for usd in (0, 0.0042, 0.42, 1.18)] == ["0.00 USD", "0.0042 USD", "0.42 USD", "1.18 USD"]


def test_what_a_scope_has_cost():
    assert usd_of(Spent(replies=10, given=10_000, written=1000), PRICE) == pytest.approx(10 * USD)
    # Calls that were never answered cost as much as the others; the tokens of unknown ones were estimated.
    guessed = Spent(replies=12, given=12_000, written=1200, unknown=2, unanswered=3)
    assert usd_of(guessed, PRICE) == pytest.approx(15 * USD)
    assert usd_of(Spent(unanswered=2), PRICE, CALL) == pytest.approx(2 * USD)
    assert usd_of(Spent(unanswered=2), PRICE) == 0.0
    assert usd_of(guessed, None) is None


def test_a_budget_without_a_price_is_a_mistake():
    with pytest.raises(BadInput, match=r"judge.budget: a budget in USD needs the prices[^.]*\n  Add judge.price"):
        Endpoint(Chat("http://nowhere/v1", "m"), None, TEMPLATE, budget=1.0)


@pytest.mark.parametrize("at_once", [1, 8])
def test_a_budget_is_never_exceeded_and_a_higher_one_goes_on(server, judge, at_once):
    with pytest.raises(BudgetError) as told:
        judge(budget=10.5 * USD, at_once=at_once).compare(questions(30))
    # Ahead of the first answer a call is taken to write 120 tokens, and those under way are taken to cost that.
    spent = len(server.requests)
    assert 10 - at_once <= spent <= 10
    assert f"{dollars(USD * spent)} in {spent} calls; {30 - spent} questions are left" in str(told.value)
    assert "run again to go on from there" in str(told.value)
    verdicts = judge(budget=31 * USD).compare(questions(30))
    assert [verdict.choice for verdict in verdicts] == ["first"] * 30
    assert len(server.requests) == 30


def test_it_says_how_much_would_do(server, judge):
    with pytest.raises(BudgetError, match=r"budget of 0.0315 USD is used up.* for about 0.0600 USD\n.*to 0.0960 USD"):
        judge(budget=10.5 * USD, at_once=1).compare(questions(30))
    assert len(judge(budget=0.0960, at_once=1).compare(questions(30))) == 30


def test_a_longer_question_needs_more_room(server, judge):
    judge().compare(questions(5))
    longer = Question("", "x" * 80_000, "y")
    with pytest.raises(BudgetError):
        # Room for ten calls of the usual length, not for one that reads 20,000 tokens.
        judge(budget=15 * USD).compare([longer])
    assert len(server.requests) == 5
    judge(budget=15 * USD).compare(questions(15))


def test_a_budget_is_that_of_its_scope(server, judge):
    judge(scope="other").compare(questions(10))
    with pytest.raises(BudgetError):
        judge(budget=5.5 * USD, at_once=1).compare(questions(20))
    assert len(server.requests) == 15


def test_what_the_cache_answers_costs_nothing(server, judge):
    judge().compare(questions(10))
    judge(budget=0.0).compare(questions(10))
    assert len(server.requests) == 10


def test_calls_can_be_capped_without_prices(server, judge):
    with pytest.raises(BudgetError, match=r"budget of 7 calls is used up: 7 calls; 5 questions.*\n.*calls to 12"):
        judge(price=None, most_calls=7, at_once=3).compare(questions(12))
    assert len(server.requests) == 7
    judge(price=None, most_calls=12).compare(questions(12))
    assert len(server.requests) == 12


def test_a_reply_without_a_verdict_has_its_price_too(server, judge):
    server.default = lambda request: answer(server, text="Hm.")
    with pytest.raises(BudgetError, match="7 calls; 1 question is left"):
        judge(price=None, most_calls=7, at_once=1).compare(questions(3))
    assert len(server.requests) == 7


def test_a_request_that_was_never_answered_counts_as_billed(server, judge, cache):
    # As a killed process leaves it.
    for n in range(6):
        cache().asking(f"killed {n}", "study")
    with pytest.raises(BudgetError, match="6 of them never answered but perhaps billed"):
        judge(budget=10.5 * USD, at_once=1).compare(questions(20))
    assert len(server.requests) == 4


def test_a_request_that_failed_does_not(server, judge):
    server.script = [server.answer(400)] * 5
    judge(most_calls=20, at_once=1).compare(questions(20))
    assert len(server.requests) == 20
    server.default = lambda request: pytest.fail("asked over its cap")
    with pytest.raises(BudgetError, match="15 calls; 5 questions"):
        judge(most_calls=15, at_once=1).compare(questions(20))


def test_tokens_that_nobody_counted_are_estimated_and_said_to_be(server, judge):
    # 1,000 tokens read and 120 written: 3.2 thousandths.
    server.default = lambda request: answer(server, usage=None, text="Preferred: A".rjust(480))
    notes = []
    with pytest.raises(BudgetError, match="10 of them without a count of their tokens, which is estimated"):
        judge(budget=0.033, at_once=1).compare(questions(20), lambda done, total, note="": notes.append(note))
    assert notes[9].startswith("questions answered by the judge · about 0.0320 USD · ")


def test_whoever_adds_up_later_comes_to_the_same_sum(server, judge, cache):
    """Of answers of which the endpoint never counted the tokens as well."""
    server.default = lambda request: answer(server, usage=None, text="Preferred: A".rjust(480))
    notes = []
    judge().compare(questions(16), lambda done, total, note="": notes.append(note))
    assert notes[-1] == "questions answered by the judge · about 0.0512 USD"
    spent = cache().spent("study")
    assert spent == Spent(replies=16, given=16_000, written=16 * 120, unknown=16)
    assert usd_of(spent, PRICE) == pytest.approx(0.0512)


def test_the_note_says_what_was_spent(judge):
    notes = []
    judge(at_once=1).compare(questions(40), lambda done, total, note="": notes.append(note))
    assert notes[0].startswith("questions answered by the judge · 0.0030 USD · ")
    assert notes[-1] == "questions answered by the judge · 0.12 USD"


def test_two_processes_keep_one_budget(server, tmp_path, judge):
    """Each has a cache of its own over the same file, as two processes have."""
    refused = []

    def spend(first: int) -> None:
        try:
            judge(price=None, most_calls=40, at_once=4).compare(questions(200)[first : first + 100])
        except BudgetError as error:
            refused.append(error)

    threads = [threading.Thread(target=spend, args=(first,)) for first in (0, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 2
    assert 40 - 8 <= len(server.requests) <= 40


@settings(deadline=None)
@given(st.floats(0, 0.05), st.lists(st.sampled_from(["asked", "answered", "failed", "lost"])))
def test_whatever_happens_to_requests_the_sum_stays_below_the_budget(budget, events):
    """Where every call costs what it was expected to."""
    with tempfile.TemporaryDirectory() as folder:
        cache = ReplyCache(Path(folder) / "replies.jsonl")
        spending = Spending(cache, "s", PRICE, budget, None, CALL)
        under_way, billed = [], 0.0
        for number, event in enumerate(events):
            if event == "asked":
                if spending.announce(f"key {number}", CALL.given):
                    under_way.append(f"key {number}")
            elif under_way:
                key = under_way.pop(0)
                billed += 0 if event == "failed" else USD
                if event == "answered":
                    spending.answered(key, Reply("", usage=CALL), CALL.given)
                elif event == "failed":
                    spending.failed(key)
                else:
                    cache.asking(key, "s")  # as the client tells of a try that it lost
                    spending.failed(key)
            assert billed + USD * len(under_way) <= budget + 1e-8
