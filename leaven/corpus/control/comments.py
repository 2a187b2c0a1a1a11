"""Comments alone, and code without comments.

In Python a string that is a statement (the docstring of a module, class, function or attribute) counts as a comment.
Code without comments keeps its tokens: a line that held nothing else goes, a comment between two tokens leaves a
space (or, if it spans lines, a line end), and in Python a block that held nothing else becomes `pass`. A first line
that names an interpreter is no comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from leaven.corpus.control.lexer import Span, spans
from leaven.corpus.control.statements import string_statements
from leaven.corpus.control.syntax import syntax_of
from leaven.corpus.document import Dropped

_MARK = "\0"
_BETWEEN = re.compile(r"(?<=[^\s\0])\0++(?=[^\s\0])")


@dataclass(frozen=True, slots=True)
class _Comment:
    """Where a comment is, and what stays in its place."""

    start: int
    end: int
    left: str


def comments_only(text: str, language: str) -> str:
    """The comments of a file as they are written, each on lines of its own. Raises Dropped: none, or no syntax."""
    found = _comments(text, language)
    if not found:
        raise Dropped("control: no comments")
    return "\n".join(text[comment.start : comment.end] for comment in found) + "\n"


def no_comments(text: str, language: str) -> str:
    """A file without its comments. Raises Dropped: nothing is left, or no syntax."""
    parts: list[str] = []
    place = 0
    for comment in _comments(text, language):
        parts.append(text[place : comment.start])
        parts.append(comment.left)
        place = comment.end
    left = _without_marks("".join([*parts, text[place:]])) if parts else text
    if not left.strip():
        raise Dropped("control: nothing but comments")
    return left


def _comments(text: str, language: str) -> list[_Comment]:
    found = spans(text, language)
    if found is None:
        raise Dropped("control: no syntax for this language")
    chosen = [_Comment(span.start, span.end, _left_by(text, span)) for span in found if span.kind == "comment"]
    syntax = syntax_of(language)
    if syntax is not None and syntax.docstrings:
        strings = string_statements(text, found)
        chosen += [_Comment(string.start, string.end, "pass" if string.alone else _MARK) for string in strings]
        chosen.sort(key=lambda comment: comment.start)
    return chosen


def _left_by(text: str, span: Span) -> str:
    """A mark, or a line end where a comment over several lines has code before and after it."""
    if text.find("\n", span.start, span.end) < 0:
        return _MARK
    before = text[text.rfind("\n", 0, span.start) + 1 : span.start]
    stop = text.find("\n", span.end)
    after = text[span.end : len(text) if stop < 0 else stop]
    return "\n" if before.strip() and after.strip() else _MARK


def _without_marks(text: str) -> str:
    """Lines of nothing but marks go, marks at a line's end go with the space before them, one between two tokens
    leaves a space."""
    lines = []
    for line in text.split("\n"):
        if _MARK not in line:
            lines.append(line)
        elif line.strip(" \t\0"):
            if line.rstrip().endswith(_MARK):
                line = line.rstrip(" \t\0")
            lines.append(_BETWEEN.sub(" ", line).replace(_MARK, ""))
    return "\n".join(lines)
