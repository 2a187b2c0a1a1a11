"""Any smooth curve: what the interval of the best share rests on, since nobody knows the true law.

A fitted law with few parameters names its lowest point far more exactly than the data do: choosing one of three laws
and keeping to it covers down to 0 % of true optima where the law is a little wrong (docs/notebook.md). So the curve is
a straight line plus a smooth departure, a Gaussian process (kriging), whose stiffness and height are averaged by how
well they explain the means (restricted likelihood). It is smooth in the share, in √share or in √(1 − share), so that
steep starts and ends are possible; these three are the laws of `laws.py` with their exact form left open.

Draws of the curve are conditioned path by path: prior path, noise drawn from `noise.measured` (so with t tails, jointly
over shares), and the correction that makes it meet the data. Where seeds do not tell the noise it is averaged over too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from leaven.analyze.bootstrap import Floats
from leaven.analyze.optimum.noise import Means
from leaven.ground.canonical import key64

WARPS: tuple[Callable[[Floats], Floats], ...] = (
    lambda x: x,
    lambda x: np.sqrt(np.clip(x, 0, None)),
    lambda x: 1 - np.sqrt(np.clip(1 - x, 0, None)),
)
LENGTHS = (0.35, 0.7, 1.4)
"""Distance over which the departure from a line stays alike, in sampled ranges."""
HEIGHTS = (0.0, 0.3, 1.0, 3.0, 10.0)
"""Sd of the departure, in ranges of the means. 0: a straight line. Long lengths need large heights: only their bend
shows."""
NOISES = (0.01, 0.03, 0.1, 0.3)
"""Sd of a mean's noise, in ranges of the means, where seeds do not tell it."""
JITTER = 1e-9


@dataclass(frozen=True)
class Smooth:
    """Draws of the curve [draws × G] on `grid` [G]."""

    grid: Floats
    draws: Floats


def smooth_curves(shares: Floats, found: Means, grid: Floats, seed: int) -> Smooth:
    """Curves that the means allow, as many as `found.deviations` has rows."""
    low, width = float(grid[0]), float(grid[-1] - grid[0])
    scale = float(np.ptp(found.means)) or 1.0
    everywhere = np.concatenate([shares, grid])
    count = len(shares)
    line = np.stack([np.ones_like(everywhere), (everywhere - low) / width - 0.5], axis=1)
    settings = _settings(found, scale)
    kernels, roots = _kernels(tuple(everywhere.tolist()))
    weights, makers = [], []
    for which, kernel in enumerate(kernels):
        for height, noise in settings:
            if height == 0 and which:
                continue
            covariance = (height * scale) ** 2 * kernel[:count, :count] + np.diag(noise)
            weight, pull, slope = _likelihood(covariance, line[:count], found.means)
            # A line is the same under every kernel: it counts as often as the curves do.
            weights.append(weight + (np.log(len(kernels)) if height == 0 else 0.0))
            makers.append((which, height * scale, noise, pull, slope))
    chances = np.exp(np.array(weights) - max(weights))
    generator = np.random.Generator(np.random.Philox(key=key64("analyze/optimum/curves/1", seed)))
    amounts = generator.multinomial(len(found.deviations), chances / chances.sum())
    made, start = [], 0
    for amount, (which, height, noise, pull, slope) in zip(amounts, makers, strict=True):
        if amount == 0:
            continue
        path = height * (generator.standard_normal((amount, len(everywhere))) @ roots[which].T)
        deviations = found.deviations[start : start + amount]
        if found.variance is None:
            deviations = deviations + generator.standard_normal((amount, count)) * np.sqrt(noise)
        start += amount
        gap = found.means - path[:, :count] - deviations
        ends = gap @ slope.T
        departure = gap @ pull.T @ (height**2 * kernels[which][:count, count:])
        made.append(path[:, count:] + ends @ line[count:].T + departure)
    return Smooth(grid, np.concatenate(made))


def _settings(found: Means, scale: float) -> list[tuple[float, Floats]]:
    """(height, variance of the means' noise [K]) to be averaged over."""
    if found.variance is not None:
        # Never exactly nothing: a covariance must have an inverse.
        known = np.maximum(found.variance, (1e-6 * scale) ** 2)
        return [(height, known) for height in HEIGHTS]
    items = found.deviations.var(axis=0)
    return [(height, items + (noise * scale) ** 2) for height in HEIGHTS for noise in NOISES]


@lru_cache(maxsize=4)
def _kernels(everywhere: tuple[float, ...]) -> tuple[list[Floats], list[Floats]]:
    """Squared-exponential correlations of every warp, scaled to run over one, and length; and their roots."""
    kernels: list[Floats] = []
    for warp in WARPS:
        at = warp(np.array(everywhere))
        at = at / (float(np.ptp(at)) or 1.0)
        gaps = at[:, None] - at[None, :]
        kernels += [_correlated(gaps / length) for length in LENGTHS]
    return kernels, [_root(kernel) for kernel in kernels]


def _correlated(gaps: Floats) -> Floats:
    correlation: Floats = np.exp(-0.5 * gaps**2)
    return correlation


def _root(kernel: Floats) -> Floats:
    return np.asarray(np.linalg.cholesky(kernel + JITTER * np.eye(len(kernel))), np.float64)


def _likelihood(covariance: Floats, line: Floats, means: Floats) -> tuple[float, Floats, Floats]:
    """Restricted log likelihood, and the matrices that give the departure's weights and the line's two numbers.

    For residuals r the line is `slope`·r and the weights are `pull`·r, pull = V⁻¹ − V⁻¹X(X'V⁻¹X)⁻¹X'V⁻¹.
    """
    inverse = np.linalg.inv(covariance)
    inner = line.T @ inverse @ line
    slope = np.linalg.solve(inner, line.T @ inverse)
    pull = inverse - inverse @ line @ slope
    logs = np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(inner)[1]
    weight = float(-0.5 * (logs + means @ pull @ means))
    return weight, np.asarray(pull, np.float64), np.asarray(slope, np.float64)
