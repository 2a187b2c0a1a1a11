"""Regression of a measure on the whole mixture, for swarms whose runs have shares of many sources (METHODS.md §8.2).

Features of a source are its share and the root of its share, so that each source has returns that diminish; ridge
keeps them finite where shares add up to one and many are zero. The penalty falls on every coefficient, the constant
too, which makes the definition exact and centring unnecessary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leaven.analyze.bootstrap import Floats

PENALTY = 1e-2
"""METHODS.md §8.2."""


@dataclass(frozen=True)
class Ridge:
    """Coefficients [1 + 2·sources] of (1, shares, √shares)."""

    coefficients: Floats

    def predict(self, shares: Floats) -> Floats:
        """Shares [N × sources] -> values [N]."""
        predicted: Floats = features(shares) @ self.coefficients
        return predicted


def features(shares: Floats) -> Floats:
    """(1, shares, √shares) of mixtures [N × sources] -> [N × (1 + 2·sources)]."""
    return np.concatenate([np.ones((len(shares), 1)), shares, np.sqrt(np.clip(shares, 0, None))], axis=1)


def ridge(shares: Floats, values: Floats, penalty: float = PENALTY, weights: Floats | None = None) -> Ridge:
    """Least squares of values [N] on `features`, plus penalty·|coefficients|²; `weights` [N] count runs repeatedly."""
    at = features(shares)
    counted = at if weights is None else at * weights[:, None]
    inner = counted.T @ at + penalty * np.eye(at.shape[1])
    coefficients = np.linalg.solve(inner, counted.T @ values)
    return Ridge(np.asarray(coefficients, np.float64))


def ridge_reference(shares: Floats, values: Floats, penalty: float = PENALTY) -> Ridge:
    """The same as plain least squares with one more row for each coefficient."""
    at = features(shares)
    size = at.shape[1]
    rows = np.concatenate([at, np.sqrt(penalty) * np.eye(size)])
    return Ridge(np.linalg.lstsq(rows, np.concatenate([values, np.zeros(size)]), rcond=None)[0])


def ranks_agree(predicted: Floats, measured: Floats) -> float:
    """Spearman's correlation, ties at their mean rank."""
    return float(np.corrcoef(_ranks(predicted), _ranks(measured))[0, 1])


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Floats = (last - (counts - 1) / 2)[inverse]
    return ranks
