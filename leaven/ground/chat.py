"""A client for OpenAI-compatible chat completions: one request, retried with patience. Standard library only.

The key is read from the environment when a request is made and lives in that request's header only: it is
never logged, cached or put in a message, is struck out of whatever the server sends back, and is never sent
on to another host, because redirects are not followed.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np

from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput, LeavenError

RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""HTTP statuses that another try may cure (RFC 9110, RFC 6585; 529 is what some providers say when
overloaded)."""

CONFIGURATION = frozenset({301, 302, 303, 307, 308, 401, 403, 404, 405})
"""Statuses that every request will get until somebody changes the configuration."""

LARGEST_ANSWER = 4 << 20


class OutageError(LeavenError):
    """The endpoint did not answer, however often it was asked."""


class RejectedError(LeavenError):
    """The endpoint answered that it will not take this request."""


@dataclass(frozen=True)
class Reply:
    """What the model wrote. `finish` is the endpoint's finish reason; `refused` where it says that it
    refused."""

    text: str
    finish: str = ""
    refused: bool = False


@dataclass(frozen=True)
class Chat:
    """An endpoint and how to ask it.

    Args:
        url: of the API, with its version (`https://host/v1`), or of its `/chat/completions` itself.
        model: the model's name there.
        key_name: the environment variable that holds the key; None where the server wants none.
        decoding: sent with every request as it is.
        timeout: seconds for one whole answer.
        tries: requests made at most for one answer.
        first_wait, longest_wait: seconds; waits double from the first to the longest, times a jitter of 1/2
            to 1. A Retry-After of the server is waited for instead, up to the longest wait.
        seed: of the jitter.
        who: whose endpoint it is, in messages.
        section: of the user's file that describes it, in messages.

    Raises BadInput for a URL that is not plain http(s), or decoding parameters that are not the caller's to
    set.
    """

    url: str
    model: str
    key_name: str | None = None
    decoding: Mapping[str, Any] = field(default_factory=lambda: {"temperature": 0, "max_tokens": 512})
    timeout: float = 120.0
    tries: int = 5
    first_wait: float = 1.0
    longest_wait: float = 60.0
    seed: int = 0
    who: str = "judge"
    section: str = "judge"

    def __post_init__(self) -> None:
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput(f'"{self.url}" is not an http or https address', field=f"{self.section}.url")
        if parts.username or parts.password or parts.query:
            # Not repeated in the message: what stands there is a secret.
            raise BadInput(
                "the address holds a user name, password or query",
                field=f"{self.section}.url",
                fix=f"Put the key into an environment variable and name that variable as {self.section}.key.",
            )
        taken = {"model", "messages", "stream", "n"} & set(self.decoding)
        if taken:
            raise BadInput(f"decoding may not set {', '.join(sorted(taken))}", field=f"{self.section}.decoding")

    @property
    def address(self) -> str:
        """Where requests go."""
        url = self.url.rstrip("/")
        return url if url.endswith("/chat/completions") else f"{url}/chat/completions"

    def ask(self, messages: Sequence[Mapping[str, str]], stopped: threading.Event | None = None) -> Reply:
        """The answer to one conversation.

        Raises BadInput where the configuration is at fault (no key, wrong key, wrong address), RejectedError where
        the endpoint refuses this request for good, OutageError where it never answered or `stopped` was set
        between two tries.
        """
        body = json.dumps({**self.decoding, "model": self.model, "messages": list(messages)}).encode()
        key = self._key()
        stopped = stopped or threading.Event()
        jitter = np.random.Generator(np.random.Philox(key=key64("jitter/1", self.seed, body.decode())))
        trouble = ""
        for attempt in range(self.tries):
            try:
                return self._once(body, key)
            except _PassingError as passing:
                trouble = passing.trouble
                wait = min(self.longest_wait, self.first_wait * 2**attempt) * jitter.uniform(0.5, 1.0)
                if passing.retry_after is not None:
                    wait = min(self.longest_wait, passing.retry_after)
            if attempt + 1 < self.tries and stopped.wait(wait):
                break
        raise OutageError(f"the {self.who}'s endpoint gave no answer in {self.tries} tries; last: {trouble}")

    def _key(self) -> str:
        if self.key_name is None:
            return ""
        key = os.environ.get(self.key_name, "").strip()
        # A header cannot hold other characters, and http.client would print the whole key in its complaint.
        if not key or not (key.isascii() and key.isprintable()):
            raise BadInput(
                f"the environment variable {self.key_name} holds no usable key for the {self.who}'s endpoint",
                field=f"{self.section}.key",
                fix=f"export {self.key_name}=…, or remove {self.section}.key for a server that wants none.",
            )
        return key

    def _once(self, body: bytes, key: str) -> Reply:
        request = urllib.request.Request(self.address, body, {"Content-Type": "application/json"})
        if key:
            request.add_unredirected_header("Authorization", f"Bearer {key}")
        deadline = time.monotonic() + self.timeout
        try:
            with _opener().open(request, timeout=self.timeout) as response:
                answer = _read(response, deadline)
        except urllib.error.HTTPError as error:
            raise self._refusal(error, key) from None
        except (OSError, http.client.HTTPException) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise _PassingError(_without(f"{type(reason).__name__}: {reason}", key)) from None
        return _reply(answer, key)

    def _refusal(self, error: urllib.error.HTTPError, key: str) -> LeavenError:
        """The error to raise for an HTTP status."""
        with error:
            said = _message(error, key)
        trouble = f"HTTP {error.code}" + (f" ({said})" if said else "")
        if error.code in RETRIED:
            return _PassingError(trouble, _seconds(error.headers.get("Retry-After")))
        if error.code in CONFIGURATION:
            fix = f"Look at {self.section}.url, {self.section}.model and the key in {self.section}.key."
            return BadInput(f"the {self.who}'s endpoint answered {trouble}", field=self.section, fix=fix)
        return RejectedError(f"the {self.who}'s endpoint answered {trouble}")


class _PassingError(LeavenError):
    """Trouble that may pass: worth another try."""

    def __init__(self, trouble: str, retry_after: float | None = None) -> None:
        super().__init__(trouble)
        self.trouble, self.retry_after = trouble, retry_after


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_NoRedirect)


def _read(response: http.client.HTTPResponse, deadline: float) -> bytes:
    """The whole body, before the deadline: a socket's own timeout starts anew with every byte."""
    parts: list[bytes] = []
    size = 0
    while part := response.read1(1 << 16):
        parts.append(part)
        size += len(part)
        if time.monotonic() > deadline:
            raise TimeoutError("the answer did not end in time")
        if size > LARGEST_ANSWER:
            raise _PassingError(f"an answer above {LARGEST_ANSWER >> 20} MB")
    return b"".join(parts)


def _reply(answer: bytes, key: str) -> Reply:
    try:
        choice = json.loads(answer)["choices"][0]
        message = choice["message"]
        text, finish = message.get("content") or "", str(choice.get("finish_reason") or "")
        if not isinstance(text, str):
            raise TypeError("content is not text")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _PassingError(f"an answer that is no chat completion ({type(error).__name__})") from None
    # JSON can name half a surrogate pair, which no file can hold.
    text = _without(text, key).encode("utf-8", "replace").decode()
    return Reply(text, finish[:40], refused=bool(message.get("refusal")) or finish == "content_filter")


def _message(error: IO[bytes], key: str) -> str:
    """What the server says in the body of an error, on one line, at most 200 characters."""
    try:
        said = error.read(1 << 16).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return ""
    with contextlib.suppress(ValueError, LookupError, TypeError, RecursionError):
        said = json.loads(said)["error"]["message"]
    return " ".join(_without(str(said), key).split())[:200]


def _without(text: str, key: str) -> str:
    return text.replace(key, "[key]") if key else text


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After, which is seconds or a date (RFC 9110 §10.2.3); None where there is none that can be
    read."""
    if not retry_after:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None
