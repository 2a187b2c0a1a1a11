"""How many prompts a win-rate needs, before anything was judged and after.

The net win of n prompts has a standard error of √((1 − ties − net²) / n), since a prompt's outcome is +1, 0 or −1. A
two-sided test finds a true net win δ with the wanted power when √n·δ = z_α·√(1 − ties) + z_power·√(1 − ties − δ²). The
exact sign test, which is what a verdict uses, asks for a few prompts more; sizes are to be read as "about".

They speak about the models that were trained: the spread between seeds does not shrink with prompts.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from leaven.analyze.bootstrap import Floats
from leaven.analyze.power import POWER

TIES = 0.35
"""Share of ties assumed before anything was judged: the paper's comparisons have 28 to 42 % (Figs 7 to 9)."""
MOST_PROMPTS = 100_000
"""Beyond this, "more prompts" is no advice."""


def prompts_needed(net: float, ties: float = TIES, alpha: float = 0.05, wanted: float = POWER) -> int | None:
    """Prompts that resolve a net win of this many points; None for no net win, or one that MOST_PROMPTS do not."""
    effect, spread = abs(net) / 100, 1 - ties
    if effect == 0 or spread <= 0:
        return None
    critical, power = _normal(alpha, wanted)
    root = critical * math.sqrt(spread) + power * math.sqrt(max(spread - effect**2, 0.0))
    needed = math.ceil((root / effect) ** 2)
    return needed if needed <= MOST_PROMPTS else None


def resolvable(prompts: int, ties: float = TIES, alpha: float = 0.05, wanted: float = POWER) -> float | None:
    """The net win in points that so many prompts resolve; None where none does, as none exceeds 1 − ties."""
    spread = 1 - ties
    if prompts < 1 or spread <= 0:
        return None
    critical, power = _normal(alpha, wanted)
    # The larger root of (√n·δ − z_α·√s)² = z_power²·(s − δ²).
    under = (critical**2 * prompts - (prompts + power**2) * (critical**2 - power**2)) * spread
    if under < 0:
        return None
    effect = (critical * math.sqrt(prompts * spread) + math.sqrt(under)) / (prompts + power**2)
    return 100 * effect if effect <= spread else None


def observed_ties(outcomes: Floats) -> float:
    """The share of ties that leaves as much noise as these votes [S × P] do; of one seed, the share of ties.

    A prompt's outcome is averaged over its seeds, so several seeds leave less noise than one: 1 − mean of its square.
    """
    judged = outcomes[:, ~np.isnan(outcomes).all(axis=0)]
    return 1 - float((np.nanmean(judged, axis=0) ** 2).mean()) if judged.size else 1.0


def _normal(alpha: float, wanted: float) -> tuple[float, float]:
    return -float(special.ndtri(alpha / 2)), float(special.ndtri(wanted))
