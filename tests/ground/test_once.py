"""Asking again without paying again: idempotency keys after every kind of trouble, and what may have been billed."""

from __future__ import annotations

import socket

import pytest

from leaven.ground.chat import Chat, OutageError, RejectedError

HELLO = [{"role": "user", "content": "hello"}]


def chat(url: str, **changed) -> Chat:
    return Chat(**{"url": url, "model": "m", "first_wait": 0.001, "timeout": 5.0, **changed})


def keys(server) -> list[str | None]:
    """The idempotency keys that the server has seen."""
    return [headers.get("Idempotency-Key") for headers in server.headers]


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
