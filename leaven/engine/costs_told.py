"""Costs in words, for the terminal: a table of hardware, and the paper's own chip-hours beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leaven.engine.costs import HERE, Cost
from leaven.train.reached import PAPER_CHIP


def lasting(seconds: float) -> str:
    """A length of time in one unit: `58 s`, `7 min`, `31 h`, `12 days`, `3 years`."""
    for unit, size in (("years", 365 * 86400.0), ("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= (1.5 if unit == "min" else 2) * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.0f} s"


def lines(found: Sequence[Cost]) -> list[str]:
    """A table for the terminal: a line for each hardware, and what was assumed."""
    if not found:
        return []
    head: tuple[str, ...] = ("hardware", "of its peak", "chip-hours", "lasting", "memory of each", "fits on", "USD")
    rows = [head, *(_row(cost) for cost in found)]
    if all(cost.usd is None for cost in found):
        rows = [row[:-1] for row in rows]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    told = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    said = [f"cost      {told[0]}", *(f"          {line}" for line in told[1:])]
    sources: dict[str, list[str]] = {}
    for cost in found:
        for part in cost.parts:
            if part.share is not None and part.source != "given":
                names = sources.setdefault(part.source, [])
                names += [cost.hardware] if cost.hardware not in names else []
    told = [f"{', '.join(names)} as {source}" for source, names in sources.items()]
    far = dict.fromkeys(part.size for cost in found for part in cost.parts if part.far)
    told += [f"nothing is published near {', '.join(far)}"] if far else []
    said += [f"          shares of the peak: {'; '.join(told)} (--mfu changes them)"] if told else []
    if any(_on_cores(cost) and any(part.fewest is None for part in cost.parts) for cost in found):
        said.append("          a core computes a batch whole, without micro-batches, and would need memory for it")
    return said


def _on_cores(cost: Cost) -> bool:
    return cost.kind.endswith(("core", "cores"))


def _row(cost: Cost) -> tuple[str, ...]:
    parts = cost.parts
    several = len(parts) > 1
    shares = [f"{part.share:.0%}" if part.share is not None else part.source for part in parts]
    devices = dict.fromkeys(str(part.devices) for part in parts)
    cores = _on_cores(cost)
    unit = "" if not cores else " core" if set(devices) == {"1"} else " cores"
    needs = [_gigabytes(part.needed) if part.needed is not None else "too much" for part in parts]
    names = [f"{part.size} " if several else "" for part in parts]
    fits = [str(part.fewest) if part.fewest is not None else "none" for part in parts]
    return (
        cost.kind if cost.hardware == HERE else cost.hardware,
        _each(names, shares),
        _hours(cost.hours),
        f"{lasting(3600 * cost.wall_hours)} on {' or '.join(devices)}{unit}",
        f"{_each(names, needs)} of {_gigabytes(cost.memory)} GB",
        "" if cores else _each(names, fits),
        _dollars(cost.usd) if cost.usd is not None else "",
    )


def _each(names: Sequence[str], cells: Sequence[str]) -> str:
    """Cells of several sizes: once where they are the same."""
    if len(set(cells)) == 1:
        return cells[0]
    return ", ".join(f"{name}{cell}" for name, cell in zip(names, cells, strict=True))


def _gigabytes(amount: int) -> str:
    return f"{amount / 1e9:,.0f}" if amount >= 1e11 else f"{amount / 1e9:.1f}"


def _dollars(usd: float) -> str:
    """Whole ones from ten on, cents below, and no price that is not nothing as nothing."""
    if usd >= 10 or not usd:
        return f"{usd:,.0f}"
    return f"{usd:.2f}" if usd >= 0.005 else "under 0.01"


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.2g}"


def check_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The check in words, a line a run."""
    said = [
        f"{row['run']}: {row['published']:,.0f} {PAPER_CHIP} chip-hours published, {row['by_six']:.0%} of the peak"
        f" by 6 N, {row['by_ours']:.0%} by our count; "
        + (
            "the share is taken from this run"
            if row["taken"]
            else f"at {row['assumed']:.0%} we say {row['ours']:,.0f}"
            f" ({100 * (row['ours'] / row['published'] - 1):+.0f} %)"
        )
        for row in rows
    ]
    return [f"{'paper' if not index else '':<10}{line}" for index, line in enumerate(said)]
