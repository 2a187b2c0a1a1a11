"""What rounded scores can tell of noise: nothing that is smaller than their last digit.

Two seeds whose scores are given to two digits often differ from the baseline by the very same amount. That is a spread
of nothing, from which any difference would follow with certainty; what is known is only that the spread is smaller than
rounding shows. Such a pair gets no verdict.
"""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np

from leaven.analyze.bootstrap import Floats
from leaven.analyze.compare import paired_seeds
from leaven.analyze.results import Sampled

DIGITS = 12
"""Significant digits that count; further ones are what binary fractions add (0.41000000000000003)."""
NOTHING = 1e-9
"""Spread, as a share of the values, that is none: what sums and differences of equal numbers leave."""


def unit_of(values: Floats) -> float:
    """The unit that values are rounded to: 0.01 of 0.4 and 0.42, at most 1."""
    least = 0
    for value in np.unique(values):
        exponent = Decimal(f"{value:.{DIGITS}g}").as_tuple().exponent
        least = min(least, exponent if isinstance(exponent, int) else 0)
        if least <= -DIGITS:
            break
    return 10.0**least


def hidden(arm: Sampled, base: Sampled, rounding: float, *, relative: bool) -> bool:
    """Whether all known noise of a pair with several seeds is no more than rounding its scores leaves.

    Args: `rounding`: sd of the error that rounding gives each score, unit / √12 (a uniform distribution's).
    """
    paired = paired_seeds(arm, base)
    if len(paired) < 2:
        return False
    arm, base = arm.of(paired), base.of(paired)
    above, below = float(arm.per_seed.mean()), float(base.per_seed.mean())
    slope = above / below if relative and below else 1.0
    seeds = float((arm.per_seed - slope * base.per_seed).std(ddof=1))
    items = float((arm.draws - slope * base.draws).mean(axis=1).std())
    least = max(rounding * math.hypot(1.0, slope), NOTHING * max(abs(above), abs(below)))
    return math.hypot(seeds, items) <= least
