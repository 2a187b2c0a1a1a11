"""Scores of larger models from those trained: L = E + A·N^−α over parameters N, on three sizes or more.

Given α the law is linear, so E ≥ 0 and A ≥ 0 are solved for and only α is searched (variable projection; the parabola
method is biased, METHODS.md §2.10.5). Its interval comes from redrawing every size's mean: seeds get random normal
weights and the sum is studentised, so a mean moves by its standard error times a t of S−1 degrees of freedom, because
three seeds resampled would seem far too sure (docs/notebook.md). Variants of one size get the same weights, so what the
pairing by seed takes out of an effect is taken out here too. With one seed a size and five sizes or more, residuals are
redrawn.

Scaling ladders do not choose recipes better than one good small size does (DataDecide, METHODS.md §1), so an
extrapolated score is shown as what it is: a line drawn on, with the interval that the noise alone gives it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leaven.analyze.bootstrap import Floats
from leaven.analyze.transfer.interaction import SIZES
from leaven.ground.canonical import key64

LEAST, MOST = 0.02, 2.0
"""Bounds of α. Losses of language models have about 0.05 … 0.6; at a bound the sizes do not say how the law bends."""
POINTS = 41
FREE = 5
"""Sizes from which on residuals say something where there is one seed each: two more than the law has parameters."""


@dataclass(frozen=True)
class Law:
    """L = `floor` + `scale`·(N / `unit`)^−`exponent`; `bounded`: the exponent lies at a bound."""

    floor: float
    scale: float
    exponent: float
    unit: float
    bounded: bool

    def at(self, parameters: float) -> float:
        return float(self.floor + self.scale * (parameters / self.unit) ** -self.exponent)


@dataclass(frozen=True)
class Extrapolated:
    """A law and what it says of `parameters`: the score, and its values [draws] under the noise of the scores."""

    law: Law
    parameters: float
    value: float
    draws: Floats


def refusal(parameters: Sequence[int], scores: Sequence[Floats], better: str) -> str:
    """Why no law is fitted, in words; "" where one can be."""
    sizes = len(set(parameters))
    if better != "lower":
        return "a power law with a floor describes losses, not scores that grow to a ceiling"
    if sizes < SIZES:
        return f"a law of three parameters needs at least {SIZES} sizes, there are {sizes}"
    if min(float(values.mean()) for values in scores) <= 0:
        return "a power law needs positive scores"
    if min(len(values) for values in scores) < 2 and sizes < FREE:
        return f"with a single seed at a size, fewer than {FREE} sizes leave nothing to take the noise from"
    return ""


def extrapolate(
    parameters: Sequence[int], scores: Sequence[Floats], target: float, draws: int, key: int
) -> Extrapolated:
    """Fit the law to per-seed scores [K][S] and say what it gives at `target` parameters.

    Equal keys move the seeds of equal sizes alike, so that variants extrapolated with one key can be compared draw by
    draw. Only where `refusal` is "".
    """
    n = np.asarray(parameters, dtype=np.float64)
    unit = math.exp(float(np.log(n).mean()))
    means = np.array([float(values.mean()) for values in scores])
    floor, scale, exponent = fit(n / unit, means[None, :])
    if min(len(values) for values in scores) > 1:
        drawn = np.stack([moved(v, draws, key64("size", key, int(k))) for k, v in zip(n, scores, strict=True)], axis=1)
    else:
        fitted = floor + scale * (n / unit) ** -exponent[0]
        wider = math.sqrt(len(n) / (len(n) - 3))  # three parameters took their share of the residuals
        generator = np.random.Generator(np.random.Philox(key=key))
        drawn = fitted + wider * (means - fitted)[generator.integers(0, len(n), size=(draws, len(n)))]
    floors, scales, exponents = fit(n / unit, drawn)
    law = Law(float(floor[0]), float(scale[0]), float(exponent[0]), unit, _bounded(float(exponent[0])))
    values: Floats = floors + scales * (target / unit) ** -exponents
    return Extrapolated(law, target, law.at(target), values)


def moved(values: Floats, draws: int, key: int) -> Floats:
    """Means [draws] of per-seed values [S] under their own noise: x̄ + se · t(S−1); equal weights for equal keys."""
    count = len(values)
    generator = np.random.Generator(np.random.Philox(key=key))
    shifts = generator.standard_normal((draws, count)) @ (values - values.mean()) / math.sqrt(count * (count - 1))
    shifted: Floats = values.mean() + shifts / np.sqrt(generator.chisquare(count - 1, draws) / (count - 1))
    return shifted


def fit(n: Floats, scores: Floats) -> tuple[Floats, Floats, Floats]:
    """Least squares E, A, α [D] of scores [D × K] at sizes n [K]: a grid of α, narrowed three times around its best."""
    low, high = np.full(len(scores), math.log(LEAST)), np.full(len(scores), math.log(MOST))
    for _ in range(4):
        grid = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, POINTS)
        floor, scale, error = _linear(n, scores, np.exp(grid))
        best = error.argmin(axis=1)
        rows = np.arange(len(scores))
        step = (high - low) / (POINTS - 1)
        middle = grid[rows, best]
        low = np.maximum(middle - step, math.log(LEAST))
        high = np.minimum(middle + step, math.log(MOST))
    return floor[rows, best], scale[rows, best], np.exp(middle)


def _linear(n: Floats, scores: Floats, exponents: Floats) -> tuple[Floats, Floats, Floats]:
    """E, A ≥ 0 and the squared error of each exponent [D × P]."""
    x = n[None, None, :] ** -exponents[:, :, None]
    y = scores[:, None, :]
    mean_x, mean_y = x.mean(axis=2), y.mean(axis=2)
    centred = x - mean_x[:, :, None]
    scale = np.maximum((centred * y).sum(axis=2) / (centred * centred).sum(axis=2), 0.0)
    floor = mean_y - scale * mean_x
    through = (x * y).sum(axis=2) / (x * x).sum(axis=2)
    below = floor < 0
    floor, scale = np.where(below, 0.0, floor), np.where(below, through, scale)
    error = np.square(y - floor[:, :, None] - scale[:, :, None] * x).sum(axis=2)
    return floor, scale, error


def _bounded(exponent: float) -> bool:
    return exponent <= LEAST * 1.001 or exponent >= MOST * 0.999
