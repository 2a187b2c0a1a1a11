"""The noise between published seeds, as leaven's own noise tables have it."""

from __future__ import annotations

import math

from leaven.analyze.bootstrap import Floats
from leaven.analyze.crossed import cross


def seed_sd(values: Floats) -> float:
    """Spread of a score between seeds [S ≥ 2] (ddof 1): `seed_sd` of `noise.csv`, from seeds without items."""
    crossed = cross(values, values[None, :], float(values.mean()))
    return crossed.seed_se * math.sqrt(crossed.seeds)


def cv(values: Floats) -> float:
    """The same in per cent of the mean."""
    return 100 * seed_sd(values) / float(values.mean())
