"""What tells code from comments and strings in each language: `data/control.toml`, compiled.

The names are those of `leaven.corpus.language`. A language without an entry has no syntax, and a control that would
need it refuses its documents.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leaven.corpus.tables import DATA
from leaven.ground.canonical import identity

WORD = r"[^\W\d]\w*+"
NUMBER = r"\d\w*+(?:\.(?:\d\w*+|[fFlLdDeE]\d*\b))?"


@dataclass(frozen=True, slots=True)
class Inside:
    """A string that code may stand in: how it ends, how the code begins, the brackets around it, whether it may span
    lines, and whether a backslash is nothing but that in it."""

    end: str
    opening: str
    left: str
    right: str
    many: bool
    raw: bool


@dataclass(frozen=True, slots=True)
class Syntax:
    """One language.

    Attributes:
        tokens: comments, strings and what begins them; the group that matched says which.
        words: numbers (no group) and identifiers (group 1).
        kept: words that are the language's own.
        kept_pattern: further words that are.
        fold: whether case is of no matter to them.
        prefixes: letters that may stand right before a string and belong to it.
        docstrings: whether a string that is a statement is a comment.
    """

    tokens: re.Pattern[str]
    words: re.Pattern[str]
    kept: frozenset[str]
    kept_pattern: re.Pattern[str] | None
    fold: bool
    prefixes: str
    docstrings: bool

    def is_kept(self, word: str) -> bool:
        """Whether a word belongs to the language, and not to the program."""
        if (word.lower() if self.fold else word) in self.kept:
            return True
        return self.kept_pattern is not None and self.kept_pattern.fullmatch(word) is not None


@functools.cache
def syntax_of(language: str) -> Syntax | None:
    """The syntax of a language by its canonical name, None where the table has none."""
    entry = _table()["language"].get(language)
    if entry is None:
        return None
    atoms: Mapping[str, str] = _table()["atoms"]
    tokens = "|".join(f"(?P<{name}>{atoms[name]})" for name in entry["atoms"].split())
    fold = bool(entry.get("fold"))
    kept = entry["words"].split()
    pattern = entry.get("kept")
    return Syntax(
        tokens=re.compile(tokens),
        words=re.compile(f"{NUMBER}|({entry.get('word', WORD)})"),
        kept=frozenset(word.lower() for word in kept) if fold else frozenset(kept),
        kept_pattern=re.compile(pattern) if pattern else None,
        fold=fold,
        prefixes=entry.get("prefixes", ""),
        docstrings=bool(entry.get("docstrings")),
    )


@functools.cache
def inside(name: str) -> Inside:
    """The beginning `i_…` of this name."""
    end, opening, left, right, lines = _table()["inside"][name]
    return Inside(end, opening, left, right, lines != "one", lines == "raw")


@functools.cache
def nested(name: str) -> tuple[str, str]:
    """Both brackets of the beginning `n_…` of this name."""
    left, right = _table()["nested"][name]
    return left, right


@functools.cache
def languages() -> tuple[str, ...]:
    """All languages that have a syntax; Vue is made of others."""
    return tuple(sorted([*_table()["language"], "Vue"]))


@functools.cache
def version() -> str:
    """The identity of the table."""
    return identity([_table()])


@functools.cache
def _table() -> dict[str, Any]:
    return tomllib.loads((DATA / "control.toml").read_text(encoding="utf-8"))
