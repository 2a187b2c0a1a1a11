"""The client against a real server on this machine: patience, limits, and a key that never gets out."""

from __future__ import annotations

import base64
import email.utils
import gzip
import json
import pickle
import socket
import threading
import time
import traceback
import zlib
from typing import Any

import pytest

from leaven.ground.chat import Chat, OutageError, RejectedError, Reply, Usage
from leaven.ground.errors import BadInput
from leaven.ground.pace import Pace
from leaven.ground.secret import Secret
from leaven.ground.wire import LARGEST_ANSWER, seconds

KEY = "sk-very-secret-0123456789"
HELLO = [{"role": "user", "content": "hello"}]


def chat(url: str, **changed) -> Chat:
    return Chat(**{"url": url, "model": "m", "first_wait": 0.001, "timeout": 5.0, **changed})


def keys(server) -> list[str | None]:
    """The idempotency keys that the server has seen."""
    return [headers.get("Idempotency-Key") for headers in server.headers]


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


CUT = {
    "without an answer": {"raw": b""},
    "in the status line": {"raw": b"HTTP/1."},
    "in the headers": {"raw": b"HTTP/1.1 200 OK\r\nContent-Le"},
    "in the body": {"cut": 30},
    "before the body": {"cut": 0},
    "in a chunk": {"raw": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{}"},
    "before the last chunk": {"raw": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"},
    "in a body of no announced length": {"raw": b'HTTP/1.1 200 OK\r\n\r\n{"choices": [{"mess'},
}


@pytest.mark.parametrize("cut", CUT.values(), ids=CUT)
def test_an_answer_cut_off_by_the_connection_is_asked_for_again_under_the_same_key(server, cut):
    lost = server.answer(200, server.says("hi").body, **cut)
    server.script = [lost, lost, server.says("hi")]
    assert chat(server.url).ask(HELLO, once="q").text == "hi"
    assert keys(server) == ["q-0"] * 3
    server.script = [lost] * 2
    with pytest.raises(OutageError) as caught:
        chat(server.url, tries=2).ask(HELLO)
    assert caught.value.perhaps_billed


def test_an_answer_in_chunks_is_read(server):
    body = server.says("hi").body
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:]))
    server.script = [
        server.answer(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
    ]
    assert chat(server.url).ask(HELLO).text == "hi"


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "GZIP"])
def test_an_answer_that_was_compressed_unasked_is_read(server, coding):
    body = server.says("hi").body
    packed = zlib.compress(body) if coding == "deflate" else gzip.compress(body)
    server.script = [server.answer(200, packed, {"Content-Encoding": coding})]
    assert chat(server.url).ask(HELLO).text == "hi"
    assert server.headers[0]["Accept-Encoding"] == "identity"


def test_a_compressed_answer_that_is_a_bomb_or_broken_is_none(server):
    bomb = gzip.compress(b" " * (LARGEST_ANSWER + 1))
    server.script = [
        server.answer(200, bomb, {"Content-Encoding": "gzip"}),
        server.answer(200, bomb[:50], {"Content-Encoding": "gzip"}),
        server.answer(200, b"no gzip", {"Content-Encoding": "gzip"}),
    ]
    with pytest.raises(OutageError, match=r"no chat completion \(above 4 MB\)"):
        chat(server.url, tries=1).ask(HELLO)
    with pytest.raises(OutageError, match="no chat completion"):
        chat(server.url, tries=2).ask(HELLO)


def test_an_answer_without_end_is_given_up(server):
    server.script = [server.answer(200, b" " * (LARGEST_ANSWER + 10)), server.answer(500, b"x" * (1 << 20))]
    with pytest.raises(OutageError, match=r"HTTP 500 \(x{200}\)"):
        chat(server.url, tries=2).ask(HELLO)


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


@pytest.mark.parametrize(
    "nonsense", ["soon", "-5", "", "²", "inf", "nan", "1e9", "Mon, 99 Foo 2026 99:99:99 GMT", "1 2"]
)
def test_a_retry_after_that_cannot_be_read_is_passed_over(server, nonsense):
    server.script = [server.answer(429, headers={"Retry-After": nonsense}), server.says("hi")]
    assert chat(server.url, longest_rest=0.1).ask(HELLO).text == "hi"


def test_an_outage_tells_the_last_trouble(server):
    server.default = lambda request: server.answer(500, b'{"error": {"message": "out of\\nmemory"}}')
    with pytest.raises(OutageError, match=r"no answer in 3 tries; last: HTTP 500 \(out of memory\)"):
        chat(server.url, tries=3).ask(HELLO)
    assert len(server.requests) == 3


def test_a_slow_answer_is_given_up(server):
    server.default = lambda request: server.answer(200, b"{}", delay=0.5)
    with pytest.raises(OutageError, match="did not end in 0.1 s"):
        chat(server.url, timeout=0.1, tries=2).ask(HELLO)


def test_an_answer_that_drips_does_not_outlive_the_timeout(server):
    """Every byte comes well within a socket's timeout; the whole does not."""
    server.default = lambda request: server.answer(200, b" " * 100, drip=0.05)
    started = time.monotonic()
    with pytest.raises(OutageError, match="did not end in 0.2 s"):
        chat(server.url, timeout=0.2, tries=1).ask(HELLO)
    assert time.monotonic() - started < 30


def test_nobody_listening_is_an_outage():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(OutageError, match="ConnectionRefusedError"):
        chat(f"http://127.0.0.1:{port}/v1", tries=2).ask(HELLO)


def test_headers_that_drip_do_not_outlive_the_timeout(server):
    server.default = lambda request: server.answer(200, b"{}", head_drip=0.05)
    started = time.monotonic()
    with pytest.raises(OutageError, match="did not end in 0.2 s") as caught:
        chat(server.url, timeout=0.2, tries=1).ask(HELLO)
    assert time.monotonic() - started < 30
    assert caught.value.perhaps_billed


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


@pytest.mark.parametrize(
    "slow", [{"delay": 30.0}, {"head_drip": 0.3}, {"drip": 0.3}], ids=lambda slow: next(iter(slow))
)
def test_a_stop_ends_a_request_under_way_which_is_perhaps_billed(server, slow):
    server.default = lambda request: server.answer(200, b" " * 100, **slow)
    stopped, started = stops_after(server, 1), time.monotonic()
    with pytest.raises(OutageError, match="^stopped$") as caught:
        chat(server.url, timeout=60.0).ask(HELLO, stopped)
    assert time.monotonic() - started < 20
    assert len(server.requests) == 1
    assert caught.value.perhaps_billed


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


@pytest.mark.parametrize("url", ["http://me:secret@host/v1", "https://host/v1?key=secret", "https://host/v1#secret"])
def test_secrets_in_the_address_are_refused_and_not_repeated(url):
    with pytest.raises(BadInput, match="user name, password or query") as caught:
        chat(url)
    assert "secret" not in str(caught.value)


def test_decoding_may_not_replace_the_question():
    with pytest.raises(BadInput, match="decoding may not set messages, stream"):
        chat("http://host/v1", decoding={"messages": [], "stream": True})


def test_without_a_name_for_the_request_no_idempotency_key_is_sent(server):
    chat(server.url).ask(HELLO)
    assert keys(server) == [None]


@pytest.mark.parametrize("once", ["a b", "a\r\nX: y", "ä", "x" * 201])
def test_a_name_that_no_header_can_hold_is_refused(server, once):
    with pytest.raises(ValueError, match="printable ASCII"):
        chat(server.url).ask(HELLO, once=once)
    assert server.requests == []


TROUBLE = {
    "an error that may be stored ends its key": ([500, 503, 502], [0, 1, 2, 3]),
    "no completion ends its key": (["no json", "no json"], [0, 1, 2]),
    "a cut keeps it": (["cut", "cut"], [0, 0, 0]),
    "an answer that does not come keeps it": (["slow"], [0, 0]),
    "a cut after an error keeps the new one": ([500, "cut", "cut", 500, "cut"], [0, 1, 1, 1, 2, 2]),
    "the first 429 of a key says nothing": ([429, "cut", 429, 429], [0, 0, 0, 1, 1]),
    "nor the first of the next": ([429, 429, 429, 425], [0, 0, 1, 1, 2]),
    "a conflict says that the key is at work": (["cut", 409, 409, 409], [0, 0, 0, 0, 0]),
}


@pytest.mark.parametrize(("troubles", "expected"), TROUBLE.values(), ids=TROUBLE)
def test_the_idempotency_key_after_trouble(server, troubles, expected):
    kinds = {
        "cut": server.answer(200, b"{}  ", cut=1),
        "slow": server.answer(200, b"{}", delay=1.0),
        "no json": server.answer(200, b"<html>"),
    }
    server.script = [kinds.get(each) or server.answer(each) for each in troubles] + [server.says("hi")]
    timeout = 0.3 if "slow" in troubles else 5.0
    assert chat(server.url, tries=9, timeout=timeout).ask(HELLO, once="q").text == "hi"
    assert keys(server) == [f"q-{n}" for n in expected]


@pytest.mark.parametrize(
    ("troubles", "billed"),
    [([500, 429], False), ([200, 500], True), (["cut", 500], True), ([500, "cut"], True)],
)
def test_whether_an_outage_may_have_cost_something(server, troubles, billed):
    server.script = [
        server.answer(200, b"{}", cut=1) if each == "cut" else server.answer(each, b"{}") for each in troubles
    ]
    with pytest.raises(OutageError) as caught:
        chat(server.url, tries=len(troubles)).ask(HELLO)
    assert caught.value.perhaps_billed is billed


def test_a_rejection_tells_whether_a_try_before_was_lost(server):
    for lost in (True, False):
        server.script = [server.answer(200, b"{}", cut=1)] * lost + [server.answer(400)]
        with pytest.raises(RejectedError) as caught:
            chat(server.url).ask(HELLO)
        assert caught.value.perhaps_billed is lost


def test_nobody_listening_bills_nothing():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(OutageError) as caught:
        chat(url, tries=1).ask(HELLO)
    assert not caught.value.perhaps_billed


def test_a_host_that_cannot_be_named_is_an_outage():
    with pytest.raises(OutageError, match="last: "):
        chat("http://a..b/v1", tries=1).ask(HELLO)


def test_a_handshake_that_never_ends_does_not_outlive_the_timeout():
    """TLS takes the socket over before it is done with it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(OutageError, match="did not end in 0.2 s") as caught:
            chat(f"https://127.0.0.1:{silent.getsockname()[1]}/v1", tries=1, timeout=0.2).ask(HELLO)
    assert not caught.value.perhaps_billed


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

    # Counted where it is answered, so one at a time is too few for a server that answers in the same lock.
    server.default = answer
    pace = Pace(2)
    threads = [threading.Thread(target=chat(server.url, pace=pace).ask, args=(HELLO,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 8
    assert most <= 2


@pytest.mark.parametrize(
    ("text", "wait"),
    [("0", 0.0), (" 7 ", 7.0), ("1.5", 1.5), ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
     ("Thu, 01 Jan 1970 00:02:00 -0000", 20.0), ("-1", None), ("", None), ("9" * 400, float("inf")), ("²", None)],
)  # fmt: skip
def test_what_a_retry_after_says(text, wait):
    assert seconds(text, 100.0) == wait


ECHOES = {
    "plain": lambda key: key,
    "escaped": lambda key: "".join(f"\\u{ord(c):04x}" for c in key),
    "twice escaped": lambda key: "".join(f"\\\\u{ord(c):04X}" for c in key),
    "in a URL": lambda key: "".join(f"%{ord(c):02x}" for c in key),
    "in HTML": lambda key: "".join(f"&#x{ord(c):x};" for c in key),
    "base64": lambda key: base64.b64encode(f"Bearer {key}".encode()).decode(),
    "base64 moved": lambda key: base64.b64encode(f" Bearer {key}".encode()).decode(),
    "base64 moved again": lambda key: base64.urlsafe_b64encode(f"  Bearer {key}!".encode()).decode(),
    "hex": lambda key: key.encode().hex().upper(),
}


@pytest.mark.parametrize("where", ["reply", "finish", "error", "plain error", "no completion", "header", "reason"])
@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_no_echo_of_the_key_gets_further(server, monkeypatch, where, echo):
    monkeypatch.setenv("JUDGE_KEY", KEY)
    said = echo(KEY)
    answers = {
        "reply": server.says(f"your key is {said}!"),
        "finish": server.says("hi", finish=said),
        "error": server.answer(500, json.dumps({"error": {"message": f"no {said}"}}).encode()),
        "plain error": server.answer(400, f"<b>no {said}</b>".encode()),
        "no completion": server.answer(200, json.dumps({"error": {"message": f"no {said}"}}).encode()),
        "header": server.answer(429, headers={"Retry-After": said, "X-Key": said}),
        "reason": server.answer(raw=f"HTTP/{said} 200 {said}\r\n\r\n".encode()),
    }
    server.default = lambda request: answers[where]
    # What part of the key could still be read: its letters and digits, in the form in which they were sent.
    telling = said[len(said) // 2 :][:8]
    try:
        reply = chat(server.url, key_name="JUDGE_KEY", tries=2).ask(HELLO)
    except (OutageError, RejectedError) as error:
        assert telling not in str(error)
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        for frame in shown.split("\n  File ")[1:]:
            if "leaven" in frame.split(",")[0] and "tests" not in frame.split(",")[0]:
                assert KEY not in frame
                assert telling not in frame
        assert error.__context__ is None or error.__suppress_context__
    else:
        assert "[key]" in (reply.text if where == "reply" else reply.finish)
        assert telling not in repr(reply)


def test_a_short_key_is_no_secret_and_wrecks_no_reply(server, monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", "none")
    server.script = [server.says("I prefer none.")]
    assert chat(server.url, key_name="JUDGE_KEY").ask(HELLO).text == "I prefer none."


def test_a_secret_shows_itself_to_nobody():
    secret = Secret(KEY)
    shown: list[Any] = [repr(secret), str(secret), f"{secret}", repr([secret])]
    assert not any(KEY in each for each in shown)
    assert secret.reveal() == KEY
    with pytest.raises(TypeError, match="not to be written"):
        pickle.dumps(secret)


def test_a_pace_and_a_key_are_no_part_of_what_a_chat_shows(monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", KEY)
    asked = chat("http://h/v1", key_name="JUDGE_KEY", pace=Pace(2))
    assert asked == chat("http://h/v1", key_name="JUDGE_KEY")
    assert KEY not in repr(asked)
