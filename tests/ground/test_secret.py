"""A key that gets nowhere but into its header, whatever the server does with it."""

from __future__ import annotations

import base64
import json
import pickle
import traceback
from typing import Any

import pytest

from leaven.ground.chat import Chat, OutageError, RejectedError
from leaven.ground.errors import BadInput
from leaven.ground.pace import Pace
from leaven.ground.secret import Secret

KEY = "sk-very-secret-0123456789"
HELLO = [{"role": "user", "content": "hello"}]


def chat(url: str, **changed) -> Chat:
    return Chat(**{"url": url, "model": "m", "first_wait": 0.001, "timeout": 5.0, **changed})


def test_a_redirect_is_not_followed_so_that_the_key_stays_here(server, monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", KEY)
    server.script = [server.answer(307, headers={"Location": server.url.replace("/v1", "/elsewhere")})]
    with pytest.raises(BadInput, match="HTTP 307"):
        chat(server.url, key_name="JUDGE_KEY").ask(HELLO)
    assert len(server.requests) == 1


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


@pytest.mark.parametrize("url", ["http://me:secret@host/v1", "https://host/v1?key=secret", "https://host/v1#secret"])
def test_secrets_in_the_address_are_refused_and_not_repeated(url):
    with pytest.raises(BadInput, match="user name, password or query") as caught:
        chat(url)
    assert "secret" not in str(caught.value)


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
    asked = chat(server.url, key_name="JUDGE_KEY", tries=2)
    if where in ("reply", "finish"):
        reply = asked.ask(HELLO)
        assert "[key]" in getattr(reply, {"reply": "text"}.get(where, where))
        assert telling not in repr(reply)
        return
    with pytest.raises((OutageError, RejectedError)) as caught:
        asked.ask(HELLO)
    assert telling not in str(caught.value)
    assert caught.value.__context__ is None
    # With the variables, as some who report crashes show them.
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    of_leaven = [frame for frame in shown.split("\n  File ") if "/leaven/ground/" in frame.split(",")[0]]
    assert of_leaven
    for frame in of_leaven:
        assert KEY not in frame
        assert telling not in frame


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
