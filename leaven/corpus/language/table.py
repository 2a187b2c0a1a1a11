"""Which languages a file name may mean, and the patterns that decide between those that share an extension."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leaven.corpus.language.names import DATA, canonical, languages, overlay


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern that speaks for a language; tried only where one of the words in `needs` (if any) stands."""

    pattern: re.Pattern[str]
    language: str
    needs: tuple[str, ...] = ()

    def found(self, text: str) -> bool:
        """Whether the text has it."""
        if self.needs and not any(word in text for word in self.needs):
            return False
        return self.pattern.search(text) is not None


@dataclass(frozen=True, slots=True)
class Choice:
    """An extension that several languages share.

    Attributes:
        candidates: the languages that a shebang or mode line may choose between.
        rules: in the order tried.
        default: the language where none is found; "" unknown.
        strip_c: whether C comments and `#ifdef __cplusplus` parts are taken out first.
    """

    candidates: frozenset[str]
    rules: tuple[Rule, ...]
    default: str
    strip_c: bool


@dataclass(frozen=True)
class Names:
    """What names of files mean.

    Attributes:
        filenames: exact name → language.
        extensions: last extension in lower case (`.py`) → its language, or the choice to be made.
        compound: extension of several parts in lower case (`.rst.txt`) → the same.
        ends: last parts of the compound extensions.
        case: extension whose case decides (`.C`) → language.
        interpreters: program of a shebang → language.
        wrappers: endings that are taken off an unknown name.
    """

    filenames: Mapping[str, str]
    extensions: Mapping[str, str | Choice]
    compound: Mapping[str, str | Choice]
    ends: frozenset[str]
    case: Mapping[str, str]
    interpreters: Mapping[str, str]
    wrappers: frozenset[str]


def claims() -> dict[str, list[str]]:
    """Extension → the canonical names of all languages that claim it."""
    found: dict[str, list[str]] = {}
    for name, language in languages().items():
        for extension in language.extensions:
            found.setdefault(extension, []).append(name)
    return found


@functools.cache
def disambiguation() -> dict[str, Any]:
    """The table of patterns as it stands in `data/disambiguation.toml`."""
    return tomllib.loads((DATA / "disambiguation.toml").read_text(encoding="utf-8"))


@functools.cache
def names() -> Names:
    """All look-ups; read once a process."""
    paper = overlay()
    table = disambiguation()
    claimed = claims()
    meaning: dict[str, str | Choice] = {extension: claimants[0] for extension, claimants in claimed.items()}
    meaning |= {e: canonical(name) for name in paper["languages"] for e in _own(name)}
    meaning |= table["always"]
    for row in table.values():
        if not isinstance(row, dict) or "rules" not in row:
            continue
        rules = tuple(
            Rule(re.compile(rule["pattern"], re.MULTILINE), rule["language"], tuple(rule.get("needs", ())))
            for rule in row["rules"]
        )
        for extension in row["extensions"]:
            candidates = frozenset([*claimed.get(extension, ()), *(rule.language for rule in rules), row["default"]])
            meaning[extension] = Choice(candidates, rules, row["default"], row.get("strip") == "c")
    compound = {extension: value for extension, value in meaning.items() if extension.count(".") > 1}
    filenames = {name: language.name for language in languages().values() for name in language.filenames}
    interpreters = {word: language.name for language in languages().values() for word in language.interpreters}
    return Names(
        filenames=filenames | paper["filenames"],
        extensions={extension: value for extension, value in meaning.items() if extension.count(".") == 1},
        compound=compound,
        ends=frozenset(extension[extension.rindex(".") :] for extension in compound),
        case=paper["case"],
        interpreters=interpreters | paper["interpreters"],
        wrappers=frozenset(table["wrappers"]["endings"]),
    )


def _own(original: str) -> tuple[str, ...]:
    """The extensions of a language that Linguist no longer has: they are its own, whoever else claims them."""
    return tuple(overlay()["languages"][original].get("extensions", ()))
