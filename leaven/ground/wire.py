"""One HTTP exchange that ends in time: posted, answered or given up. Standard library only.

A socket's own timeout starts anew with every byte, and name look-ups have none, so the exchange runs in a thread of
its own; who asked waits for it no longer than agreed, or until told to stop, and then cuts the connection.
Redirects are not followed, so a key goes to no other host. Proxies are those of the environment.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import re
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from functools import cache, partial
from typing import Any

from leaven.ground.pace import GLANCE
from leaven.ground.secret import Secret
from leaven.ground.version import __version__

LARGEST_ANSWER = 4 << 20
LARGEST_COMPLAINT = 1 << 16
"""Bytes read of an answer, and of an answer that is no success."""


@dataclass(frozen=True)
class Answer:
    """A complete HTTP answer. `whole` where its length was announced and reached; an answer that just ends may be cut
    off. `too_long` where the rest was not read. `retry_after` in seconds,
    where the server says so."""

    status: int
    body: bytes = field(repr=False)
    retry_after: float | None = None
    whole: bool = True
    too_long: bool = False


@dataclass(frozen=True)
class Lost:
    """No complete answer. `trouble` says why; `sent` where the request may have arrived; `stopped` where the caller
    wanted no answer any more."""

    trouble: str
    sent: bool = False
    stopped: bool = False


def post(
    url: str, body: bytes, headers: Mapping[str, str], key: Secret, timeout: float, stopped: threading.Event
) -> Answer | Lost:
    """The answer to `body`, posted with `key` as its bearer, within `timeout` seconds for everything from the name
    look-up to the last byte; or what happened instead. Ends soon after `stopped` is set."""
    line = _Line()
    ended: list[Answer | Lost] = []
    done = threading.Event()

    def exchange() -> None:
        try:
            ended.append(_exchange(line, url, body, headers, key, timeout))
        except Exception as error:
            # Whatever a network does. The error ends here: its traceback holds the request's headers.
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            what = f"{type(reason).__name__}: {reason}" if isinstance(reason, Exception) else str(reason)
            ended.append(Lost(key.struck(what), line.connected))
        finally:
            line.close()
            done.set()

    deadline = time.monotonic() + timeout
    threading.Thread(target=exchange, name="exchange", daemon=True).start()
    try:
        while not done.wait(min(GLANCE, max(0.0, deadline - time.monotonic()))):
            if stopped.is_set():
                return Lost("stopped", line.connected, stopped=True)
            if time.monotonic() >= deadline:
                return Lost(f"the answer did not end in {timeout:g} s", line.connected)
        return ended[0]
    finally:
        line.cut()


class _Line:
    """A connection that another thread may cut."""

    def __init__(self) -> None:
        self.connected = False
        """Whether a connection stood, so that a request may have gone out."""
        self._lock = threading.Lock()
        self._cut = False
        self._handle: socket.socket | None = None

    def open(self, *address: Any, **how: Any) -> socket.socket:
        """`socket.create_connection`, remembered."""
        made = socket.create_connection(*address, **how)
        with self._lock:
            if self._cut:
                made.close()
                raise OSError("given up")
            # A handle of our own: TLS takes the socket over, and a closed number may be another's by the time of a cut.
            self._handle = made.dup()
        return made

    def cut(self) -> None:
        with self._lock:
            self._cut = True
            if self._handle is not None:
                with contextlib.suppress(OSError):
                    self._handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with self._lock:
            self._cut = True
            if self._handle is not None:
                self._handle.close()
                self._handle = None


class _Http(http.client.HTTPConnection):
    def __init__(self, line: _Line, host: str, **how: Any) -> None:
        super().__init__(host, **how)
        self._line, self._create_connection = line, line.open

    def connect(self) -> None:
        super().connect()
        self._line.connected = True


class _Https(http.client.HTTPSConnection):
    def __init__(self, line: _Line, host: str, **how: Any) -> None:
        super().__init__(host, **how)
        self._line, self._create_connection = line, line.open

    def connect(self) -> None:
        super().connect()
        self._line.connected = True


class _Over(urllib.request.AbstractHTTPHandler):
    """Requests over one line."""

    def __init__(self, line: _Line) -> None:
        super().__init__()
        self._line = line

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_Http, self._line), request)

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_Https, self._line), request, context=_trust())

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _exchange(
    line: _Line, url: str, body: bytes, headers: Mapping[str, str], key: Secret, timeout: float
) -> Answer | Lost:
    request = urllib.request.Request(url, body, {**headers, "User-Agent": f"leaven/{__version__}"})
    if key:
        request.add_unredirected_header("Authorization", f"Bearer {key.reveal()}")
    opener = urllib.request.OpenerDirector()
    # No more handlers than these: every status is an answer, also a redirect.
    for handler in (urllib.request.ProxyHandler(), _Over(line)):
        opener.add_handler(handler)
    # The caller keeps the time; this only ends a thread that nobody waits for.
    with opener.open(request, timeout=timeout + 1) as response:
        largest = LARGEST_ANSWER if 200 <= response.status < 300 else LARGEST_COMPLAINT
        raw = response.read(largest + 1)
        too_long = len(raw) > largest
        if response.length and not too_long:
            return Lost(f"the connection was cut after {len(raw)} bytes of the answer", sent=True)
        whole = response.chunked or response.length == 0 or too_long
        wait = seconds(response.headers.get("Retry-After", ""), time.time())
        answer, more = _decoded(raw[:largest], response.headers.get("Content-Encoding", ""), largest)
        return Answer(response.status, answer, wait, whole, too_long or more)


def seconds(retry_after: str, now: float) -> float | None:
    """Retry-After, which is seconds or a date (RFC 9110 §10.2.3), at `now` (Unix time); None where it cannot be
    read."""
    text = retry_after.strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", text):
        return float(text)
    try:
        date = email.utils.parsedate_to_datetime(text)
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, TypeError, LookupError, OverflowError):
        return None


def _decoded(raw: bytes, coding: str, largest: int) -> tuple[bytes, bool]:
    """A body that was compressed though nobody asked for it, and whether there is more of it than `largest`. One that
    cannot be read is empty, and so no answer to anything."""
    if coding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return raw, False
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        text = inflate.decompress(raw, largest)
    except zlib.error:
        return b"", False
    return text, bool(inflate.unconsumed_tail)
