"""Figures to tables: writes the measured part of docs/benchmarks.md out of the JSON files of the other scripts.

Usage: python benchmarks/corpus/table.py FIGURES [docs/benchmarks.md]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
ORDER = ("near_dedup", "encode", "encode_256k", "pipeline", "scale", "bpe")


def main() -> None:
    figures = Path(sys.argv[1])
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("docs/benchmarks.md")
    parts = [section(json.loads((figures / f"{name}.json").read_text())) for name in ORDER if exists(figures, name)]
    text = target.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    target.write_text(head + BEGIN + "\n\n" + "\n".join(parts) + "\n" + END + tail, encoding="utf-8")


def exists(figures: Path, name: str) -> bool:
    return (figures / f"{name}.json").exists()


def section(data: dict[str, Any]) -> str:
    about = data["machine"]
    place = f"{about['cores']} cores ({about['processor']}), {about['memory_gb']} GB"
    if "documents" in data:
        amount = f"{data['bytes'] / 1e6:.0f} MB in {data['documents']:,} files (list {data['collection'][:12]})"
        place += f"; {amount}; {data['workers']} workers; median of {data['rounds']} rounds in turns"
    rows = training(data["rows"]) if "rows" in data else sides(data["sides"])
    return f"### {data['what'].capitalize()}\n\n{place}.\n\n" + "\n".join(rows) + "\n"


def sides(runs: dict[str, Any]) -> list[str]:
    rows = ["| side | seconds | MB/s | peak memory | leaven is faster | outcome |", "|---|--:|--:|--:|--:|---|"]
    for name, run in runs.items():
        faster = f"{run['leaven_is_faster']:.1f} ×" if run.get("leaven_is_faster", 1) != 1 else ""
        memory = f"{run['peak_mb']:,} MB" if run["peak_mb"] else ""
        row = [name, f"{run['seconds']:.1f}", f"{run['mb_per_second']:.1f}", memory, faster, outcome(run)]
        rows.append("| " + " | ".join(row) + " |")
    return rows


def outcome(run: dict[str, Any]) -> str:
    result = run.get("result", {})
    found = [f"{result[key]:,} {word}" for key, word in WORDS.items() if key in result]
    if "stages" in result:
        found.append(", ".join(f"{name} {seconds:.1f} s" for name, seconds in result["stages"].items()))
    return "; ".join([*found, *([run["ids"]] if "ids" in run else [])])


WORDS = {"after_rules": "pass the rules", "removed": "removed", "kept": "kept", "tokens": "tokens"}


def training(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| vocabulary | sample | seconds | peak memory | reached |", "|--:|--:|--:|--:|--:|"]
    for row in rows:
        cost = ("", "") if row.get("refused") else (f"{row['seconds']:.1f}", f"{row['peak_mb']:,} MB")
        reached = f"{row['reached']:,}" + (" (refused)" if row.get("refused") else "")
        lines.append(f"| {row['vocabulary']:,} | {row['sample_mb']} MB | {cost[0]} | {cost[1]} | {reached} |")
    return lines


if __name__ == "__main__":
    main()
