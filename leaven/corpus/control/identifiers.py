"""Identifiers scrambled: every name of the program becomes nonsense that one can pronounce, the same everywhere in a
file.

A name keeps its length, its digits and underscores, and which letters are capitals: what a language says by the shape
of a name (constants, types, what a package exports) stays said. Two names never become one, and none becomes a word
of the language. Reserved words, literals and the built-in names of the table stay, and so do comments and strings:
only what the program named itself is gone. Names within strings (of formatted ones, too) are not followed, so a
program still parses, but need not run.
"""

from __future__ import annotations

import hashlib
import re

from leaven.corpus.control.lexer import spans
from leaven.corpus.control.syntax import Syntax, syntax_of
from leaven.corpus.document import Dropped

_CONSONANTS, _VOWELS = "bcdfghjklmnpqrstvwz", "aeiou"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PRONOUNCED, _SPELLED = 16, 256
"""Tries for a name that can be pronounced, and for any of its length, before it becomes longer."""


def scrambled(text: str, language: str, key: str) -> str:
    """A file with its identifiers scrambled; `key` settles how. Raises Dropped for a language without a syntax."""
    found = spans(text, language)
    syntax = syntax_of("typescript" if language == "Vue" else language)
    if found is None or syntax is None:
        raise Dropped("control: no syntax for this language")
    names = _Names(syntax, key)
    replace, sub = names.replace, syntax.words.sub
    parts: list[str] = []
    place = 0
    for span in found:
        if span.start > place:
            parts.append(sub(replace, text[place : span.start]))
        parts.append(text[span.start : span.end])
        place = span.end
    parts.append(sub(replace, text[place:]))
    return "".join(parts)


class _Names:
    """The new name of every old one, as they come."""

    def __init__(self, syntax: Syntax, key: str) -> None:
        self._syntax = syntax
        self._key = key
        self._prefixes = frozenset(syntax.prefixes)
        self._new: dict[str, str] = {}
        self._made: dict[str, str] = {}
        self._taken: set[str] = set()

    def replace(self, match: re.Match[str]) -> str:
        """What a word becomes; numbers stay."""
        word = match[1]
        if word is None:
            return match[0]
        known = self._new.get(word)
        if known is None:
            known = self._new[word] = word if self._syntax.is_kept(word) else self._name(word)
        return known

    def _name(self, word: str) -> str:
        """A name that no other word has; where case is of no matter, words that differ in it alone share one."""
        if not self._syntax.fold:
            return self._free(word)
        lower = word.lower()
        if lower not in self._made:
            self._made[lower] = self._free(lower)
        return "".join(map(_as, self._made[lower], word)) + self._made[lower][len(word) :]

    def _free(self, word: str) -> str:
        if not any(map(str.isalpha, word)):
            return word
        attempt = 0
        while True:
            made = _spelled(word, self._key, attempt)
            attempt += 1
            if made not in self._taken and not self._syntax.is_kept(made) and not self._prefixes.issuperset(made):
                self._taken.add(made)
                return made


def _spelled(word: str, key: str, attempt: int) -> str:
    size = len(word) + (attempt >= _SPELLED) * (1 + (attempt - _SPELLED) // _SPELLED)
    drawn = hashlib.shake_128(f"{key}\0{attempt}\0{word}".encode()).digest(size + 1)
    vowel = bool(drawn[-1] & 1)
    letters = []
    for place, old in enumerate(word.ljust(size, "a")):
        if not old.isalpha():
            letters.append(old)
            continue
        alphabet = _LETTERS if attempt >= _PRONOUNCED else _VOWELS if vowel else _CONSONANTS
        letters.append(_as(alphabet[drawn[place] % len(alphabet)], old))
        vowel = not vowel
    return "".join(letters)


def _as(letter: str, old: str) -> str:
    return letter.upper() if old.isupper() else letter
