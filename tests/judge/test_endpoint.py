"""An endpoint as a judge: errors counted apart, replies kept, nothing asked twice, no key anywhere."""

from __future__ import annotations

import logging
import re
import threading
import time
from dataclasses import replace

import pytest

from leaven.ground.chat import Chat, Reply
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.replies import ReplyCache
from leaven.judge import workers
from leaven.judge.endpoint import Endpoint, _note
from leaven.judge.question import Question
from leaven.judge.template import Template

KEY = "sk-very-secret-0123456789"
Q = Question("prompt", "x", "y")
TEMPLATE = Template(
    name="plain",
    system="You compare two answers.",
    user="Instruction: {prompt}\n\nAnswer (A): {first}\n\nAnswer (B): {second}\n",
    begins="Preferred:",
    first="Answer (A)",
    second="Answer (B)",
)


@pytest.fixture
def judge(server, tmp_path):
    def make(url: str | None = None, *, cache: str = "replies.jsonl", **changed) -> Endpoint:
        asked = ("key_name", "decoding", "tries", "model", "dialect", "timeout")
        about_chat = {k: changed.pop(k) for k in asked if k in changed}
        chat = Chat(
            **{"url": url or server.url, "model": "m", "first_wait": 0.001, "timeout": 5, "tries": 2, **about_chat}
        )
        return Endpoint(chat, ReplyCache(tmp_path / cache), **{"template": TEMPLATE, **changed})

    return make


def questions(n: int) -> list[Question]:
    return [Question(f"prompt {i}", "x", "y") for i in range(n)]


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("judge-")]


def test_verdicts_come_in_the_order_of_the_questions(server, judge):
    def by_number(request):
        user = request["messages"][1]["content"]
        number = int(user.split("Instruction: prompt ")[1].split()[0])
        return server.says(f"Preferred: Answer ({'AB'[number % 2]})")

    server.default = by_number
    verdicts = judge().compare(questions(20))
    assert [verdict.choice for verdict in verdicts] == ["first", "second"] * 10


def test_a_second_run_needs_no_network(server, judge):
    first = judge().compare(questions(5))
    assert len(server.requests) == 5
    server.default = lambda request: server.answer(500)
    assert judge().compare(questions(5)) == first
    assert len(server.requests) == 5


def test_equal_questions_are_asked_once(server, judge):
    seen = []
    same = replace(Q, given="what the models read does not reach the judge")
    assert len(judge().compare([Q, Q, same], lambda done, total, note="": seen.append((done, total)))) == 3
    assert seen == [(3, 3)]
    assert len(server.requests) == 1


def test_whatever_shapes_the_answer_is_in_the_key(judge):
    keys = {
        judge().key(Q),
        judge(model="other").key(Q),
        judge("http://elsewhere/v1").key(Q),
        judge(revision="2").key(Q),
        judge(decoding={"temperature": 1}).key(Q),
        judge().key(Question("other", "x", "y")),
        judge().key(Question("prompt", "y", "x")),
        judge("https://elsewhere/v2", revision="2", dialect="cohere").key(Q),
        judge(template=replace(TEMPLATE, system="You compare.")).key(Q),
    }
    assert len(keys) == 9
    # How it is asked is not.
    assert judge(tries=9, at_once=1, replies=7, key_name="K", scope="s").key(Q) == judge().key(Q)
    # Nor is where a model of a fixed revision is served.
    assert judge(revision="2").key(Q) == judge("http://elsewhere/v1", revision="2").key(Q)


def test_golden_key(judge):
    """Another key for the same question would pay for every kept reply again."""
    assert judge("http://host/v1").key(Q) == GOLDEN_KEY


GOLDEN_KEY = "1abc0e101e4c61fba6819b40d74e8a12fb36f2777b39a03c15221c8a04fa5acd"


def test_an_unreadable_reply_is_asked_for_again_and_both_are_kept(server, judge):
    server.script = [server.says("Hm."), server.says("Preferred: Answer (B)")]
    (verdict,) = judge().compare([Q])
    assert (verdict.choice, verdict.replies) == ("second", ("Hm.", "Preferred: Answer (B)"))
    assert judge().compare([Q]) == [verdict]
    assert len(server.requests) == 2


def test_no_verdict_after_all_replies_is_an_error_and_stays_one(server, judge):
    server.default = lambda request: server.says("Both have merits.")
    (verdict,) = judge().compare([Q])
    assert (verdict.choice, verdict.reason, len(verdict.replies)) == ("error", "no verdict", 3)
    assert judge().compare([Q]) == [verdict]
    assert len(server.requests) == 3


def test_a_refusal_is_an_error_even_with_a_verdict_in_it(server, judge):
    server.default = lambda request: server.says("Preferred: Answer (A)", refusal="I will not judge this")
    (verdict,) = judge().compare([Q])
    assert (verdict.choice, verdict.reason) == ("error", "refusal")


def test_refusal_text_is_no_verdict(server, judge):
    server.default = lambda request: server.says("I'm sorry, but I can't compare these.")
    assert judge().compare([Q])[0].choice == "error"


def test_a_rejected_question_is_an_error_and_the_others_go_on(server, judge):
    server.default = lambda request: (
        server.answer(400)
        if "prompt 1\n" in request["messages"][1]["content"]
        else server.says("Preferred: Answer (A)")
    )
    verdicts = judge().compare(questions(3))
    assert [(v.choice, v.reason) for v in verdicts] == [("first", ""), ("error", "rejected"), ("first", "")]


def test_outages_with_answers_between_them_are_no_end(server, judge):
    odd = [f"prompt {n}\n" for n in (1, 3, 5, 7, 9)]
    server.default = lambda request: (
        server.answer(500)
        if any(prompt in request["messages"][1]["content"] for prompt in odd)
        else server.says("Preferred: Answer (A)")
    )
    verdicts = judge(at_once=1).compare(questions(10))
    assert [verdict.choice for verdict in verdicts] == ["first", "error"] * 5


def test_a_request_whose_fate_nobody_knows_stays_in_the_journal(server, judge):
    # The server takes longer than is waited for. Then it answers, but with an error.
    server.script = [*[server.answer(delay=0.3)] * 2, *[server.answer(503)] * 4, server.answer(400)]
    for reason, unanswered in (("outage", 2), ("outage", 2), ("rejected", 2)):
        hasty = judge(scope="study", timeout=0.1, tries=1 if server.script[0].delay else 2)
        assert hasty.compare([Q])[0].reason == reason
        assert hasty.cache.spent("study").unanswered == unanswered


def test_an_endpoint_that_is_down_stops_the_step_and_keeps_what_was_answered(server, judge):
    server.script = [server.says("Preferred: Answer (A)")] * 4
    server.default = lambda request: server.answer(503)
    with pytest.raises(LeavenError, match="run again to go on from there") as told:
        judge(at_once=1).compare(questions(50))
    assert f"endpoint at {server.url.split('/')[2]} gave no answer in 2 tries; last: HTTP 503" in str(told.value)
    assert "Look at judge.url" in str(told.value)
    assert len(server.requests) <= 4 + 2 * 4
    server.default = lambda request: server.says("Preferred: Answer (B)")
    before = len(server.requests)
    assert [v.choice for v in judge().compare(questions(50))] == ["first"] * 4 + ["second"] * 46
    assert len(server.requests) == before + 46


def test_a_wrong_key_stops_every_thread_at_once(server, judge):
    server.default = lambda request: server.answer(401)
    with pytest.raises(BadInput, match="HTTP 401"):
        judge(at_once=8).compare(questions(500))
    assert len(server.requests) <= 16
    assert threads() == []


def test_an_interrupt_begins_nothing_more_and_keeps_what_was_answered(server, judge, tmp_path):
    def interrupted(done, total, note=""):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(at_once=4).compare(questions(500), interrupted)
    asked = len(server.requests)
    assert threads() == []
    assert asked < 100
    judge().compare(questions(500))
    assert len(server.requests) == 500


def test_an_interrupt_keeps_the_answers_that_are_under_way(server, judge, capfd):
    """They are paid for: each of the eight that the interrupt met is there at the next run."""
    slow = server.answer(delay=0.8, body=server.says("Preferred: Answer (B)").body)
    server.script = [server.says("Hm."), *[slow] * 8]

    def interrupted(done, total, note=""):
        while len(server.requests) < 10:
            time.sleep(0.01)
        raise KeyboardInterrupt

    server.script[8:8] = [server.says("Preferred: Answer (A)")]
    with pytest.raises(KeyboardInterrupt):
        judge(at_once=8).compare(questions(50), interrupted)
    assert capfd.readouterr().err == "\nwaiting for 8 answers that are under way; once more to leave them\n"
    assert len(server.requests) == 10
    judge().compare(questions(50))
    # One for each question, and one more for the reply without a verdict.
    assert len(server.requests) == 51


def test_an_interrupt_does_not_wait_for_a_server_that_hangs(server, judge, monkeypatch):
    monkeypatch.setattr(workers, "DRAIN", 0.5)
    server.script = [server.says("Preferred: Answer (A)"), *[server.answer(drip=0.2, body=b" " * 100)] * 3]

    def interrupted(done, total, note=""):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(at_once=4).compare(questions(50), interrupted)
    assert threads() == []


def test_an_attempt_has_one_name_whenever_it_is_made(server, judge):
    server.script = [server.says("Hm."), server.answer(400)]
    assert judge().compare([Q])[0].reason == "rejected"
    # As after a kill: the second attempt is made again.
    judge().compare([Q])
    first, second, again = [headers["Idempotency-Key"].rpartition("-")[0] for headers in server.headers]
    assert first != second == again
    assert re.fullmatch("[0-9a-f]{32}", first)


def test_the_first_reply_that_decides_counts(server, judge, tmp_path):
    """Two processes may have asked at the same time: both, and every later one, go by the order of the file."""
    cache = ReplyCache(tmp_path / "replies.jsonl")
    for text in ("Hm.", "Preferred: Answer (B)", "Preferred: Answer (A)"):
        cache.add(judge().key(Q), Reply(text))
    (verdict,) = judge().compare([Q])
    assert (verdict.choice, verdict.replies) == ("second", ("Hm.", "Preferred: Answer (B)"))


def test_offline_nothing_is_asked_and_what_is_missing_is_counted(server, judge):
    online = judge().compare(questions(3))
    assert judge(offline=True).compare(questions(3)) == online
    with pytest.raises(LeavenError, match="2 of 5 questions are not among the kept replies of endpoint:m"):
        judge(offline=True).compare(questions(5))
    assert len(server.requests) == 3
    assert judge().missing([*questions(5), *questions(5)]) == questions(5)[3:]


def test_a_template_may_offer_a_tie(server, judge):
    server.default = lambda request: server.says("Preferred: Tie")
    ties = replace(TEMPLATE, tie="Tie")
    assert judge(template=ties).compare([Q])[0].choice == "tie"
    assert "its own verdict of a tie in either" in judge(template=ties).what
    assert judge(template=ties).key(Q) == judge(template=replace(ties, tie="Neither")).key(Q)


def test_the_key_is_in_the_header_and_nowhere_else(server, judge, tmp_path, monkeypatch, caplog, capfd):
    monkeypatch.setenv("JUDGE_KEY", KEY)
    server.script = [server.says(f"{KEY}\nPreferred: Answer (A)"), server.answer(500, KEY.encode())]
    with caplog.at_level(logging.DEBUG):
        verdicts = judge(key_name="JUDGE_KEY", at_once=1).compare(questions(3))
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert [v.choice for v in verdicts] == ["first"] * 3
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "Preferred" in written
    output = "".join(capfd.readouterr())
    for place in (written, repr(verdicts), caplog.text, output, repr(judge(key_name="JUDGE_KEY"))):
        assert KEY not in place


def test_progress_counts_the_answers_and_says_what_is_left(judge):
    seen = []
    judge().compare(questions(4), lambda done, total, note="": seen.append((done, total, note)))
    assert [(done, total) for done, total, _ in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert re.fullmatch(r"questions answered by the judge( · \d+:\d\d left)?", seen[0][2])
    assert seen[-1][2] == "questions answered by the judge"
    seen.clear()
    # What was in the cache comes first, and is no part of the pace.
    judge().compare(questions(6), lambda done, total, note="": seen.append((done, total, note)))
    assert [(done, total) for done, total, _ in seen] == [(4, 6), (5, 6), (6, 6)]
    assert seen[0][2] == "questions answered by the judge"


@pytest.mark.parametrize(
    ("seconds", "left"), [(0.0, ""), (9.6, " · 0:10 left"), (190, " · 3:10 left"), (7325, " · 2:02:05 left")]
)
def test_what_is_left_is_written_as_a_clock(seconds, left):
    assert _note(0, "0.42 USD", seconds) == "questions answered by the judge · 0.42 USD" + left


def test_progress_notes_apart_what_has_no_answer(server, judge):
    seen = []
    server.script = [*[server.answer(500)] * 2, server.answer(400), server.says("Preferred: Answer (A)")]
    judge(at_once=1).compare(questions(3), lambda done, total, note="": seen.append((done, total, note)))
    told = "questions answered by the judge"
    # Of a server that has answered nothing nobody can say how long it will take.
    assert seen[:2] == [(0, 3, f"{told} · 1 without an answer"), (0, 3, f"{told} · 2 without an answer")]
    assert seen[2] == (1, 3, f"{told} · 2 without an answer")


def test_it_says_what_it_is(judge):
    assert judge(revision="2024-05").name == "endpoint:m@2024-05"
    assert not judge().scripted
    assert "language model m, asked in both orders" in judge().what
    assert f"template {TEMPLATE.id}" in judge().what
    assert judge().what.endswith("only agreement of the two orders wins, and a tie is their disagreement")


def test_more_replies_in_the_cache_than_are_asked_for_change_nothing(server, judge):
    server.script = [server.says("Hm."), server.says("Hm."), server.says("Preferred: Answer (B)")]
    assert judge(replies=3).compare([Q])[0].choice == "second"
    assert (judge(replies=1).compare([Q])[0].choice, judge(replies=1).compare([Q])[0].reason) == ("error", "no verdict")
    assert judge(replies=3).compare([Q])[0].choice == "second"
    assert len(server.requests) == 3


def test_an_outage_is_asked_again_after_all_others(server, judge):
    server.script = [server.answer(500)] * 2
    server.default = lambda request: server.says("Preferred: Answer (A)")
    verdicts = judge(at_once=1).compare(questions(3))
    assert [verdict.choice for verdict in verdicts] == ["first"] * 3
    assert len(server.requests) == 5


def test_what_stayed_without_an_answer_is_replayed_so_and_mended_when_asked_again(server, judge):
    bad = "prompt 1\n"
    well: list[bool] = []

    def answer(request):
        if bad in request["messages"][1]["content"] and not well:
            return server.answer(500)
        return server.says("Preferred: Answer (A)")

    server.default = answer
    first = judge(at_once=1).compare(questions(3))
    assert [(v.choice, v.reason) for v in first] == [("first", ""), ("error", "outage"), ("first", "")]
    asked = len(server.requests)
    assert judge(offline=True).compare(questions(3)) == first
    assert len(server.requests) == asked
    well.append(True)
    assert [v.choice for v in judge().compare(questions(3))] == ["first"] * 3
    assert [v.choice for v in judge(offline=True).compare(questions(3))] == ["first"] * 3


def test_tries_that_are_lost_count_against_the_caps(server, judge):
    server.default = lambda request: server.answer(cut=5, body=b"{" * 50)
    with pytest.raises(LeavenError, match="budget of 2 calls is used up"):
        judge(scope="study", most_calls=2, at_once=1, tries=5).compare(questions(4))
    assert len(server.requests) == 2
