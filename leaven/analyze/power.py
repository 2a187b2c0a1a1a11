"""How small an effect a study can tell, and how many seeds or items it would take to tell this one.

The tests of `crossed.py` reject beyond roughly √((t·se_seeds)² + (z·se_items)²), the quadrature of the two parts'
half-widths. Power is the noncentral t's with that critical value and the degrees of freedom at which a t has it: with
items free of noise this is the textbook paired t test, with seeds free of noise the z test. Sizes are named as
"about": the noise they rest on is itself an estimate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import optimize, special

from leaven.analyze.bootstrap import Floats

POWER = 0.8
"""The customary chance of finding an effect that is there (J. Cohen, 1988)."""
MOST_SEEDS = 50
"""Beyond this, "more seeds" is no advice."""
MORE_ITEMS = (1, 2, 4, 10, 25)
"""Factors on the items that are tried; beyond the last, "more items" is no advice."""


@lru_cache(maxsize=4096)
def _spread(df: float) -> Floats:
    """√(χ²(df)/df) at 2,000 equally likely points: the estimated over the true standard deviation."""
    middle = (np.arange(2000) + 0.5) / 2000
    spread: Floats = np.sqrt(2 * special.gammaincinv(df / 2, middle) / df)
    return spread


def t_power(shift: float, critical: float, df: float) -> float:
    """P(|T| > critical), T noncentral t with this df and noncentrality `shift`: a normal mixture over `_spread`."""
    reach = critical * _spread(df)
    return float((special.ndtr(shift - reach) + special.ndtr(-shift - reach)).mean())


def critical_value(seed_se: float, item_se: float, df: int, alpha: float) -> tuple[float, float]:
    """Critical |effect|/se at two-sided alpha, and the degrees of freedom of the t that has it."""
    total = math.hypot(seed_se, item_se)
    t, z = -float(special.stdtrit(df, alpha / 2)), -float(special.ndtri(alpha / 2))
    critical = math.hypot(t * seed_se, z * item_se) / total
    if critical >= t * (1 - 1e-9):
        return t, float(df)
    if critical <= z * (1 + 1e-6):
        return z, 1e6
    matched = optimize.brentq(
        lambda log: -special.stdtrit(math.exp(log), alpha / 2) - critical, math.log(df), math.log(1e9)
    )
    return critical, min(math.exp(matched), 1e6)


def power(effect: float, seeds: int, seed_sd: float, item_se: float, alpha: float, two_sided: bool = True) -> float:
    """Chance that an effect of this size is found with S paired seeds.

    Args: `seed_sd` of the paired per-seed effects, `item_se` of the shared item part, all in the effect's unit.
    """
    if seeds < 2:
        return 0.0
    seed_se = seed_sd / math.sqrt(seeds)
    total = math.hypot(seed_se, item_se)
    if total == 0:
        return 1.0 if effect else 0.0
    critical, df = critical_value(seed_se, item_se, seeds - 1, alpha if two_sided else 2 * alpha)
    return t_power(abs(effect) / total, critical, df)


def smallest_effect(seeds: int, seed_sd: float, item_se: float, alpha: float, wanted: float = POWER) -> float:
    """The effect found with this power; infinite with fewer than two seeds, zero without noise."""
    if seeds < 2:
        return math.inf
    total = math.hypot(seed_sd / math.sqrt(seeds), item_se)
    if total == 0:
        return 0.0
    critical, df = critical_value(seed_sd / math.sqrt(seeds), item_se, seeds - 1, alpha)
    return total * float(optimize.brentq(lambda shift: t_power(shift, critical, df) - wanted, 0.0, 10 * critical + 10))


def seeds_to_detect(effect: float, seed_sd: float, item_se: float, alpha: float, wanted: float = POWER) -> int | None:
    """Fewest paired seeds that find the effect; None if MOST_SEEDS do not."""
    return _fewest(lambda seeds: power(effect, seeds, seed_sd, item_se, alpha) >= wanted)


def seeds_to_equate(
    effect: float, margin: float, seed_sd: float, item_se: float, alpha: float, wanted: float = POWER
) -> int | None:
    """Fewest paired seeds that show a true effect of this size to lie within ±margin (the nearer of TOST's two tests;
    for an effect of zero both bind, so each must succeed with the root of the power)."""
    room = margin - abs(effect)
    if room <= 0:
        return None
    each = math.sqrt(wanted) if abs(effect) < 0.1 * margin else wanted
    return _fewest(lambda seeds: power(room, seeds, seed_sd, item_se, alpha, two_sided=False) >= each)


def seeds_per_arm(effect: float, sd: float, alpha: float = 0.05, wanted: float = POWER) -> int | None:
    """Fewest seeds in each of two *unpaired* arms of equal noise (two-sample t test; METHODS.md §8.5)."""

    def enough(seeds: int) -> bool:
        df = 2 * (seeds - 1)
        critical = -float(special.stdtrit(df, alpha / 2))
        return t_power(effect / (sd * math.sqrt(2 / seeds)), critical, df) >= wanted

    return _fewest(enough, most=10_000)


def _fewest(enough: Any, most: int = MOST_SEEDS) -> int | None:
    """Smallest n in 2…most with enough(n), which must not become false again as n grows."""
    if not enough(most):
        return None
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def power_note(
    seeds: int, items: int, alpha: float, comparisons: int, wanted: float = POWER, noun: str = "independent items"
) -> str:
    if seeds < 2:
        return "one seed says nothing about the noise between seeds"
    family = f", at Holm's strictest step of {comparisons} comparisons" if comparisons > 1 else ""
    counted = f"{items:,} {noun}, " if items else ""  # 0: nobody counted them
    return f"{100 * wanted:.0f} % power, {seeds} seeds, {counted}α {alpha:g}{family}"


def resolve_sentence(
    effect: float,
    margin: float,
    unit: str,
    *,
    seeds: int,
    items: int,
    seed_sd: float,
    item_se: float,
    alpha: float,
    noun: str = "independent items",
) -> str:
    """What would settle an unresolved comparison, at the noise observed and the family's first Holm step `alpha`.

    An effect seen below the margin can be settled in two ways, told from zero or shown to be too small to matter; the
    cheaper one is named. `items` counts what `noun` calls: items, or groups of items that vary together; 0: unknown.
    """
    if seeds < 2:
        return "one seed cannot tell a recipe from its luck: run at least 3 seeds"
    bound = f"{margin:g} {unit}"
    goals: list[tuple[str, Callable[[float], int | None]]] = [
        ("tell an effect of this size from zero", lambda part: seeds_to_detect(effect, seed_sd, part, alpha))
    ]
    head = ""
    if margin > 0 and abs(effect) < margin:
        head = f"the effect seen is below the smallest effect of interest ({bound}); "
        goals.append(
            (f"show that it lies within ±{bound}", lambda part: seeds_to_equate(effect, margin, seed_sd, part, alpha))
        )
    # In the order of preference: no more items than needed, then no more seeds.
    for factor in MORE_ITEMS:
        found = [(needed, goal) for goal, ask in goals if (needed := ask(item_se / math.sqrt(factor))) is not None]
        if found:
            needed, goal = min(found, key=lambda pair: pair[0])
            needed = max(needed, seeds if factor > 1 else seeds + 1)
            need = [f"{needed} seeds (now {seeds})"] if needed > seeds else []
            more = f"{items * factor:,} {noun} (now {items:,})" if items else f"{factor} times the {noun}"
            need += [more] if factor > 1 else []
            return f"{head}about {' and '.join(need)} would {goal}"
    every = " or ".join(goal for goal, _ in goals)
    return f"{head}not even {MOST_SEEDS} seeds and {MORE_ITEMS[-1]} times the {noun} would {every}"
