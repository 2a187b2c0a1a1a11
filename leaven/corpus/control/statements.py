"""Strings that are statements of their own in Python: docstrings, found without a parse.

A string is one if it begins a logical line and nothing but a comment follows it on its last line. Strings with code in
them and bytes are none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from leaven.corpus.control.lexer import Span

_DEFINITION = re.compile(r"[ \t]*+(?:async[ \t]++def|def|class)\b[^\n]*:[ \t]*+\Z")
_REST = re.compile(r"[ \t\f]*+(?:\n|\Z)")
_WIDEST = 1000
"""Characters of a line before a string that may be a statement."""
_NEXT = re.compile(r"\S")


@dataclass(frozen=True, slots=True)
class Statement:
    """A string statement; `alone` if its block holds nothing else."""

    start: int
    end: int
    alone: bool


def string_statements(text: str, found: Sequence[Span]) -> list[Statement]:
    """The string statements of a file whose comments and strings are `found`, in order."""
    masked = _masked(text, found)
    strings = [span for span in found if span.kind == "string"]
    made: list[Statement] = []
    depth = counted = removed_to = line = 0
    opened = False
    number = 0
    while number < len(strings):
        first = last = strings[number]
        number += 1
        while number < len(strings) and not masked[last.end : strings[number].start].strip(" \t"):
            if "\n" in masked[last.end : strings[number].start]:
                break
            last = strings[number]
            number += 1
        depth += _depth(masked[counted : first.start])
        line = masked.rfind("\n", counted, first.start) + 1 or line
        counted = first.start
        if first.start - line > _WIDEST:
            continue
        shared = bool(masked[line : first.start].strip())
        if depth or (line >= 2 and masked[line - 2] == "\\") or not _REST.match(masked, last.end):
            continue
        if set(text[first.start : first.start + 2].lower()) & set("fbt") & set(_prefix(text, first)):
            continue
        if shared:
            if _DEFINITION.match(masked, line, first.start):
                made.append(Statement(first.start, last.end, True))
            continue
        if masked[removed_to : first.start].strip() or not made:
            opened = _last(masked, line) == ":"
        following = _indent_of_next(masked, last.end)
        made.append(Statement(first.start, last.end, opened and following < _width(masked[line : first.start])))
        removed_to = last.end
    return made


def _masked(text: str, found: Sequence[Span]) -> str:
    """`text` with spaces for comments and letters for strings: what is left is code, every place where it was."""
    parts: list[str] = []
    place = 0
    for span in found:
        parts.append(text[place : span.start])
        parts.append(("s" if span.kind == "string" else " ") * (span.end - span.start))
        place = span.end
    return "".join([*parts, text[place:]])


def _prefix(text: str, span: Span) -> str:
    quote = next(place for place in range(span.start, span.end) if text[place] in "\"'")
    return text[span.start : quote].lower()


def _depth(code: str) -> int:
    opened = code.count("(") + code.count("[") + code.count("{")
    return opened - code.count(")") - code.count("]") - code.count("}")


def _last(masked: str, place: int) -> str:
    """The last character before `place` that is no space."""
    place -= 1
    while place >= 0 and masked[place].isspace():
        place -= 1
    return masked[place] if place >= 0 else ""


def _indent_of_next(masked: str, place: int) -> int:
    """The width of the indentation of the next line with code, -1 at the end of the file."""
    found = _NEXT.search(masked, place)
    return _width(masked[masked.rfind("\n", 0, found.start()) + 1 : found.start()]) if found else -1


def _width(indent: str) -> int:
    return len(indent.expandtabs(8))
