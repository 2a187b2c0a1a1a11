"""Licences by their texts: which of some seventy a file holds, from short phrases (`data/licences_texts.toml`)."""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass

from leaven.corpus.licence.spdx import DATA, IN_FILE, UNKNOWN, all_of
from leaven.corpus.licence.words import normalise

VERSION = "licence texts/1"

LOOK = 262_144
"""Bytes or characters of a file that are looked at."""

_OTHER = re.compile(r"[^a-z0-9]+")
_MENTION = re.compile(
    r"(?i)\b(?:licen[cs]ed|available|released|distributed|published|covered)[ \n]+under[ \n]+(?:the[ \n]+)?"
    r"(?:(?:terms|conditions)[ \n]+of[ \n]+(?:the[ \n]+)?)?\[?([\w.+-][\w .+/-]{1,60}?)\]?[ \n]+licen[cs]e\b"
    r"|^[#=* ]{0,8}licen[cs]e[ ]{0,4}[:=][ ]{0,4}([^\n]{2,60})$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """How one licence's text is known; see the table."""

    name: str
    has: tuple[str, ...]
    one: tuple[str, ...]
    without: tuple[str, ...]
    least: float


@functools.cache
def fingerprints() -> tuple[Fingerprint, ...]:
    """The table, phrases with a space on both sides."""
    table = tomllib.loads((DATA / "licences_texts.toml").read_text(encoding="utf-8"))

    def spaced(phrases: list[str]) -> tuple[str, ...]:
        return tuple(f" {phrase} " for phrase in phrases)

    return tuple(
        Fingerprint(
            name=row["id"],
            has=spaced(row["has"]),
            one=spaced(row.get("one", [])),
            without=spaced(row.get("without", [])),
            least=1.0 if row.get("all") else table["share"],
        )
        for row in table["licence"]
    )


def plain(text: str | bytes) -> str:
    """The text as it is compared: lower case, letters and digits, single spaces."""
    shown = text[:LOOK].decode("utf-8", errors="replace") if isinstance(text, bytes) else text[:LOOK]
    return f" {_OTHER.sub(' ', shown.lower()).strip()} "


def shares(text: str | bytes) -> dict[str, float]:
    """Licence → share of its phrases found, for those found whole enough and not ruled out."""
    words = plain(text)
    found: dict[str, float] = {}
    for one in fingerprints():
        share = sum(phrase in words for phrase in one.has) / len(one.has)
        if share < one.least or any(phrase in words for phrase in one.without):
            continue
        if not one.one or any(phrase in words for phrase in one.one):
            found[one.name] = share
    return found


def recognise(text: str | bytes) -> str:
    """The SPDX expression of the licences that a licence file holds, all of them; `UNKNOWN` where none is known.

    A file without a known text that only says under what it is licensed ("licensed under the MIT license") is believed.
    """
    found = shares(text)
    return all_of(sorted(found)) if found else mentioned(text) or UNKNOWN


def mentioned(text: str | bytes) -> str:
    """The licence that prose names ("released under the terms of the BSD license", "License: MIT"); "" where none."""
    shown = text[:LOOK].decode("utf-8", errors="replace") if isinstance(text, bytes) else text[:LOOK]
    for match in _MENTION.finditer(shown):
        said = normalise(match[1] or match[2])
        if said and said not in (UNKNOWN, IN_FILE):
            return said
    return ""
