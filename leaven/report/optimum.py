"""Figure and section on the best share of a sweep: the curve of each measure, where it is best, and how sure that is.

The paper's Figure 4 draws points and joins them. Here each panel has the points with their intervals, the curve with
its band, and under it a bar: the 95 % interval of the best share. Up is better in every panel. Where no share can be
named the bar is broken and the panel says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from leaven.report import words
from leaven.report.canvas import BAND, GAP, INK, LINE, PAPER, SOFT, Entry
from leaven.report.chart import Chart, Panel
from leaven.report.contents import Contents, Row
from leaven.report.markup import Html, Node, bullets, details, paragraph, table, tag
from leaven.report.palette import SERIES, VERDICT

HEIGHT = 3.3
COLORS = {
    "identified": VERDICT["better"][0],
    "at an edge": VERDICT["unresolved"][0],
    "not identified": VERDICT["equivalent"][0],
}
"""The word stands beside the colour, and the bar of what is not identified is broken."""
DOT = SERIES[0][0]
ROOM = 0.2
"""Part of a panel's height that is kept free below the points for the bar."""


def chart(contents: Contents) -> Chart | None:
    """The figure, or None for a study without a sweep."""
    found = contents.optimum
    measures = found.get("measures") or []
    if not measures:
        return None
    of = str(found.get("of") or "")
    swarm = any(row.get("swarm") for row in measures)
    return Chart(
        name="optimum",
        title=f"The best share of {of}",
        sentence=str(found.get("said") or ""),
        note=(
            f"Dots: {'means of runs with about this share' if swarm else 'each share that ran, rings its seeds'}; "
            "vertical lines: 95 % intervals of a share's distance from the others. Solid: any smooth curve, shaded its "
            "95 % band; dashed: the law that predicts left-out shares best. The bar below is the 95 % interval of the "
            "best share, its diamond the best guess; broken where no share can be named. Up is better in every panel."
            + (" What else was in the mixtures is not held constant." if swarm else "")
        ),
        panels=[Panel(partial(_draw, row=row, of=of), HEIGHT, _alt(row, of)) for row in measures],
        head=["measure", f"share of {of}", "mean", "interval", "runs"],
        rows=[
            [
                str(row.get("name")),
                _percent(point.get("share")),
                words.number(point.get("mean"), _digits(row)),
                _interval(point, _digits(row)),
                words.amount(len(point["seeds"])) if point.get("seeds") else str(point.get("variant")),
            ]
            for row in measures
            for point in row.get("points") or []
        ],
        numbers=(1, 2, 3, 4),
        entries=[Entry(f"best share {state}", color) for state, color in COLORS.items()],
    )


def section(contents: Contents) -> Html | None:
    """Best shares and laws, the shares that nothing beats, repetition, and the run that should follow; or None."""
    found = contents.optimum
    measures = found.get("measures") or []
    if not measures:
        return None
    of = str(found.get("of") or "")
    repetition = found.get("repetition") or {}
    confirm = found.get("confirm") or {}
    return tag(
        "section",
        tag("h2", f"The best share of {of}"),
        bullets([words.sentence(row.get("said")) for row in measures]),
        table(
            ["measure", "state", "best share", "95 % interval", "value there", "lost at most", "why"],
            [
                [
                    str(row.get("name")),
                    tag("b", str(row.get("state"))),
                    _percent(row.get("best")),
                    _span(row),
                    words.number(row.get("value"), _digits(row)) + words.unit(str(row.get("unit") or "")),
                    words.number(row.get("regret_high"), _digits(row)) + words.unit(str(row.get("unit") or "")),
                    str(row.get("why") or ""),
                ]
                for row in measures
            ],
            caption=f"Best shares of {of}; “lost at most”: by taking the best guess in place of the true best, at 95 %",
            numbers=(2, 3, 4, 5),
        ),
        paragraph(str(found.get("note") or ""), class_="soft"),
        details("Every law that was fitted", _laws(measures), class_="data"),
        _pareto(found.get("pareto") or {}),
        [tag("h3", "Repetition"), paragraph(words.sentence(repetition["said"]))] if repetition.get("said") else None,
        [tag("h3", "The run that should follow"), paragraph(words.sentence(confirm["said"])), _runs(confirm, of)]
        if confirm.get("said")
        else None,
        id="optimum-share",
    )


def _laws(measures: Sequence[Row]) -> Html:
    rows = [
        [
            str(row.get("name")),
            str(fit.get("law")) + (" (chosen)" if fit.get("law") == row.get("law") else ""),
            str(fit.get("formula")),
            _percent(fit.get("best")),
            _span(fit),
            words.number(fit.get("r2"), 3),
            words.number(fit.get("left_out"), _digits(row)),
        ]
        for row in measures
        for fit in row.get("fits") or []
    ]
    return table(
        ["measure", "law", "formula", "best share", "if it were true", "R²", "error, left out"],
        rows,
        caption="Laws; “if it were true”: the interval that a law would give if it were known to hold",
        numbers=(3, 4, 5, 6),
    )


def _pareto(found: Row) -> Node:
    rows = found.get("shares") or []
    if not rows:
        return None
    return [
        tag("h3", "Shares that no other share beats"),
        paragraph(words.sentence(found.get("said"))),
        table(
            ["share", "variant", "on the front", "how often, noise included", "beaten by", "noise included"],
            [
                [
                    _percent(row.get("share")),
                    str(row.get("variant")),
                    "yes" if row.get("front") else "no",
                    words.percent(row.get("often"), 0),
                    ", ".join(str(name) for name in row.get("beaten_by") or []) or words.MISSING,
                    ", ".join(str(name) for name in row.get("surely_beaten_by") or []) or words.MISSING,
                ]
                for row in rows
            ],
            caption=f"Over {words.listing([str(name) for name in found.get('measures') or []])}",
            numbers=(3,),
        ),
    ]


def _runs(confirm: Row, of: str) -> Html:
    return table(
        [f"share of {of}", "why", "ran already as"],
        [
            [
                _percent(row.get("share")),
                ", ".join(str(role) for role in row.get("roles") or []),
                str(row.get("variant") or words.MISSING),
            ]
            for row in confirm.get("shares") or []
        ],
        caption="To run with fresh seeds",
    )


def _percent(share: Any) -> str:
    return words.percent(share, 0 if words.is_number(share) and (share >= 0.1 or round(100 * share, 1) % 1 == 0) else 1)


def _span(row: Row) -> str:
    return f"{_percent(row.get('low'))} to {_percent(row.get('high'))}"


def _digits(row: Row) -> int:
    """Decimals that a measure's points deserve."""
    return words.decimals(*(point.get("mean") for point in row.get("points") or []))


def _interval(point: Row, digits: int) -> str:
    if not words.is_number(point.get("low")):
        return words.MISSING
    return f"[{words.number(point['low'], digits)}, {words.number(point.get('high'), digits)}]"


def _alt(row: Row, of: str) -> str:
    digits = _digits(row)
    points = "; ".join(
        f"{_percent(point.get('share'))}: {words.number(point.get('mean'), digits)}"
        for point in row.get("points") or []
    )
    return f"{row.get('name')} over the share of {of} ({row.get('better')} is better): {points}. {row.get('said')}"


def _draw(axes: Any, row: Row, of: str) -> None:
    points, curve = row.get("points") or [], row.get("curve") or {}
    color = COLORS.get(str(row.get("state")), SOFT)
    grid = [100 * x for x in curve.get("grid") or []]
    axes.fill_between(grid, curve.get("band_low") or [], curve.get("band_high") or [], color=BAND, lw=0, zorder=1)
    law = next((fit for fit in row.get("fits") or [] if fit.get("law") == row.get("law")), None)
    if law is not None:
        axes.plot([100 * x for x in law["grid"]], law["mean"], color=SOFT, lw=1.1, ls=(0, (4, 3)), zorder=2)
    axes.plot(grid, curve.get("mean") or [], color=INK, lw=1.7, zorder=3)
    seen: list[float] = list(curve.get("mean") or [])
    for point in points:
        x = 100 * float(point["share"])
        if words.is_number(point.get("low")) and words.is_number(point.get("high")):
            axes.plot([x, x], [point["low"], point["high"]], color=DOT, lw=1.6, solid_capstyle="butt", zorder=4)
            seen += [point["low"], point["high"]]
        seeds = point.get("seeds") or []
        if len(seeds) > 1:
            axes.plot([x] * len(seeds), seeds, "o", ms=3.4, mfc="none", mec=SOFT, mew=0.7, zorder=4)
            seen += seeds
        axes.plot([x], [point["mean"]], "o", ms=5.5, color=DOT, zorder=5)
        seen.append(float(point["mean"]))
    _limits(axes, seen, lower=row.get("better") == "lower")
    _bar(axes, row, color)
    axes.yaxis.grid(True, color=LINE, lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", labelcolor=SOFT, labelsize=10.5)
    axes.locator_params(axis="y", nbins=5)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    axes.set_title(str(row.get("name")))
    unit = str(row.get("unit") or "")
    axes.set_xlabel(f"share of {of}", color=SOFT)
    axes.set_ylabel(f"{unit}{GAP}better →" if unit else "better →", color=SOFT)


def _limits(axes: Any, seen: Sequence[float], *, lower: bool) -> None:
    """Up is better; below the points there is room for the bar."""
    least, most = min(seen), max(seen)
    span = (most - least) or 1.0
    free = ROOM / (1 - ROOM) * span
    limits = (most + free, least - 0.06 * span) if lower else (least - free, most + 0.06 * span)
    axes.set_ylim(*limits)


def _bar(axes: Any, row: Row, color: str) -> None:
    """The interval of the best share along the bottom, with the state in words."""
    low, high, best = (100 * float(row[end]) for end in ("low", "high", "best"))
    across = axes.get_xaxis_transform()
    broken = row.get("state") == "not identified"
    axes.plot(
        [low, high],
        [0.055, 0.055],
        color=color,
        lw=4.0,
        ls=(0, (1.2, 0.8)) if broken else "-",
        solid_capstyle="butt",
        dash_capstyle="butt",
        transform=across,
        zorder=4,
    )
    axes.plot(
        [best],
        [0.055],
        "D",
        ms=6.5,
        mfc=PAPER if broken else color,
        mec=color,
        mew=1.5,
        transform=across,
        zorder=5,
        clip_on=False,
    )
    least, most = axes.get_xlim()
    words_at = (least + most) / 2
    said = f"best share {row.get('state')}" if broken else f"best {_percent(row.get('best'))}, {row.get('state')}"
    axes.text(words_at, 0.1, said, transform=across, ha="center", va="bottom", fontsize=10.0, color=color, zorder=6)
