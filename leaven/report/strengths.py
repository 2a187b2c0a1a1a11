"""Figure: one scale for all arms, from every pair that was judged (Bradley and Terry, 1952, Biometrika 39).

A dot is the log odds that an arm is preferred over the reference; the upper axis says the same as a win rate, 100 / (1
+ exp(−x)) %. An arm whose place the votes do not fix is told in words and has no dot. An arm is called above or below
the reference only where neither its interval nor its corrected p leaves a doubt, like a pair (see `preference`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from leaven.report import words
from leaven.report.canvas import FAINT, INK, LINE, PAPER, SOFT
from leaven.report.chart import Chart, Panel, beside, row_labels, rows_height
from leaven.report.contents import Contents, Row
from leaven.report.markup import bullets
from leaven.report.scripted import MEANING, WORD, any_scripted, stamp_between, titled

STEPS = (1, 2, 5, 10)
"""Steps in per cent between the win rates that the upper axis names: the first that has room."""
LADDER = (50, 10, 90, 1, 99, 25, 75, 5, 95)
"""Win rates for an axis on which even steps have no room, the most wanted first."""
ROOM = 0.19
"""The share of the axis that a label takes."""
WIDEST = 6.0
"""Log odds beyond which an interval ends in an arrow, and an arm is one: it would squeeze all others."""


def chart(contents: Contents) -> Chart | None:
    """The figure, or None where no arm has a place beside the reference."""
    rows = sorted(contents.strengths, key=lambda row: -_at(row))
    known = [row for row in rows if found(row)]
    reference = _reference(contents)
    if not any(str(row.get("arm")) != reference for row in known):
        return None
    scripted = any_scripted(contents)
    names = [str(row.get("arm")) for row in known]
    return Chart(
        name="strengths",
        title=titled(contents, "strength of each arm" if scripted else "Strength of each arm, from all pairs"),
        sentence=_sentence(contents, known, reference),
        note=(
            f"Bradley–Terry strengths, a tie as half a win for each side. Dots: log odds against {reference}, which is "
            "0 by definition; lines: 95 % intervals, which resample whole prompts; above: the win rate against "
            f"{reference} that the scale implies; arrows: further out than is drawn. Right is preferred more often. "
            f"{_told_apart(contents)}"
        ),
        panels=[
            Panel(
                partial(_draw, rows=known, reference=reference, scripted=scripted),
                rows_height(names, each=0.5 if scripted else 0.42, around=1.2),
                _alt(known, reference, scripted),
            )
        ],
        head=[
            "arm",
            "log odds and interval",
            "win rate implied",
            "p, Holm",
            "reference",
            *(["judge"] if scripted else []),
        ],
        rows=[
            [
                str(row.get("arm")),
                words.effect(row.get("strength"), row.get("low"), row.get("high"), "")
                if found(row)
                else f"not identified: {row.get('why') or 'the votes do not fix it'}",
                rate(row) if found(row) else words.MISSING,
                words.probability(row.get("p_holm")),
                str(row.get("reference") or reference),
                *([WORD] if scripted else []),
            ]
            for row in rows
        ],
        numbers=(1, 2, 3),
        data=("strengths.csv",),
        columns=1,
        more=_untold(rows),
    )


def found(row: Row) -> bool:
    return row.get("identified") is not False and words.is_number(row.get("strength"))


def rate(row: Row) -> str:
    """The win rate against the reference that a strength implies, in per cent."""
    value = row.get("rate")
    if not words.is_number(value):
        return words.MISSING
    low, high = row.get("rate_low"), row.get("rate_high")
    span = f" [{low:.1f}, {high:.1f}]" if words.is_number(low) and words.is_number(high) else ""
    return f"{value:.1f} %{span}"


def _at(row: Row) -> float:
    return float(row["strength"]) if found(row) else -math.inf


def _reference(contents: Contents) -> str:
    return str(next((row["reference"] for row in contents.strengths if row.get("reference")), contents.baseline))


def _untold(rows: Sequence[Row]) -> Any:
    """Arms without a place, in words."""
    unknown = [row for row in rows if not found(row)]
    if not unknown:
        return None
    return bullets(
        [
            words.sentence(f"{row.get('arm')} is not identified: {row.get('why') or 'the votes do not fix its place'}")
            for row in unknown
        ],
        class_="warnings",
    )


def leaning(row: Row, alpha: float) -> int:
    """+1 above the reference, −1 below it, 0 where that cannot be told: the interval alone is not corrected."""
    p, low, high = row.get("p_holm"), row.get("low"), row.get("high")
    if not words.is_number(p) or p > alpha:
        return 0
    return 1 if words.is_number(low) and low > 0 else -1 if words.is_number(high) and high < 0 else 0


def _tested(rows: Sequence[Row]) -> bool:
    """Whether the rows hold corrected p-values: those of earlier versions do not."""
    return any(words.is_number(row.get("p_holm")) for row in rows)


def _told_apart(contents: Contents) -> str:
    """What the lines are not: a decision over several arms."""
    if not _tested(contents.strengths):
        return "Intervals are not corrected for their number, so that one which leaves out 0 decides nothing."
    return (
        "Intervals are not corrected for their number: an arm is called above or below only where its interval leaves "
        f"out 0 and its p, corrected by Holm's method, is at most {contents.alpha:g}. All pairs speak here, and so may "
        "tell what one pair alone cannot."
    )


def _sentence(contents: Contents, known: Sequence[Row], reference: str) -> str:
    others = [row for row in known if str(row.get("arm")) != reference]
    above = [str(row.get("arm")) for row in others if leaning(row, contents.alpha) > 0]
    below = [str(row.get("arm")) for row in others if leaning(row, contents.alpha) < 0]
    said = []
    if not _tested(others):
        said.append(f"{words.count(len(others), 'arm')} {'has' if len(others) == 1 else 'have'} a place")
    if above:
        said.append(f"{words.listing(above)} {'stands' if len(above) == 1 else 'stand'} above {reference}")
    if below:
        said.append(f"{words.listing(below)} {'stands' if len(below) == 1 else 'stand'} below {reference}")
    rest = len(others) - len(above) - len(below)
    if rest and _tested(others):
        untold = f"{words.count(rest, 'other arm')} cannot" if said else "no arm can"
        said.append(f"{untold} be told from {reference}")
    lost = [str(row.get("arm")) for row in contents.strengths if not found(row)]
    if lost:
        said.append(f"{words.listing(lost)} {'has' if len(lost) == 1 else 'have'} no place on the scale")
    mark = f"{WORD}. {MEANING} " if any_scripted(contents) else ""
    return f"{mark}On one scale of all pairs, {', and '.join(said)}."


def _alt(rows: Sequence[Row], reference: str, scripted: bool) -> str:
    said = "; ".join(
        f"{row.get('arm')} {words.effect(row['strength'], row.get('low'), row.get('high'), '')}, win rate {rate(row)}"
        for row in rows
    )
    mark = f"{WORD}, not a result. {MEANING} " if scripted else ""
    return f"{mark}Bradley–Terry strengths in log odds against {reference}: {said}."


def _draw(axes: Any, rows: Sequence[Row], reference: str, scripted: bool) -> None:
    row_labels(axes, [str(row.get("arm")) for row in rows], emphasis=reference)
    axes.xaxis.grid(True, color=LINE, lw=0.6, zorder=0)
    axes.set_axisbelow(True)
    axes.axvline(0, color=INK, lw=1.0, zorder=1)
    ends = [-0.25, 0.25]
    for y, row in enumerate(rows):
        value, is_reference = float(row["strength"]), str(row.get("arm")) == reference
        low, high = row.get("low"), row.get("high")
        at = _bounded(value)
        ends.append(at)
        if words.is_number(low) and words.is_number(high) and not is_reference:
            left, right = _bounded(low), _bounded(high)
            ends += [left, right]
            axes.plot([left, right], [y, y], color=INK, lw=2.2, solid_capstyle="butt", zorder=2)
            if low < -WIDEST:
                axes.plot([left], [y], "<", ms=6, color=INK, zorder=3)
            if high > WIDEST:
                axes.plot([right], [y], ">", ms=6, color=INK, zorder=3)
        full = PAPER if is_reference or scripted else INK
        marker = "D" if is_reference else "o" if at == value else ">" if value > 0 else "<"
        axes.plot([at], [y], marker, ms=7, mec=INK, mew=1.6, mfc=full, zorder=4, clip_on=False)
        shown = row.get("rate")
        told = "reference" if is_reference else f"{shown:.1f} %" if words.is_number(shown) else words.MISSING
        beside(axes, y, told, color=SOFT if is_reference else INK)
    pad = 0.06 * (max(ends) - min(ends))
    axes.set_xlim(min(ends) - pad, max(ends) + pad)
    axes.xaxis.set_major_formatter(lambda value, _: words.signed(value, 3).rstrip("0").rstrip(".") or "0")
    axes.locator_params(axis="x", nbins=5)
    _rates(axes, min(ends) - pad, max(ends) + pad)
    axes.set_xlabel(f"{f'{WORD}: ' if scripted else ''}log odds, more often preferred →", color=SOFT)
    if scripted:
        axes.set_ylim(len(rows) - 0.45, -0.62)
        stamp_between(axes, range(len(rows)))


def _bounded(value: float) -> float:
    return max(-WIDEST, min(WIDEST, value))


def _rates(axes: Any, low: float, high: float) -> None:
    """The upper axis: win rates against the reference."""
    shown = ticks(low, high)
    upper = axes.secondary_xaxis("top")
    upper.set_xticks([_odds(rate) for rate in shown], [f"{rate} %" for rate in shown])
    upper.tick_params(color=FAINT, labelcolor=SOFT, labelsize=10.0, length=3)
    upper.spines["top"].set_visible(True)
    upper.spines["top"].set_color(FAINT)
    upper.set_xlabel("win rate implied against the reference", color=SOFT, fontsize=10.0, loc="left")


def ticks(low: float, high: float) -> list[int]:
    """Win rates in per cent that an axis from `low` to `high` log odds names: in even steps, or else those of LADDER,
    as many as have room."""
    apart = ROOM * (high - low)
    for step in STEPS:
        shown = [rate for rate in range(step, 100, step) if low <= _odds(rate) <= high and not (50 - rate) % step]
        if all(_odds(right) - _odds(left) >= apart for left, right in pairwise(shown)):
            return shown
    shown = []
    for rate in LADDER:
        if low <= _odds(rate) <= high and all(abs(_odds(rate) - _odds(other)) >= apart for other in shown):
            shown.append(rate)
    return sorted(shown)


def _odds(rate: float) -> float:
    return math.log(rate / (100 - rate))
