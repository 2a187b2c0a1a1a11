"""Is a proxy as right as its own noise lets it think? Predicted against observed shares of right decisions.

Two variants whose paired per-seed difference is d ± se at the proxy are ordered rightly with probability T(|d|/se), T
of S−1 degrees of freedom, if noise between seeds were all that stands between the sizes. Where fewer decisions hold at
the target, the rest is what size itself changes (METHODS.md §2.4: report calibration).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import special

from leaven.analyze.bootstrap import Floats

EDGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
"""Bins of the predicted probability; the last holds 1."""


@dataclass(frozen=True)
class Decisions:
    """Decisions [P]: the probability `predicted` of each being right, ½…1, and whether it was `right`: 1, ½ or 0."""

    predicted: Floats
    right: Floats


def decisions(proxy: Sequence[Floats], target: Floats) -> Decisions:
    """All pairs of variants with per-seed scores `proxy` [V][S] and mean scores `target` [V]; target ties left out.

    Pairs without at least two seeds on both sides, equally many, predict nothing and are left out.
    """
    predicted, right = [], []
    for i, first in enumerate(proxy):
        for j in range(i + 1, len(proxy)):
            there = float(target[i] - target[j])
            if len(first) != len(proxy[j]) or len(first) < 2 or there == 0:
                continue
            apart = first - proxy[j]
            predicted.append(sure(float(apart.mean()), float(apart.std(ddof=1)) / math.sqrt(len(apart)), len(apart)))
            right.append((1 + float(np.sign(apart.mean()) * np.sign(there))) / 2)
    return Decisions(np.array(predicted), np.array(right))


def sure(difference: float, se: float, seeds: int) -> float:
    """Probability that the sign of a mean difference is right: ½ for none, 1 without noise."""
    if difference == 0:
        return 0.5
    return 1.0 if se == 0 else float(special.stdtr(seeds - 1, abs(difference) / se))


def together(parts: Sequence[Decisions]) -> Decisions:
    return Decisions(np.concatenate([p.predicted for p in parts]), np.concatenate([p.right for p in parts]))


def table(found: Decisions) -> dict[str, object]:
    """{pairs, predicted, observed, brier, bins: [{low, high, pairs, predicted, observed}]}; shares None of no pair.

    `brier` is the mean squared error of the predictions (G. W. Brier, Monthly Weather Review 78, 1950): ¼ for a coin.
    """
    count = len(found.right)
    bins = []
    for low, high in pairwise(EDGES):
        inside = (found.predicted >= low) & ((found.predicted < high) | (high == EDGES[-1]))
        if inside.any():
            bins.append(
                {
                    "low": low,
                    "high": high,
                    "pairs": int(inside.sum()),
                    "predicted": float(found.predicted[inside].mean()),
                    "observed": float(found.right[inside].mean()),
                }
            )
    return {
        "pairs": count,
        "predicted": float(found.predicted.mean()) if count else None,
        "observed": float(found.right.mean()) if count else None,
        "brier": float(np.square(found.predicted - found.right).mean()) if count else None,
        "bins": bins,
    }
