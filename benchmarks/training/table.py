"""Figures of `cpu.py` to markdown, after checking that all sides computed the same.

Usage: python benchmarks/training/table.py FIGURES.json > part-of-docs.md

Per shape and batch: the median step of all steps (or calls) of all rounds, the least and greatest median of a round,
and how many times as fast leaven is: the ratio of the medians, and the least and greatest ratio within a round.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from shapes import SEQUENCE, SHAPES

OURS = "leaven"
FIRST, FIFTH = 1e-4, 1e-3
"""Greatest differences of float32 losses: before the first update, and after five."""

Runs = dict[str, list[dict[str, Any]]]


def main() -> None:
    found = json.loads(Path(sys.argv[1]).read_text())
    for short in (False, True):
        kept = [one for one in found if one["short"] == short]
        cells = sorted({(one["shape"], one["batch"]) for one in kept}, key=lambda c: (c[1], list(SHAPES).index(c[0])))
        for shape, batch in cells:
            sides: Runs = {}
            for one in kept:
                if (one["shape"], one["batch"]) == (shape, batch):
                    sides.setdefault(one["side"], []).append(one)
            alike(shape, sides)
            print("\n".join(whole(shape, batch, sides) if short else steps(shape, batch, sides)) + "\n")


def alike(shape: str, sides: Runs) -> None:
    """Stop unless all float32 sides had the same losses."""
    runs = [one for side, runs in sides.items() if "bf16" not in side for one in runs]
    for at, most in ((0, FIRST), (5, FIFTH)):
        losses = [one["losses"][at] for one in runs]
        if max(losses) - min(losses) > most:
            named = sorted((one["losses"][at], one["side"]) for one in runs)
            sys.exit(f"{shape}: losses after {at} updates differ: {named}")


def middle(one: dict[str, Any]) -> float:
    return statistics.median(one["seconds"])


def steps(shape: str, batch: int, sides: Runs) -> list[str]:
    """The table of one shape and batch."""
    ours = sides[OURS]
    best = statistics.median([second for one in ours for second in one["seconds"]])
    rows = [
        f"#### {shape}: {SHAPES[shape].parameters:,} parameters, vocabulary {SHAPES[shape].vocab:,}, batch {batch}",
        "",
        "| side | ms a step | of rounds | tokens/s | leaven is faster | of rounds | steps | first | others |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for side, runs in sides.items():
        second = statistics.median([second for one in runs for second in one["seconds"]])
        rounds = sorted(middle(one) for one in runs)
        turns = {one["turn"]: middle(one) for one in ours}
        ratios = sorted(middle(one) / turns[one["turn"]] for one in runs if one["turn"] in turns)
        faster = ["", ""] if side == OURS else [f"{second / best:.2f} ×", f"{ratios[0]:.2f} … {ratios[-1]:.2f}"]
        cells = [
            side,
            f"{1e3 * second:.1f}",
            f"{1e3 * rounds[0]:.1f} … {1e3 * rounds[-1]:.1f}",
            f"{batch * SEQUENCE / second:,.0f}",
            *faster,
            f"{sum(one.get('steps', len(one['seconds'])) for one in runs)}",
            f"{max(one['first'] for one in runs):.1f} s",
            f"{max(one['others'] for one in runs):.2f}",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def whole(shape: str, batch: int, sides: Runs) -> list[str]:
    """Whole processes: from starting the interpreter to the end of the last step."""
    count = max(one.get("steps", len(one["seconds"])) for one in sides[OURS])
    best = statistics.median(one["wall"] for one in sides[OURS])
    rows = [
        f"#### {shape}, batch {batch}: a run of {count} steps, everything counted, compilers' caches empty",
        "",
        "| side | seconds | all runs | of which compiling or first step | leaven is faster | others |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for side, runs in sides.items():
        walls = sorted(one["wall"] for one in runs)
        first = statistics.median(one["first"] for one in runs)
        wall = statistics.median(walls)
        faster = "" if side == OURS else f"{wall / best:.2f} ×"
        others = max(one["others"] for one in runs)
        spread = f"{walls[0]:.1f} … {walls[-1]:.1f}"
        rows.append(f"| {side} | {wall:.1f} | {spread} | {first:.1f} | {faster} | {others:.2f} |")
    return rows


if __name__ == "__main__":
    main()
