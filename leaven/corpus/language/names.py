"""Names of languages: one canonical name for each, from whatever a data set, an editor or a person calls it.

The table is GitHub Linguist's (`data/linguist.toml`) with the paper's names and groupings laid over it
(`data/languages_paper.toml`). The two disagree on what is code: the paper counts TeX, SQL and Vue as programming
languages and YAML, JSON and TOML as markup; here the paper is right for its 35 languages and Linguist for the rest.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

Section = Literal["code", "markup", "data", "prose"]

VERSION = "languages/1"
"""What a name means; in the identity of whatever names languages."""

DATA = Path(__file__).parent.parent / "data"
_SECTIONS: dict[str, Section] = {"programming": "code", "markup": "markup", "data": "data", "prose": "prose"}
_SPACES = re.compile(r"[\s_-]+")


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its canonical name, its section, and by what its files are known.

    Extensions are in lower case with the dot; the first is the language's own.
    """

    name: str
    section: Section
    extensions: tuple[str, ...]
    filenames: tuple[str, ...]
    interpreters: tuple[str, ...]


def _key(name: str) -> str:
    return _SPACES.sub("-", name.strip().lower())


@functools.cache
def overlay() -> dict[str, Any]:
    """`data/languages_paper.toml`: what is laid over Linguist's table."""
    return tomllib.loads((DATA / "languages_paper.toml").read_text(encoding="utf-8"))


@functools.cache
def _tables() -> tuple[Mapping[str, Language], Mapping[str, str]]:
    paper = overlay()
    linguist = tomllib.loads((DATA / "linguist.toml").read_text(encoding="utf-8"))["languages"] | paper["languages"]
    canonical_of = {name: name.lower() for name in linguist}
    sections: dict[str, Section] = {}
    for section in ("code", "markup"):
        for name, facts in paper[section].items():
            canonical_of |= dict.fromkeys(facts["of"], name)
            sections[name] = section
    for name, originals in paper["one"].items():
        canonical_of |= dict.fromkeys(originals, name)
    gathered: dict[str, dict[str, list[str]]] = {}
    keys: dict[str, str] = {}
    for original, facts in linguist.items():
        name = canonical_of[original]
        sections.setdefault(name, _SECTIONS[facts["type"]])
        mine = gathered.setdefault(name, {"extensions": [], "filenames": [], "interpreters": []})
        for field, values in mine.items():
            lowered = [v.lower() for v in facts.get(field, ())] if field == "extensions" else facts.get(field, ())
            values.extend(v for v in lowered if v not in values)
        keys[_key(original)] = name
    for original, facts in linguist.items():
        for alias in facts.get("aliases", ()):
            keys.setdefault(_key(alias), canonical_of[original])
    keys |= {_key(name): name for name in gathered}
    keys |= {_key(alias): name for alias, name in paper["aliases"].items()}
    languages = {
        name: Language(name, sections[name], *(tuple(facts[f]) for f in ("extensions", "filenames", "interpreters")))
        for name, facts in sorted(gathered.items())
    }
    return MappingProxyType(languages), MappingProxyType(keys)


def languages() -> Mapping[str, Language]:
    """Every language by its canonical name."""
    return _tables()[0]


def canonical(name: str) -> str:
    """The canonical name for any name, alias or spelling (`C#`, `csharp`, `c-sharp`); "" where nothing is known by it.

    Case, and whether words are joined by spaces, hyphens or underscores, do not matter.
    """
    return _tables()[1].get(_key(name), "")


def section(language: str) -> Section:
    """The section of a language by any of its names; "data" for a name that is not known."""
    known = languages().get(language) or languages().get(canonical(language))
    return known.section if known else "data"


def _shares(section: str) -> Mapping[str, float]:
    return MappingProxyType({name: facts["share"] for name, facts in overlay()[section].items()})


PAPER_CODE: Mapping[str, float] = _shares("code")
"""The paper's 25 code languages → per cent of code documents (App. A.2)."""

PAPER_MARKUP: Mapping[str, float] = _shares("markup")
"""The paper's 10 markup formats → per cent of markup documents (App. A.3)."""
