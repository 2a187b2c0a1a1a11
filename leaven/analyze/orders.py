"""How far the two orders of the same pair agree: what a judge decides by position it does not decide by quality.

Only prompts that were put before the judge count, and only where both orders were answered. All figures speak about the
judge, so seeds are pooled and prompts are the sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leaven.analyze.bootstrap import Floats, picks, widening
from leaven.analyze.clustered import Interval, pooled_share
from leaven.analyze.votes import Votes

ANSWERS = (1.0, -1.0, 0.0)
"""a, b, tie."""


@dataclass(frozen=True)
class Orders:
    """Attributes:
    decided: votes in which each order chose a side.
    answered: votes in which each order was answered, ties among them: what kappa rests on.
    flip: share of the decided ones whose orders chose different sides.
    first: share of their answers that chose whichever completion stood first; 1/2 without position bias, since a
        better side stands first as often as second.
    kappa: agreement of the orders over {a, b, tie} beyond what their answers' frequencies would give by chance.
    error_rate: share of the votes the judge was asked for that hold no answer (unreadable verdict, refusal, outage).
    """

    decided: int
    answered: int
    flip: Interval | None
    first: Interval | None
    kappa: Interval | None
    error_rate: float | None

    @property
    def flip_rate(self) -> float | None:
        return None if self.flip is None else self.flip.value


def orders(votes: Votes, draws: int, key: int) -> Orders:
    """None for each figure that these votes cannot give."""
    asked = int(votes.asked.sum())
    error_rate = float((np.isnan(votes.outcomes) & votes.asked).sum() / asked) if asked else None
    if votes.first is None or votes.second is None:
        return Orders(0, 0, None, None, None, error_rate)
    first, second = (np.where(votes.asked, side, np.nan) for side in (votes.first, votes.second))
    decided = np.abs(first * second) == 1
    flipped = (decided & (first != second)).astype(np.float64)
    for_first = ((first == 1).astype(np.float64) + (second == -1)) * decided
    return Orders(
        int(decided.sum()),
        int((~np.isnan(first + second)).sum()),
        pooled_share(flipped, decided.astype(np.float64), draws, key),
        pooled_share(for_first, 2.0 * decided, draws, key),
        _agreement(first, second, draws, key),
        error_rate,
    )


def _agreement(first: Floats, second: Floats, draws: int, key: int) -> Interval | None:
    """Cohen's kappa of two answers [S × P] with whole prompts resampled; None where all answers are alike or absent."""
    cells = np.stack([((first == a) & (second == b)).sum(axis=0) for a in ANSWERS for b in ANSWERS], axis=1)
    cells = cells[cells.sum(axis=1) > 0].astype(np.float64)
    if not len(cells):
        return None
    value = float(kappa(cells.sum(axis=0).reshape(3, 3)))
    if np.isnan(value):
        return None
    tables = []
    for chunk in picks(len(cells), draws, key):
        tables.append(cells[chunk].sum(axis=1).reshape(-1, 3, 3))
    drawn = kappa(np.concatenate(tables))
    moved = widening(len(cells)) * (drawn[~np.isnan(drawn)] - value)
    low, high = (float(np.quantile(moved, p)) if len(moved) else 0.0 for p in (0.025, 0.975))
    return Interval(value, max(value + low, -1.0), min(value + high, 1.0))


def kappa(tables: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cohen's kappa (Educational and Psychological Measurement 20, 1960) of counts [… × 3 × 3]: (pₒ − pₑ) / (1 − pₑ).

    NaN where only one answer was ever given, so that chance alone agrees always.
    """
    total = tables.sum(axis=(-2, -1))
    agreed = np.trace(tables, axis1=-2, axis2=-1) / total
    chance = (tables.sum(axis=-1) * tables.sum(axis=-2)).sum(axis=-1) / total**2
    room = 1 - chance
    found: NDArray[np.float64] = np.where(room > 1e-12, (agreed - chance) / np.where(room > 1e-12, room, 1.0), np.nan)
    return found
