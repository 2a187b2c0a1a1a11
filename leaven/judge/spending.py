"""What a judge costs: prices, and caps that hold over threads, processes and kills.

What was spent stands in the journal of the replies, under a scope (one study, one tournament). A request is announced
there before it is made, and stays announced until its answer, or a failure that costs nothing, is there too. So the
sum over the scope holds what other threads and processes are asking at this moment, and what a kill or a lost
connection left unanswered, which may have been billed and counts as if it was.

Where an endpoint does not say how many tokens it read and wrote, four characters count as a token, and that estimate
stands beside the reply in the journal: whoever adds up later comes to the same sum. What a model thought without
showing it is not in such an estimate. Where an answer never came, a call counts as much as the average one of the
scope.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from leaven.ground.chat import Reply, Usage
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.replies import ReplyCache, Spent

CHARACTERS_PER_TOKEN = 4
"""Of English text in the tokenizers of today; only for estimates."""

WRITTEN = 120
"""Tokens that a judge writes in answer to a pair: a comparison of two or three sentences and the verdict."""


class BudgetError(LeavenError):
    """The budget does not hold another request. The answers so far are kept."""


@dataclass(frozen=True)
class Price:
    """USD for a million tokens that the endpoint reads (`input`) and writes (`output`). Raises BadInput for less than
    nothing."""

    input: float
    output: float

    def __post_init__(self) -> None:
        for name, usd in (("input", self.input), ("output", self.output)):
            if not (math.isfinite(usd) and usd >= 0):
                raise BadInput(f"{usd:g} USD is no price of a million tokens", field=f"price.{name}")


def cost(usage: Usage, price: Price) -> float:
    """USD."""
    return (usage.given * price.input + usage.written * price.output) / 1e6


def usd_of(spent: Spent, price: Price | None, usual: Usage | None = None) -> float | None:
    """What a scope has cost, in USD; None without a price. `usual`: a call that was never answered, where none was
    answered."""
    return None if price is None else _usd(spent, price, usual or Usage(0, 0))


def read_by_judge(messages: Iterable[Mapping[str, str]]) -> int:
    """About as many tokens as the messages hold."""
    return _tokens(sum(len(message["content"]) for message in messages))


def dollars(usd: float) -> str:
    """`1.18 USD`; with four decimals below ten cents."""
    return f"{usd:.2f} USD" if usd >= 0.1 or usd == 0 else f"{usd:.4f} USD"


@dataclass
class Spending:
    """What the requests of a scope cost so far, and whether another one fits.

    Args:
        cache: holds the journal that every process of the scope appends to.
        scope: what the caps are for.
        price: None: nothing is counted in USD.
        budget: USD, at most, over the scope.
        most_calls: requests, at most, over the scope.
        usual: of a call that is not answered, before any was.
    """

    cache: ReplyCache
    scope: str
    price: Price | None
    budget: float | None
    most_calls: int | None
    usual: Usage
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _under_way: int = 0

    def announce(self, key: str, given: int) -> bool:
        """Enter a request that gives the endpoint so many tokens, unless what was spent, what is under way and this
        request do not fit the caps together."""
        with self._lock:
            self._under_way += 1
            # Entered first and counted then: of two processes that do so at once each sees the other's.
            self.cache.asking(key, self.scope)
            fits = self._fits(given)
        if not fits:
            self.failed(key)
        return fits

    def answered(self, key: str, reply: Reply, given: int) -> None:
        """The announced request, of about so many tokens, was answered."""
        self.cache.add(key, reply, self.scope, Usage(given, _tokens(len(reply.text))))
        self._ended()

    def failed(self, key: str) -> None:
        """The announced request was not made, or ended without being billed."""
        self.cache.failed(key, self.scope)
        self._ended()

    def _ended(self) -> None:
        with self._lock:
            self._under_way -= 1

    def lost(self, key: str, given: int) -> bool:
        """A try for the announced request was lost, perhaps billed: it stays in the journal. Whether another fits."""
        with self._lock:
            self.cache.asking(key, self.scope)
            return self._fits(given)

    def _fits(self, given: int) -> bool:
        if self.budget is None and self.most_calls is None:
            return True
        spent = self.cache.spent(self.scope)
        if self.most_calls is not None and spent.replies + spent.unanswered > self.most_calls:
            return False
        if self.budget is None or self.price is None:
            return True
        # This request is among the unanswered: there as a usual one, here as what it is.
        usual = _usual(spent, self.usual)
        this = cost(Usage(given, usual.written), self.price)
        return _usd(spent, self.price, self.usual) - cost(usual, self.price) + this <= self.budget + 1e-9

    def told(self) -> str:
        """`0.42 USD`, with `about` where a part of it is an estimate; nothing without a price. What this process has
        under way is not in it."""
        if self.price is None:
            return ""
        spent = self.cache.spent(self.scope)
        spent = replace(spent, unanswered=max(0, spent.unanswered - self._under_way))
        return ("about " if spent.unknown or spent.unanswered else "") + dollars(_usd(spent, self.price, self.usual))

    def so_far(self) -> str:
        """`0.42 USD in 160 calls`; nothing where there was none. What this process has under way is in it."""
        spent = self.cache.spent(self.scope)
        calls = spent.replies + spent.unanswered
        words = "1 call" if calls == 1 else f"{calls} calls"
        if calls == 0 or self.price is None:
            return words if calls else ""
        return f"{self.told()} in {words}"

    def refusal(self, left: Sequence[int]) -> BudgetError:
        """What to tell when the caps hold no more. `left`: tokens given with each question that is still open."""
        spent = self.cache.spent(self.scope)
        calls = spent.replies + spent.unanswered
        caps, advice = [], []
        if self.most_calls is not None:
            caps.append(f"{self.most_calls} calls")
            advice.append(f"most_calls to {calls + len(left)}")
        so_far = f"{calls} calls"
        to_do = "1 question is left" if len(left) == 1 else f"{len(left)} questions are left"
        if self.price is not None:
            written = _usual(spent, self.usual).written
            usd = _usd(spent, self.price, self.usual)
            more = sum(cost(Usage(given, written), self.price) for given in left)
            so_far, to_do = f"{dollars(usd)} in {so_far}", f"{to_do}, for about {dollars(more)}"
            if self.budget is not None:
                caps.append(dollars(self.budget))
                # A tenth more, since replies without a verdict are asked for again.
                advice.append(f"budget to {dollars(max(self.budget, usd + 1.1 * more))}")
        guessed = [
            f"{count} {why}"
            for count, why in (
                (spent.unknown, "of them without a count of their tokens, which is estimated"),
                (spent.unanswered, "of them never answered but perhaps billed, so that they count"),
            )
            if count
        ]
        return BudgetError(
            f"the judge's budget of {' and '.join(caps)} is used up: {', '.join([so_far, *guessed])}; {to_do}\n"
            f"  The answers so far are kept. Raise {' and '.join(advice)} and run again to go on from there."
        )


def _tokens(characters: int) -> int:
    return math.ceil(characters / CHARACTERS_PER_TOKEN)


def _usual(spent: Spent, otherwise: Usage) -> Usage:
    answers = spent.replies
    return Usage(round(spent.given / answers), round(spent.written / answers)) if answers else otherwise


def _usd(spent: Spent, price: Price, otherwise: Usage) -> float:
    answered = cost(Usage(spent.given, spent.written), price)
    return answered + spent.unanswered * cost(_usual(spent, otherwise), price)
