"""Comments and strings of a source file: where each begins and ends, in one pass, for any file whatever.

One pattern finds where the next one begins; most of them it finds whole. The few that are no regular language (nested
comments, strings with code in them, here documents) are followed by counting. Nothing is looked at twice from the same
place, so a hostile file costs no more than its length.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
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
_WIDEST = 400
"""Characters of indentation before the word that ends a here document."""
_MARKUP = re.compile(r"<!--[\s\S]*?(?:-->|\Z)")
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
    last: Kind = "other"
    if start == 0 and text.startswith("#!"):
        place = _line_end(text, 0, end)
        yield Span(0, place, "other")
    while place < end and (match := search(text, place, end)):
        if bodies and match.start() >= bodies[0][0]:
            begin, place = bodies.pop(0)
            if begin < place:
                yield Span(begin, place, "string")
            continue
        name = match.lastgroup or ""
        if name[0] == "r" and last == "string" and not text[place : match.start()].strip():
            stop = None
        else:
            stop = _end(text, match, name, place, end, bodies)
        if stop is None:
            last = "other"
            place = match.start() + 1
            continue
        kind = _KINDS.get(name[0], "string")
        begin = match.start()
        if kind == "string" and syntax.prefixes:
            begin = _with_prefix(text, begin, place, syntax.prefixes)
        while bodies and bodies[0][0] < stop:
            stop = max(stop, bodies.pop(0)[1])
        yield Span(begin, stop, kind)
        place, last = stop, kind
    for begin, stop in bodies:
        if place <= begin < stop:
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
            return match.end() if match.end() > match.start() else None


def _nested(text: str, start: int, end: int, left: str, right: str) -> int:
    depth = 0
    for bracket in _brackets(left, right).finditer(text, start, end):
        depth += 1 if bracket[0] == left else -1
        if not depth:
            return bracket.end()
    return end


def _inside(text: str, start: int, end: int, form: Inside) -> int:
    """The end of a string that holds code, which holds strings, which hold code …: a stack of strings (0) and of code
    (its open brackets)."""
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
    word = _NAME.search(match[0])
    begin = bodies[-1][1] if bodies else min(_line_end(text, match.end(), end) + 1, end)
    if word is not None and (begin < end or not bodies):
        bodies.append((begin, _closing(text, word[0], begin, end)))


def _closing(text: str, word: str, begin: int, end: int) -> int:
    """The end of the first line from `begin` on that holds `word` and nothing else; `end` if there is none."""
    place = begin
    while (found := text.find(word, place, end)) >= 0:
        place = found + len(word)
        line = text.rfind("\n", begin, found) + 1 or begin
        stop = _line_end(text, place, end)
        if found - line < _WIDEST and stop - place < _WIDEST and text[line:stop].strip() == word:
            return stop
        place = stop
    return end


def _vue(text: str) -> list[Span]:
    """A component: its script is code, of its markup and its style only the comments are looked for."""
    found: list[Span] = []
    place = 0
    while opening := _SECTION.search(text, place):
        found += _opaque(place, opening.end(), _MARKUP.finditer(text, place, opening.start()))
        closing = text.find(f"</{opening[1]}", opening.end())
        place = len(text) if closing < 0 else closing
        if opening[1].lower() == "script":
            found += _spans(text, _known("typescript"), opening.end(), place)
        else:
            style = (span for span in _spans(text, _known("SCSS"), opening.end(), place) if span.kind == "comment")
            found += _opaque(opening.end(), place, style)
    return [*found, *_opaque(place, len(text), _MARKUP.finditer(text, place))]


def _known(language: str) -> Syntax:
    syntax = syntax_of(language)
    assert syntax is not None
    return syntax


def _opaque(start: int, end: int, comments: Iterable[Span | re.Match[str]]) -> Iterator[Span]:
    """Comments, and strings for all that stands between them."""
    for comment in comments:
        first, last = (comment.start, comment.end) if isinstance(comment, Span) else comment.span()
        if first > start:
            yield Span(start, first, "string")
        yield Span(first, last, "comment")
        start = last
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
    parts = [re.escape(form.opening), re.escape(form.end)]
    parts += ([] if form.raw else [r"\\[\s\S]"]) + ([] if form.many else [r"\n"])
    return re.compile("|".join(parts))


@functools.cache
def _code_pattern(form: Inside) -> re.Pattern[str]:
    """Brackets, strings of the same kind, and, looked over, short strings of another."""
    others = "|".join(rf"{quote}(?:[^{quote}\\\n]|\\.)*+{quote}" for quote in "'\"" if quote not in form.end)
    parts = [re.escape(form.left), re.escape(form.right), re.escape(form.end), others]
    return re.compile("|".join(parts))
