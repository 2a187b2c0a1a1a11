"""Swarms: many single runs, each of its own mixture; runs are the sample, and they are resampled (METHODS.md §8.3).

A curve over one kind's share, fitted to all runs, is a *marginal* fit: what else was in the mixtures is not held
constant, so its best share is that of the swarm's mixtures and no causal statement. `features.py` regresses on all
shares at once.

Two ways. `marginal` is the field's: one law that is linear in its parameters, and the runs resampled. Where the law is
wrong it names a share that the data do not have: for the loss on GitHub RegMix gives the root law 51 % [45, 55], while
the loss falls to the end. So the report sorts the runs into `bins` and asks any smooth curve, as of a sweep.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leaven.analyze.bootstrap import Floats
from leaven.analyze.optimum.laws import Law
from leaven.ground.canonical import key64
from leaven.ground.errors import LeavenError

SWARM = 30
"""Runs at this many shares are a swarm."""
BINS, STEPS, FEWEST = 12, 10, 5
"""A swarm's bins: cut at so many quantiles of the runs and at so many equal steps of the share, then the emptiest is
merged with its emptier neighbour until none has fewer than FEWEST runs."""
ENOUGH = 5
"""Fewest bins that show a shape; runs in fewer are taken one by one."""
GRID = 201
DRAWS = 300
"""Grid points and bootstraps of METHODS.md §8.3."""
CHUNK = 100


@dataclass(frozen=True)
class Marginal:
    """One law over resampled runs: `curve` [G] of all runs, `curves` [draws × G], `errors` [draws] left over (sums of
    squares), `best` and its percentile interval, and `r2`."""

    law: str
    grid: Floats
    curve: Floats
    curves: Floats
    errors: Floats
    best: float
    low: float
    high: float
    r2: float


def marginal(
    law: Law,
    shares: Floats,
    values: Floats,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    grid: Floats | None = None,
    level: float = 0.95,
) -> Marginal:
    """Fit a linear law to runs [N] and resample the runs; the best share is the lowest point on the grid.

    The grid has GRID points from 0 to the largest share unless given. Equal to `marginal_reference`, draw by draw.

    Raises: LeavenError for a law that is not linear in its parameters, or with fewer runs than twice its parameters.
    """
    if law.features is None:
        raise LeavenError(f"the {law.name} law has no features to regress on")
    at, grid = law.features(shares), np.linspace(0, shares.max(), GRID) if grid is None else grid
    runs, size = at.shape
    if runs < 2 * size:
        raise LeavenError(f"{runs} runs are too few for a curve of {size} parameters")
    over = law.features(grid)
    squares = (at[:, :, None] * at[:, None, :]).reshape(runs, -1)
    products = at * values[:, None]
    curves, errors = [], []
    for chosen in _picks(runs, draws, seed):
        counts = np.stack([np.bincount(row, minlength=runs) for row in chosen]).astype(np.float64)
        inner = (counts @ squares).reshape(-1, size, size)
        # Resampled runs can share one mixture; a hair of ridge keeps the system solvable without being felt.
        inner = inner + 1e-10 * np.trace(inner, axis1=1, axis2=2)[:, None, None] * np.eye(size)
        solved = np.linalg.solve(inner, (counts @ products)[..., None])[..., 0]
        curves.append(solved @ over.T)
        errors.append((counts * (values - solved @ at.T) ** 2).sum(axis=1))
    drawn = np.concatenate(curves)
    solved = np.linalg.lstsq(at, values, rcond=None)[0]
    curve = over @ solved
    low, high = np.quantile(grid[drawn.argmin(axis=1)], [(1 - level) / 2, (1 + level) / 2])
    around = float(((values - values.mean()) ** 2).sum())
    r2 = 1 - float(((values - at @ solved) ** 2).sum()) / around if around > 0 else 1.0
    best = float(grid[curve.argmin()])
    return Marginal(law.name, grid, curve, drawn, np.concatenate(errors), best, float(low), float(high), r2)


def bins(shares: Floats, values: Floats) -> list[tuple[float, Floats]]:
    """Runs sorted into bins by share: (mean share, values of its runs), shares rising; at least FEWEST runs in
    each, unless there are fewer in all."""
    full = np.quantile(shares, np.linspace(0, 1, BINS + 1)[1:-1])
    even = np.linspace(shares.min(), shares.max(), STEPS + 1)[1:-1]
    place = np.searchsorted(np.unique(np.concatenate([full, even])), shares, side="left")
    parts = [np.flatnonzero(place == one).tolist() for one in np.unique(place)]
    while len(parts) > 1 and min(len(part) for part in parts) < FEWEST:
        small = min(range(len(parts)), key=lambda k: len(parts[k]))
        near = min((k for k in (small - 1, small + 1) if 0 <= k < len(parts)), key=lambda k: len(parts[k]))
        first = min(small, near)
        parts[first : first + 2] = [parts[first] + parts[first + 1]]
    return [(float(shares[part].mean()), values[part]) for part in parts]


def marginal_reference(law: Law, shares: Floats, values: Floats, *, draws: int, seed: int, grid: Floats) -> Floats:
    """The best share of each draw [draws]: resample, refit by least squares, look for the lowest point."""
    assert law.features is not None
    best = []
    for chosen in _picks(len(shares), draws, seed):
        for row in chosen:
            solved = np.linalg.lstsq(law.features(shares[row]), values[row], rcond=None)[0]
            best.append(grid[(law.features(grid) @ solved).argmin()])
    return np.array(best)


def _picks(runs: int, draws: int, seed: int) -> list[np.ndarray[tuple[int, int], np.dtype[np.int64]]]:
    """Runs drawn with replacement, in chunks [≤ CHUNK × runs]: the same for every measure and law of a seed."""
    generator = np.random.Generator(np.random.Philox(key=key64("analyze/optimum/runs/1", seed, runs)))
    sizes = [min(CHUNK, draws - start) for start in range(0, draws, CHUNK)]
    return [generator.integers(0, runs, size=(size, runs), dtype=np.int64) for size in sizes]
