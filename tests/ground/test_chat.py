"""The client against a real server on this machine: what it asks, what it makes of an answer, and its patience."""

from __future__ import annotations

import email.utils
import threading
import time

import pytest

from leaven.ground.chat import Chat, OutageError, RejectedError, Reply, Usage, one_line
from leaven.ground.errors import BadInput
from leaven.ground.pace import Pace

KEY = "sk-very-secret-0123456789"
HELLO = [{"role": "user", "content": "hello"}]


def chat(url: str, **changed) -> Chat:
    return Chat(**{"url": url, "model": "m", "first_wait": 0.001, "timeout": 5.0, **changed})


def stops_after(server, requests: int) -> threading.Event:
    """An event that is set a moment after so many requests have come."""
    stopped = threading.Event()

    def watch() -> None:
        while len(server.requests) < requests:
            time.sleep(0.005)
        time.sleep(0.05)
        stopped.set()

    threading.Thread(target=watch, daemon=True).start()
    return stopped


def test_a_request_and_its_answer(server, monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", f" {KEY}\n")
    server.script = [server.says("hi", finish="length", usage=(12, 3))]
    reply = chat(server.url, key_name="JUDGE_KEY", decoding={"temperature": 0, "max_tokens": 9}).ask(HELLO)
    assert reply == Reply("hi", "length", refused=False, usage=Usage(12, 3))
    assert server.requests == [{"model": "m", "messages": HELLO, "temperature": 0, "max_tokens": 9}]
    assert server.paths == ["/v1/chat/completions"]
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_without_a_key_no_authorization_is_sent(server):
    chat(server.url + "/chat/completions/").ask(HELLO)
    assert server.paths == ["/v1/chat/completions"]
    assert "Authorization" not in server.headers[0]


@pytest.mark.parametrize("status", [408, 409, 425, 429, 499, 500, 502, 503, 504, 520, 524, 529])
def test_passing_trouble_is_waited_out(server, status):
    server.script = [server.answer(status)] * 2 + [server.says("hi")]
    assert chat(server.url).ask(HELLO).text == "hi"
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{", b"[]", b'{"choices": []}', b'{"choices": [{"message": {"content": 3}}]}', b"\xff\xfe"],
)
def test_an_answer_that_is_no_completion_is_asked_for_again(server, body):
    server.script = [server.answer(200, body), server.says("hi")]
    assert chat(server.url).ask(HELLO).text == "hi"


def test_retry_after_in_seconds_is_waited_for(server):
    server.script = [server.answer(429, headers={"Retry-After": "1"}), server.says("hi")]
    started = time.monotonic()
    assert chat(server.url).ask(HELLO).text == "hi"
    assert 1.0 <= time.monotonic() - started < 40


def test_retry_after_beyond_the_longest_wait_is_honoured_up_to_the_longest_rest(server):
    date = email.utils.formatdate(time.time() + 3600, usegmt=True)
    server.script = [
        server.answer(429, headers={"Retry-After": date}),
        server.answer(503, headers={"Retry-After": "9" * 400}),
        server.says("hi"),
    ]
    started = time.monotonic()
    assert chat(server.url, longest_wait=0.01, longest_rest=0.2).ask(HELLO).text == "hi"
    assert 0.4 <= time.monotonic() - started < 30


def test_an_outage_tells_the_last_trouble(server):
    server.default = lambda request: server.answer(500, b'{"error": {"message": "out of\\nmemory"}}')
    with pytest.raises(OutageError, match=r"no answer in 3 tries; last: HTTP 500 \(out of memory\)"):
        chat(server.url, tries=3).ask(HELLO)
    assert len(server.requests) == 3


def test_who_is_told_to_stop_before_asks_nothing(server):
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(OutageError, match="^stopped$") as caught:
        chat(server.url).ask(HELLO, stopped)
    assert server.requests == []
    assert not caught.value.perhaps_billed


@pytest.mark.parametrize("paced", [False, True])
def test_a_stop_ends_the_waiting(server, paced):
    server.default = lambda request: server.answer(429, headers={"Retry-After": "600"})
    stopped = stops_after(server, 1)
    with pytest.raises(OutageError, match="^stopped$") as caught:
        chat(server.url, pace=Pace(1) if paced else None).ask(HELLO, stopped)
    assert len(server.requests) == 1
    assert not caught.value.perhaps_billed


def test_a_try_that_is_under_way_may_end_after_a_stop(server):
    """Its answer is paid for; what was told to stop begins no other."""
    server.script = [server.answer(500), server.answer(delay=0.3, body=server.says("hi").body)]
    stopped, left = stops_after(server, 2), threading.Event()
    assert chat(server.url).ask(HELLO, stopped, left=left).text == "hi"
    assert stopped.is_set()
    server.script = [server.answer(500, delay=0.3)]
    stopped = stops_after(server, 3)
    with pytest.raises(OutageError, match="^stopped$"):
        chat(server.url).ask(HELLO, stopped, left=left)
    assert len(server.requests) == 3


def test_a_try_that_is_under_way_is_left_when_it_is_said(server):
    server.default = lambda request: server.answer(drip=0.5, body=b" " * 1000)
    stopped, left = threading.Event(), stops_after(server, 1)
    stopped_with_it = threading.Thread(target=lambda: (left.wait(), stopped.set()))
    stopped_with_it.start()
    with pytest.raises(OutageError, match="^stopped$") as caught:
        chat(server.url, timeout=600.0).ask(HELLO, stopped, left=left)
    assert caught.value.perhaps_billed
    stopped_with_it.join()


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:8000/v1", "127.0.0.1:8000"),
        ("https://api.host/v1", "api.host:443"),
        ("http://[::1]/v1", r"[::1]:80"),
    ],
)
def test_where_it_asks_is_said_without_the_rest_of_the_address(url, host):
    assert chat(url).host == host


def test_an_outage_says_where(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(OutageError, match=r"the judge's endpoint at 127.0.0.1:1 gave no answer in 1 tries; last: "):
        chat("http://127.0.0.1:1/v1", tries=1).ask(HELLO)


def test_text_of_others_is_one_line_that_a_terminal_shows_as_it_is():
    assert one_line(" a\n\tb – é 日\x1b[31m\x07\u202e\ud800") == "a b – é 日\\x1b[31m\\x07\\u202e\\ud800"
    assert one_line("x" * 200) == "x" * 200
    assert one_line("x" * 201) == "x" * 199 + "…"
    assert len(one_line("\x1b" * 500)) == 200


@pytest.mark.parametrize("status", [400, 413, 418, 422, 501])
def test_a_request_that_is_refused_for_good_is_not_repeated(server, status):
    server.script = [server.answer(status, b'{"error": {"message": "context too long"}}')]
    with pytest.raises(RejectedError, match=f"HTTP {status} .context too long."):
        chat(server.url).ask(HELLO)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [302, 401, 402, 403, 404, 405, 410, 498])
def test_a_wrong_configuration_is_bad_input(server, status):
    server.script = [server.answer(status, b"no")]
    with pytest.raises(BadInput, match=r"Look at judge.url, judge.model and the key"):
        chat(server.url).ask(HELLO)


@pytest.mark.parametrize(
    "message", [{"refusal": "I will not"}, {"refusal": "I will not", "content": None}], ids=["said", "silent"]
)
def test_a_refusal_is_marked(server, message):
    server.script = [server.says("", **message)]
    assert chat(server.url).ask(HELLO) == Reply("", "stop", refused=True)


def test_a_content_filter_is_a_refusal(server):
    server.script = [server.says("", finish="content_filter")]
    assert chat(server.url).ask(HELLO).refused


def test_half_a_character_in_an_answer_becomes_a_question_mark(server):
    """JSON can name half a surrogate pair; UTF-8, and so the cache, cannot hold it."""
    server.script = [server.says("\ud800 Preferred")]
    assert chat(server.url).ask(HELLO).text == "? Preferred"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000/v1",
        "ftp://host/v1",
        "file:///etc/passwd",
        "http://",
        "http://[::1/v1",
        "http://h:x/v1",
        "http://h/v1\r\nX: y",
        "http://h/a b",
        "http://höst/v1",
        "http://h:0/v1",
    ],
)
def test_an_address_that_is_none_is_bad_input(url):
    with pytest.raises(BadInput, match="not an http or https address"):
        chat(url)


def test_decoding_may_not_replace_the_question():
    with pytest.raises(BadInput, match="decoding may not set messages, stream"):
        chat("http://host/v1", decoding={"messages": [], "stream": True})


@pytest.mark.parametrize(
    "told", [{"status": 429, "headers": {"Retry-After": "1"}}, {"status": 503, "headers": {"Retry-After": "1"}}]
)
def test_one_who_is_told_to_wait_holds_everybody_back(server, told):
    server.script = [server.answer(**told)]
    pace = Pace(4)
    chat(server.url, tries=1, pace=pace)
    with pytest.raises(OutageError):
        chat(server.url, tries=1, pace=pace).ask(HELLO)
    started = time.monotonic()
    assert chat(server.url, pace=pace).ask(HELLO).text
    assert time.monotonic() - started >= 0.9


def test_trouble_that_is_one_request_s_own_holds_nobody_back(server):
    server.script = [server.answer(500)]
    pace = Pace(1)
    with pytest.raises(OutageError):
        chat(server.url, tries=1, pace=pace, first_wait=600.0, longest_wait=600.0).ask(HELLO)
    assert chat(server.url, pace=pace).ask(HELLO).text


def test_a_pace_bounds_the_requests_under_way(server):
    lock, under_way, most = threading.Lock(), 0, 0

    def answer(request):
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.02)
        with lock:
            under_way -= 1
        return server.says("hi")

    server.default = answer
    pace = Pace(2)
    threads = [threading.Thread(target=chat(server.url, pace=pace).ask, args=(HELLO,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 8
    assert most <= 2
