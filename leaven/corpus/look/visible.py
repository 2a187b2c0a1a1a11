"""Text of documents as a terminal may show it: nothing that a reader could not see is passed on.

Documents come from anywhere. A control character could move the cursor, recolour or rename the window, or answer in the
user's name; a change of direction reorders the line around it. All of them become words here, `\\x1b` or `\\u202e`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
"""Unicode's categories of what has no shape of its own: control, format, surrogate, private, unassigned, separators."""
TAB = 4
CUT = "…"


def visible(text: str) -> str:
    """One line of text: tabs as spaces, every other hidden character by its number."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text.expandtabs(TAB))


def _shown(character: str) -> str:
    if character.isprintable() or unicodedata.category(character) not in HIDDEN:
        return character
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def cells(text: str) -> int:
    """Columns that visible text takes in a terminal."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, width: int) -> str:
    """Visible text in at most `width` columns; what is cut off is told by an ellipsis."""
    # Nothing beyond some characters a column can fit, so that a line of a megabyte costs no more than a short one.
    shown = visible(text[: 4 * width + 1])
    if cells(shown) <= width and len(text) <= 4 * width + 1:
        return shown
    taken, used = [], 0
    for character in shown:
        used += _cells(character)
        if used > width - 1:
            break
        taken.append(character)
    return "".join(taken) + CUT


def first_lines(text: str, lines: int, width: int) -> list[str]:
    """The first lines of a text, cut."""
    return [cut(line, width) for line in _some(text, lines)]


def _some(text: str, lines: int) -> Iterator[str]:
    start = 0
    for _ in range(lines):
        if start >= len(text):
            return
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text[start:end]
        start = end + 1


def last_lines(text: str, lines: int, width: int) -> list[str]:
    """The last lines of a text, cut; of white space at the end nothing."""
    text = text.rstrip()
    start = len(text)
    for _ in range(lines):
        start = text.rfind("\n", 0, start)
        if start < 0:
            break
    return [cut(line, width) for line in _some(text[start + 1 :], lines)]
