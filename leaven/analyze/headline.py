"""One sentence for somebody who has to decide: what a variant does to everything that was asked, and what would change
that.

A sentence is on one variant and its baseline at one size, over the primary measures. It names what is better with its
effect and interval, what that costs, what is equivalent and what is open, how many seeds it rests on, and the one thing
that would change it soonest: what would resolve the first open comparison, else what would undo the weakest claim.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leaven.analyze.text import effect_text, listing

ORDER = ("better", "worse", "equivalent", "unresolved")


def headlines(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """{size, variant, baseline, said, would_change} for every variant with primary comparisons, in their order.

    Args: `rows` of `comparisons`.
    """
    several = len({row["size"] for row in rows}) > 1
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["primary"]:
            groups.setdefault((row["size"], row["variant"], row["baseline"]), []).append(row)
    return [
        {
            "size": size,
            "variant": variant,
            "baseline": baseline,
            "said": _said(size if several else "", variant, baseline, mine),
            "would_change": _soonest(mine),
        }
        for (size, variant, baseline), mine in groups.items()
    ]


def _said(size: str, variant: str, baseline: str, rows: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    for verdict in ORDER:
        mine = [row for row in rows if row["verdict"] == verdict]
        if mine:
            parts.append(f"{verdict} on {listing([_one(row) for row in mine])}")
    seeds = sorted({int(row["seeds"]) for row in rows})
    count = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    over = f"{count} seed{'' if count == '1' else 's'}"
    where = f"at {size}, " if size else ""
    return f"{where}{variant} instead of {baseline} ({over}) is {'; '.join(parts)}"


def _one(row: Mapping[str, Any]) -> str:
    return f"{row['measure']} ({effect_text(row['effect'], row['low'], row['high'], row['unit'])})"


def _soonest(rows: Sequence[Mapping[str, Any]]) -> str:
    """What would resolve the first open comparison; without one, what would undo the claim with the largest corrected
    p."""
    open_ = [row for row in rows if row["verdict"] == "unresolved"]
    if open_:
        return f"on {open_[0]['measure']} {open_[0]['would_change']}"
    weakest = max(rows, key=lambda row: row["p_equivalence_holm" if row["verdict"] == "equivalent" else "p_holm"])
    return f"on {weakest['measure']} {weakest['would_change']}"
