"""What a study that has not run can resolve with its seeds and items, and what its smallest effect of interest takes.

Power is that of `power.py`, at Holm's strictest step of the study's primary comparisons. Two goals are told apart: to
*find* an effect of the size of the margin, and to *equate*: to show of two arms that do not differ that they lie within
the margin. A study resolves its own question where it finds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import optimize

from leaven.analyze.pilot import Noise
from leaven.analyze.power import (
    MORE_ITEMS,
    MOST_SEEDS,
    POWER,
    power_note,
    seeds_to_detect,
    seeds_to_equate,
    smallest_effect,
)
from leaven.study.amounts import short


@dataclass(frozen=True)
class Aim:
    """A measure that a study speaks of at one size. `size`: "" where there is only one. `margin`: the smallest effect
    of interest, in `unit`. `tokens`: what one seed of all arms trains on."""

    size: str
    measure: str
    unit: str
    margin: float
    seeds: int
    tokens: int


def resolution(
    aim: Aim, noise: Noise, comparisons: int = 1, alpha: float = 0.05, wanted: float = POWER
) -> dict[str, Any]:
    """One row of a plan's power.

    Returns: the aim and the noise; `smallest_effect` found with the wanted power (None: none, however large);
        `resolves`: whether that is the margin or less; `seeds_needed` with the items there are (None: MOST_SEEDS do not
        suffice); `items_needed` with the seeds there are (None: no number does, or nothing is known of the items);
        `both_needed`: (seeds, items) where seeds alone do not do; `seeds_to_equate`; `tokens_needed`: of the seeds
        needed.
    """
    level = alpha / max(comparisons, 1)
    item_se = noise.item_sd / math.sqrt(noise.clusters) if noise.clusters else 0.0
    smallest = smallest_effect(aim.seeds, noise.seed_sd, item_se, level, wanted)
    resolves = smallest <= aim.margin
    needed = seeds_to_detect(aim.margin, noise.seed_sd, item_se, level, wanted)
    both = None if needed else _both(aim.margin, noise, level, wanted)
    seeds = needed or (both[0] if both else None)
    return {
        "size": aim.size,
        "measure": aim.measure,
        "unit": aim.unit,
        "margin": aim.margin,
        "smallest_effect": smallest if math.isfinite(smallest) else None,
        "resolves": resolves,
        "seeds": aim.seeds,
        "seeds_needed": needed,
        "items": noise.clusters,
        "items_needed": noise.clusters if resolves else _items(aim, noise, item_se, level, wanted),
        "both_needed": both,
        "seeds_to_equate": seeds_to_equate(0.0, aim.margin, noise.seed_sd, item_se, level, wanted),
        "tokens_needed": None if seeds is None else aim.tokens * max(seeds, aim.seeds),
        "seed_sd": noise.seed_sd,
        "item_sd": noise.item_sd,
        "noisiest": noise.noisiest,
        "noisiest_sd": noise.noisiest_sd,
        "source": noise.source,
        "note": _note(aim, noise, comparisons, alpha, wanted),
    }


def _note(aim: Aim, noise: Noise, comparisons: int, alpha: float, wanted: float) -> str:
    note = power_note(aim.seeds, noise.clusters, alpha, comparisons, wanted)
    return note if noise.clusters else f"{note}; items not counted"


def _items(aim: Aim, noise: Noise, item_se: float, level: float, wanted: float) -> int | None:
    """Fewest items with which the seeds there are find the margin."""
    if not noise.clusters or smallest_effect(aim.seeds, noise.seed_sd, 0.0, level, wanted) > aim.margin:
        return None

    def over(part: float) -> float:
        return smallest_effect(aim.seeds, noise.seed_sd, part, level, wanted) - aim.margin

    part = float(optimize.brentq(over, 0.0, item_se, xtol=1e-9 * item_se))
    return math.ceil((noise.item_sd / part) ** 2) if part else None


def _both(margin: float, noise: Noise, level: float, wanted: float) -> tuple[int, int] | None:
    """Seeds and items that find the margin together: no more items than needed, then no more seeds."""
    for factor in MORE_ITEMS[1:] if noise.clusters else ():
        part = noise.item_sd / math.sqrt(noise.clusters * factor)
        seeds = seeds_to_detect(margin, noise.seed_sd, part, level, wanted)
        if seeds is not None:
            return seeds, noise.clusters * factor
    return None


def takes(row: Mapping[str, Any]) -> str:
    """What the margin of a row takes, in words: `14 seeds, 1.2T tokens in all (now 3)`, or that nothing does."""
    trained = f", {short(row['tokens_needed'])} tokens in all" if row["tokens_needed"] else ""
    ways = []
    if row["seeds_needed"]:
        ways.append(f"{row['seeds_needed']} seeds{trained} (now {row['seeds']})")
    if row["items_needed"]:
        ways.append(f"{row['items_needed']:,} independent items (now {row['items']:,})")
    if ways:
        return " or ".join(ways)
    if row["both_needed"]:
        seeds, items = row["both_needed"]
        return f"{seeds} seeds{trained} (now {row['seeds']}) with {items:,} independent items (now {row['items']:,})"
    more = f" and {MORE_ITEMS[-1]} times the items" if row["items"] else ""
    return f"more than {MOST_SEEDS} seeds{more}"


def merged(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows that differ in nothing but their size and its tokens as one: its `size` names all of them, and its
    `tokens_needed` are those of all of them."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        alike = tuple(repr(value) for name, value in row.items() if name not in ("size", "tokens_needed"))
        if alike in found:
            found[alike]["size"] += f" and {row['size']}"
            if row["tokens_needed"] is not None:
                found[alike]["tokens_needed"] += row["tokens_needed"]
        else:
            found[alike] = dict(row)
    return list(found.values())


def warnings(rows: Sequence[Mapping[str, Any]], comparisons: int = 1) -> list[str]:
    """A sentence where the study cannot answer its own question; nothing where it can."""
    needs = [f"{takes(row)} for {named(row)}" for row in merged(rows) if not row["resolves"]]
    if not needs:
        return []
    family = f" ({comparisons} comparisons are corrected together)" if comparisons > 1 else ""
    return [
        "this study cannot resolve its own question: to find the smallest effect of interest 4 times in 5"
        f" would take {'; '.join(needs)}{family}"
    ]


def named(row: Mapping[str, Any]) -> str:
    """A row's measure, and its size where there are several."""
    return f"{row['measure']} at {row['size']}" if row["size"] else str(row["measure"])
