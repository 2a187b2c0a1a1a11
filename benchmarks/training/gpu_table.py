"""What `h200.py` measured, as tables."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any


def rows(out: Path, section: str) -> list[dict[str, Any]]:
    """What a section wrote so far."""
    path = out / f"{section}.json"
    return json.loads(path.read_text())["rows"] if path.is_file() else []


def report(out: Path) -> list[str]:
    """Everything measured so far, as tables."""
    return [*_check_lines(rows(out, "checks")), *_mfu_lines(rows(out, "mfu")), *_pack_lines(rows(out, "packs"))]


def _check_lines(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    head = ["## Checks", "", "| compared | difference | allowed | |", "|---|---|---|---|"]
    return head + [
        f"| {r['check']} | {r['value']:.2g} | {r['limit']:.2g} | {'ok' if r['ok'] else 'WRONG'} |" for r in rows
    ]


def _mfu_lines(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    lines = [
        "",
        "## MFU",
        "",
        "| size | batch | micro-batches | remat | tile | attention | tokens/s (slowest–fastest) | MFU | program | "
        "peak | compile | input wait | command |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if "failed" in row:
            reason = row["failed"].splitlines()[0][:120]
            lines.append(f"| {row['size']} |" + " |" * 5 + f" {reason} |" + " |" * 5 + f" `{row['command']}` |")
            continue
        s = row["speed"]
        mfu = f"{s['mfu']:.1%}" if s["mfu"] is not None else "–"
        spread = f"{s['tokens_per_second']:,.0f} ({s['slowest']:,.0f}–{s['fastest']:,.0f})"
        lines.append(
            f"| {row['size']} | {s['batch']} | {s['accumulate']} | {s['remat']} | {s['tile']} | {s['attention']} | "
            f"{spread} | {mfu} | {(s['program_bytes'] or 0) / 1e9:.1f} GB | {s['peak_bytes'] / 1e9:.1f} GB | "
            f"{s['compile_seconds']:.0f} s | {s['input_wait']:.2%} | `{row['command']}` |"
        )
    formulas = {row["size"]: row["speed"] for row in rows if "speed" in row}
    for size, s in formulas.items():
        lines += [
            "",
            f"FLOPs a token, {size}: {s['flops_formula']} = {s['flops_numbers']} = {s['flops_per_token']:,.0f}",
        ]
    return lines


def _pack_lines(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    lines = [
        "",
        "## Models in one program",
        "",
        "| precision | models | tokens/s together | tokens/s one after another | ratio | program | compile | command |",
        "|---|---|---|---|---|---|---|---|",
    ]
    timed = [row for row in rows if row["turn"] != "try"]
    for precision, models in dict.fromkeys((row["precision"], row["models"]) for row in timed if row["models"] > 1):
        both = [row for row in timed if row["precision"] == precision]
        together = [row for row in both if row["models"] == models and "speed" in row]
        alone = [row for row in both if row["turn"].endswith(f"beside {models}") and "speed" in row]
        if not together or not alone:
            reason = next((row["failed"] for row in both if row["models"] == models and "failed" in row), "no pair")
            lines.append(f"| {precision} | {models} | {reason.splitlines()[0][:120]} |" + " |" * 5)
            continue
        rates = [statistics.median(row["speed"]["tokens_per_second"] for row in side) for side in (together, alone)]
        s = together[0]["speed"]
        lines.append(
            f"| {precision} | {models} | {rates[0]:,.0f} | {rates[1]:,.0f} | {rates[0] / rates[1]:.1f} | "
            f"{(s['program_bytes'] or 0) / 1e9:.2f} GB | {s['compile_seconds']:.0f} s | `{together[0]['command']}` |"
        )
    return lines
