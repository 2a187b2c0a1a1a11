"""Figure 4: bits per byte over tokens, each variant through its whole chain of stages, one panel a source.

Seeds are thin lines, their mean is bold. A stage that several variants share is one line in stripes of their
colours, so that nothing is hidden behind anything. Vertical lines are stage boundaries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from leaven.report import words
from leaven.report.canvas import FAINT, LINE, SOFT, Entry
from leaven.report.chart import Chart, Panel, key
from leaven.report.contents import Contents, Row
from leaven.report.lineage import Node, chain, every, tree
from leaven.report.palette import Look, looks

PREFIX = "bpb_"
SETTLED = 0.12
"""Share of all tokens after which values set the vertical range: before, every model falls from chance alike."""

Line = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def chart(contents: Contents) -> Chart | None:
    """The figure, or None where no stage has a curve."""
    roots = tree(contents)
    nodes = [node for node in every(roots) if any(name in contents.variants for name in node.variants)]
    columns = dict.fromkeys(
        name for stage in contents.stages for name in stage.get("curve") or {} if name.startswith(PREFIX)
    )
    if not columns:
        return None
    names = [name for name in contents.variants if chain(roots, name)]
    look = looks(contents.variants)
    ends = {column: {name: _end(chain(roots, name), column) for name in names} for column in columns}
    first = next(iter(columns))
    return Chart(
        name="curves",
        title="Bits per byte over training",
        sentence=_sentence(first, ends[first]),
        note=(
            "Held-out documents of each source; lower is better. Bold: mean over seeds; thin: single seeds; striped: a "
            "stage shared by the variants of these colours; vertical lines: stage boundaries. The fall from chance at "
            "the very start is cut off."
        ),
        panels=[
            Panel(partial(_draw, column=column, nodes=nodes, look=look), 2.7, _alt(column, ends[column]))
            for column in columns
        ],
        head=["variant", *(f"{column.removeprefix(PREFIX)}, at the end" for column in columns)],
        rows=[[name, *(words.number(ends[column][name]) for column in columns)] for name in names],
        numbers=range(1, len(columns) + 1),
        legend=key(names, look),
        entries=[Entry(name, look[name].color, look[name].marker) for name in names],
        data=("curves.csv",),
    )


def series(stage: Row, column: str) -> Line:
    """(tokens in the stage, bits per byte) of one stage, finite values only."""
    curve: Mapping[str, Sequence[Any]] = stage.get("curve") or {}
    found = [
        (float(x), float(y))
        for x, y in zip(curve.get("tokens") or [], curve.get(column) or [], strict=False)
        if words.is_number(x) and words.is_number(y)
    ]
    return np.array([x for x, _ in found]), np.array([y for _, y in found])


def mean(node: Node, column: str) -> Line:
    """The mean over a node's seeds, on the points of the first seed (others interpolated to them)."""
    lines = [line for line in (series(stage, column) for stage in node.stages) if len(line[0])]
    if not lines:
        return np.array([]), np.array([])
    grid = lines[0][0]
    return grid, np.mean([np.interp(grid, x, y) for x, y in lines], axis=0)


def _end(nodes: Sequence[Node], column: str) -> float | None:
    for node in reversed(nodes):
        _, values = mean(node, column)
        if len(values):
            return float(values[-1])
    return None


def _sentence(column: str, ends: Mapping[str, float | None]) -> str:
    known = {name: value for name, value in ends.items() if value is not None}
    source = column.removeprefix(PREFIX)
    if not known:
        return f"No bits per byte on {source} were measured at the end."
    low, high = min(known, key=lambda name: known[name]), max(known, key=lambda name: known[name])
    if low == high:
        return f"On held-out {source}, {low} ends at {words.number(known[low])} bits per byte."
    return (
        f"On held-out {source}, {low} ends lowest at {words.number(known[low])} bits per byte and {high} highest at "
        f"{words.number(known[high])}."
    )


def _alt(column: str, ends: Mapping[str, float | None]) -> str:
    said = "; ".join(f"{name} ends at {words.number(value)}" for name, value in ends.items())
    return f"Bits per byte on {column.removeprefix(PREFIX)} over training tokens: {said}."


def _joined(node: Node, stage: Row | None, column: str) -> Line:
    """The line of one seed (or the mean, for None) from where the parent's ended, in tokens of the whole chain."""
    x, y = mean(node, column) if stage is None else series(stage, column)
    if node.parent is not None and len(x):
        same = [row for row in node.parent.stages if stage is not None and row.get("seed") == stage.get("seed")]
        _, before = mean(node.parent, column) if stage is None else series(same[0], column) if same else (x[:0], y[:0])
        if len(before) and x[0] > 0:
            x, y = np.concatenate([[0.0], x]), np.concatenate([before[-1:], y])
    return x + node.start, y


def _draw(axes: Any, column: str, nodes: Sequence[Node], look: Mapping[str, Look]) -> None:
    total = max((node.end for node in nodes), default=0) or 1
    scale, suffix = next(
        (pair for pair in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")) if total >= pair[0]), (1, "")
    )
    settled: list[float] = []
    for node in nodes:
        owners = [look[name] for name in node.variants if name in look]
        for stage in node.stages if len(node.stages) > 1 else ():
            x, y = _joined(node, stage, column)
            axes.plot(
                x / scale,
                y,
                color=owners[0].color if len(owners) == 1 else FAINT,
                lw=0.6,
                alpha=0.7,
                zorder=2,
            )
            settled += [value for at, value in zip(x, y, strict=True) if at >= SETTLED * total]
        x, y = _joined(node, None, column)
        settled += [value for at, value in zip(x, y, strict=True) if at >= SETTLED * total]
        for index, owner in enumerate(owners):
            stripe = (index * 5.0, (5.0, 5.0 * (len(owners) - 1))) if len(owners) > 1 else "-"
            axes.plot(x / scale, y, color=owner.color, lw=1.9, ls=stripe, zorder=3, dash_capstyle="butt")
        if len(x) and not node.children:
            for owner in owners:
                axes.plot(x[-1:] / scale, y[-1:], owner.marker, color=owner.color, ms=5.5, zorder=4, clip_on=False)
        if node.start:
            axes.axvline(node.start / scale, color=FAINT, lw=0.7, ls=(0, (2, 2)), zorder=1)
    if settled:
        pad = 0.06 * ((max(settled) - min(settled)) or 0.1)
        axes.set_ylim(min(settled) - pad, max(settled) + pad)
    axes.set_xlim(0, total / scale)
    axes.yaxis.grid(True, color=LINE, lw=0.6)
    axes.set_axisbelow(True)
    axes.locator_params(nbins=6)
    axes.tick_params(axis="y", labelcolor=SOFT, labelsize=10.5)
    axes.set_title(column.removeprefix(PREFIX))
    axes.set_xlabel(f"tokens{', ' + suffix if suffix else ''}", color=SOFT)
    axes.set_ylabel("bits per byte", color=SOFT)
