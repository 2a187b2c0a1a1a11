"""The tables of docs/benchmarks.md about the engine, from what the other scripts wrote.

Usage: python benchmarks/engine/table.py FOLDER

The folder has overhead.json, scheduler.json and makespans.json, or some of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from leaven.ground.files import read_json


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    align = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, align, *rows))


def overhead(rows: list[dict[str, Any]]) -> str:
    head = ("tiny steps", "steps", "at once", "seconds", "overhead a step", "without the start", "processor a step")
    return table(
        head,
        (
            (
                f"{row['on']}, {row['what']}",
                f"{row['steps']:,}",
                str(row["at_once"]),
                f"{row['wall']:.1f}",
                f"{row['overhead_ms']:.1f} ms",
                f"{row['steady_ms']:.1f} ms" if "steady_ms" in row else "",
                f"{row['cpu_ms']:.1f} ms" if row["on"] == "local" and "cpu_ms" in row else "",
            )
            for row in rows
        ),
    )


def scheduler(rows: list[dict[str, Any]]) -> str:
    head = ("scheduler alone, steps", "workers", "seconds", "processor a step")
    cells = (
        (f"{row['steps']:,}", str(row["workers"]), f"{row['wall']:.2f}", f"{1e6 * row['cpu'] / row['steps']:.0f} µs")
        for row in rows
    )
    return table(head, cells)


def makespans(rows: list[dict[str, Any]]) -> str:
    head = ("makespan", "steps", "workers", "foreseen", "measured", "by the seconds its own steps took")
    return table(
        head,
        (
            (
                row["what"],
                str(row["steps"]),
                str(row["workers"]),
                f"{row['foreseen']:.1f} s",
                f"{row['measured']:.1f} s",
                f"{row['foreseen_by_its_own']:.1f} s" if "foreseen_by_its_own" in row else "",
            )
            for row in rows
        ),
    )


def main() -> None:
    folder = Path(sys.argv[1])
    for make in (overhead, scheduler, makespans):
        path = folder / f"{make.__name__}.json"
        if path.exists():
            rows = read_json(path)
            load = max((row["load"] for row in rows if "load" in row), default=None)
            print(make(rows), *([f"Load at the end: {load:.1f}."] if load is not None else []), sep="\n\n", end="\n\n")


if __name__ == "__main__":
    main()
