"""One exchange with a server that cuts, drips, compresses and stalls: read whole, or given up in time."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
import zlib

import pytest

from leaven.ground import wire
from leaven.ground.chat import Chat, OutageError
from leaven.ground.wire import LARGEST_ANSWER, seconds

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


NONSENSE = ["soon", "-5", "", "²", "inf", "nan", "1e9", "Mon, 99 Foo 2026 99:99:99 GMT", "1 2"]


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
    assert [headers["Idempotency-Key"] for headers in server.headers] == ["q-0"] * 3
    server.script = [lost] * 2
    with pytest.raises(OutageError) as caught:
        chat(server.url, tries=2).ask(HELLO)
    assert caught.value.perhaps_billed
    if "cut" in cut:
        assert f"the connection was cut after {cut['cut']} bytes" in str(caught.value)


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
    with pytest.raises(OutageError, match=r"HTTP 500 \(x{199}…\)"):
        chat(server.url, tries=2).ask(HELLO)


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


def test_a_host_that_cannot_be_named_is_an_outage():
    with pytest.raises(OutageError, match="last: "):
        chat("http://a..b/v1", tries=1).ask(HELLO)


def test_a_handshake_that_never_ends_does_not_outlive_the_timeout():
    """TLS takes the socket over before it is done with it."""
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(OutageError, match="did not end in 0.2 s") as caught,
    ):
        chat(f"https://127.0.0.1:{silent.getsockname()[1]}/v1", tries=1, timeout=0.2).ask(HELLO)
    assert not caught.value.perhaps_billed


WAITS = {
    "0": 0.0,
    " 7 ": 7.0,
    "1.5": 1.5,
    "Thu, 01 Jan 1970 00:02:00 GMT": 20.0,
    "Thu, 01 Jan 1970 00:02:00 -0000": 20.0,
    "Thu, 01 Jan 1970 00:00:00 GMT": 0.0,
    "9" * 400: float("inf"),
    **dict.fromkeys(NONSENSE),
}


@pytest.mark.parametrize(("text", "wait"), WAITS.items())
def test_what_a_retry_after_says(text, wait):
    assert seconds(text, 100.0) == wait


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_a_retry_after_that_cannot_be_read_is_passed_over(server, nonsense):
    server.script = [server.answer(429, headers={"Retry-After": nonsense}), server.says("hi")]
    assert chat(server.url, longest_rest=0.1).ask(HELLO).text == "hi"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_is_given_up_is_cut_so_that_nobody_goes_on_with_it(scheme, monkeypatch):
    """A server that says something now and then keeps a socket's timeout from ever ending the exchange."""
    monkeypatch.setattr(wire, "_trust", lambda: anonymous(ssl.PROTOCOL_TLS_CLIENT))
    cut: list[bool] = []

    def serve() -> None:
        connection, _ = slow.accept()
        if scheme == "https":
            connection = anonymous(ssl.PROTOCOL_TLS_SERVER).wrap_socket(connection, server_side=True)
        with connection:
            connection.recv(1 << 16)
            cut.append(is_cut(connection, b"HTTP/1.1 200 OK\r\nX: " + b"y" * 300))

    with socket.create_server(("127.0.0.1", 0)) as slow:
        server = threading.Thread(target=serve)
        server.start()
        with pytest.raises(OutageError, match="did not end in 0.5 s") as caught:
            chat(f"{scheme}://127.0.0.1:{slow.getsockname()[1]}/v1", tries=1, timeout=0.5).ask(HELLO)
        server.join()
    assert caught.value.perhaps_billed
    assert cut == [True]


def anonymous(protocol: int) -> ssl.SSLContext:
    """TLS without certificates."""
    context = ssl.SSLContext(protocol)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AECDH-AES128-SHA:@SECLEVEL=0")
    return context


def is_cut(connection: socket.socket, drip: bytes) -> bool:
    """Whether the other side ends the connection while this one drips."""
    try:
        for byte in drip:
            connection.sendall(bytes([byte]))
            time.sleep(0.02)
    except OSError:
        return True
    return False
