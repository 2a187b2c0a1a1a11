"""What the data say about one effect when both the seeds and the items are samples: a confidence distribution.

The effect's error has two parts. Seeds: the paired per-seed effects have a standard error se with S−1 degrees of
freedom, so their part is se·t(S−1). Items: the part all seeds share is the bootstrap's deviation d of the seed mean.
Their sum se·T + d, with T and d independent, is the Behrens–Fisher (fiducial) combination; it errs to the wide side
(G. K. Robinson, Annals of Statistics 4, 1976, "Properties of Student's t and of the Behrens-Fisher solution").

Noise private to one seed *and* one item is in both parts; counting it twice would make accuracies look √2 noisier than
they are. It is estimated from how differently the seeds react to one draw of items, and taken out of the item part. Two
seeds that agree by luck leave nothing in the seed part, and an interval without width would follow; so a share of what
the seed part falls short of the private noise, which it should hold, stays in the item part: FLOOR, of two seeds all.
Measured coverage of this and seven other constructions: docs/notebook.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from leaven.analyze.bootstrap import Floats

FLOOR, FLOOR_OF_TWO = 0.1, 1.0
"""From three seeds on, and with two. The whole shortfall (1) makes 3 seeds cover 99 % where private noise dominates;
none (0) gives intervals of no width; a tenth covers 95.2 to 97.7 % at 3 and 5 seeds, whatever the three noises. That
two seeds agree exactly is no rarity with few items: at 20 and 40 of them, a rate of 10 % and families of four, a tenth
is wrong in 16 and 9 % of studies, a half in 5.5 and 2, the whole in 2 and 1 (docs/notebook.md)."""


@dataclass(frozen=True)
class Crossed:
    """A confidence distribution of an effect.

    Attributes: `estimate`; `seed_se` and `item_se`, the standard errors of the two parts, and `total_item_se`, the item
    part before the shared noise was taken out; `seeds` S (1 means: no seed part, `seed_se` 0); `deviations` [draws] of
    the item part, after the correction.
    """

    estimate: float
    seed_se: float
    item_se: float
    total_item_se: float
    seeds: int
    deviations: Floats

    def cdf(self, x: float) -> float:
        """Confidence that the effect is below x: smooth where the seeds differ, else a step function of the draws."""
        gap = x - self.estimate - self.deviations
        if self.seed_se > 0:
            return float(special.stdtr(self.seeds - 1, gap / self.seed_se).mean())
        below = float((gap > 0).sum() + 0.5 * (gap == 0).sum())
        return (below + 0.5) / (len(gap) + 1)

    def quantile(self, probability: float) -> float:
        if self.seed_se == 0:
            return self.estimate + float(np.quantile(self.deviations, probability))
        reach = self.seed_se * abs(float(special.stdtrit(self.seeds - 1, min(probability, 1 - probability) / 2)))
        low = self.estimate + float(self.deviations.min()) - 2 * reach
        high = self.estimate + float(self.deviations.max()) + 2 * reach
        return float(optimize.brentq(lambda x: self.cdf(x) - probability, low, high, xtol=1e-10 * (high - low)))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The equal-tailed interval of this confidence level."""
        return self.quantile((1 - level) / 2), self.quantile((1 + level) / 2)

    def p_difference(self) -> float:
        """Two-sided p of "the effect is zero". 1 with a single seed: nothing is known about the noise between seeds."""
        if self.seeds < 2:
            return 1.0
        below = self.cdf(0.0)
        return min(1.0, 2 * min(below, 1 - below))

    def p_equivalence(self, margin: float) -> float:
        """TOST: p of "the effect is at least ±margin"; ≤ α exactly when the (1 − 2α) interval lies within ±margin."""
        if self.seeds < 2 or margin <= 0:
            return 1.0
        return max(self.cdf(-margin), 1 - self.cdf(margin))


def cross(per_seed: Floats, draws: Floats, estimate: float) -> Crossed:
    """Combine per-seed effects [S] and their values under resampled items [draws × S].

    `per_seed` must average to `estimate` up to the linearisation used for ratios; its spread is the seed part. The mean
    of a draw over seeds moves by shared and private item noise together: Var = v_items + v_private / S. The spread of a
    draw's deviations between seeds estimates v_private. The seed part's variance is (v_seeds + v_private) / S, so
    v_private / S is taken out of the item part; where luck made the seed part smaller than that, FLOOR of what it lacks
    is put back, FLOOR_OF_TWO where there are two seeds; the item part never ends larger than it was.
    """
    seeds = len(per_seed)
    moved = draws - per_seed
    shared = moved.mean(axis=1)
    total = float(shared.var())
    if seeds < 2:
        se = math.sqrt(total)
        return Crossed(estimate, 0.0, se, se, seeds, shared)
    between = moved - shared[:, None]
    seed_se = float(per_seed.std(ddof=1)) / math.sqrt(seeds)
    private = float(between.var(axis=0).sum()) / (seeds * (seeds - 1))
    floor = FLOOR if seeds > 2 else FLOOR_OF_TWO
    kept = min(max(total - private, 0.0) + floor * max(private - seed_se**2, 0.0), total)
    scale = math.sqrt(kept / total) if total > 0 else 0.0
    return Crossed(estimate, seed_se, math.sqrt(kept), math.sqrt(total), seeds, shared * scale)


def difference(
    variant: Floats, baseline: Floats, variant_draws: Floats, baseline_draws: Floats, effect: str
) -> Crossed:
    """The paired effect of a variant over the baseline.

    Args:
        variant, baseline: the measure per seed [S], paired by seed.
        variant_draws, baseline_draws: the same under resampled items [draws × S], the same draws in both.
        effect: "relative": 100·(mean variant / mean baseline − 1), in per cent; the seeds enter through the ratio's
            linearisation around the means (delta method). Anything else: mean variant − mean baseline, in the
            statistic's own scale.
    """
    if effect != "relative":
        return cross(variant - baseline, variant_draws - baseline_draws, float((variant - baseline).mean()))
    below = float(baseline.mean())
    ratio = float(variant.mean()) / below
    estimate = 100 * (ratio - 1)
    per_seed = estimate + 100 * (variant - ratio * baseline) / below
    drawn = estimate + 100 * (variant_draws - ratio * baseline_draws) / below
    return cross(per_seed, drawn, estimate)


def scaled(crossed: Crossed, factor: float) -> Crossed:
    """The same statement in another unit (factor > 0), e.g. fractions to percentage points."""
    return Crossed(
        crossed.estimate * factor,
        crossed.seed_se * factor,
        crossed.item_se * factor,
        crossed.total_item_se * factor,
        crossed.seeds,
        crossed.deviations * factor,
    )
