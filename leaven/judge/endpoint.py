"""An LLM as the judge, behind an OpenAI-compatible endpoint.

Each question is asked by the pair template and its reply kept in the cache; questions whose replies are there
already need no network. A reply without a readable verdict is asked for again, a few times; then the question
is an error. An endpoint that is down for several questions in a row stops the step: what was answered stays in
the cache, and the next run goes on from there.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

from leaven.ground.canonical import canonical
from leaven.ground.chat import Chat, OutageError, RejectedError, Reply
from leaven.ground.errors import LeavenError
from leaven.ground.progress import Progress, silent
from leaven.ground.replies import ReplyCache
from leaven.judge.question import Question, Verdict
from leaven.judge.template import TEMPLATE_ID, messages, parse

OUTAGES_IN_A_ROW = 3
"""Questions in a row without any answer, each after all its tries, before an endpoint counts as down."""


@dataclass(frozen=True)
class Endpoint:
    """A chat endpoint as a judge.

    Args:
        chat: where and how to ask.
        cache: the replies so far.
        revision: of the model there, where its name alone does not fix it.
        replies: asked for at most per question until one holds a verdict.
        at_once: requests under way at the same time; the results do not depend on it.
    """

    chat: Chat
    cache: ReplyCache
    revision: str = ""
    replies: int = 3
    at_once: int = 4
    scripted: bool = field(default=False, init=False)

    @property
    def name(self) -> str:
        return f"endpoint:{self.chat.model}" + (f"@{self.revision}" if self.revision else "")

    @property
    def what(self) -> str:
        return (
            f"the language model {self.chat.model}, asked in both orders which of two completions is better "
            f"(template {TEMPLATE_ID}); only agreement of the two orders wins"
        )

    @cached_property
    def _identity(self) -> dict[str, str]:
        return {"url": self.chat.address, "model": self.chat.model, "revision": self.revision}

    def key(self, question: Question) -> str:
        """The cache key: sha256 of judge, template, decoding parameters, prompt and both completions in
        order."""
        shaped_by = [self._identity, TEMPLATE_ID, dict(self.chat.decoding)]
        asked = [question.prompt, question.first, question.second]
        return hashlib.sha256(canonical([*shaped_by, *asked])).hexdigest()

    def compare(self, questions: Sequence[Question], progress: Progress = silent) -> list[Verdict]:
        """One verdict for each question.

        Raises BadInput where the configuration is at fault, LeavenError where the endpoint is down or the
        cache cannot be written.
        """
        health = _Health()
        verdicts: list[Verdict] = []
        with ThreadPoolExecutor(self.at_once) as pool:
            # Equal questions share one answer, as they share one cache key.
            futures: dict[Question, Future[Verdict]] = {}
            for question in questions:
                if question not in futures:
                    futures[question] = pool.submit(self._judge, question, health)
            try:
                for question in questions:
                    verdicts.append(futures[question].result())
                    progress(len(verdicts), len(questions), "questions answered by the judge")
            except BaseException:
                health.stopped.set()
                pool.shutdown(cancel_futures=True)
                raise
        return verdicts

    def _judge(self, question: Question, health: _Health) -> Verdict:
        key = self.key(question)
        replies = self.cache.replies(key)
        while not _decided(replies) and len(replies) < self.replies:
            try:
                reply = self.chat.ask(messages(question), health.stopped)
            except RejectedError:
                return Verdict("error", reason="rejected", replies=_texts(replies))
            except OutageError as outage:
                health.failed(outage)
                return Verdict("error", reason="outage", replies=_texts(replies))
            health.answered()
            self.cache.add(key, reply)
            replies.append(reply)
        choice = parse(replies[-1].text) if replies and not replies[-1].refused else None
        if choice is None:
            refused = any(reply.refused for reply in replies)
            return Verdict("error", reason="refusal" if refused else "no verdict", replies=_texts(replies))
        return Verdict(choice, replies=_texts(replies))


class _Health:
    """Whether the endpoint answers at all, over the threads that ask it."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._outages = 0

    def answered(self) -> None:
        with self._lock:
            self._outages = 0

    def failed(self, outage: OutageError) -> None:
        with self._lock:
            self._outages += 1
            down = self._outages >= OUTAGES_IN_A_ROW
        if down:
            raise LeavenError(f"{outage}\n  The answers so far are kept; run again to go on from there.")


def _decided(replies: Sequence[Reply]) -> bool:
    return bool(replies) and not replies[-1].refused and parse(replies[-1].text) is not None


def _texts(replies: Sequence[Reply]) -> tuple[str, ...]:
    return tuple(reply.text for reply in replies)
