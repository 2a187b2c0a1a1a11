"""What `leaven compare` says on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leaven.analyze.between import UNKNOWN, plain
from leaven.analyze.text import effect_text
from leaven.columns import table, width, wrapped
from leaven.corpus.look.visible import visible

MOST_FIELDS = 20
"""Fields that are shown one by one; beyond, only their number."""
SIDES = (("A", "first"), ("B", "second"))


def comparison_lines(found: Mapping[str, Any]) -> list[str]:
    """A summary, the comparisons in common, what only one has, and what they state differently; the two are A and B."""
    first, second = found["names"]
    lines = [
        *wrapped("compare   A  ", [first], most=width()),
        *wrapped("          B  ", [second], most=width()),
        *wrapped("          ", str(found["said"]).split(" "), joint=" ", most=width()),
    ]
    if found["pairs"]:
        lines += ["", *_pairs(found["pairs"])]
        lines.append("  differences: 95 % intervals as of independent studies, not corrected for their number")
    for (side, _), rows in zip(SIDES, (found["only_first"], found["only_second"]), strict=True):
        if rows:
            lines.append(f"only in {side}: {len(rows)} comparison{'' if len(rows) == 1 else 's'}")
    declared = found["declared"]
    if declared:
        lines += ["", "stated differently"]
        shown = [[row["field"], plain(row["first"]), plain(row["second"])] for row in declared[:MOST_FIELDS]]
        lines += [f"  {line}" for line in table(["field", "A", "B"], shown, most=width() - 2)]
        if len(declared) > MOST_FIELDS:
            lines.append(f"  and {len(declared) - MOST_FIELDS} more")
    return lines


def _pairs(pairs: list[Mapping[str, Any]]) -> list[str]:
    """Three lines a measure (A, B and their difference) under each two variants that are compared."""
    rows = []
    for row in pairs:
        sides = [[each, _effect(row, side), str(row[f"{side}_verdict"] or "")] for each, side in SIDES]
        note = "turned round" if row["flips"] else "apart" if row["apart"] else ""
        for place, cells in enumerate([*sides, ["B − A", row["said"], note]]):
            rows.append(["" if place else row["measure"], *cells])
    head, *made = table(["measure", "", "effect", ""], rows, numbers=(2,), most=width() - 4)
    lines = [f"    {head}"]
    before = ""
    for row, start in zip(pairs, range(0, len(made), 3), strict=True):
        what = visible(f"{row['variant']} vs {row['baseline']}{', ' + row['size'] if row['size'] else ''}")
        lines += [f"  {what}"] if what != before else []
        lines += [f"    {line}" for line in made[start : start + 3]]
        before = what
    return lines


def _effect(row: Mapping[str, Any], side: str) -> str:
    effect, low, high = (row[f"{side}_{name}"] for name in ("effect", "low", "high"))
    unit = str(row["unit"])
    if effect is None:
        return UNKNOWN
    if low is None or high is None:
        return f"{effect:+.3g} {unit}, no interval".replace("-", "−")
    return effect_text(effect, low, high, unit)
