"""The paper's win rates (arXiv 2408.10914v1, figures 7 to 9): the counts behind them, and what follows from those.

Every printed percentage is k/199, so the counts can be had back, and with them what the paper does not print: the
number of prompts, the exact sign test, the net win's interval, the tie-half rate, by the functions that leaven's own
judgements go through. What the paper prints is 21 percentages and four numbers in its text; only these count. Prompts
and p stand beside them as cross-checks with another program.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leaven.analyze.bootstrap import Floats
from leaven.analyze.half import half, points
from leaven.analyze.published.check import Check, beside, compare
from leaven.analyze.winrates import net_win, sign_test
from leaven.ground.canonical import key64

PROMPTS = 199
DRAWS = 4000
PAPER = "arXiv 2408.10914v1"


@dataclass(frozen=True)
class Row:
    """A bar of a figure as it is printed, in %, and the two-sided exact sign test on 199 prompts (not in the paper;
    computed from its counts with another program)."""

    figure: int
    variant: str
    baseline: str
    win: str
    lose: str
    tie: str
    p: str

    @property
    def name(self) -> str:
        return f"{self.variant} vs {self.baseline}"

    @property
    def source(self) -> str:
        return f"{PAPER}, figure {self.figure}"


ROWS = (
    Row(7, "cooldown without code", "no cooldown", "48.2", "22.1", "29.6", "< 0.001"),
    Row(7, "cooldown with code", "no cooldown", "52.3", "18.6", "29.1", "< 0.001"),
    Row(8, "balanced-only", "text-only", "32.7", "35.7", "31.7", "0.67"),
    Row(8, "balanced→text", "text-only", "37.7", "34.7", "27.6", "0.68"),
    Row(8, "code→text", "text-only", "36.7", "33.7", "29.6", "0.67"),
    Row(9, "code→text", "text-only", "32.2", "25.6", "42.2", "0.26"),
    Row(9, "balanced→text", "text-only", "34.7", "28.1", "37.2", "0.28"),
)
"""Figures 7 and 8 are after a cooldown, figure 9 before it."""


def counts(row: Row, prompts: int = PROMPTS) -> tuple[int, int, int]:
    """Wins, losses and ties nearest to the printed percentages."""
    win, lose, tie = (round(float(share) * prompts / 100) for share in (row.win, row.lose, row.tie))
    return win, lose, tie


def outcomes(row: Row) -> Floats:
    """Votes [1 × prompt] with these counts."""
    return np.repeat([1.0, -1.0, 0.0], counts(row))[None, :]


def checks(folder: Path | None = None) -> list[Check]:
    """All seven bars and what the text says of them; the figures are built in, so nothing is read."""
    return [check for row in ROWS for check in _of(row)] + _text()


def _of(row: Row) -> list[Check]:
    votes = outcomes(row)
    net = net_win(votes, DRAWS, key64("published/winrates/1", row.figure, row.name))
    low, high = net.interval(0.95)
    win, lose, tie = counts(row)
    said = (
        f"{win} won, {lose} lost, {tie} tied: net {net.estimate:+.1f} [{low:+.1f}, {high:+.1f}] points, "
        f"half {half(points(votes)).rate:.1f} %"
    )
    found = [
        compare("percentages", f"fig. {row.figure} {row.name}: {side} %", row.source, printed, 100 * count / PROMPTS)
        for side, printed, count in (("win", row.win, win), ("lose", row.lose, lose), ("tie", row.tie, tie))
    ]
    what, source = f"fig. {row.figure} {row.name}", f"{row.source}, computed from it"
    return [
        *found,
        beside("prompts", f"{what}: prompts", source, str(PROMPTS), win + lose + tie),
        beside("sign tests", f"{what}: p", source, row.p, sign_test(votes), note=said),
    ]


def _text() -> list[Check]:
    """Numbers that the text derives from the figures."""
    by = {(row.figure, row.variant): row for row in ROWS}
    finest, after = by[9, "balanced→text"], by[8, "balanced→text"]
    ours = half(points(outcomes(finest))).rate
    won, lost, _ = counts(finest)
    _, lost_after, _ = counts(after)
    fitting = next(n for n in range(1, 401) if all(_fits(row, n) for row in ROWS))
    return [
        compare("text", "wins and half of the ties, %", f"{PAPER}, box of §3.1", "53.3", ours, note=finest.name),
        compare(
            "text",
            "wins − losses, points",
            f"{PAPER}, its text",
            "6.6",
            100 * (won - lost) / PROMPTS,
            note=f"{finest.name}; the text says balanced-only, the figure shows balanced→text",
            defect="the difference of two rounded percentages, 34.7 − 28.1; the counts give 13/199 = 6.5",
        ),
        compare(
            "text",
            "losses beside 37.7 % wins, %",
            f"{PAPER}, its text",
            "33.7",
            100 * lost_after / PROMPTS,
            note=f"{after.name}, after cooldown",
            defect="a typing error: figure 8 and its box print 34.7, and with 33.7 the counts do not add up to 199",
        ),
        compare(
            "text",
            "prompts under all 21 percentages",
            f"{PAPER}, figures 7 to 9",
            "200",
            float(fitting),
            tolerance=0.0,
            defect="named Dolly-200, but no 200 prompts give these percentages; 199 is the least number that does",
        ),
    ]


def _fits(row: Row, prompts: int) -> bool:
    """Whether so many prompts can give the three percentages as they are printed."""
    found = counts(row, prompts)
    shares = zip(found, (row.win, row.lose, row.tie), strict=True)
    return sum(found) == prompts and all(abs(100 * k / prompts - float(share)) <= 0.05 + 1e-9 for k, share in shares)
