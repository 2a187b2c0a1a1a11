"""The client against a real server on this machine: patience, limits, and a key that never gets out."""

from __future__ import annotations

import email.utils
import socket
import threading
import time

import pytest

from leaven.ground.chat import Chat, OutageError, RejectedError, Reply
from leaven.ground.errors import BadInput

KEY = "sk-very-secret-0123456789"
HELLO = [{"role": "user", "content": "hello"}]


def chat(url: str, **changed) -> Chat:
    return Chat(**{"url": url, "model": "m", "first_wait": 0.001, "timeout": 5.0, **changed})


def test_a_request_and_its_answer(server, monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", f" {KEY}\n")
    server.script = [server.says("hi", finish="length")]
    reply = chat(server.url, key_name="JUDGE_KEY", decoding={"temperature": 0, "max_tokens": 9}).ask(HELLO)
    assert reply == Reply("hi", "length", refused=False)
    assert server.requests == [{"model": "m", "messages": HELLO, "temperature": 0, "max_tokens": 9}]
    assert server.paths == ["/v1/chat/completions"]
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_without_a_key_no_authorization_is_sent(server):
    chat(server.url + "/chat/completions/").ask(HELLO)
    assert server.paths == ["/v1/chat/completions"]
    assert "Authorization" not in server.headers[0]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
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


def test_an_answer_cut_off_by_the_connection_is_asked_for_again(server):
    server.script = [server.answer(200, b"{}", {"Content-Length": "100"}), server.says("hi")]
    assert chat(server.url).ask(HELLO).text == "hi"


def test_retry_after_in_seconds_is_waited_for(server):
    server.script = [server.answer(429, headers={"Retry-After": "1"}), server.says("hi")]
    started = time.monotonic()
    assert chat(server.url).ask(HELLO).text == "hi"
    assert 1.0 <= time.monotonic() - started < 40


def test_retry_after_as_a_date_and_as_nonsense_are_bounded_by_the_longest_wait(server):
    date = email.utils.formatdate(time.time() + 3600, usegmt=True)
    server.script = [
        server.answer(429, headers={"Retry-After": date}),
        server.answer(503, headers={"Retry-After": "soon"}),
        server.answer(429, headers={"Retry-After": "99999"}),
        server.says("hi"),
    ]
    started = time.monotonic()
    assert chat(server.url, longest_wait=0.05).ask(HELLO).text == "hi"
    assert 0.1 <= time.monotonic() - started < 30


def test_an_outage_tells_the_last_trouble(server):
    server.default = lambda request: server.answer(500, b'{"error": {"message": "out of\\nmemory"}}')
    with pytest.raises(OutageError, match=r"no answer in 3 tries; last: HTTP 500 \(out of memory\)"):
        chat(server.url, tries=3).ask(HELLO)
    assert len(server.requests) == 3


def test_a_slow_answer_is_given_up(server):
    server.default = lambda request: server.answer(200, b"{}", delay=0.5)
    with pytest.raises(OutageError, match="timed out"):
        chat(server.url, timeout=0.1, tries=2).ask(HELLO)


def test_an_answer_that_drips_does_not_outlive_the_timeout(server):
    """Every byte comes well within a socket's timeout; the whole does not."""
    server.default = lambda request: server.answer(200, b" " * 100, drip=0.05)
    started = time.monotonic()
    with pytest.raises(OutageError, match="did not end in time"):
        chat(server.url, timeout=0.2, tries=1).ask(HELLO)
    assert time.monotonic() - started < 30


def test_nobody_listening_is_an_outage():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(OutageError, match="ConnectionRefusedError"):
        chat(f"http://127.0.0.1:{port}/v1", tries=2).ask(HELLO)


def test_a_stop_ends_the_waiting(server):
    server.default = lambda request: server.answer(500)
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(OutageError):
        chat(server.url, first_wait=60.0).ask(HELLO, stopped)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_is_refused_for_good_is_not_repeated(server, status):
    server.script = [server.answer(status, b'{"error": {"message": "context too long"}}')]
    with pytest.raises(RejectedError, match=f"HTTP {status} .context too long."):
        chat(server.url).ask(HELLO)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_configuration_is_bad_input(server, status):
    server.script = [server.answer(status, b"no")]
    with pytest.raises(BadInput, match=r"Look at judge.url, judge.model and the key"):
        chat(server.url).ask(HELLO)


def test_a_redirect_is_not_followed_so_that_the_key_stays_here(server, monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", KEY)
    server.script = [server.answer(307, headers={"Location": server.url.replace("/v1", "/elsewhere")})]
    with pytest.raises(BadInput, match="HTTP 307"):
        chat(server.url, key_name="JUDGE_KEY").ask(HELLO)
    assert len(server.requests) == 1


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


@pytest.mark.parametrize("padding", ["", "x" * 180])
@pytest.mark.parametrize("status", [400, 401, 500])
def test_the_key_is_struck_out_of_what_the_server_says(server, monkeypatch, status, padding):
    monkeypatch.setenv("JUDGE_KEY", KEY)
    body = f'{{"error": {{"message": "{padding} key {KEY}"}}}}'.encode()
    server.default = lambda request: server.answer(status, body)
    with pytest.raises((BadInput, RejectedError, OutageError)) as caught:
        chat(server.url, key_name="JUDGE_KEY", tries=2).ask(HELLO)
    assert f"{padding} key [key]".strip() in str(caught.value)
    assert KEY[:8] not in str(caught.value)
    error: BaseException | None = caught.value
    while error is not None:
        assert KEY not in repr(error)
        assert KEY not in str(vars(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_the_key_is_struck_out_of_a_reply(server, monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", KEY)
    escaped = server.says(f"your key is {KEY}").body.replace(b"sk-", b"\\u0073k-")
    server.script = [server.answer(200, escaped)]
    assert chat(server.url, key_name="JUDGE_KEY").ask(HELLO).text == "your key is [key]"


@pytest.mark.parametrize("key", ["", "two\nlines-secret", "schlüssel-secret"])
def test_a_key_that_cannot_be_sent_is_bad_input_that_does_not_show_it(server, monkeypatch, key):
    monkeypatch.setenv("JUDGE_KEY", key)
    with pytest.raises(BadInput, match="JUDGE_KEY holds no usable key") as caught:
        chat(server.url, key_name="JUDGE_KEY").ask(HELLO)
    assert "secret" not in str(caught.value)
    assert server.requests == []


def test_a_missing_key_names_its_variable(server, monkeypatch):
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    with pytest.raises(BadInput, match="export JUDGE_KEY="):
        chat(server.url, key_name="JUDGE_KEY").ask(HELLO)


@pytest.mark.parametrize("url", ["", "localhost:8000/v1", "ftp://host/v1", "file:///etc/passwd", "http://"])
def test_an_address_that_is_none_is_bad_input(url):
    with pytest.raises(BadInput, match="not an http or https address"):
        chat(url)


@pytest.mark.parametrize("url", ["http://me:secret@host/v1", "https://host/v1?key=secret"])
def test_secrets_in_the_address_are_refused_and_not_repeated(url):
    with pytest.raises(BadInput, match="user name, password or query") as caught:
        chat(url)
    assert "secret" not in str(caught.value)


def test_decoding_may_not_replace_the_question():
    with pytest.raises(BadInput, match="decoding may not set messages, stream"):
        chat("http://host/v1", decoding={"messages": [], "stream": True})
