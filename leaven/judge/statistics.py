"""What votes add up to. Intervals over prompts and corrections over comparisons are the analysis's
business."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from leaven.judge.protocol import Vote


@dataclass(frozen=True)
class Counts:
    """Prompts by outcome, and the flips among the ties."""

    wins: int
    losses: int
    ties: int
    errors: int
    flips: int

    @property
    def judged(self) -> int:
        """Prompts with an outcome: errors are excluded."""
        return self.wins + self.losses + self.ties


def count(votes: Sequence[Vote]) -> Counts:
    by = Counter(vote.outcome for vote in votes)
    return Counts(by["win"], by["lose"], by["tie"], by["error"], sum(vote.flipped for vote in votes))


def net_win(counts: Counts) -> float | None:
    """Wins − losses in percentage points of the prompts judged (the paper's 6.6 %); None where none was
    judged."""
    return 100 * (counts.wins - counts.losses) / counts.judged if counts.judged else None


def sign_test(wins: int, losses: int) -> float:
    """Exact two-sided p of a fair coin for `wins` against `losses`; ties do not enter. One where nothing was
    decided.

    p = min(1, 2 · P(X ≤ min(wins, losses))), X ~ Binomial(wins + losses, 1/2).
    """
    n, few = wins + losses, min(wins, losses)
    below = sum(math.comb(n, k) for k in range(few + 1))
    return float(min(Fraction(1), Fraction(2 * below, 2**n)))


def flip_rate(votes: Sequence[Vote]) -> float | None:
    """Of the prompts that the judge decided in both orders, the share decided for different sides."""
    decided = [vote for vote in votes if vote.decided]
    return sum(v.flipped for v in decided) / len(decided) if decided else None


def first_position_rate(votes: Sequence[Vote]) -> float | None:
    """Of the judge's decided answers, the share for whichever completion came first: half without position
    bias.

    Only prompts decided in both orders count, so that the better side is first as often as it is second.
    """
    decided = [vote for vote in votes if vote.decided]
    first = sum((v.first_order == "a") + (v.second_order == "b") for v in decided)
    return first / (2 * len(decided)) if decided else None
