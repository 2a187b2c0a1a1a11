"""How many prompts a win-rate needs, before anything was judged and after.

The net win of n prompts has a standard error of √((1 − ties − net²) / n), since a prompt's outcome is +1, 0 or −1. A
two-sided test finds a true net win δ with the wanted power when √n·δ = z_α·√(1 − ties) + z_power·√(1 − ties − δ²).

A verdict uses the exact sign test, which asks for more: up to a tenth of hundreds, and relatively more of few, where
the formula promises what no test can hold (six decided prompts are the fewest that can be significant at 5 %). So below
EXACT prompts both functions go by the exact test's power; above, sizes are to be read as "about".

They speak about the models that were trained: the spread between seeds does not shrink with prompts.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy import optimize, special, stats

from leaven.analyze.bootstrap import Floats
from leaven.analyze.power import POWER

TIES = 0.35
"""Share of ties assumed before anything was judged: the paper's comparisons have 28 to 42 % (Figs 7 to 9)."""
MOST_PROMPTS = 100_000
"""Beyond this, "more prompts" is no advice."""
EXACT = 200
"""Prompts below which sizes are found by the exact test's power instead of the normal formula."""


def prompts_needed(net: float, ties: float = TIES, alpha: float = 0.05, wanted: float = POWER) -> int | None:
    """Prompts that resolve a net win of this many points; None for no net win, or one that MOST_PROMPTS do not.

    Where the normal formula asks for fewer than EXACT, the smallest number with which the exact test has the wanted
    power (its power is no steady function of the prompts: now and then a larger number has a little less).
    """
    effect, spread = abs(net) / 100, 1 - ties
    if effect == 0 or spread <= 0:
        return None
    critical, power = _normal(alpha, wanted)
    root = critical * math.sqrt(spread) + power * math.sqrt(max(spread - effect**2, 0.0))
    needed = math.ceil((root / effect) ** 2)
    if needed < EXACT:
        return next(n for n in itertools.count(1) if exact_power(n, net, ties, alpha) >= wanted)
    return needed if needed <= MOST_PROMPTS else None


def resolvable(prompts: int, ties: float = TIES, alpha: float = 0.05, wanted: float = POWER) -> float | None:
    """The net win in points that so many prompts resolve; None where none does, as none exceeds 1 − ties."""
    spread = 1 - ties
    if prompts < 1 or spread <= 0:
        return None
    if prompts < EXACT:
        most = 100 * spread
        if exact_power(prompts, most, ties, alpha) < wanted:
            return None
        return float(optimize.brentq(lambda net: exact_power(prompts, net, ties, alpha) - wanted, 0.0, most))
    critical, power = _normal(alpha, wanted)
    # The larger root of (√n·δ − z_α·√s)² = z_power²·(s − δ²).
    under = (critical**2 * prompts - (prompts + power**2) * (critical**2 - power**2)) * spread
    if under < 0:
        return None
    effect = (critical * math.sqrt(prompts * spread) + math.sqrt(under)) / (prompts + power**2)
    return 100 * effect if effect <= spread else None


def exact_power(prompts: int, net: float, ties: float = TIES, alpha: float = 0.05) -> float:
    """Chance that the exact two-sided sign test on so many prompts finds this net win (points): over all numbers of
    decided prompts, then of wins.

    Averaged over seeds, a net win can exceed 1 − ties as `observed_ties` has it; as many are then decided, all of them
    won.
    """
    effect = abs(net) / 100
    share = max(1 - ties, effect)
    decided = np.arange(prompts + 1)
    # The test rejects with at most this many on the lesser side: twice that tail is ≤ α.
    lesser = stats.binom.ppf(alpha / 2, decided, 0.5)
    lesser -= stats.binom.cdf(lesser, decided, 0.5) > alpha / 2
    rate = (1 + effect / share) / 2
    found = stats.binom.cdf(lesser, decided, rate) + stats.binom.cdf(lesser, decided, 1 - rate)
    return float(stats.binom.pmf(decided, prompts, share) @ found)


def observed_ties(outcomes: Floats) -> float:
    """The share of ties that leaves as much noise as these votes [S × P] do; of one seed, the share of ties.

    A prompt's outcome is averaged over its seeds, so several seeds leave less noise than one: 1 − mean of its square.
    """
    judged = outcomes[:, ~np.isnan(outcomes).all(axis=0)]
    return 1 - float((np.nanmean(judged, axis=0) ** 2).mean()) if judged.size else 1.0


def _normal(alpha: float, wanted: float) -> tuple[float, float]:
    return -float(special.ndtri(alpha / 2)), float(special.ndtri(wanted))
