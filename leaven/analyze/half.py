"""The tie-half win rate: what share of prompts an arm wins when a tie counts half, and its standard error.

A prompt's points are 1 for a win, ½ for a tie, 0 for a loss, or anything between where a judge says how sure it is; the
rate is their mean and its standard error their spread over √n (ddof 1), the prompt being the unit (EVALUATION.md §8).
`leaven validate` recomputes published win rates with these functions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leaven.analyze.bootstrap import Floats


@dataclass(frozen=True)
class Half:
    """`rate` and standard error `se` in %, over `n` prompts; `se` is NaN of one prompt, both of none."""

    rate: float
    se: float
    n: int


def half(points: Floats) -> Half:
    """The rate of points [P] in 0…1, one a prompt."""
    n = len(points)
    rate = 100 * float(points.mean()) if n else float("nan")
    se = 100 * float(points.std(ddof=1)) / float(np.sqrt(n)) if n > 1 else float("nan")
    return Half(rate, se, n)


def points(outcomes: Floats) -> Floats:
    """Points [≤ P] of votes [seed × prompt] of +1, −1, 0, NaN: the mean over seeds of each prompt with any vote."""
    judged = outcomes[:, ~np.isnan(outcomes).all(axis=0)]
    share: Floats = (1 + np.nanmean(judged, axis=0)) / 2
    return share


def points_of(wins: int, losses: int, ties: int) -> Floats:
    """The points of prompts of which only the counts are known."""
    return np.repeat([1.0, 0.0, 0.5], [wins, losses, ties])
