"""Drawings of the paper's figures: grouped bars with our intervals, lines over a share, the paper's values beside.

Bars of shares begin at zero. Bits per byte of two models differ by a per cent of a number far from zero, where bars
from zero would show nothing: such bars begin at the score of the baseline, so that their length is the difference. The
paper's values are diamonds on bars in our unit, and bars of their own, without intervals, where units differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leaven.report import words
from leaven.report.canvas import FAINT, INK, LINE, PAPER, SOFT
from leaven.report.chart import wrapped
from leaven.report.palette import Look

WIDTH = 0.82
"""Of a group of bars; groups are one apart."""
LETTERS = 44
"""Characters that fit side by side under a panel."""
THEIRS = "◇ the paper"


@dataclass(frozen=True)
class Bar:
    """One bar: an arm's score in its group, in the unit of the axis; `theirs` is the paper's, where it has one."""

    arm: str
    value: float | None
    low: float | None = None
    high: float | None = None
    theirs: float | None = None


@dataclass(frozen=True)
class Group:
    """Bars side by side under one label; `start`: where they begin; `digits` of their values."""

    label: str
    bars: Sequence[Bar]
    start: float = 0.0
    digits: int = 1


def height(groups: Sequence[Group]) -> float:
    """Inches for a panel of these groups, with the lines of the labels under it."""
    names = [group.label for group in groups] if len(groups) > 1 else [bar.arm for bar in groups[0].bars]
    lines = max(_broken(name, len(names)).count("\n") + 1 for name in names)
    return 2.55 + 0.19 * (lines + (0 if len(groups) > 1 else 1))


def grouped(axes: Any, groups: Sequence[Group], looks: Mapping[str, Look], title: str, unit: str, below: str) -> None:
    """Vertical bars with intervals and, where there are any, the paper's diamonds.

    A single group has the names and values of its bars under them; several have their labels there, and a legend
    elsewhere names the colours. `below`: what stands under the panel.
    """
    axes.yaxis.grid(True, color=LINE, lw=0.6, zorder=0)
    axes.set_axisbelow(True)
    ends = [group.start for group in groups]
    ticks: dict[float, str] = {}
    for x, group in enumerate(groups):
        each = WIDTH / len(group.bars) if len(groups) > 1 else 1.0
        left = x - WIDTH / 2 if len(groups) > 1 else -0.5
        axes.plot([left, left + each * len(group.bars)], [group.start] * 2, color=FAINT, lw=1.0, zorder=4)
        for place, bar in enumerate(group.bars):
            at = left + each * (place + 0.5)
            ends += _bar(axes, at, each, bar, group.start, looks[bar.arm].color)
            if len(groups) == 1:
                ticks[at] = f"{_broken(bar.arm, len(group.bars))}\n{_value(bar, group.digits)}"
            elif not words.is_number(bar.low) and words.is_number(bar.value):
                _over(axes, at, bar.value, group.digits)
        if len(groups) > 1:
            ticks[x] = _broken(group.label, len(groups))
    low, high = min(ends), max(ends)
    pad = 0.08 * ((high - low) or 1.0)
    axes.set_ylim(low - (pad if low != 0 else 0), high + pad)
    axes.set_xlim(-0.6, max(ticks) + 0.6)
    axes.set_xticks(list(ticks), list(ticks.values()), fontsize=9.5 if len(ticks) > 4 else 10.5)
    axes.tick_params(axis="x", length=0, labelcolor=INK)
    axes.tick_params(axis="y", labelcolor=SOFT, color=LINE)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.set_title(wrapped(title, 44))
    axes.set_ylabel(unit, color=SOFT)
    axes.set_xlabel(below, color=SOFT)


def _broken(name: str, among: int) -> str:
    """A name on lines that fit beside the others; arrows and plus signs may end one."""
    room = max(8, LETTERS // max(1, among))
    if len(name) <= room:
        return name
    return wrapped(name.replace("→", "→ ").replace("+", "+ "), room).replace("→ ", "→").replace("+ ", "+")


def _value(bar: Bar, digits: int) -> str:
    ours = words.number(bar.value, digits)
    return f"{ours} ({words.number(bar.theirs, 1)})" if words.is_number(bar.theirs) else ours


def _bar(axes: Any, at: float, each: float, bar: Bar, start: float, color: str) -> list[float]:
    """One bar, its interval, the paper's value; returns the ends of what was drawn."""
    ends = []
    if words.is_number(bar.value):
        axes.bar(at, bar.value - start, 0.86 * each, bottom=start, color=color, lw=0, zorder=2)
        ends.append(bar.value)
    if words.is_number(bar.value) and words.is_number(bar.low) and words.is_number(bar.high):
        # in paper colour under the line, so that it is seen within a dark bar as well
        axes.plot([at, at], [bar.low, bar.high], color=PAPER, lw=3.4, solid_capstyle="butt", zorder=3)
        axes.plot([at, at], [bar.low, bar.high], color=INK, lw=1.5, solid_capstyle="butt", zorder=5)
        ends += [bar.low, bar.high]
    if words.is_number(bar.theirs):
        axes.plot([at - 0.28 * each], [bar.theirs], "D", ms=5.6, mfc=PAPER, mec=INK, mew=1.3, zorder=6, clip_on=False)
        ends.append(bar.theirs)
    return ends


def _over(axes: Any, at: float, value: float, digits: int) -> None:
    """A value over its bar, as the paper writes it."""
    where = {"xytext": (0, 2), "textcoords": "offset points", "ha": "center", "va": "bottom"}
    axes.annotate(words.number(value, digits), (at, value), fontsize=8.5, color=SOFT, **where)


@dataclass(frozen=True)
class Line:
    """Scores over a share in per cent: (share, value, low, high); `dashed` for the paper's, which has no interval."""

    label: str
    color: str
    marker: str
    points: Sequence[tuple[float, float, float | None, float | None]]
    dashed: bool = False


def over_share(axes: Any, lines: Sequence[Line], title: str, of: str, unit: str) -> None:
    """Lines over a share in per cent, with intervals where there are any; several are named at their right end."""
    axes.yaxis.grid(True, color=LINE, lw=0.6, zorder=0)
    axes.set_axisbelow(True)
    for line in lines:
        x, y = [point[0] for point in line.points], [point[1] for point in line.points]
        look = {"color": line.color, "ms": 6.5, "lw": 1.9, "marker": line.marker, "zorder": 4}
        if line.dashed:
            look |= {"mfc": PAPER, "mew": 1.4, "lw": 1.3, "ls": (0, (4, 2)), "zorder": 3}
        axes.plot(x, y, **look)
        for at, _, low, high in line.points:
            if words.is_number(low) and words.is_number(high):
                axes.plot([at, at], [low, high], color=line.color, lw=1.6, solid_capstyle="butt", zorder=3)
    if len(lines) > 1:
        _ends(axes, lines)
    axes.set_xticks(sorted({point[0] for line in lines for point in line.points}))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}")
    axes.margins(x=0.05, y=0.1)
    axes.tick_params(axis="y", labelcolor=SOFT, color=LINE)
    axes.spines["left"].set_visible(False)
    axes.set_title(wrapped(title, 44))
    axes.set_xlabel(of, color=SOFT)
    axes.set_ylabel(unit, color=SOFT)


def _ends(axes: Any, lines: Sequence[Line]) -> None:
    """The lines' names at their right ends, apart where the ends are close."""
    values = [point[1] for line in lines for point in line.points]
    close = 0.08 * ((max(values) - min(values)) or 1.0)
    ordered = sorted(lines, key=lambda line: line.points[-1][1])
    for place, line in enumerate(ordered):
        x, y = line.points[-1][:2]
        near = [abs(other.points[-1][1] - y) < close for other in ordered if other is not line]
        shift = 7 * (2 * place / (len(ordered) - 1) - 1) if any(near) else 0.0
        where = {"xytext": (9, shift), "textcoords": "offset points", "va": "center", "fontsize": 10.0}
        axes.annotate(wrapped(line.label), (x, y), color=line.color, annotation_clip=False, **where)
