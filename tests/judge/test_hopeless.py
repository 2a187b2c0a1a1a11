"""A judge that decides nothing is given up early, by its replies alone."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.ground.chat import Chat, Reply
from leaven.ground.errors import LeavenError
from leaven.ground.replies import ReplyCache
from leaven.judge import workers
from leaven.judge.endpoint import Endpoint
from leaven.judge.hopeless import HOPELESS, Trial, first_asked, given_up, is_hopeless
from leaven.judge.question import Question, Verdict
from leaven.judge.spending import Price, dollars
from leaven.judge.template import Template

TEMPLATE = Template(name="t", user="{prompt}{first}{second}", begins="Preferred:", first="Answer (A)", second="(B)")
ANYWHERE = Template(name="t", user="{prompt}{first}{second}", first="[[A]]", second="[[B]]", anywhere=True)
VERDICTS = {
    "decided": Verdict("first"),
    "tie": Verdict("tie"),
    "no verdict": Verdict("error", reason="no verdict"),
    "refusal": Verdict("error", reason="refusal"),
    "rejected": Verdict("error", reason="rejected"),
    "outage": Verdict("error", reason="outage"),
}


@pytest.fixture
def judge(server, tmp_path):
    def make(**changed) -> Endpoint:
        chat = Chat(server.url, "m", first_wait=0.001, tries=1, timeout=5)
        cache = ReplyCache(tmp_path / "replies.jsonl", offline=changed.get("offline", False))
        return Endpoint(chat, cache, TEMPLATE, **{"price": Price(2, 10), "scope": "study", **changed})

    return make


def questions(n: int) -> list[Question]:
    return [Question(f"{i:04}", "x" * 392, "y" * 4) for i in range(n)]


def message(judge: Endpoint, n: int = 160) -> str:
    with pytest.raises(LeavenError, match="decided none of the first 10 questions") as caught:
        judge.compare(questions(n))
    return str(caught.value)


@pytest.mark.parametrize("at_once", [1, 8])
def test_a_judge_without_verdicts_is_given_up_after_the_first_questions(server, judge, at_once):
    server.default = lambda request: server.says("Both\nhave \x1b[31mmerits.", usage=(100, 5))
    told = message(judge(at_once=at_once))
    asked = len(server.requests)
    assert asked == 30
    assert told == (
        "judge endpoint:m decided none of the first 10 questions (10 no verdict), so no more are asked\n"
        '  One of its replies: "Both have \\x1b[31mmerits."\n'
        '  Template t expects a last line "Preferred: Answer (A)".\n'
        f"  Spent so far: {dollars(asked * 250 / 1e6)} in {asked} calls. The replies are kept.\n"
        "  Take another judge.template (its `verdict` says how replies are read) or another judge.model."
    )
    # Not asked again, with a network or without.
    assert message(judge()) == message(judge(offline=True)) == told
    assert len(server.requests) == asked


def test_one_verdict_among_the_first_is_hope(server, judge):
    numbers = count()
    server.default = lambda request: server.says("Preferred: (B)" if next(numbers) == 3 * 9 else "Hm.")
    verdicts = judge(at_once=1).compare(questions(25))
    assert [verdict.choice for verdict in verdicts] == ["error"] * 9 + ["second"] + ["error"] * 15


def test_of_an_outage_among_the_first_another_question_takes_the_place(server, judge):
    server.script = [server.answer(500)] * 2
    server.default = lambda request: server.says("Hm.")
    message(judge(at_once=1))
    assert len(server.requests) == 2 + 3 * 10


def test_the_first_questions_hold_up_no_interrupt(server, judge, monkeypatch):
    server.default = lambda request: server.says("Hm.")
    server.script = [server.answer(drip=0.3, body=b" " * 1000)]
    monkeypatch.setattr(workers, "DRAIN", 0.3)

    def interrupted(done, total, note=""):
        if done == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(at_once=16).compare(questions(100), interrupted)
    assert len(server.requests) == 1 + 3 * 9


def test_few_questions_are_all_asked(server, judge):
    server.default = lambda request: server.says("Hm.")
    assert {verdict.reason for verdict in judge().compare(questions(9))} == {"no verdict"}


def test_more_replies_are_another_chance(server, judge):
    server.default = lambda request: server.says("Hm.")
    message(judge(replies=1, at_once=1))
    assert len(server.requests) == 10
    server.default = lambda request: server.says("Preferred: (B)")
    assert {verdict.choice for verdict in judge(replies=2).compare(questions(20))} == {"second"}


def test_an_endpoint_that_takes_no_question_is_given_up_in_its_own_words(server, judge):
    server.default = lambda request: server.answer(400, b'{"error": {"message": "max_tokens is not supported"}}')
    told = message(judge(at_once=1))
    assert len(server.requests) == 10
    assert "(10 rejected)" in told
    assert "answered HTTP 400 (max_tokens is not supported)" in told
    assert "Spent" not in told
    assert told.endswith("Look at judge.decoding and judge.model: the endpoint takes none of these requests.")


@pytest.mark.parametrize(
    ("template", "reasons", "replies", "words"),
    [
        (ANYWHERE, ["no verdict"], [Reply("A")], 'Template t expects "[[A]]" or "[[B]]" in it.'),
        (TEMPLATE, ["no verdict"], [Reply("A", "length")], "1 of 1 replies broke off at their greatest length: raise"),
        (TEMPLATE, ["refusal"], [Reply("I will not", refused=True)], "Take another judge.model, other prompts, or"),
        (TEMPLATE, ["no verdict"], [Reply(""), Reply("No", refused=True), Reply("Hm")], 'One of its replies: "Hm"'),
        (TEMPLATE, ["no verdict"], [Reply(" ")], 'One of its replies: ""'),
        (TEMPLATE, ["no verdict", "refusal", "no verdict"], [Reply("x")], "(2 no verdict, 1 refusal)"),
    ],
)
def test_it_says_what_to_do(template, reasons, replies, words):
    assert words in str(given_up("j", template, "judge", reasons, replies, "", ""))


STATES = st.lists(st.sampled_from([*VERDICTS, "open"]), max_size=30)


@given(STATES, st.randoms())
def test_it_depends_on_the_first_questions_and_not_on_the_order_in_which_they_ended(states, chance):
    verdicts = {f"{n}": VERDICTS[state] for n, state in enumerate(states) if state != "open"}
    keys = [f"{n}" for n in range(len(states))]
    first = first_asked(keys, verdicts)
    assert [states[int(key)] for key in first] == [state for state in states if state != "outage"][:HOPELESS]
    undecided = [key for key in first if states[int(key)] in ("no verdict", "refusal", "rejected")]
    assert is_hopeless(first, verdicts) == (len(undecided) == HOPELESS)
    # As they end, in whatever order: a trial that was lost once is lost, and one that was passed is passed.
    trial, mixed, seen = Trial(keys, {}), list(verdicts.items()), []
    chance.shuffle(mixed)
    for key, verdict in mixed:
        trial.ended(key, verdict)
        seen.append(trial.hopeless)
    assert trial.hopeless == is_hopeless(first, verdicts)
    assert seen == sorted(seen)
