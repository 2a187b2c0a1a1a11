"""Laws of a measure over the share of one kind of data, fitted by least squares to the means of the shares that ran.

Five shapes, each a plain function so that a fit of the data and of two thousand resampled data sets is one call:

* *exponential*: c + k·exp(t·share), the mixing law of one domain (METHODS.md §2.5). It only rises or only falls.
* *quadratic*: (1, share, share²).
* *root*: (1, share, √share), the law of METHODS.md §8.3: a steep start, as where the first bit of code counts most.
* *root of the rest*: (1, share, √(1 − share)): a steep end, as where the last bit of prose counts most.
* *monotone*: the best non-decreasing or non-increasing steps (pool adjacent violators), linear in between. That it wins
  is a finding: the best share lies at an edge.

Laws are chosen by leaving one inner share out at a time, refitting, and predicting it (`left_out`): the only criterion
that needs no count of parameters for the monotone law and none of the noise, which single runs do not tell.
Lower is better throughout this package; measures where higher is better come in with their sign turned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leaven.analyze.bootstrap import Floats

RATES = np.concatenate([-np.geomspace(64, 1 / 16, 81), np.geomspace(1 / 16, 64, 81)])
"""Rates t tried, per width of the sampled range: from hardly told from a straight line to a step at one end. Neighbours
differ by 9 %, which changes a fitted curve by less than 0.3 % of its height."""

Features = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Law:
    """`curves(shares [K], means [… × K], grid [G])` are the fitted curves [… × G]; `needs`: the fewest shares that
    leave something to fit; `features` of laws linear in their parameters."""

    name: str
    formula: str
    needs: int
    curves: Callable[[Floats, Floats, Floats], Floats]
    features: Features | None = None


def _linear(features: Features) -> Callable[[Floats, Floats, Floats], Floats]:
    def curves(shares: Floats, means: Floats, grid: Floats) -> Floats:
        fitted: Floats = means @ (features(grid) @ np.linalg.pinv(features(shares))).T
        return fitted

    return curves


def _exponential(shares: Floats, means: Floats, grid: Floats) -> Floats:
    """The best rate of RATES for each row of means, constant and height by least squares."""
    low, width = shares.min(), float(np.ptp(shares)) or 1.0
    flat = means.reshape(-1, means.shape[-1])
    errors = np.empty((len(flat), len(RATES)))
    makers = []
    for place, rate in enumerate(RATES):
        at, to = _decay(rate, (shares - low) / width), _decay(rate, (grid - low) / width)
        inverse = np.linalg.pinv(at)
        errors[:, place] = ((flat - flat @ (at @ inverse).T) ** 2).sum(axis=1)
        makers.append(to @ inverse)
    chosen = errors.argmin(axis=1)
    fitted = np.empty((len(flat), len(grid)))
    for place in np.unique(chosen):
        rows = chosen == place
        fitted[rows] = flat[rows] @ makers[place].T
    return fitted.reshape(*means.shape[:-1], len(grid))


def _decay(rate: float, at: Floats) -> Floats:
    """(1, exp(rate·at) scaled to run from 0 to 1 over the sampled range)."""
    return np.stack([np.ones_like(at), np.expm1(rate * at) / np.expm1(rate)], axis=-1)


def isotonic(means: Floats) -> Floats:
    """The closest non-decreasing values to each row [… × K], by the max–min formula of averages over neighbours."""
    count = means.shape[-1]
    sums = np.concatenate([np.zeros((*means.shape[:-1], 1)), np.cumsum(means, axis=-1)], axis=-1)
    fitted = np.empty_like(means)
    for k in range(count):
        ends = np.arange(k + 1, count + 1)
        starts = np.arange(k + 1)
        average = (sums[..., None, ends] - sums[..., starts, None]) / (ends[None, :] - starts[:, None])
        fitted[..., k] = average.min(axis=-1).max(axis=-1)
    return fitted


def _monotone(shares: Floats, means: Floats, grid: Floats) -> Floats:
    rising = isotonic(means)
    falling = -isotonic(-means)
    better = ((means - rising) ** 2).sum(axis=-1) <= ((means - falling) ** 2).sum(axis=-1)
    steps = np.where(better[..., None], rising, falling)
    after = np.clip(np.searchsorted(shares, grid, side="right"), 1, len(shares) - 1)
    weight = np.clip((grid - shares[after - 1]) / (shares[after] - shares[after - 1]), 0.0, 1.0)
    fitted: Floats = steps[..., after - 1] * (1 - weight) + steps[..., after] * weight
    return fitted


def _of(name: str, formula: str, bend: Features) -> Law:
    """A law of a line and one bend."""

    def features(x: Floats) -> Floats:
        return np.stack([np.ones_like(x), x, bend(x)], axis=-1)

    return Law(name, formula, 3, _linear(features), features)


LAWS = (
    Law("exponential", "c + k·exp(t·share)", 3, _exponential),
    _of("quadratic", "a + b·share + c·share²", lambda x: x * x),
    _of("root", "a + b·share + c·√share", lambda x: np.sqrt(np.clip(x, 0, None))),
    _of("root of the rest", "a + b·share + c·√(1 − share)", lambda x: np.sqrt(np.clip(1 - x, 0, None))),
    Law("monotone", "steps that only rise or only fall", 2, _monotone),
)
ONE_WAY = frozenset({"exponential", "monotone"})
"""Laws without a turning point: their best share is an edge."""


EQUAL = 1e-9
"""Points of a curve that differ by less, in heights of the curve, are equally low: rounding must not choose."""


def flat(means: Floats) -> bool:
    """Whether means differ by no more than rounding."""
    return bool(np.ptp(means) <= EQUAL * np.abs(means).max())


def lowest(grid: Floats, curves: Floats) -> Floats:
    """The share at which each curve [… × G] is lowest, between grid points by a parabola through three of them.

    Of equal lowest points the one on the lower side of the curve is taken, so steps that only fall end at the far edge.
    """
    turned = curves[..., -1] < curves[..., 0]
    last = len(grid) - 1
    floor, height = curves.min(axis=-1), np.ptp(curves, axis=-1)
    low = curves <= (floor + EQUAL * height)[..., None]
    place: NDArray[np.intp] = np.where(turned, last - low[..., ::-1].argmax(axis=-1), low.argmax(axis=-1))
    inner = np.clip(place, 1, last - 1)
    left, mid, right = (np.take_along_axis(curves, (inner + d)[..., None], -1)[..., 0] for d in (-1, 0, 1))
    bend = left - 2 * mid + right
    shift = np.where((place == inner) & (bend > 0), 0.5 * (left - right) / np.where(bend > 0, bend, 1.0), 0.0)
    found: Floats = grid[place] + np.clip(shift, -0.5, 0.5) * (grid[1] - grid[0])
    return found


def left_out(law: Law, shares: Floats, means: Floats) -> float:
    """Root mean square error of predicting each inner share from the law fitted to the others; infinite with too few.

    The two ends stay in: without one, the error is that of going beyond the shares that ran, which nobody asks for and
    which would drown all others.
    """
    if len(shares) < law.needs + 1:
        return float("inf")
    errors = []
    for k in range(1, len(shares) - 1):
        rest = np.arange(len(shares)) != k
        errors.append(means[k] - law.curves(shares[rest], means[rest], shares[k : k + 1])[0])
    return float(np.sqrt(np.mean(np.square(errors))))


def explained(law: Law, shares: Floats, means: Floats) -> float:
    """R²: the part of the variance between shares that the law holds; 1 where the means do not vary."""
    around = float(((means - means.mean()) ** 2).sum())
    left = float(((means - law.curves(shares, means, shares)) ** 2).sum())
    return 1.0 - left / around if around > 0 else 1.0
