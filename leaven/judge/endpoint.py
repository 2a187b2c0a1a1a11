"""An LLM as the judge, behind a chat endpoint.

Each question is asked by a template and its replies are kept in the cache; questions whose replies are there already
need no network, and cost nothing again. A reply without a readable verdict is asked for again, a few times; then the
question is an error. A question that the endpoint did not answer is an error too, which is not kept: a later run
mends it. An endpoint that is down for several questions in a row stops the step, and so do a budget that is used up and
a judge that decides none of the first questions: what was answered stays in the cache, and the next run goes on from
there.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from leaven.ground.canonical import canonical
from leaven.ground.chat import Chat, OutageError, RejectedError, Reply, Usage
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.progress import Progress, silent
from leaven.ground.replies import ReplyCache
from leaven.judge.hopeless import Trial, first_asked, given_up, is_hopeless
from leaven.judge.question import Question, Verdict
from leaven.judge.spending import WRITTEN, Price, Spending, read_by_judge
from leaven.judge.template import Template
from leaven.judge.workers import work_through

OUTAGES_IN_A_ROW = 3
"""Questions in a row without any answer, each after all its tries, before an endpoint counts as down."""

UNANSWERED = ("outage", "rejected")
"""Reasons of questions to which there is no reply at all."""


@dataclass(frozen=True)
class Endpoint:
    """A chat endpoint as a judge.

    Args:
        chat: where and how to ask.
        cache: the replies so far, and the journal of what was asked.
        template: how a question is put and its answer read.
        revision: of the model there, where its name alone does not fix it. A revision names the model wherever it is
            served: its replies are then good for every address.
        replies: asked for at most per question until one holds a verdict.
        at_once: questions under way at the same time; the results do not depend on it.
        price, budget, most_calls, scope: see Spending; None: no such cap.
        offline: nothing is asked; every answer has to be in the cache.

    Raises BadInput for a budget without a price.
    """

    chat: Chat
    cache: ReplyCache
    template: Template
    revision: str = ""
    replies: int = 3
    at_once: int = 4
    price: Price | None = None
    budget: float | None = None
    most_calls: int | None = None
    scope: str = ""
    offline: bool = False
    scripted: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if self.budget is not None and self.price is None:
            raise BadInput(
                "a budget in USD needs the prices of the endpoint",
                field=f"{self.chat.section}.budget",
                fix=f"Add {self.chat.section}.price: {{input: …, output: …}}, in USD for a million tokens, or cap the "
                f"number of calls instead: {self.chat.section}.most_calls.",
            )

    @property
    def name(self) -> str:
        return f"endpoint:{self.chat.model}" + (f"@{self.revision}" if self.revision else "")

    @property
    def what(self) -> str:
        ties = " or its own verdict of a tie in either" if self.template.tie is not None else ""
        return (
            f"the language model {self.chat.model}, asked in both orders which of two completions is better "
            f"(template {self.template.id}); only agreement of the two orders wins, and a tie is their "
            f"disagreement{ties}"
        )

    @cached_property
    def _identity(self) -> dict[str, str]:
        identity = {"model": self.chat.model, "revision": self.revision}
        if not self.revision:
            identity["url"] = self.chat.address
        if self.chat.dialect != "openai":
            identity["dialect"] = self.chat.dialect
        return identity

    def key(self, question: Question) -> str:
        """The cache key: sha256 of judge, template, decoding parameters, prompt and both completions in
        order."""
        shaped_by = [self._identity, self.template.id, dict(self.chat.decoding)]
        asked = [question.prompt, question.first, question.second]
        return hashlib.sha256(canonical([*shaped_by, *asked])).hexdigest()

    def missing(self, questions: Sequence[Question]) -> list[Question]:
        """The questions, equal ones once, that the cache does not answer."""
        distinct = {self.key(question): question for question in questions}
        return [question for key, question in distinct.items() if self._cached(key) is None]

    def compare(self, questions: Sequence[Question], progress: Progress = silent) -> list[Verdict]:
        """One verdict for each question; equal questions share one, as they share one cache key.

        Ctrl-C begins nothing new, and is raised when what is under way has been answered and kept.

        Raises BadInput where the configuration is at fault, BudgetError where the budget is used up, LeavenError where
        the endpoint is down, the cache cannot be written, something is missing offline, or not one of the first
        HOPELESS questions has a verdict.
        """
        keys = [self.key(question) for question in questions]
        times = Counter(keys)
        verdicts = {key: verdict for key in times if (verdict := self._cached(key)) is not None}
        asked = {key: question for key, question in zip(keys, questions, strict=True) if key not in verdicts}
        done = sum(times[key] for key in verdicts)
        if not asked or done:
            progress(done, len(questions), "questions answered by the judge")
        if is_hopeless(first := first_asked(times, verdicts), verdicts):
            raise self._given_up(first, verdicts)
        if asked and self.offline:
            raise LeavenError(
                f"{len(asked)} of {len(times)} questions are not among the kept replies of {self.name}, "
                "and nothing is asked offline"
            )
        if asked:
            round = _Round(self, asked, Trial(times, verdicts))
            began, failed = time.monotonic(), 0

            def ended(item: tuple[str, Question], verdict: Verdict | None) -> None:
                nonlocal done, failed
                if verdict is None:
                    return
                key, count = item[0], times[item[0]]
                verdicts[key] = verdict
                unanswered = verdict.reason in UNANSWERED
                failed, done = failed + count * unanswered, done + count * (not unanswered)
                left = len(times) - len(verdicts)
                pace = (time.monotonic() - began) / (len(asked) - left)
                progress(done, len(questions), _note(failed, round.spending.told(), pace * left if done else 0.0))

            work_through(list(asked.items()), round.ask, self.at_once, round.stopped, round.left, ended)
            if is_hopeless(first := first_asked(times, verdicts), verdicts):
                raise self._given_up(first, verdicts, round.rejection)
            # What nobody answered is asked once more, after all others: much trouble passes.
            again = {key: asked[key] for key in asked if key in verdicts and verdicts[key].reason == "outage"}
            if again and not round.used_up.is_set():
                failed, round.patient = failed - sum(times[key] for key in again), True
                for key in again:
                    del verdicts[key]
                work_through(list(again.items()), round.ask_again, self.at_once, round.stopped, round.left, ended)
            if round.used_up.is_set():
                left = [_given(self, question) for key, question in asked.items() if key not in verdicts]
                raise round.spending.refusal(left)
            for key in asked:
                if verdicts[key].reason in UNANSWERED:
                    self.cache.gave_up(key, verdicts[key].reason)
        return [verdicts[key] for key in keys]

    def _given_up(self, first: Sequence[str], verdicts: Mapping[str, Verdict], told: str = "") -> LeavenError:
        reasons = [verdicts[key].reason for key in first]
        replies = [reply for key in first for reply in self.cache.replies(key)]
        spent = Spending(self.cache, self.scope, self.price, None, None, Usage(0, 0)).so_far()
        return given_up(self.name, self.template, self.chat.section, reasons, replies, told, spent)

    def _cached(self, key: str) -> Verdict | None:
        """The verdict that the kept replies hold, or the error where as many as are asked for hold none. Offline also
        the error of a question that was given up: asked again, it may be mended."""
        replies = self.cache.replies(key)[: self.replies]
        for count, reply in enumerate(replies, 1):
            choice = None if reply.refused else self.template.parse(reply.text)
            if choice is not None:
                # The first that decides, in the order of the file: another process may have asked the same meanwhile.
                return Verdict(choice, replies=_texts(replies[:count]))
        if len(replies) < self.replies:
            reason = self.cache.given_up(key) if self.offline else ""
            return Verdict("error", reason=reason, replies=_texts(replies)) if reason else None
        refused = any(reply.refused for reply in replies)
        return Verdict("error", reason="refusal" if refused else "no verdict", replies=_texts(replies))


class _Round:
    """What the threads that ask one endpoint share."""

    def __init__(self, judge: Endpoint, asked: Mapping[str, Question], trial: Trial) -> None:
        self.judge, self.trial = judge, trial
        self.stopped, self.left, self.used_up = threading.Event(), threading.Event(), threading.Event()
        usual = Usage(sum(_given(judge, question) for question in asked.values()) // len(asked), WRITTEN)
        self.spending = Spending(judge.cache, judge.scope, judge.price, judge.budget, judge.most_calls, usual)
        self.rejection, self.patient = "", False
        self._lock = threading.Lock()
        self.outages = 0

    def ask(self, item: tuple[str, Question]) -> Verdict | None:
        """The verdict on one question; None where no more is asked: everything stops, the judge was given up, or the
        budget holds no more, for this question or an earlier one.

        What is under way by then ends: it is paid for.
        """
        if not self.trial.wait(item[0], self._no_more):
            return None
        verdict = self._ask(*item)
        if verdict is not None:
            self.trial.ended(item[0], verdict)
        return verdict

    def ask_again(self, item: tuple[str, Question]) -> Verdict | None:
        """The verdict on a question that nobody answered; whether the judge is of use was seen from the others. Several
        in a row without an answer say nothing now: these are the ones that had none."""
        return self._ask(*item)

    def _no_more(self) -> bool:
        return self.stopped.is_set() or self.used_up.is_set()

    def _ask(self, key: str, question: Question) -> Verdict | None:
        judge = self.judge
        messages = judge.template.messages(question)
        given = read_by_judge(messages)
        while (verdict := judge._cached(key)) is None:
            if self._no_more():
                return None
            if not self.spending.announce(key, given):
                self.used_up.set()
                return None
            replies = judge.cache.replies(key)
            refused: list[bool] = []

            def lost(refused: list[bool] = refused) -> bool:
                refused.append(not self.spending.lost(key, given))
                return not refused[-1]

            try:
                once = _once(key, len(replies))
                reply = judge.chat.ask(messages, self.stopped, left=self.left, once=once, lost=lost)
            except (OutageError, RejectedError) as trouble:
                self.spending.failed(key)  # tries that were lost stay in the journal
                if any(refused):
                    self.used_up.set()
                    return None
                if isinstance(trouble, OutageError):
                    self._failed(trouble)
                    return Verdict("error", reason="outage", replies=_texts(replies))
                self.rejection = str(trouble)
                return Verdict("error", reason="rejected", replies=_texts(replies))
            except BadInput:
                self.spending.failed(key)
                raise
            with self._lock:
                self.outages = 0
            self.spending.answered(key, reply, given)
        return verdict

    def _failed(self, outage: OutageError) -> None:
        with self._lock:
            self.outages += 1
            down = self.outages >= OUTAGES_IN_A_ROW
        if down and not self.patient and not self.stopped.is_set():
            raise LeavenError(
                f"{outage}\n  Look at {self.judge.chat.section}.url: is a server running there, and can it be reached "
                "from here?\n  The answers so far are kept; run again to go on from there."
            )


def _once(key: str, attempt: int) -> str:
    """Names one attempt of one question, whoever makes it and whenever."""
    return hashlib.sha256(canonical([key, attempt])).hexdigest()[:32]


def _given(judge: Endpoint, question: Question) -> int:
    return read_by_judge(judge.template.messages(question))


def _texts(replies: Sequence[Reply]) -> tuple[str, ...]:
    return tuple(reply.text for reply in replies)


def _note(failed: int, spent: str, seconds: float) -> str:
    """`questions answered by the judge · 3 without an answer · 0.42 USD · 3:10 left`."""
    parts: list[Any] = ["questions answered by the judge", f"{failed} without an answer" if failed else "", spent]
    if seconds > 0:
        minutes, rest = divmod(round(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        parts.append((f"{hours}:{minutes:02}" if hours else f"{minutes}") + f":{rest:02} left")
    return " · ".join(part for part in parts if part)
