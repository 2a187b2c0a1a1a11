"""The paper's judged prompts (Figures 7 to 9) as rows beside a study's own, under the names that the study has.

Its percentages are counts of 199 prompts, so net wins have an interval over prompts; of seeds there is one. The judge
was Command-R+, whoever judged here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leaven.analyze.half import half, points
from leaven.analyze.published.paper_results import plain
from leaven.analyze.published.paper_winrates import DRAWS, PROMPTS, ROWS, Row, counts, outcomes
from leaven.analyze.winrates import net_win
from leaven.ground.canonical import key64
from leaven.report import words
from leaven.report.contents import Contents

FIGURES = ("7", "8", "9")
ENDINGS = {9: " before cooldown"}
"""How a study may call the models of a figure, after the paper's name."""


@dataclass(frozen=True)
class Published:
    """The bars of one of the paper's figures, as rows of win rates."""

    figure: str
    rows: tuple[Mapping[str, Any], ...]

    @property
    def title(self) -> str:
        return f"the paper, Figure {self.figure} (470M), against {self.rows[0]['baseline']}"


def asked(contents: Contents) -> list[str]:
    """Which of the figures the study repeats."""
    return [name for name in FIGURES if name in [str(each) for each in contents.verdict.get("figures") or ()]]


def titled(contents: Contents, title: str) -> str:
    """The title with the paper's figures that it stands for."""
    named = asked(contents)
    if not named:
        return title
    return f"{title} (the paper's Figure{'s' if len(named) > 1 else ''} {words.listing(named)})"


def published(contents: Contents) -> list[Published]:
    """The figures that the study repeats, where any of their models is called as one of the study's."""
    found = []
    for name in asked(contents):
        rows = [row for row in ROWS if str(row.figure) == name]
        known = {plain(variant): variant for variant in contents.variants}
        if any(_called(row, row.variant, known) for row in rows):
            found.append(Published(name, tuple(_row(row, known) for row in rows)))
    return found


def _called(row: Row, name: str, known: Mapping[str, str]) -> str:
    return next((known[plain(each)] for each in (name + ENDINGS.get(row.figure, ""), name) if plain(each) in known), "")


def _row(row: Row, known: Mapping[str, str]) -> dict[str, Any]:
    votes = outcomes(row)
    net = net_win(votes, DRAWS, key64("published/winrates/1", row.figure, row.name))
    low, high = net.interval(0.95)
    win, lose, tie = counts(row)
    return {
        "variant": _called(row, row.variant, known) or row.variant,
        "baseline": _called(row, row.baseline, known) or row.baseline,
        "wins": win,
        "losses": lose,
        "ties": tie,
        "errors": 0,
        "prompts": PROMPTS,
        "seeds": 1,
        "net": net.estimate,
        "low": low,
        "high": high,
        "unit": "points",
        "half": half(points(votes)).rate,
        "judge": "Command-R+",
    }
