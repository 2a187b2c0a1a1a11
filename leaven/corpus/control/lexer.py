"""Comments and strings of a source file: where each begins and ends, in one pass, for any file whatever.

One pattern finds where the next one begins; most of them it finds whole. The few that are no regular language (nested
comments, strings with code in them, here documents) are followed by counting. Nothing is looked at twice from the same
place, so a hostile file costs no more than its length.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from leaven.corpus.control.syntax import Inside, Syntax, inside, nested, syntax_of

Kind = Literal["comment", "string", "other"]
_KINDS: dict[str, Kind] = {"c": "comment", "n": "comment", "s": "string", "i": "string", "h": "string", "x": "other"}
_BEFORE_REGEX = re.compile(
    r"(?:(?:^|[(,=:\[!&|?{};+*%~^<>\n-])|(?<![\w$.])(?:return|typeof|case|in|of|do|else|delete|void|throw|new|instanceof|"
    r"yield|await|if|unless|and|or|not|when|while|until|then|puts))[ \t]*\Z"
)
_REGEX = re.compile(r"/(?![*/ \t\n])(?:[^\\/\[\n]|\\[^\n]|\[(?:[^\]\\\n]|\\[^\n])*+\])*+/\w*+")
_NAME = re.compile(r"\w+")
_PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">"}
_SECTION = re.compile(r"(?i)<(script|style)\b([^<>]*)>")


@dataclass(frozen=True, slots=True)
class Span:
    """One token, from `start` to before `end`. "other" is neither comment nor string, but must not be looked into."""

    start: int
    end: int
    kind: Kind


def spans(text: str, language: str) -> list[Span] | None:
    """The comments and strings of a file in order, without overlap; None for a language without a syntax. A first line
    that names an interpreter is no comment."""
    if language == "Vue":
        return _vue(text)
    syntax = syntax_of(language)
    return None if syntax is None else list(_spans(text, syntax, 0, len(text)))


def _spans(text: str, syntax: Syntax, start: int, end: int) -> Iterator[Span]:
    search, place = syntax.tokens.search, start
    bodies: list[tuple[int, int]] = []
    if start == 0 and text.startswith("#!"):
        place = _line_end(text, 0, end)
        yield Span(0, place, "other")
    while match := search(text, place, end):
        if bodies and match.start() >= bodies[0][0]:
            begin, place = bodies.pop(0)
            yield Span(begin, place, "string")
            continue
        name = match.lastgroup or ""
        stop = _end(text, match, name, place, end, bodies)
        if stop is None:
            place = match.start() + 1
            continue
        kind = _KINDS.get(name[0], "string")
        begin = match.start()
        if kind == "string" and syntax.prefixes:
            begin = _with_prefix(text, begin, place, syntax.prefixes)
        if kind == "string" and bodies and stop > bodies[0][0] and name[0] != "h":
            stop = max(stop, bodies[-1][1])
            bodies.clear()
        yield Span(begin, stop, kind)
        place = stop
    for begin, stop in bodies:
        if begin >= place:
            yield Span(begin, stop, "string")


def _end(text: str, match: re.Match[str], name: str, place: int, end: int, bodies: list[tuple[int, int]]) -> int | None:
    """Where the token that begins at `match` ends; None where it is no comment and no string."""
    match name[0]:
        case "n":
            return _nested(text, match.start(), end, *nested(name))
        case "i":
            return _inside(text, match.end(), end, inside(name))
        case "r":
            return _regex(text, match.start(), place, end)
        case "p":
            return _quoted(text, match.end() - 1, end)
        case "h":
            _here(text, match, end, bodies)
            return match.end()
        case _:
            return max(match.end(), match.start() + 1)


def _nested(text: str, start: int, end: int, left: str, right: str) -> int:
    depth = 0
    for bracket in _brackets(left, right).finditer(text, start, end):
        depth += 1 if bracket[0] == left else -1
        if not depth:
            return bracket.end()
    return end


def _inside(text: str, start: int, end: int, form: Inside) -> int:
    """The end of a string that holds code, which holds strings, which hold code …: a stack of strings (0) and of code (its
    open brackets)."""
    outside, within = _string_pattern(form), _code_pattern(form)
    stack = [0]
    place = start
    while found := (within if stack[-1] else outside).search(text, place, end):
        token, place = found[0], found.end()
        if stack[-1]:
            if token == form.left:
                stack[-1] += 1
            elif token == form.end:
                stack.append(0)
            elif token == form.right:
                stack[-1] -= 1
                if not stack[-1]:
                    stack.pop()
        elif token == form.opening:
            stack.append(1)
        elif token == form.end:
            stack.pop()
            if not stack:
                return place
        elif token == "\n":
            return found.start()
    return end


def _regex(text: str, start: int, place: int, end: int) -> int | None:
    """The end of a regular expression, if one can stand here: after an operator or a word that wants a value."""
    if _BEFORE_REGEX.search(text, max(place, start - 40), start) is None and text[place:start].strip():
        return None
    found = _REGEX.match(text, start, end)
    return found.end() if found else None


def _quoted(text: str, start: int, end: int) -> int:
    """The end of one of Ruby's quotes with a delimiter of choice, which nests if it is a bracket."""
    left = text[start]
    right = _PAIRS.get(left, left)
    depth = 0
    for bracket in _brackets(left, right).finditer(text, start, end):
        if bracket[0] == right and (left != right or bracket.start() > start):
            depth -= 1 if left != right else 0
            if depth <= 0:
                return bracket.end()
        elif bracket[0] == left:
            depth += 1
    return end


def _here(text: str, match: re.Match[str], end: int, bodies: list[tuple[int, int]]) -> None:
    """Remember the lines that a here document will be: from the next line (or the end of the one before) on."""
    word = _NAME.search(match[0].lstrip("<~-"))
    begin = bodies[-1][1] if bodies else min(_line_end(text, match.end(), end) + 1, end)
    if word is None or begin >= end:
        return
    closing = re.compile(rf"(?m)^[ \t]*+{re.escape(word[0])}[ \t]*+$").search(text, begin, end)
    bodies.append((begin, closing.end() if closing else end))


def _vue(text: str) -> list[Span]:
    """A component: markup with its comments, and sections in the languages they name."""
    found: list[Span] = []
    place = 0
    while opening := _SECTION.search(text, place):
        found.extend(_markup(text, place, opening.start()))
        closing = text.find(f"</{opening[1]}", opening.end())
        stop = len(text) if closing < 0 else closing
        syntax = syntax_of("typescript" if opening[1].lower() == "script" else "SCSS")
        if syntax is not None:
            found.extend(_spans(text, syntax, opening.end(), stop))
        place = stop
    return [*found, *_markup(text, place, len(text))]


def _markup(text: str, start: int, end: int) -> Iterator[Span]:
    while (opening := text.find("<!--", start, end)) >= 0:
        if opening > start:
            yield Span(start, opening, "string")
        closing = text.find("-->", opening, end)
        start = end if closing < 0 else closing + 3
        yield Span(opening, start, "comment")
    if start < end:
        yield Span(start, end, "string")


def _with_prefix(text: str, start: int, place: int, letters: str) -> int:
    begin = start
    while begin > place and start - begin < 2 and text[begin - 1] in letters:
        begin -= 1
    if begin == start or (begin > 0 and (text[begin - 1].isalnum() or text[begin - 1] == "_")):
        return start
    return begin


def _line_end(text: str, place: int, end: int) -> int:
    found = text.find("\n", place, end)
    return end if found < 0 else found


@functools.cache
def _brackets(left: str, right: str) -> re.Pattern[str]:
    escape = r"\\[\s\S]|" if len(left) == 1 else ""
    return re.compile(escape + re.escape(left) + "|" + re.escape(right))


@functools.cache
def _string_pattern(form: Inside) -> re.Pattern[str]:
    line = "" if form.many else r"|\n"
    return re.compile(rf"{re.escape(form.opening)}|{re.escape(form.end)}|\\[\s\S]{line}")


@functools.cache
def _code_pattern(form: Inside) -> re.Pattern[str]:
    """Brackets, strings of the same kind, and, looked over, short strings of another."""
    others = "|".join(rf"{quote}(?:[^{quote}\\\n]|\\.)*+{quote}" for quote in "'\"" if quote not in form.end)
    parts = [re.escape(form.left), re.escape(form.right), re.escape(form.end), others]
    return re.compile("|".join(parts))
