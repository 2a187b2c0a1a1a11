"""A client for chat endpoints: one answer, asked for with patience. Standard library only.

The key is read from the environment when a request is made and lives in that request's header only: it is
never logged, cached or put in a message, is struck out of whatever the server sends back, and is never sent
on to another host, because redirects are not followed.
"""

from __future__ import annotations

import json
import os
import re
import threading
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from leaven.ground import dialect as dialects
from leaven.ground.canonical import key64
from leaven.ground.dialect import Dialect, NoReply, Reply, Usage
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.pace import Pace, Stopped
from leaven.ground.secret import Secret
from leaven.ground.wire import LARGEST_ANSWER, Answer, Lost, post

__all__ = ["Chat", "OutageError", "RejectedError", "Reply", "Usage"]

RETRIED = frozenset({408, 409, 425, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""HTTP statuses that another try may cure (RFC 9110, RFC 6585; 499, 52x and 529 are what gateways and some
providers say when overloaded)."""

CONFIGURATION = frozenset({301, 302, 303, 307, 308, 401, 402, 403, 404, 405, 410, 498})
"""Statuses that every request will get until somebody changes the configuration or pays."""

LINE = 200


class OutageError(LeavenError):
    """The endpoint did not answer, however often it was asked, or the caller stopped asking.

    `perhaps_billed`: a request was lost after it may have arrived, or its answer was no chat completion.
    """

    def __init__(self, what: str, *, perhaps_billed: bool = False) -> None:
        super().__init__(what)
        self.perhaps_billed = perhaps_billed


class RejectedError(LeavenError):
    """The endpoint answered that it will not take this request. `perhaps_billed`: of a try before that."""

    def __init__(self, what: str, *, perhaps_billed: bool = False) -> None:
        super().__init__(what)
        self.perhaps_billed = perhaps_billed


@dataclass(frozen=True)
class Chat:
    """An endpoint and how to ask it.

    Args:
        url: of the API, with its version (`https://host/v1`), or of its chat itself.
        model: the model's name there.
        key_name: the environment variable that holds the key; None where the server wants none.
        decoding: sent with every request as it is.
        timeout: seconds for one whole answer, from the name look-up to its last byte.
        tries: requests made at most for one answer.
        first_wait, longest_wait: seconds; a wait lasts anything between nothing and a limit that doubles from
            the first to the longest (exponential backoff with full jitter).
        longest_rest: seconds at most of a server's Retry-After that are waited for, where that is longer.
        seed: of the jitter.
        who: whose endpoint it is, in messages.
        section: of the user's file that describes it, in messages.
        dialect: what the endpoint speaks.
        pace: of all who ask this endpoint; None for no limit.

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
    longest_rest: float = 600.0
    seed: int = 0
    who: str = "judge"
    section: str = "judge"
    dialect: Dialect = "openai"
    pace: Pace | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_address(self.url, f"{self.section}.url", self.section)
        taken = dialects.RESERVED & set(self.decoding)
        if taken:
            raise BadInput(f"decoding may not set {', '.join(sorted(taken))}", field=f"{self.section}.decoding")

    @property
    def address(self) -> str:
        """Where requests go."""
        return dialects.address(self.dialect, self.url)

    @property
    def host(self) -> str:
        """The host and port of the address."""
        parts = urllib.parse.urlsplit(self.address)
        name = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
        return f"{name}:{parts.port or (443 if parts.scheme == 'https' else 80)}"

    def ask(
        self,
        messages: Sequence[Mapping[str, str]],
        stopped: threading.Event | None = None,
        *,
        left: threading.Event | None = None,
        once: str = "",
        lost: Callable[[], bool] | None = None,
    ) -> Reply:
        """The answer to one conversation.

        Once `stopped` is set no further try is begun, and the one under way is left as soon as `left` is: at the same
        moment where that is not given.

        `once` names it for endpoints that understand an Idempotency-Key: what they have answered under a key they give
        again without billing it again. A try that was lost is repeated under the same key, here and by whoever asks
        again after a kill; a complete answer that is no reply ends its key, as it may have been stored. (Not a 409,
        which says that the request of this key is still under way, and not the first 429 or 425 of a key, which come
        before any work and say nothing of a try that was lost.)

        `lost` is called for every try that may have been billed without a reply to show for it, and says whether there
        may be another.

        Raises BadInput where the configuration is at fault (no key, wrong key, wrong address), RejectedError where
        the endpoint refuses this request for good, OutageError where it never answered or `stopped` was set.
        """
        if once and not re.fullmatch(r"[\x21-\x7e]{1,200}", once):
            raise ValueError("the name of a request is 1 to 200 printable ASCII characters without a space")
        stopped, key, tally = stopped or threading.Event(), self._key(), _Tally()
        left = left or stopped
        data = dialects.request(self.dialect, self.address, self.model, messages, self.decoding)
        body = json.dumps(data).encode()
        jitter = np.random.Generator(np.random.Philox(key=key64("jitter/2", self.seed, body.decode())))
        last = ""
        for attempt in range(self.tries):
            headers = {"Content-Type": "application/json"}
            if once:
                headers["Idempotency-Key"] = f"{once}-{tally.answers}"
            try:
                with self.pace.turn(stopped) if self.pace else nullcontext():
                    if stopped.is_set():
                        raise Stopped("stopped")
                    answer = post(self.address, body, headers, key, self.timeout, left)
            except Stopped:
                break
            before = tally.lost
            outcome = self._read(answer, key, tally)
            more = lost() if lost is not None and tally.lost > before else True
            if isinstance(outcome, Reply):
                return outcome
            last = outcome.what
            if not more:
                break
            wait = jitter.uniform(0.0, min(self.longest_wait, self.first_wait * 2**attempt))
            if outcome.retry_after is not None:
                # The jitter on top: all who were told the same do not come back at the same moment.
                wait += min(self.longest_rest, outcome.retry_after)
            if self.pace is not None and outcome.everybody:
                self.pace.rest(wait)
            elif attempt + 1 < self.tries:
                stopped.wait(wait)
        if stopped.is_set():
            raise OutageError("stopped", perhaps_billed=tally.perhaps_billed)
        what = f"the {self.who}'s endpoint at {self.host} gave no answer in {attempt + 1} tries; last: {last}"
        raise OutageError(what, perhaps_billed=tally.perhaps_billed)

    def _key(self) -> Secret:
        if self.key_name is None:
            return Secret("")
        key = Secret(os.environ.get(self.key_name, "").strip())
        # A header cannot hold other characters, and http.client would print the whole key in its complaint.
        if not key or not key.fits_a_header:
            raise BadInput(
                f"the environment variable {self.key_name} holds no usable key for the {self.who}'s endpoint",
                field=f"{self.section}.key",
                fix=f"export {self.key_name}=…, or remove {self.section}.key for a server that wants none.",
            )
        return key

    def _read(self, answer: Answer | Lost, key: Secret, tally: _Tally) -> Reply | _Trouble:
        """The reply in an answer, or the trouble that another try may cure. Raises BadInput and RejectedError."""
        if isinstance(answer, Lost):
            tally.lost += answer.sent
            return _Trouble(answer.trouble)
        if 200 <= answer.status < 300:
            found = self._reply(answer, key)
            if isinstance(found, Reply):
                return found
            # Somebody has written something. An answer without an announced length may have been cut: same key.
            tally.lost += 1
            tally.answers += answer.whole
            return _Trouble(f"an answer that is no chat completion ({found})")
        said = _message(answer.body, key)
        what = f"HTTP {answer.status}" + (f" ({said})" if said else "")
        if answer.status in RETRIED:
            tally.count(answer.status)
            return _Trouble(what, answer.retry_after, answer.status == 429 or answer.retry_after is not None)
        what = f"the {self.who}'s endpoint answered {what}"
        if answer.status in CONFIGURATION:
            fix = f"Look at {self.section}.url, {self.section}.model and the key in {self.section}.key."
            raise BadInput(what, field=self.section, fix=fix)
        raise RejectedError(what, perhaps_billed=tally.perhaps_billed)

    def _reply(self, answer: Answer, key: Secret) -> Reply | str:
        """The reply, or why there is none."""
        if answer.too_long:
            return f"above {LARGEST_ANSWER >> 20} MB"
        try:
            data = json.loads(answer.body)
            found = dialects.reply(self.dialect, data)
        except NoReply as none:
            said = dialects.said(data)
            return _line(f"{none}: {said}" if said else str(none), key)
        except (ValueError, RecursionError) as error:
            return type(error).__name__
        return replace(found, text=_clean(found.text, key), finish=_clean(found.finish, key)[:40])


@dataclass(frozen=True)
class _Trouble:
    """Trouble that may pass; `everybody` should leave the endpoint alone for a while."""

    what: str
    retry_after: float | None = None
    everybody: bool = False


@dataclass
class _Tally:
    """What the tries for one answer have come to. `answers`: complete ones that ended an idempotency key; `lost`: tries
    that may have been billed for nothing."""

    answers: int = 0
    early: bool = False
    lost: int = 0

    @property
    def perhaps_billed(self) -> bool:
        return self.lost > 0

    def count(self, status: int) -> None:
        """An answer with a status that is no success."""
        if status == 409 or (status in (425, 429) and not self.early):
            self.early |= status != 409
            return
        self.answers, self.early = self.answers + 1, False


def _check_address(url: str, where: str, section: str) -> None:
    try:
        parts = urllib.parse.urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise BadInput(f'"{url}" is not an http or https address', field=where)
    if parts.username or parts.password or parts.query or parts.fragment:
        # Not repeated in the message: what stands there is a secret.
        raise BadInput(
            "the address holds a user name, password or query",
            field=where,
            fix=f"Put the key into an environment variable and name that variable as {section}.key.",
        )


def _message(body: bytes, key: Secret) -> str:
    """What the server says in the body of an error."""
    text = body.decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):
        text = dialects.said(json.loads(text)) or text
    return _line(text, key)


def _clean(text: str, key: Secret) -> str:
    """What a model wrote. JSON can name half a surrogate pair, which no file can hold."""
    return key.struck_from_reply(text).encode("utf-8", "replace").decode()


def _line(text: str, key: Secret) -> str:
    """Text of a server's on one line."""
    return one_line(key.struck(text))


def one_line(text: str) -> str:
    """At most LINE characters of a text that nobody vouches for, on one line, in which nothing hides and nothing speaks
    to a terminal."""
    line = " ".join(text.split())
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line[: LINE + 1])
    return line if len(line) <= LINE else line[: LINE - 1] + "…"
