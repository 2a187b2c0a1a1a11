"""A figure of the report: the sentence it supports, its panels, and the table behind it.

A chart is drawn twice from the same functions: panel by panel into the page, where they flow to the reader's width,
and on one sheet for the files people put into slides and papers.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from leaven.report import canvas
from leaven.report.markup import Html, Node, details, paragraph, table, tag
from leaven.report.palette import Look

LABEL_WIDTH = 17


@dataclass(frozen=True)
class Panel:
    """One drawing: `draw` onto matplotlib axes, `height` in inches, `alt` in words."""

    draw: canvas.Draw
    height: float
    alt: str


@dataclass(frozen=True)
class Chart:
    """`name`: of the files and the anchor. `sentence`: what the figure shows. `note`: how to read it.

    `legend` is the page's, `entries` say the same for the files.
    """

    name: str
    title: str
    sentence: Node
    note: Node
    panels: Sequence[Panel]
    head: Sequence[Node]
    rows: Sequence[Sequence[Node]]
    numbers: Sequence[int] = ()
    legend: Node = None
    entries: Sequence[canvas.Entry] = ()
    data: Sequence[str] = ()
    columns: int = 2
    more: Node = None


def element(chart: Chart, place: int) -> Html:
    """The chart as a figure of the page."""
    links: list[Node] = []
    for name in (
        f"figures/{chart.name}.svg",
        f"figures/{chart.name}.png",
        *(f"data/{name}" for name in chart.data),
    ):
        links += [" · " if links else None, tag("a", name.partition("/")[2], href=name)]
    panels = [
        tag("div", canvas.panel(p.draw, p.height, name=f"{chart.name}{i}", alt=p.alt), class_="panel")
        for i, p in enumerate(chart.panels)
    ]
    return tag(
        "figure",
        tag("h3", tag("span", f"Figure {place}", class_="count"), " ", chart.title),
        paragraph(chart.sentence, class_="says"),
        chart.legend,
        tag("div", panels, class_="panels"),
        tag("figcaption", chart.note, " ", tag("span", links, class_="files")),
        details(
            "The numbers behind this figure",
            table(chart.head, chart.rows, numbers=chart.numbers),
            class_="data",
        ),
        chart.more,
        id=chart.name,
        class_="chart",
    )


def files(chart: Chart) -> tuple[bytes, bytes]:
    """The whole chart as (SVG, PNG) bytes."""
    return canvas.files([(panel.draw, panel.height) for panel in chart.panels], chart.columns, chart.entries)


def wrapped(name: object, width: int = LABEL_WIDTH) -> str:
    """A label on at most three lines."""
    lines = textwrap.wrap(str(name), width, break_on_hyphens=True) or [""]
    return "\n".join(lines if len(lines) < 4 else [*lines[:2], f"{lines[2][: width - 1]}…"])


def row_labels(axes: Any, names: Sequence[str], emphasis: str = "") -> None:
    """Names down the left side, the first on top; `emphasis` in bold."""
    axes.set_yticks(range(len(names)), [wrapped(name) for name in names])
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.set_fontweight("bold" if name == emphasis else "normal")
        label.set_linespacing(1.0)


def rows_height(names: Sequence[str], each: float = 0.32, around: float = 0.78) -> float:
    """Inches for rows of labels under a title and over an axis."""
    return around + sum(max(each, 0.18 * wrapped(name).count("\n") + each - 0.02) for name in names)


def beside(axes: Any, y: float, words: str, **style: Any) -> None:
    """`words` right of the axes at the height of `y`."""
    axes.text(1.015, y, words, transform=axes.get_yaxis_transform(), va="center", ha="left", fontsize=10.0, **style)


def key(names: Sequence[str], looks: dict[str, Look]) -> Html:
    """The legend of variants, as text that wraps."""
    shapes = {
        "o": '<circle cx="13" cy="6" r="4"/>',
        "s": '<rect x="9.5" y="2.5" width="7" height="7"/>',
        "^": '<path d="M13 1.5 17.5 10H8.5Z"/>',
        "D": '<path d="M13 1 18 6 13 11 8 6Z"/>',
        "v": '<path d="M13 10.5 8.5 2H17.5Z"/>',
        "P": '<path d="M11.3 1.5h3.4v2.8h2.8v3.4h-2.8v2.8h-3.4V7.7H8.5V4.3h2.8Z"/>',
        "X": '<path d="M9.5 1 13 4.2 16.5 1 18 2.5 14.9 6 18 9.5 16.5 11 13 7.8 9.5 11 8 9.5 11.1 6 8 2.5Z"/>',
        "p": '<path d="M13 1 18 4.9 16.1 10.6H9.9L8 4.9Z"/>',
    }
    items = [
        tag(
            "li",
            Html(
                f'<svg viewBox="0 0 26 12" width="26" height="12" aria-hidden="true" style="color:var(--{look.name})">'
                f'<path d="M0 6H26" stroke="currentColor" stroke-width="2"/><g fill="currentColor">'
                f"{shapes[look.marker]}</g></svg>"
            ),
            " ",
            name,
        )
        for name, look in ((name, looks[name]) for name in names)
    ]
    return tag("ul", items, class_="key")
