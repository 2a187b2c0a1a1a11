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
from leaven.analyze.optimum.laws import flat
from leaven.analyze.optimum.noise import Means
from leaven.analyze.optimum.ordered import inverse, product, root
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
LEAST_NOISE = 1e-4
"""Sd of a mean's noise, in ranges of the means, that is always allowed: a covariance must have an inverse."""
JITTER = 1e-9
"""Added to a correlation so that it has a root. Not more: it makes curves rough by its root times their height, and a
rough curve has its lowest point anywhere in a flat valley."""


@dataclass(frozen=True)
class Smooth:
    """Draws of the curve [draws × G] on `grid` [G]."""

    grid: Floats
    draws: Floats


def smooth_curves(shares: Floats, found: Means, grid: Floats, seed: int) -> Smooth:
    """Curves that the means allow, as many as `found.deviations` has rows."""
    low, width = float(grid[0]), float(grid[-1] - grid[0])
    level = float(found.means.mean())
    means, scale = found.means - level, _scale(found)
    everywhere = np.concatenate([shares, grid])
    count = len(shares)
    line = np.stack([np.ones_like(everywhere), (everywhere - low) / width - 0.5], axis=1)
    heights, noises = _settings(found, scale)
    kernels, roots = _kernels(tuple(everywhere.tolist()))
    weights, makers = [], []
    for which, kernel in enumerate(kernels):
        # A line is the same under every kernel: it is taken once and counts as often as the curves do.
        kept = slice(None) if not which else heights > 0
        height, noise = heights[kept], noises[kept]
        covariance = (height**2)[:, None, None] * kernel[:count, :count] + noise[:, :, None] * np.eye(count)
        weight, pull, slope = _likelihood(covariance, line[:count], means)
        weights.append(weight + np.where(height == 0, np.log(len(kernels)), 0.0))
        departure = product((height**2)[:, None, None] * kernel[count:, :count], pull)
        makers += list(zip([which] * len(height), height, noise, slope, departure, strict=True))
    likely = np.concatenate(weights)
    chances = np.exp(likely - likely.max())
    generator = np.random.Generator(np.random.Philox(key=key64("analyze/optimum/curves/1", seed)))
    amounts = generator.multinomial(len(found.deviations), chances / chances.sum())
    made, start = [], 0
    for amount, (which, height, noise, slope, departure) in zip(amounts, makers, strict=True):
        if amount == 0:
            continue
        path = height * (generator.standard_normal((amount, len(everywhere))) @ roots[which].T)
        deviations = found.deviations[start : start + amount]
        if found.variance is None:
            deviations = deviations + generator.standard_normal((amount, count)) * np.sqrt(noise)
        start += amount
        gap = means - path[:, :count] - deviations
        made.append(level + path[:, count:] + (gap @ slope.T) @ line[count:].T + gap @ departure.T)
    return Smooth(grid, np.concatenate(made))


def _scale(found: Means) -> float:
    """The range of the means; where they are all alike, the size of their noise."""
    if not flat(found.means):
        return float(np.ptp(found.means))
    size = float(np.abs(found.means).max())
    return max(float(found.deviations.std()), LEAST_NOISE * size, LEAST_NOISE**2)


def _settings(found: Means, scale: float) -> tuple[Floats, Floats]:
    """Heights [N] and variances of the means' noise [N × K] to be averaged over."""
    high = scale * np.array(HEIGHTS)
    if found.variance is not None:
        known = np.maximum(found.variance, (LEAST_NOISE * scale) ** 2)
        return high, np.repeat(known[None], len(high), axis=0)
    items = found.deviations.var(axis=0)
    noises = items + ((np.array(NOISES) * scale) ** 2)[:, None]
    return np.repeat(high, len(NOISES)), np.tile(noises, (len(high), 1))


@lru_cache(maxsize=4)
def _kernels(everywhere: tuple[float, ...]) -> tuple[list[Floats], list[Floats]]:
    """Squared-exponential correlations of every warp, scaled to run over one, and length; and their roots."""
    kernels: list[Floats] = []
    for warp in WARPS:
        at = warp(np.array(everywhere))
        at = at / (float(np.ptp(at)) or 1.0)
        gaps = at[:, None] - at[None, :]
        kernels += [_correlated(gaps / length) for length in LENGTHS]
    rough = JITTER * np.eye(len(everywhere))
    return kernels, list(root(np.stack(kernels) + rough))


def _correlated(gaps: Floats) -> Floats:
    correlation: Floats = np.exp(-0.5 * gaps**2)
    return correlation


def _likelihood(covariance: Floats, line: Floats, means: Floats) -> tuple[Floats, Floats, Floats]:
    """Of covariances [N × K × K]: restricted log likelihoods [N], and the matrices that give the departure's weights
    [N × K × K] and the line's two numbers [N × 2 × K].

    For residuals r the line is `slope`·r and the weights are `pull`·r, pull = V⁻¹ − V⁻¹X(X'V⁻¹X)⁻¹X'V⁻¹.
    """
    backward, logs = inverse(covariance)
    across = product(line.T, backward)
    inner, inner_logs = inverse(product(across, line))
    slope = product(inner, across)
    pull = backward - product(np.swapaxes(across, -1, -2), slope)
    bent = product(product(means[None], pull), means[:, None])[:, 0, 0]
    return -0.5 * (logs + inner_logs + bent), pull, slope
