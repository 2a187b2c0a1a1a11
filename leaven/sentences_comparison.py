"""What `leaven compare` says on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leaven.analyze.text import effect_text
from leaven.columns import table, width

MOST_FIELDS = 20
"""Fields that are shown one by one; beyond, only their number."""


def comparison_lines(found: Mapping[str, Any]) -> list[str]:
    """A summary, a table of the comparisons in common, what only one has, and what they state differently."""
    first, second = found["names"]
    lines = [f"compare   {first} and {second}", f"          {found['said']}", ""]
    if found["pairs"]:
        head = ["variant", "baseline", "measure", first, "", second, "", "second − first", ""]
        rows = [
            [
                f"{row['variant']}{' @' + row['size'] if row['size'] else ''}",
                row["baseline"],
                row["measure"],
                *(cell for side in ("first", "second") for cell in (_effect(row, side), row[f"{side}_verdict"])),
                row["said"],
                "turned round" if row["flips"] else "apart" if row["apart"] else "",
            ]
            for row in found["pairs"]
        ]
        lines += [f"  {line}" for line in table(head, rows, numbers=(3, 5, 7), most=width() - 2)]
        lines.append("  differences: 95 % intervals as of independent studies, not corrected for their number")
    for name, rows in ((first, found["only_first"]), (second, found["only_second"])):
        if rows:
            lines.append(f"only in {name}: {len(rows)} comparison{'' if len(rows) == 1 else 's'}")
    declared = found["declared"]
    if declared:
        lines += ["", "stated differently"]
        shown = [[row["field"], str(row["first"]), str(row["second"])] for row in declared[:MOST_FIELDS]]
        lines += [f"  {line}" for line in table(["field", first, second], shown, most=width() - 2)]
        if len(declared) > MOST_FIELDS:
            lines.append(f"  and {len(declared) - MOST_FIELDS} more")
    return lines


def _effect(row: Mapping[str, Any], side: str) -> str:
    return effect_text(row[f"{side}_effect"], row[f"{side}_low"], row[f"{side}_high"], str(row["unit"]))
