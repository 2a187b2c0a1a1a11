"""One measure's best share: its curve, the interval, the laws beside it, and the row of the report.

The interval comes from any smooth curve (`smooth.py`); the laws are told beside it, each with the interval it would
give if it were known to be true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leaven.analyze.bootstrap import Floats
from leaven.analyze.optimum.laws import LAWS, ONE_WAY, Law, explained, flat, left_out, lowest
from leaven.analyze.optimum.noise import measured
from leaven.analyze.optimum.ordered import DIGITS, all_told, decimals, told
from leaven.analyze.optimum.smooth import smooth_curves
from leaven.analyze.optimum.state import EDGE, IDENTIFIED, NOT_IDENTIFIED, Best, percent, sentence, state
from leaven.ground.canonical import key64

GRID = 101
"""Points of a curve; the lowest of a curve is sought between them."""
TOLD = 2
"""Every second point is written: 51 draw a curve."""
CHOSEN_BY = "leave one inner share out: the smallest error of predicting it from the others"


@dataclass(frozen=True)
class Found:
    """Everything lower-is-better; `sign` −1 turns it back.

    `shares`, `means` [K] with `drawn` [draws × K]; `values` per share [S], `items` per share [draws × S] or None;
    with a single seed `drawn` is taken from the curves. `grid` [G], `curve` [G] on average and `curves` [draws × G];
    `laws`: rows as they are written; `swarm`: values are runs of a bin; `paired`: the n-th value of every share is of
    the same seed; `note` on runs that do not pair, or "".
    """

    shares: Floats
    variants: tuple[str, ...]
    values: tuple[Floats, ...]
    items: tuple[Floats, ...] | None
    means: Floats
    drawn: Floats
    grid: Floats
    curve: Floats
    curves: Floats
    low: float
    high: float
    laws: tuple[dict[str, Any], ...]
    law: str
    sign: float
    level: float
    swarm: bool
    paired: bool = True
    note: str = ""

    @property
    def flat(self) -> bool:
        return flat(self.means)

    @property
    def places(self) -> int:
        """Decimals of values, by the range of the means; of their size where all are the same."""
        return places_of(self.means)

    @property
    def best(self) -> float:
        """The middle where all shares are the same: nothing speaks for either end."""
        if self.flat:
            return (self.low + self.high) / 2
        return float(np.clip(lowest(self.grid, self.curve), self.low, self.high))

    @property
    def optimism(self) -> float:
        """How much lower the lowest point of a drawn curve is on average than that of the curve: the winner's curse."""
        return float(self.curve.min() - self.curves.min(axis=1).mean())

    def value(self, share: float) -> float:
        return float(np.interp(share, self.grid, self.curve))

    def row(self, name: str, better: str, unit: str, of: str) -> dict[str, Any]:
        best = Best(self.best, self.low, self.high, float(self.shares.min()), float(self.shares.max()))
        stated, why = state(best, min(len(values) for values in self.values), len(self.shares))
        if self.flat:
            stated, why = NOT_IDENTIFIED, "all shares that ran score the same"
        if self.note:
            why = f"{why}; {self.note}"
        own = next(fit for fit in self.laws if fit["law"] == self.law)["best"]
        if stated == IDENTIFIED and not self.low <= own <= self.high:
            why = f"{why}; the law that predicts best ({self.law}) alone would say {percent(own)}"
        lost = self._at(best.best) - self.curves.min(axis=1)
        said = sentence(name, of, best, stated, flat=self.flat)
        if stated == EDGE and self.law in ONE_WAY:
            said = f"{said} The law that predicts best only {'rises' if self._rises() else 'falls'} with the share."
        ends = ((1 - self.level) / 2, (1 + self.level) / 2)
        at, places = decimals(float(np.ptp(self.shares))), self.places
        return {
            "name": name,
            "better": better,
            "unit": unit,
            "state": stated,
            "why": why,
            "said": said,
            "best": told(best.best, at),
            "low": told(best.low, at),
            "high": told(best.high, at),
            "value": told(self.sign * (self.value(best.best) + self.optimism), places),
            "optimism": told(self.optimism, places),
            "regret": told(float(lost.mean()), places),
            "regret_high": told(float(np.quantile(lost, self.level)), places),
            "law": self.law,
            "chosen_by": CHOSEN_BY,
            "fits": list(self.laws),
            "curve": band(self.grid, self.curve, self.curves, self.sign, ends, places),
            "points": self._points(ends),
            "runs": int(sum(len(values) for values in self.values)),
            "seeds": 1 if self.swarm else int(min(len(values) for values in self.values)),
            "swarm": self.swarm,
        }

    def _at(self, share: float) -> Floats:
        """Every drawn curve at one share [draws]."""
        return _at_shares(self.curves, self.grid, np.array([share]))[:, 0]

    def _rises(self) -> bool:
        told = next(row for row in self.laws if row["law"] == self.law)
        return bool(told["mean"][-1] > told["mean"][0])

    def _points(self, ends: tuple[float, float]) -> list[dict[str, Any]]:
        """The runs: intervals are of a share's distance from the average of all, so without what all have in common."""
        moved = np.quantile(self.drawn - self.means, ends, axis=0)
        wide = min(len(values) for values in self.values) > 1
        rows = []
        for k, variant in enumerate(self.variants):
            span = sorted(self.sign * (self.means[k] + moved[:, k]))
            rows.append(
                {
                    "variant": variant,
                    "share": float(self.shares[k]),
                    "mean": float(self.sign * self.means[k]),
                    "low": told(span[0], self.places) if wide else None,
                    "high": told(span[1], self.places) if wide else None,
                    "seeds": [] if self.swarm else [float(self.sign * value) for value in self.values[k]],
                }
            )
        return rows


def found_of(
    shares: Floats,
    variants: Sequence[str],
    values: Sequence[Floats],
    items: Sequence[Floats] | None,
    sign: float,
    draws: int,
    seed: int,
    level: float,
    swarm: bool = False,
    paired: bool = True,
    note: str = "",
) -> Found:
    """The best share of one measure; `shares` rise and are distinct; in a `swarm` they stand for bins of runs."""
    grid = np.linspace(shares[0], shares[-1], GRID)
    ends = ((1 - level) / 2, (1 + level) / 2)
    noise = measured(values, items, draws, seed, paired=paired)
    drawn = noise.means + noise.deviations
    at, places = decimals(float(np.ptp(shares))), places_of(noise.means)
    smooth = smooth_curves(shares, noise, grid, seed)
    # Where all shares are the same every one may be best; the lowest point of a level curve is rounding.
    low, high = (grid[0], grid[-1]) if flat(noise.means) else np.quantile(lowest(grid, smooth.draws), ends)
    laws = []
    for law in LAWS:
        curve = law.curves(shares, noise.means, grid)
        around = drawn if noise.variance is not None else drawn + _residuals(law, shares, noise.means, draws, seed)
        curves = law.curves(shares, around, grid)
        low_here, high_here = np.quantile(lowest(grid, curves), ends)
        error = left_out(law, shares, noise.means)
        laws.append(
            {
                "law": law.name,
                "formula": law.formula,
                "best": told(float(lowest(grid, curve)), at),
                "low": told(float(low_here), at),
                "high": told(float(high_here), at),
                "r2": told(explained(law, shares, noise.means), DIGITS),
                "left_out": told(error, places) if np.isfinite(error) else None,
                **band(grid, curve, curves, sign, ends, places),
            }
        )
    # With three shares nothing can be left out of a curve of three parameters: the quadratic through them is told.
    errors = [left_out(law, shares, noise.means) if len(shares) > 3 else float(law.name != "quadratic") for law in LAWS]
    chosen = LAWS[int(np.argmin(errors))].name
    return Found(
        shares,
        tuple(variants),
        tuple(values),
        tuple(items) if items is not None else None,
        noise.means,
        drawn if noise.variance is not None else _at_shares(smooth.draws, grid, shares),
        grid,
        smooth.draws.mean(axis=0),
        smooth.draws,
        float(low),
        float(high),
        tuple(laws),
        chosen,
        sign,
        level,
        swarm,
        paired,
        note,
    )


def _residuals(law: Law, shares: Floats, means: Floats, draws: int, seed: int) -> Floats:
    """Deviations [draws × K] as large as what single runs leave over of a law, with the t tails of its degrees of
    freedom; nothing where the law goes through every run."""
    left = means - law.curves(shares, means, shares)
    freedom = len(shares) - law.needs
    if freedom < 1:
        return np.zeros((draws, len(shares)))
    generator = np.random.Generator(np.random.Philox(key=key64("analyze/optimum/residuals/1", seed, law.name)))
    scale = np.sqrt(float((left**2).sum()) / generator.chisquare(freedom, draws))
    return generator.standard_normal((draws, len(shares))) * scale[:, None]


def _at_shares(curves: Floats, grid: Floats, shares: Floats) -> Floats:
    """Curves [draws × G] read at shares -> [draws × K], linear between grid points."""
    place = np.clip(np.searchsorted(grid, shares), 1, len(grid) - 1)
    weight = (shares - grid[place - 1]) / (grid[place] - grid[place - 1])
    read: Floats = curves[:, place - 1] * (1 - weight) + curves[:, place] * weight
    return read


def places_of(means: Floats) -> int:
    """Decimals of values: by the range of the means, or by their size where all are the same."""
    return decimals(float(np.abs(means).max() if flat(means) else np.ptp(means)))


def band(
    grid: Floats, curve: Floats, curves: Floats, sign: float, ends: tuple[float, float], places: int
) -> dict[str, list[float]]:
    """A curve with its band, thinned, in the measure's own direction."""
    reach = np.quantile(curves[:, ::TOLD], ends, axis=0) * sign
    return {
        "grid": all_told(grid[::TOLD], decimals(float(np.ptp(grid)))),
        "mean": all_told(sign * curve[::TOLD], places),
        "band_low": all_told(reach.min(axis=0), places),
        "band_high": all_told(reach.max(axis=0), places),
    }
