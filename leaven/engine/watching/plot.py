"""Curves in a terminal: two by four dots of braille a character, one colour and one letter a curve.

Pure: points in, lines of text out. Colours repeat what the letters say, so that nothing is lost where there are none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from leaven.study.amounts import short

COLOURS = ("cyan", "yellow", "magenta", "green", "blue", "red")
"""Of the curves of one plot, in order; there are never more."""
MARKS = "abcdef"
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bits of a braille character by column and row of its dots (Unicode 17.0, chapter 21.1)."""
BRAILLE = 0x2800
LABEL = 7
"""Columns of the scale at the left, its line not counted."""
SETTLED = 0.1
"""Share of a curve at its beginning that does not stretch the scale: a loss falls so far there that nothing else would
be seen of it."""
MANY = 20
"""Points from which on a curve has such a beginning."""


@dataclass(frozen=True)
class Curve:
    """`points`: (tokens, value) in order of tokens; `colour`, `mark`: what tells it from the others."""

    points: Sequence[tuple[float, float]]
    colour: str
    mark: str


def plot(curves: Sequence[Curve], columns: int, rows: int, title: str, end: float = 0.0) -> list[Text]:
    """A panel of at most `columns` by exactly `rows` + 3 characters: title, drawing, axis, its ends.

    Args:
        end: tokens at the right edge, at least; the curves' own last ones if they go further.
    """
    width = max(columns - LABEL - 1, 4)
    end = max([end, *(curve.points[-1][0] for curve in curves if curve.points)])
    low, high = _scale(curves)
    lines = [Text(title[:columns], style="bold")]
    canvas = _Canvas(width, rows)
    if end > 0 and low < math.inf:
        for curve in curves:
            canvas.draw(curve, end, low, high)
    labels = {}
    if low < math.inf:
        shown = {0, rows // 2, rows - 1} if rows >= 7 else {0, rows - 1}
        labels = {row: _number(high - (high - low) * row / max(rows - 1, 1), high - low) for row in shown}
    for row in range(rows):
        label = labels.get(row, "")
        lines.append(Text.assemble((f"{label:>{LABEL - 1}} {'┤' if label else '│'}", "dim"), canvas.line(row)))
    lines.append(Text(f"{'':{LABEL}}└{'─' * width}", style="dim"))
    last = f"{short(end)} tokens" if end else "tokens"
    lines.append(Text(f"{'':{LABEL}}0{last:>{width}}", style="dim"))
    return lines


def _number(value: float, span: float) -> str:
    """A value of a scale this wide, in at most six characters."""
    digits = 0 if span >= 100 else 2 if span >= 0.1 else 4
    text = f"{value:.{digits}f}"
    return text if len(text) <= 6 else short(value)


def _scale(curves: Sequence[Curve]) -> tuple[float, float]:
    """The values at the bottom and at the top; infinity where there is nothing to show."""
    values, settled = [], []
    end = max((curve.points[-1][0] for curve in curves if curve.points), default=0.0)
    for curve in curves:
        values += [value for _, value in curve.points]
        start = end * SETTLED if len(curve.points) >= MANY else 0.0
        settled += [value for at, value in curve.points if at >= start]
    if not values:
        return math.inf, math.inf
    low, high = min(values), max(settled or values)
    if high - low < 1e-9 * max(1.0, abs(high)):
        low, high = low - 0.5, high + 0.5
    return low, high


class _Canvas:
    """Dots, and whose colour each character has: that of the curve drawn last."""

    def __init__(self, width: int, rows: int) -> None:
        self.width, self.rows = width, rows
        self.bits = [[0] * width for _ in range(rows)]
        self.owner: list[list[Curve | None]] = [[None] * width for _ in range(rows)]
        self.marks: dict[tuple[int, int], Curve] = {}

    def draw(self, curve: Curve, end: float, low: float, high: float) -> None:
        """A line through the mean of the points of every column of dots."""
        across, down = 2 * self.width - 1, 4 * self.rows - 1
        sums: dict[int, list[float]] = {}
        for at, value in curve.points:
            sums.setdefault(round(at / end * across), []).append(value)
        before: tuple[int, int] | None = None
        for x in sorted(sums):
            value = math.fsum(sums[x]) / len(sums[x])
            y = round((high - min(max(value, low), high)) / (high - low) * down)
            for dot in _between(before or (x, y), (x, y)):
                self._dot(curve, *dot)
            before = x, y
        if before:
            self._mark(curve, min(before[0] // 2 + 1, self.width - 1), before[1] // 4)

    def _dot(self, curve: Curve, x: int, y: int) -> None:
        self.bits[y // 4][x // 2] |= DOTS[x % 2][y % 4]
        self.owner[y // 4][x // 2] = curve

    def _mark(self, curve: Curve, x: int, y: int) -> None:
        """The curve's letter behind its end, or the nearest free place above or below."""
        for away in range(self.rows):
            for row in (y - away, y + away):
                if 0 <= row < self.rows and (x, row) not in self.marks:
                    self.marks[x, row] = curve
                    return

    def line(self, row: int) -> Text:
        """One row of characters."""
        text = Text()
        for x in range(self.width):
            marked = self.marks.get((x, row))
            owner = self.owner[row][x]
            if marked:
                text.append(marked.mark, style=f"bold {marked.colour}")
            elif owner:
                text.append(chr(BRAILLE + self.bits[row][x]), style=owner.colour)
            else:
                text.append(" ")
        return text


def _between(first: tuple[int, int], last: tuple[int, int]) -> list[tuple[int, int]]:
    """Dots of a straight line, both ends included."""
    steps = max(abs(last[0] - first[0]), abs(last[1] - first[1]), 1)
    return [
        (
            first[0] + round((last[0] - first[0]) * step / steps),
            first[1] + round((last[1] - first[1]) * step / steps),
        )
        for step in range(steps + 1)
    ]
