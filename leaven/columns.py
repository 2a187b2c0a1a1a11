"""Tables for the terminal: aligned columns of visible text that fit a width."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence

from leaven.corpus.look.visible import cells, cut, visible

GAP = "  "
NARROWEST = 8
"""Columns that a column of words keeps, however narrow the terminal."""
WIDEST = 160


def width() -> int:
    """Columns of the terminal; 100 where there is none."""
    return max(60, min(shutil.get_terminal_size((100, 24)).columns, WIDEST))


def table(
    head: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Iterable[int] = (), most: int = 100
) -> list[str]:
    """Lines of a table; the widest columns of words are cut where it is wider than `most`.

    Args:
        numbers: columns that are set flush right and never cut.
        most: columns of the terminal it may take.
    """
    flush = frozenset(numbers)
    lines = [[visible(str(cell)) for cell in row] for row in (head, *rows)]
    widths = [max(cells(row[place]) for row in lines) for place in range(len(head))]
    spare = sum(widths) + len(GAP) * (len(widths) - 1) - most
    while spare > 0:
        words = [place for place in range(len(widths)) if place not in flush and widths[place] > NARROWEST]
        if not words:
            break
        widest = max(words, key=lambda place: widths[place])
        second = max((widths[place] for place in words if widths[place] < widths[widest]), default=NARROWEST)
        take = min(spare, max(1, widths[widest] - max(second, NARROWEST)))
        widths[widest] -= take
        spare -= take
    return [_line(row, widths, flush) for row in lines]


def _line(row: Sequence[str], widths: Sequence[int], flush: frozenset[int]) -> str:
    made = []
    for place, (cell, width_of) in enumerate(zip(row, widths, strict=True)):
        shown = cell if cells(cell) <= width_of else cut(cell, width_of)
        space = " " * max(0, width_of - cells(shown))
        made.append(space + shown if place in flush else shown + space)
    return GAP.join(made).rstrip()


def wrapped(head: str, parts: Iterable[str], *, joint: str = " · ", most: int = 100) -> list[str]:
    """Parts one after another behind a head, on as many lines as they take, each line indented as far as the head."""
    lines: list[str] = []
    line, used = "", 0
    room = most - cells(head)
    for part in map(visible, parts):
        size = cells(part)
        if line and used + len(joint) + size > room:
            lines.append(line)
            line, used = "", 0
        line, used = (f"{line}{joint}{part}", used + len(joint) + size) if line else (part, size)
    lines.append(line)
    indent = " " * cells(head)
    return [f"{indent if place else head}{line}".rstrip() for place, line in enumerate(lines)]
