"""Figure 1: gains over the baseline, measure by measure, with their intervals, the margin and the zero line.

The paper shows gains per category as grouped bars (its Figures 2, 3 and 6) without intervals; here each is a dot in
its interval. Every panel is turned so that better lies to the right, whichever way its measure counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from leaven.report import palette, words
from leaven.report.canvas import BAND, GAP, INK, LINE, PAPER, SOFT
from leaven.report.chart import Chart, Panel, beside, row_labels, rows_height
from leaven.report.contents import VERDICTS, Contents, Row
from leaven.report.markup import Html, tag


def chart(contents: Contents) -> Chart | None:
    """The figure, or None where nothing was compared."""
    rows = [row for row in contents.comparisons if words.is_number(row.get("effect"))]
    ordered = sorted(contents.measures, key=lambda row: not row.get("primary"))
    panels = []
    for measure in ordered:
        here = contents.of(rows, measure=measure["name"])
        if here:
            names = [_label(contents, row) for row in here]
            # Where some rows are told in another unit than the margin's, no band is drawn for the others either.
            margin = min(margin_of(contents, row) for row in here)
            draw = partial(_draw, measure=measure, rows=here, names=names, margin=margin)
            panels.append(Panel(draw, rows_height(names), _alt(measure, here)))
    if not panels:
        return None
    return Chart(
        name="gains",
        title="Gains over the baseline",
        sentence=_sentence(contents),
        note=(
            f"Dots: change against {_whom(contents, rows)}; lines: 95 % intervals"
            f"{'; shaded: changes smaller than the study cares about' if margins(contents, rows) else ''}. Right is "
            "better in every panel (axes of measures where lower is better are reversed). Bold titles are primary "
            "measures."
        ),
        panels=panels,
        head=["variant", "measure", "verdict", "effect and interval", "p, Holm", "seeds", "items"],
        rows=[
            [
                _label(contents, row),
                str(row["measure"]),
                badge(str(row.get("verdict"))),
                words.effect(row["effect"], row.get("low"), row.get("high"), unit_of(contents, row)),
                words.probability(row.get("p_holm", row.get("p"))),
                words.amount(row.get("seeds")),
                words.amount(row.get("items")),
            ]
            for row in rows
        ],
        numbers=(3, 4, 5, 6),
        legend=tag("ul", [tag("li", badge(verdict)) for verdict in VERDICTS], class_="key"),
        data=("gains.csv",),
    )


def _label(contents: Contents, row: Row) -> str:
    """The variant, and what it is compared with where that is not the study's baseline."""
    other = row.get("baseline") not in (None, contents.baseline)
    return f"{row['variant']} vs {row['baseline']}" if other else str(row["variant"])


def _whom(contents: Contents, rows: Sequence[Row]) -> str:
    """What the rows of a figure are compared with."""
    others = {row.get("baseline") for row in rows} - {None, contents.baseline}
    return f"{contents.baseline} or the baseline that is named" if others else contents.baseline


def badge(verdict: str) -> Html:
    """A verdict as sign and word; the colour only repeats them."""
    known = verdict if verdict in VERDICTS else "unresolved"
    return tag(
        "span",
        tag("span", palette.SIGNS[known], aria_hidden="true", class_="sign"),
        " ",
        verdict,
        class_=f"badge {known}",
    )


def margin_of(contents: Contents, row: Row) -> float:
    """The smallest effect of interest of a comparison, in its unit; 0 where none was named, or none applies."""
    found = row.get("margin", contents.measure(row.get("measure")).get("margin"))
    return float(found) if words.is_number(found) and found > 0 else 0.0


def margins(contents: Contents, rows: Sequence[Row]) -> bool:
    """Whether any of these comparisons has a smallest effect of interest."""
    return any(margin_of(contents, row) for row in rows)


def unit_of(contents: Contents, row: Row) -> str:
    measure = contents.measure(row.get("measure"))
    found = row.get("unit") or {"relative": "%", "points": "points"}.get(str(measure.get("effect")), "")
    return str(found)


def _sentence(contents: Contents) -> str:
    rows = contents.primary or list(contents.comparisons)
    kind = "primary comparison" if contents.primary else "comparison"
    parts = []
    for verdict in VERDICTS:
        found = len(contents.of(rows, verdict=verdict))
        if found:
            parts.append(f"{found} {verdict}")
    return f"Of {words.count(len(rows), kind)} with {_whom(contents, rows)}: {words.listing(parts)}."


def _alt(measure: Row, rows: Sequence[Row]) -> str:
    said = "; ".join(
        f"{row['variant']} {row.get('verdict')} "
        f"{words.effect(row['effect'], row.get('low'), row.get('high'), str(row.get('unit') or ''))}"
        for row in rows
    )
    return f"Gains on {measure['name']} with intervals: {said}."


def _draw(axes: Any, measure: Row, rows: Sequence[Row], names: Sequence[str], margin: float) -> None:
    unit = str(rows[0].get("unit") or "")
    row_labels(axes, names)
    if margin:
        axes.axvspan(-margin, margin, color=BAND, zorder=0, lw=0)
    axes.axvline(0, color=INK, lw=1.0, zorder=1)
    axes.xaxis.grid(True, color=LINE, lw=0.6, zorder=0)
    axes.set_axisbelow(True)
    ends = [0.0]
    for y, row in enumerate(rows):
        color = palette.verdict_color(str(row.get("verdict")))
        marker, full = palette.verdict_marker(str(row.get("verdict")))
        value, low, high = float(row["effect"]), row.get("low"), row.get("high")
        ends.append(value)
        if words.is_number(low) and words.is_number(high):
            ends += [float(low), float(high)]
            axes.plot([low, high], [y, y], color=color, lw=2.2, solid_capstyle="butt", zorder=2)
        axes.plot(
            [value],
            [y],
            marker,
            ms=7,
            mec=color,
            mew=1.6,
            mfc=color if full else PAPER,
            zorder=3,
            clip_on=False,
        )
        digits = max(1, min(3, words.decimals(low, high) - 1))
        beside(
            axes,
            y,
            f"{palette.SIGNS.get(str(row.get('verdict')), '?')} {words.signed(value, digits)}",
            color=color,
        )
    if 0 < margin < 3 * max(abs(end) for end in ends):
        ends += [-1.15 * margin, 1.15 * margin]
    pad = 0.06 * ((max(ends) - min(ends)) or 1.0)
    limits = (min(ends) - pad, max(ends) + pad)
    axes.set_xlim(*(limits[::-1] if measure.get("better") == "lower" else limits))
    axes.xaxis.set_major_formatter(lambda value, _: words.signed(value, 3).rstrip("0").rstrip(".") or "0")
    axes.set_title(str(measure["name"]), fontweight="bold" if measure.get("primary") else "normal")
    axes.set_xlabel(f"← worse{GAP}change{', ' + unit if unit else ''}{GAP}better →", color=SOFT)
