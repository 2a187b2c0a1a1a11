"""The mark of a judge that is a script: such votes are made up and must never pass for a result.

The word stands over the whole page and on every sheet of it, in its title, across the bars of its figures and in their
titles, in what a screen reader says, in sentences, and as a column of every table of votes that is exported.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leaven.report.canvas import INK, PAPER, SOFT
from leaven.report.contents import Contents, Row
from leaven.report.markup import Html, Node, tag

WORD = "SCRIPTED"
MEANING = "A script answered in the place of a judge. These votes are made up and say nothing about any model."
NAME = "scripted:"


def is_scripted(row: Row) -> bool:
    """Whether the votes of a row of win rates (or the judge itself) come from a script."""
    return bool(row.get("scripted")) or str(row.get("judge") or row.get("name") or "").startswith(NAME)


def any_scripted(contents: Contents) -> bool:
    return is_scripted(contents.judge) or any(is_scripted(row) for row in contents.winrates)


def titled(contents: Contents, title: str) -> str:
    """A title of judged preferences, marked where they are made up."""
    return f"{WORD}, not a result: {title}" if any_scripted(contents) else title


def captioned(contents: Contents, caption: str) -> str:
    """The caption of a table of judged preferences, marked where they are made up."""
    return f"{WORD}, not a result. {caption}" if any_scripted(contents) else caption


def banner(contents: Contents) -> Node:
    """What lies over the page: a strip that stays in sight, and the word across every screen and every sheet."""
    if not any_scripted(contents):
        return None
    return [
        tag(
            "div",
            tag("b", WORD),
            " ",
            tag("span", "A script answered in the place of a judge: preferences here are made up."),
            class_="scripted",
            role="alert",
        ),
        tag("div", WORD, class_="watermark", aria_hidden="true"),
    ]


def mark(contents: Contents) -> Html | None:
    """The word for a section's own text."""
    return tag("p", tag("b", WORD), f": {MEANING}", class_="scripted-note") if any_scripted(contents) else None


def stamp(axes: Any, rows: Sequence[int]) -> None:
    """The word across each of the `rows` of a drawing, so that a part of it that is cut out is marked too."""
    for y in rows:
        axes.text(
            0.5,
            y,
            WORD,
            transform=axes.get_yaxis_transform(),
            ha="center",
            va="center",
            fontsize=17.0,
            fontweight="bold",
            color=INK,
            bbox={"boxstyle": "square,pad=0.12", "facecolor": PAPER, "edgecolor": INK, "alpha": 0.86, "lw": 1.0},
            zorder=9,
        )


def stamp_between(axes: Any, rows: Sequence[int]) -> None:
    """The word beside what each of the `rows` shows, above it and beneath every mark: nothing of it is hidden."""
    for y in rows:
        axes.text(
            0.5,
            y - 0.36,
            WORD,
            transform=axes.get_yaxis_transform(),
            ha="center",
            va="center",
            fontsize=9.5,
            fontweight="bold",
            color=SOFT,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none"},
            zorder=1.5,
        )
