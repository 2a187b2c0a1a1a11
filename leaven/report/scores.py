"""Figure 2: the score of each variant with every seed's own point, so that seed noise is seen and not only told."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from leaven.report import words
from leaven.report.canvas import FAINT, INK, LINE, PAPER, SOFT
from leaven.report.chart import Chart, Panel, beside, row_labels, rows_height
from leaven.report.contents import Contents, Row
from leaven.study.suites import SHARES

FINAL = "final"


def chart(contents: Contents) -> Chart | None:
    """The figure, or None without scores."""
    # Rows with a task are the parts of a measure; they are in the export.
    rows = [row for row in contents.scores if words.is_number(row.get("mean")) and not row.get("task")]
    panels = []
    for measure in sorted(contents.measures, key=lambda row: not row.get("primary")):
        here = contents.of(rows, measure=measure["name"])
        names = [name for name in contents.variants if any(row.get("variant") == name for row in here)]
        if names:
            draw = partial(
                _draw,
                measure=measure,
                rows=here,
                names=names,
                baseline=contents.baseline,
                at=_chance(contents, measure),
            )
            panels.append(Panel(draw, rows_height(names, each=0.38), _alt(measure, here)))
    if not panels:
        return None
    points = list(dict.fromkeys(str(row.get("point")) for row in rows))
    earlier = [point for point in points if point != FINAL]
    return Chart(
        name="scores",
        title="Scores, seed by seed",
        sentence=_sentence(contents, rows),
        note=(
            f"Dots: mean over seeds{'; lines: 95 % intervals' if any(map(_bounded, rows)) else ''}; rings above them: "
            "single seeds."
            + (f" Grey: {words.listing(earlier)}." if earlier else "")
            + " Right is better in every panel."
            + (" Dotted: chance." if any(_chance(contents, row) is not None for row in contents.measures) else "")
        ),
        panels=panels,
        head=["variant", "measure", "at", "mean", "interval", "seeds", "items"],
        rows=[
            [
                str(row.get("variant")),
                str(row.get("measure")),
                str(row.get("point")),
                words.number(row["mean"]),
                _interval(row),
                ", ".join(words.number(value) for value in row.get("seeds") or []),
                words.amount(row.get("items")),
            ]
            for row in rows
        ],
        numbers=(3, 4, 6),
        data=("scores.csv",),
    )


def _bounded(row: Row) -> bool:
    return words.is_number(row.get("low")) and words.is_number(row.get("high"))


def _interval(row: Row) -> str:
    return f"[{words.number(row['low'])}, {words.number(row['high'])}]" if _bounded(row) else words.MISSING


def _chance(contents: Contents, measure: Row) -> float | None:
    """Mean chance of the measure's tasks, where the measure is a share of items answered rightly."""
    if measure.get("statistic") not in SHARES:
        return None
    levels = [contents.suite.get(task, {}).get("chance") for task in measure.get("tasks") or []]
    known = [float(level) for level in levels if level is not None and words.is_number(level)]
    return sum(known) / len(known) if known and len(known) == len(levels) else None


def _sentence(contents: Contents, rows: Sequence[Row]) -> str:
    """How far variants lie apart on the first measure, against how far seeds of one variant do."""
    for measure in sorted(contents.measures, key=lambda row: not row.get("primary")):
        here = contents.of(rows, measure=measure["name"], point=FINAL)
        spreads = [max(row["seeds"]) - min(row["seeds"]) for row in here if len(row.get("seeds") or []) > 1]
        if len(here) > 1 and spreads:
            means = [float(row["mean"]) for row in here]
            return (
                f"On {measure['name']}, variants lie between {words.number(min(means))} and "
                f"{words.number(max(means))}, while seeds of one variant differ by at most "
                f"{words.number(max(spreads))}."
            )
    return "Scores of each variant; with one seed, seed noise cannot be seen."


def _alt(measure: Row, rows: Sequence[Row]) -> str:
    said = "; ".join(f"{row.get('variant')} {row.get('point')} {words.number(row['mean'])}" for row in rows)
    return f"Scores on {measure['name']}: {said}."


def _draw(axes: Any, measure: Row, rows: Sequence[Row], names: Sequence[str], baseline: str, at: float | None) -> None:
    row_labels(axes, names, emphasis=baseline)
    axes.xaxis.grid(True, color=LINE, lw=0.6, zorder=0)
    axes.set_axisbelow(True)
    digits = max((words.decimals(row.get("low"), row.get("high")) for row in rows), default=3)
    for row in rows:
        name, final = str(row.get("variant")), row.get("point") == FINAL
        if name not in names:
            continue
        y, color = names.index(name) + (0.0 if final else 0.25), INK if final else FAINT
        low, high = row.get("low"), row.get("high")
        if words.is_number(low) and words.is_number(high):
            width = 2.0 if final else 1.2
            axes.plot([low, high], [y, y], color=color, lw=width, solid_capstyle="butt", zorder=2)
        axes.plot([row["mean"]], [y], "o" if final else "D", ms=6.5 if final else 3.6, color=color, zorder=3)
        if final:
            seeds = [value for value in row.get("seeds") or [] if words.is_number(value)]
            at_seeds = [y - 0.24] * len(seeds)
            axes.plot(seeds, at_seeds, "o", ms=3.8, mfc=PAPER, mec=SOFT, mew=1.0, zorder=4)
            beside(axes, y, words.number(row["mean"], digits), color=INK)
    if at is not None:
        axes.axvline(at, color=SOFT, lw=1.2, ls=(0, (1, 2)), zorder=1)
    axes.margins(x=0.06)
    axes.locator_params(axis="x", nbins=6)
    if measure.get("better") == "lower":
        axes.invert_xaxis()
    axes.set_title(str(measure["name"]), fontweight="bold" if measure.get("primary") else "normal")
    way = {"lower": "lower is better", "higher": "higher is better"}.get(str(measure.get("better")), "")
    axes.set_xlabel(f"{way} →" if way else "", color=SOFT)
