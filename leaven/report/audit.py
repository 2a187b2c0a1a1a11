"""The page of `leaven audit`: every printed figure beside what its scores give, and what follows from them.

It is made from plain data (`leaven.audit.Audit.data`), in the frame of the other pages: one file that opens from disk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from leaven.analyze.export import write_both
from leaven.analyze.published.paper_claims import TOPICS, UNITS
from leaven.analyze.published.paper_readings import NOT, OTHERWISE, REPRODUCES
from leaven.ground.files import write_json
from leaven.report import canvas, document, palette, words
from leaven.report.canvas import INK, LINE, PAPER, SOFT
from leaven.report.chart import Chart, Panel, beside, row_labels, rows_height
from leaven.report.contents import Row
from leaven.report.markup import Html, anchor, paragraph, table, tag
from leaven.report.tables import section

SIGNS = {REPRODUCES: ("✓", "better"), OTHERWISE: ("≠", "unresolved"), NOT: ("✗", "worse")}
"""A sign and the class whose colour repeats it."""
PERCENT = ("%", UNITS["drop"].strip())
FAR = 6.0
"""Points. A figure farther than this from what its scores give is told in words at the edge of the drawing."""
TEXT, FLOAT, COUNT, FLAG = pa.string(), pa.float64(), pa.int64(), pa.bool_()
FIGURES = pa.schema(
    [(name, TEXT) for name in ("topic", "claim", "where", "says", "printed", "category", "sides", "verdict")]
    + [("exact", FLAG), ("obtained", FLOAT), ("low", FLOAT), ("high", FLOAT), ("formula", TEXT), ("why", TEXT)]
    + [("found", TEXT), ("tried", COUNT), ("by_chance", FLOAT), ("notes", TEXT)]
)
SCORES = pa.schema(
    [(name, TEXT) for name in ("part", "variant", "size", "point", "category")]
    + [("value", FLOAT), ("within", FLOAT), ("kind", TEXT), ("model", TEXT), ("inferred", FLAG)]
)
WEAK = pa.schema([("weak_point", TEXT), ("what", TEXT), ("value", FLOAT), ("unit", TEXT)])


def write_audit(data: Mapping[str, Any], out: Path) -> None:
    """Write `out`/report.html, `out`/figures and `out`/data (claims, scores, weak points; audit.json has everything).

    Raises LeavenError: the folder cannot be written; what was there before is still there.
    """
    drawings = charts(data)
    document.publish(out, page(data, drawings), drawings, partial(_tables, data))


def charts(data: Mapping[str, Any]) -> list[Chart]:
    """One figure: how far each printed percentage lies from what its scores give, part by part of the paper."""
    panels, rows = [], []
    for topic in TOPICS:
        here = [row for row in data["figures"] if row["topic"] == topic and row["unit"] in PERCENT and row["stated"]]
        if here:
            names = [_label(row) for row in here]
            panels.append(Panel(partial(_draw, rows=here, title=topic), rows_height(names), _alt(topic, here)))
            rows += here
    wrong = sum(row["verdict"] != REPRODUCES for row in rows)
    return [
        Chart(
            name="printed-and-obtained",
            title="Printed, less what the scores give",
            sentence=f"Of {len(rows)} percentages {wrong} lie farther from what their scores give than rounding "
            "explains, or contradict another one.",
            note="Dots: the printed percentage less the one that follows from the scores as the sentence has it, in "
            "points (of a drop: how much less); bands: what rounding of the scores explains. Arrows point to figures "
            "farther off than the panel reaches. Ratios (×) and directions are in the table of their part.",
            panels=panels,
            head=["printed", "on", "claim", "from the scores", "verdict"],
            rows=[
                [row["printed"], row["category"], row["claim"], _obtained(row), _badge(row["verdict"])] for row in rows
            ],
            numbers=(0, 3),
            legend=tag("ul", [tag("li", _badge(verdict)) for verdict in SIGNS], class_="key"),
            entries=[canvas.Entry(verdict, palette.VERDICT[kind][0], "o") for verdict, (_, kind) in SIGNS.items()],
            data=("claims.csv", "scores.csv", "audit.json"),
        )
    ]


def page(data: Mapping[str, Any], drawings: Sequence[Chart]) -> str:
    """The whole document."""
    parts: list[document.Part] = [("answers", "Findings", _findings(data))]
    parts += [(anchor(topic), topic.capitalize(), _topic(data, topic)) for topic in TOPICS]
    parts += [
        ("figures", "Figure", document.figures(drawings)),
        ("weak", "Weak points", _weak(data)),
        ("scores", "Scores", _scores(data)),
        ("methods", "Methods", document.methods(METHOD)),
    ]
    return document.frame("The paper's figures, audited", _head(data), parts)


METHOD = (
    "Each percentage in the text of arXiv 2408.10914v1 was computed again from the scores in its tables and figures. "
    "A score is known to half a unit of its last digit, or ±0.05 where it was read off a drawing, so what follows from "
    "two of them is an interval; a percentage reproduces where that interval and what is rounded to its printed digits "
    "meet. Of two that are printed for one quantity and cannot both be right, the farther one does not reproduce. For "
    "the others, readings were tried in this order: the sides of a sentence's figures exchanged among themselves; the "
    "other side in the denominator; another published checkpoint as the base or as the model. The last two must give "
    "the printed digits themselves, for every figure of the sentence that shares the side."
)


def _head(data: Mapping[str, Any]) -> Html:
    counts = data["counts"]
    return tag(
        "header",
        paragraph("leaven · audit", class_="kicker"),
        tag("h1", "What the paper's figures are of"),
        paragraph(
            f'Of {sum(counts.values())} figures in the text of "To Code, or Not To Code?" ({data["paper"]}), '
            f"{counts[REPRODUCES]} follow from its own scores as the sentence has them, {counts[OTHERWISE]} from other "
            f"scores than the sentence names, and {counts[NOT]} from none that were found.",
            class_="lead",
        ),
    )


def _badge(verdict: str) -> Html:
    sign, kind = SIGNS[verdict]
    return tag("span", tag("span", sign, aria_hidden="true", class_="sign"), " ", verdict, class_=f"badge {kind}")


def _findings(data: Mapping[str, Any]) -> Html:
    """What does not come out as stated, a line each."""
    wrong = [row for row in data["figures"] if row["verdict"] != REPRODUCES]
    items = [
        tag(
            "li",
            _badge(row["verdict"]),
            " ",
            tag("b", row["printed"]),
            f" on {row['category']}, {row['sides']}: {row['why']}{_of(row)}.",
        )
        for row in wrong
    ]
    return section("Findings", "answers", tag("ul", items, class_="verdicts"))


def _of(row: Row) -> str:
    """What the figure is of instead."""
    if not row["found"]:
        return ""
    return f"; {'; '.join(each['said'] for each in row['found'])}"


def _topic(data: Mapping[str, Any], topic: str) -> Html:
    rows = [row for row in data["figures"] if row["topic"] == topic]
    return section(
        topic.capitalize(),
        anchor(topic),
        table(
            ["printed", "on", "as stated", "what the text says", "verdict"],
            [
                [
                    row["printed"],
                    row["category"],
                    _obtained(row),
                    [row["says"], " ", tag("span", f"{row['where']}: {row['sides']}", class_="soft")],
                    [
                        _badge(row["verdict"]),
                        *(paragraph(words.sentence(said), class_="soft") for said in _others(row)),
                    ],
                ]
                for row in rows
            ],
            caption="As stated: what the scores give for the sides that the sentence names, and what rounding leaves",
            numbers=(0, 2),
        ),
    )


def _others(row: Row) -> list[str]:
    """What else a figure is, how far that was looked for, and what is to be known beside it."""
    said = [str(each["said"]) for each in row["found"]]
    if said and row["by_chance"] >= 0.005:
        said.append(f"{row['tried']} readings tried, {row['by_chance']:.2f} would fit by chance")
    if row["verdict"] == NOT:
        said.append(f"{row['tried']} other readings tried, none fits" if row["tried"] else row["why"])
    return [*said, *row["notes"]]


def _obtained(row: Row) -> str:
    stated = row["stated"]
    if not stated:
        return "no such score"
    unit = words.unit(row["unit"]) if row["unit"] != "×" else "×"
    ends = f"[{words.number(stated['low'], 1)}, {words.number(stated['high'], 1)}]"
    return f"{words.number(stated['value'], 1)}{unit} {ends}"


def _weak(data: Mapping[str, Any]) -> Html:
    return section(
        "What the scores do not carry",
        "weak",
        paragraph(
            "Computed from the published scores and the sizes of the public test sets; the paper prints none of it."
        ),
        tag("ul", [tag("li", each["says"]) for each in data["weak_points"]], class_="verdicts"),
        table(
            ["weak point", "what", "value"],
            [
                [point["name"], figure["what"], f"{words.number(figure['value'], 3)} {figure['unit']}".strip()]
                for point in data["weak_points"]
                for figure in point["figures"]
            ],
            caption="The numbers behind them",
            numbers=(2,),
        ),
    )


def _scores(data: Mapping[str, Any]) -> Html:
    return section(
        "The published scores",
        "scores",
        paragraph(
            "Category averages in per cent. The paper gives no score of a single task, no second seed and no interval. "
            '"The same as" marks a checkpoint that another part shows too; in brackets where the paper does not say so.'
        ),
        table(
            ["part", "variant", "size", "point", "category", "score", "known to", "how", "the same as"],
            [
                [
                    row["part"],
                    row["variant"],
                    row["size"].upper(),
                    row["point"],
                    row["category"],
                    f"{row['value']:.2f}".removesuffix("0"),
                    f"±{row['within']}",
                    row["kind"],
                    _same(row),
                ]
                for row in data["scores"]
            ],
            caption="Table 2 and Figures 2 to 6",
            numbers=(5, 6),
        ),
    )


def _same(row: Row) -> str:
    if row["model"] == f"{row['variant']}, {row['point']}":
        return words.MISSING
    return f"({row['model']})" if row["inferred"] else str(row["model"])


def _label(row: Row) -> str:
    return f"{row['printed']} {row['category']}"


def _alt(topic: str, rows: Sequence[Row]) -> str:
    said = "; ".join(f"{_label(row)} printed, {_obtained(row)} from the scores, {row['verdict']}" for row in rows)
    return f"Printed less obtained, {topic}: {said}."


def _draw(axes: Any, rows: Sequence[Row], title: str) -> None:
    row_labels(axes, [_label(row) for row in rows])
    axes.axvline(0, color=INK, lw=1.0, zorder=1)
    axes.xaxis.grid(True, color=LINE, lw=0.6, zorder=0)
    axes.set_axisbelow(True)
    for y, row in enumerate(rows):
        stated, color = row["stated"], palette.VERDICT[SIGNS[row["verdict"]][1]][0]
        off = row["value"] - stated["value"]
        reach = [stated["low"] - stated["value"] - row["within"], stated["high"] - stated["value"] + row["within"]]
        axes.plot([max(-FAR, reach[0]), min(FAR, reach[1])], [y, y], color=LINE, lw=8, solid_capstyle="butt", zorder=1)
        shown = max(-FAR, min(FAR, off))
        marker = "o" if abs(off) <= FAR else "<" if off < 0 else ">"
        full = row["verdict"] == REPRODUCES
        axes.plot([shown], [y], marker, ms=7, mec=color, mew=1.6, mfc=color if full else PAPER, zorder=3, clip_on=False)
        beside(axes, y, f"{SIGNS[row['verdict']][0]} {words.signed(off, 1)}", color=color)
    axes.set_xlim(-FAR - 0.4, FAR + 0.4)
    axes.set_title(title)
    axes.set_xlabel("printed less obtained, points", color=SOFT)


def _tables(data: Mapping[str, Any], folder: Path) -> None:
    write_json(folder / "audit.json", data)
    write_both(folder, "claims", [_flat(row) for row in data["figures"]], FIGURES)
    write_both(folder, "scores", [{name: row[name] for name in SCORES.names} for row in data["scores"]], SCORES)
    weak = [
        {"weak_point": point["name"], **{name: figure[name] for name in ("what", "value", "unit")}}
        for point in data["weak_points"]
        for figure in point["figures"]
    ]
    write_both(folder, "weak_points", weak, WEAK)


def _flat(row: Row) -> dict[str, Any]:
    stated = row["stated"] or {}
    made = {name: row[name] for name in FIGURES.names if name in row}
    made |= {"obtained": stated.get("value"), "formula": stated.get("formula")}
    made |= {"low": stated.get("low"), "high": stated.get("high")}
    return made | {"found": "; ".join(each["said"] for each in row["found"]), "notes": "; ".join(row["notes"])}
