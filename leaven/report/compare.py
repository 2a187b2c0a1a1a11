"""The page of two studies side by side: what they state differently, and the same comparisons in both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from leaven.analyze.between import UNKNOWN, plain
from leaven.ground.files import write_json
from leaven.report import document, palette, words
from leaven.report.canvas import GAP, INK, LINE, PAPER, SOFT, Entry
from leaven.report.chart import Chart, Panel, key, row_labels, rows_height
from leaven.report.gains import badge
from leaven.report.markup import Html, details, paragraph, table, tag

Row = Mapping[str, Any]
SIDES = ("first", "second")


def write_comparison(found: Row, out: Path) -> None:
    """Write `out`/report.html, `out`/figures and `out`/data/compare.json from what `analyze.between.between` gave.

    Raises:
        LeavenError: the folder cannot be written; what was there before is still there.
    """
    drawing = chart(found)
    charts = [drawing] if drawing else []
    document.publish(out, page(found, charts), charts, lambda folder: write_json(folder / "compare.json", dict(found)))


def page(found: Row, charts: Sequence[Chart]) -> str:
    first, second = found["names"]
    head = tag(
        "header",
        paragraph("leaven · two studies", class_="kicker"),
        tag("h1", f"{first} and {second}"),
        paragraph(words.sentence(found["said"]), class_="lead"),
    )
    parts: list[document.Part] = [
        ("figures", "Figures", document.figures(charts)),
        ("effects", "Effects", _effects(found)),
        ("differences", "What they state differently", _declared(found)),
        ("single", "In one only", _single(found)),
    ]
    return document.frame(f"{first} and {second}", head, parts)


def chart(found: Row) -> Chart | None:
    """Both effects of every comparison that the two have in common, a panel for each measure; None without any."""
    pairs = found["pairs"]
    measures = list(dict.fromkeys((str(row["measure"]), str(row["unit"])) for row in pairs))
    if not pairs:
        return None
    look = palette.looks(list(SIDES))
    names = dict(zip(SIDES, found["names"], strict=True))
    panels = []
    for measure, unit in measures:
        here = [row for row in pairs if (row["measure"], row["unit"]) == (measure, unit)]
        labels = [_label(row) for row in here]
        panels.append(
            Panel(partial(_draw, rows=here, labels=labels, unit=unit), rows_height(labels, each=0.5), _alt(here, names))
        )
    legend = (
        key(list(names.values()), {names[side]: look[side] for side in SIDES})
        if len(set(names.values())) == 2
        else None
    )
    return Chart(
        name="compare",
        title="The same comparisons in both",
        sentence=words.sentence(found["said"]),
        note="Dots: change against the baseline; lines: 95 % intervals; hollow: no interval is known. Right is better "
        "in every panel.",
        panels=panels,
        head=["comparison", "measure", *found["names"], "second − first"],
        rows=[
            [
                _label(row),
                str(row["measure"]),
                *(_effect(row, side) for side in SIDES),
                str(row["said"]),
            ]
            for row in pairs
        ],
        numbers=(2, 3, 4),
        legend=legend,
        entries=[Entry(names[side], look[side].color, look[side].marker) for side in SIDES],
        data=("compare.json",),
    )


def _label(row: Row) -> str:
    size = f", {row['size']}" if row.get("size") else ""
    return f"{row['variant']} vs {row['baseline']}{size}"


def _effect(row: Row, side: str) -> str:
    if row[f"{side}_effect"] is None:
        return UNKNOWN
    return words.effect(row[f"{side}_effect"], row[f"{side}_low"], row[f"{side}_high"], str(row["unit"]))


def _alt(rows: Sequence[Row], names: Mapping[str, str]) -> str:
    told = "; ".join(
        f"{_label(row)}: {', '.join(f'{names[side]} {_effect(row, side)}' for side in SIDES)}" for row in rows
    )
    return f"Effects on {rows[0]['measure']} in both studies: {told}."


def _draw(axes: Any, rows: Sequence[Row], labels: Sequence[str], unit: str) -> None:
    row_labels(axes, labels)
    axes.axvline(0, color=INK, lw=1.0, zorder=1)
    axes.xaxis.grid(True, color=LINE, lw=0.6, zorder=0)
    axes.set_axisbelow(True)
    look = palette.looks(list(SIDES))
    ends = [0.0]
    for y, row in enumerate(rows):
        for side, shift in zip(SIDES, (-0.16, 0.16), strict=True):
            low, high, value = (row[f"{side}_{name}"] for name in ("low", "high", "effect"))
            if value is None:
                continue
            known = low is not None and high is not None
            ends += [low, high, value] if known else [value]
            style: dict[str, Any] = {"color": look[side].color}
            if known:
                axes.plot([low, high], [y + shift] * 2, lw=2.0, solid_capstyle="butt", zorder=2, **style)
                style |= {"mec": PAPER, "mew": 0.6}
            else:
                style |= {"mfc": PAPER, "mew": 1.5}
            axes.plot([value], [y + shift], look[side].marker, ms=6.5, zorder=3, **style)
    pad = 0.06 * ((max(ends) - min(ends)) or 1.0)
    limits = (min(ends) - pad, max(ends) + pad)
    axes.set_xlim(*(limits[::-1] if rows[0].get("better") == "lower" else limits))
    axes.set_title(str(rows[0]["measure"]), fontweight="bold" if rows[0]["primary"] else "normal")
    axes.set_xlabel(f"← worse{GAP}change{', ' + unit if unit else ''}{GAP}better →", color=SOFT)


def _effects(found: Row) -> Html | None:
    """Every comparison that both have, verdict beside verdict."""
    if not found["pairs"]:
        return None
    shared = found["shared"]
    first, second = found["names"]
    return tag(
        "section",
        tag("h2", "Verdict beside verdict"),
        paragraph(
            "The difference of two effects has the interval that the two intervals allow where the studies are "
            "independent; it is not corrected for the number of comparisons.",
            f" {words.count(shared, 'stage')} of training stand in both, so they are not independent and the interval "
            "is only a guide."
            if shared
            else "",
        ),
        table(
            ["comparison", "measure", first, "", second, "", "second − first", ""],
            [
                [
                    _label(row),
                    str(row["measure"]),
                    _effect(row, "first"),
                    _badge(row, "first"),
                    _effect(row, "second"),
                    _badge(row, "second"),
                    str(row["said"]),
                    "turned round" if row["flips"] else "apart" if row["apart"] else "",
                ]
                for row in found["pairs"]
            ],
            caption="Effects with 95 % intervals",
            numbers=(2, 4, 6),
        ),
        id="effects",
    )


def _declared(found: Row) -> Html | None:
    rows = [[str(row["field"]), plain(row["first"]), plain(row["second"])] for row in found["declared"]]
    if not rows:
        return None
    return tag(
        "section",
        tag("h2", "What they state differently"),
        table(["field", *found["names"]], rows, caption="Fields of the two studies that are not equal"),
        id="differences",
    )


def _badge(row: Row, side: str) -> Html | str:
    verdict = row[f"{side}_verdict"]
    return badge(str(verdict)) if verdict else words.MISSING


def _single(found: Row) -> Html | None:
    sides = [(name, found[f"only_{side}"]) for name, side in zip(found["names"], SIDES, strict=True)]
    if not any(rows for _, rows in sides):
        return None
    return tag(
        "section",
        tag("h2", "In one of them only"),
        [
            details(
                f"{words.count(len(rows), 'comparison')} of {name}",
                table(["comparison", "measure"], [[_label(row), str(row["measure"])] for row in rows]),
            )
            for name, rows in sides
            if rows
        ],
        id="single",
    )
