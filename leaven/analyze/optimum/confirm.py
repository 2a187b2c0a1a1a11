"""The run that should follow: the best share, the ends of its interval and the two baselines, with fresh seeds.

The lowest point of a fitted curve is better in the fit than in the world (the winner's curse: Marin's three-phase fits
promise 0.73 to 0.86 and measure 0.87 to 0.94, METHODS.md §2.5), and fitted mixtures often lose to plain ones
(Aioli; METHODS.md §2.5). So an optimum is confirmed by runs that took no part in choosing it, beside the plain mixtures
whose share is known: the study's own baseline, the stratified one (every kind alike), the natural one (every kind by
what there is of it). What is gained over a mixture is told only where its share lies among those that ran.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from leaven.analyze.optimum.state import NOT_IDENTIFIED, percent
from leaven.analyze.power import MOST_SEEDS, seeds_to_detect

ALIKE = 0.01
"""Shares nearer than this part of the range that ran are one run."""
FEWEST = 3
"""METHODS.md §2.2: at least three seeds an arm."""


def confirmation(
    of: str,
    shares: Mapping[str, float],
    lead: Mapping[str, Any] | None,
    *,
    gain: float | None,
    seed_sd: float | None,
    item_se: float,
    comparisons: int,
    baselines: Mapping[str, float],
    within: tuple[float, float] | None = (0.0, 1.0),
    alpha: float = 0.05,
) -> dict[str, Any]:
    """What to run next.

    Args:
        lead: the measure that decides, with `name`, `state`, `best`, `low`, `high`; None where no measure tells.
        gain: how much better the best share is expected to be than the best of the baselines, after the winner's curse
            (None: no baseline lies among the shares that ran); `seed_sd` of paired per-seed differences (None: the runs
            do not tell it) and `item_se`, in the measure's unit.
        baselines: the shares of plain mixtures, by what they are called.
        within: shares at which no source repeats more than the cap; None where there are none.
    """
    telling = lead is not None and lead["state"] != NOT_IDENTIFIED
    span = max(shares.values()) - min(shares.values())
    alike, places = ALIKE * span, max(2, 2 - math.floor(math.log10(span)))
    asked: list[tuple[float, str]] = []
    if lead is not None and telling:
        for end, role in (("best", "best"), ("low", "low end"), ("high", "high end")):
            inside = float(np.clip(lead[end], *within)) if within is not None else float(lead[end])
            asked.append((inside, role if abs(inside - lead[end]) < alike else f"{role} within the cap"))
    for name, share in baselines.items():
        beyond = within is not None and not within[0] - alike <= share <= within[1] + alike
        asked.append((share, f"{name} baseline{' beyond the cap' if beyond else ''}"))
    if not telling:
        asked.append((_widest(sorted(set(shares.values()))), "middle of the widest gap"))
    rows: list[dict[str, Any]] = []
    for share, role in asked:
        near = next((row for row in rows if abs(row["share"] - share) < alike), None)
        if near is not None:
            near["roles"].append(role)
            continue
        ran = next((variant for variant, at in shares.items() if abs(at - share) < alike), None)
        rows.append({"share": round(share, places), "roles": [role], "variant": ran})
    seeds = None
    if telling and gain is not None and gain > 0 and seed_sd is not None:
        seeds = seeds_to_detect(gain, seed_sd, item_se, alpha / max(comparisons, 1))
    return {
        "measure": lead["name"] if lead is not None else None,
        "shares": rows,
        "seeds": max(seeds, FEWEST) if seeds is not None else None,
        "gain": gain if telling else None,
        "baselines": dict(baselines),
        "said": _said(of, rows, lead if telling else None, gain, seeds, seed_sd is not None)
        + (" No share keeps every source within the cap." if telling and within is None else ""),
    }


def _said(
    of: str,
    rows: Sequence[Mapping[str, Any]],
    lead: Mapping[str, Any] | None,
    gain: float | None,
    seeds: int | None,
    noisy: bool,
) -> str:
    listed = ", ".join(f"{percent(row['share'])} ({', '.join(row['roles'])})" for row in rows)
    if lead is None:
        return (
            f"No measure tells a best share of {of}, so there is nothing to confirm. More seeds of the shares that ran "
            f"come first; then {listed}."
        )
    head = f"Confirm with fresh seeds: {of} at {listed}."
    if gain is None:
        return (
            f"{head} At least {FEWEST} seeds each: no baseline lies among the shares that ran, so what is gained over "
            "one is not known."
        )
    if gain <= 0:
        return f"{head} No gain over the best baseline is expected on {lead['name']}: the baseline may be all it takes."
    if not noisy:
        return f"{head} At least {FEWEST} seeds each: these runs do not tell how many it takes."
    if seeds is None:
        return (
            f"{head} Not even {MOST_SEEDS} seeds would tell the gain expected over the best baseline on "
            f"{lead['name']} from zero."
        )
    more = f"{max(seeds, FEWEST)} seeds each"
    return f"{head} {more} tell the gain expected over the best baseline on {lead['name']} from zero (80 % power)."


def _widest(shares: list[float]) -> float:
    gaps = np.diff(shares)
    widest = int(np.argmax(gaps))
    return float(shares[widest] + gaps[widest] / 2)
