"""Prompts of a word or two, or without a letter, sought letter for letter and only where something is asked.

Of "Introduction", "1 + 1 = ?" or "???" a document's words say too little: they are headings, rows of tables, any line.
Such a prompt occurs where its text stands, punctuation and all, behind a label such as "Question:" or
"### Instruction:", on the label's line or the next, or as a record of instructions is written. Capitals, white space
and empty lines do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

Lines = tuple[str, ...]
Sought = dict[str, list[tuple[Lines, str]]]
"""First line → texts with that line, each with the name of its prompt."""

FEWEST = 3
"""Words that a prompt must have to be sought by its words."""
WORD = re.compile(r"\w+")
LETTER = re.compile(r"[^\W\d_]")
MARKS = r"([^\w:>\]]*[:>\]])([\]:>|*#)]*)"
"""Between a label and what is asked on the same line ("problem solving" has none), and how the marks may go on."""
OWN = re.compile(r"[:>\]#*]")
"""One of these makes a line of its own a label."""


def says_little(text: str) -> bool:
    """Whether a text has so few words, or none with a letter, that its words alone are no sign of it."""
    return len(WORD.findall(text)) < FEWEST or not LETTER.search(text)


class Verbatim:
    """What to look for letter for letter, and in which sources it was found.

    Use: `Verbatim(prompts, labels)`, then `search(source, documents)` for each source, then `found(name)`.

    Args:
        prompts: name → texts of which any is the prompt where it stands behind a label, and its renderings in records.
        labels: in lower case, words only.
    """

    def __init__(self, prompts: Mapping[str, tuple[Sequence[str], Sequence[str]]], labels: Sequence[str]) -> None:
        self._asked = _sought({name: texts for name, (texts, _) in prompts.items()})
        self._whole = _sought({name: records for name, (_, records) in prompts.items()})
        self._found: dict[str, set[str]] = {}
        words = "|".join(r"\W*".join(map(re.escape, WORD.findall(label))) for label in labels)
        self._label, self._own = re.compile(rf"\W*(?:{words}){MARKS}"), re.compile(rf"\W*(?:{words})\W*")

    def __bool__(self) -> bool:
        return bool(self._asked)

    def search(self, source: str, documents: Iterable[str]) -> None:
        """Mark what occurs in the documents of a source."""
        found = self._found.setdefault(source, set())
        for document in documents:
            lines, before = _lines(document), ""
            for place, line in enumerate(lines):
                found.update(_names(self._whole, line, lines, place))
                for text in self._behind(line, before):
                    found.update(_names(self._asked, text, lines, place))
                before = line

    def found(self, name: str) -> list[str]:
        """The sources in which a prompt occurs."""
        return sorted(source for source, names in self._found.items() if name in names)

    def _behind(self, line: str, before: str) -> Iterator[str]:
        """What stands behind a label on this line, or is this line behind a label that has one for itself."""
        if OWN.search(before) and self._own.fullmatch(before):
            yield line
        if label := self._label.match(line):
            # what is asked may begin with such a mark as well
            yield from (line[place:] for place in range(label.start(2), label.end() + 1))


def _sought(texts: Mapping[str, Iterable[str]]) -> Sought:
    found: Sought = {}
    for name, given in texts.items():
        for text in given:
            if lines := _lines(text):
                found.setdefault(lines[0], []).append((lines, name))
    return found


def _names(sought: Sought, first: str, lines: Lines, place: int) -> Iterator[str]:
    """The prompts of which `first` is the first line, and the lines behind this place are the others."""
    for text, name in sought.get(first, ()):
        if lines[place + 1 : place + len(text)] == text[1:]:
            yield name


def _lines(text: str) -> Lines:
    lines = ("".join(line.split()) for line in text.casefold().split("\n"))
    return tuple(line for line in lines if line)
