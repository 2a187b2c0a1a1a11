"""Rulesets as data: what `data/rules/*.toml` says, read once.

A rule is a list of conditions `score comparison threshold` that must all hold for a document to be dropped, the
languages it speaks of, and a name that drops are counted by. A score that does not apply to a document is nan, and no
condition on nan holds. Comparisons are made in 32-bit floats, as scores are kept.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path
from types import MappingProxyType
from typing import Any

from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput, did_you_mean

DATA = Path(__file__).parents[1] / "data" / "rules"

NAMES = ("starcoder1", "stack2", "paper", "santacoder", "stars", "fertility", "gopher", "c4", "slimpajama", "floor")

ROW_SCORES = ("listed", "included")
"""Scores that come from a row of a ruleset's table and not from a text."""

_ALIASES = {
    "cpp": "c++",
    "c#": "c-sharp",
    "csharp": "c-sharp",
    "f#": "f-sharp",
    "fsharp": "f-sharp",
    "tsx": "typescript",
    "plsql": "sql",
    "plpgsql": "sql",
    "sqlpl": "sql",
    "tsql": "sql",
    "vba": "visual-basic",
    "vbscript": "visual-basic",
    "visual-basic-.net": "visual-basic",
    "visual-basic-6.0": "visual-basic",
    "graphviz-(dot)": "graphviz",
    "lean-4": "lean",
}


@dataclass(frozen=True)
class Condition:
    """`score` compared by `sign` (`<`, `<=`, `>`, `>=`) with the threshold of this name."""

    score: str
    sign: str
    threshold: str


@dataclass(frozen=True)
class Rule:
    """A rule of a ruleset: drops a document where all conditions hold.

    Attributes:
        ruleset: name of the ruleset it belongs to.
        name: what drops are counted by, with the ruleset before it.
        conditions: all must hold.
        only: keys of the only languages it speaks of; empty means all …
        spared: … but these.
        when: name of a threshold that turns the rule off where it is 0; "" is always on.
    """

    ruleset: str
    name: str
    conditions: tuple[Condition, ...]
    only: frozenset[str] = frozenset()
    spared: frozenset[str] = frozenset()
    when: str = ""

    @property
    def reason(self) -> str:
        """As counted: `starcoder1: long line`."""
        return f"{self.ruleset}: {self.name}"


@dataclass(frozen=True)
class Row:
    """The limits of one (language, extension) pair; nan is no limit."""

    included: bool
    long_line: float
    mean_line: float
    alphanum: float
    alpha: float


@dataclass(frozen=True)
class Ruleset:
    """A named, versioned set of rules.

    Attributes:
        name: as in a study and before every reason.
        version: changes when its rules do.
        description: one line.
        scores: names of the score columns its rules read, those of included rulesets too.
        rules: its own rules, in the order in which the first one to refuse names the drop.
        limits: threshold name → default.
        includes: rulesets whose rules come first.
        settings: thresholds (`ruleset.name`) of included rulesets that differ here.
        by_row: threshold name → column of `rows` that replaces it.
        rows: (language key, extension) → limits; empty where the ruleset has no such table.
        content: identity of everything above, for the identities of steps.
    """

    name: str
    version: str
    description: str
    scores: tuple[str, ...]
    rules: tuple[Rule, ...]
    limits: Mapping[str, float]
    includes: tuple[str, ...]
    settings: Mapping[str, float]
    by_row: Mapping[str, str]
    rows: Mapping[tuple[str, str], Row]
    content: str


def language_key(language: str) -> str:
    """A language's name as rules compare it: lower case, dashes for spaces, `C#` and `cpp` by their long names."""
    key = language.lower().replace(" ", "-")
    return _ALIASES.get(key, key)


def extension_of(path: str) -> str:
    """What stands after the last dot of a file's name, in lower case; "" for a name without a dot."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def chosen(rulesets: Sequence[str]) -> tuple[Ruleset, ...]:
    """The rulesets of these names, each after those it includes and once. Raises BadInput for a name unknown."""
    order: list[Ruleset] = []
    for name in rulesets:
        if name not in RULESETS:
            fix = f"Rulesets: {', '.join(RULESETS)}."
            raise BadInput(f'unknown ruleset "{name}"{did_you_mean(name, RULESETS)}', field="rules", fix=fix)
        for each in (*RULESETS[name].includes, name):
            if RULESETS[each] not in order:
                order.append(RULESETS[each])
    return tuple(order)


def lines_of(table: str) -> list[str]:
    """The lines of a data file that are not comments."""
    text = (DATA / table).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


def _load(name: str, loaded: Mapping[str, Ruleset]) -> Ruleset:
    data = tomllib.loads((DATA / f"{name}.toml").read_text(encoding="utf-8"))
    rules = tuple(_rule(name, entry) for entry in data["rule"])
    rows = _rows(data["rows"], data["thresholds"]["mean_line"]) if "rows" in data else {}
    includes = tuple(data.get("includes", ()))
    scores = [score for each in includes for score in loaded[each].scores]
    scores += [condition.score for rule in rules for condition in rule.conditions if condition.score not in ROW_SCORES]
    return Ruleset(
        name=name,
        version=data["version"],
        description=data["description"],
        scores=tuple(dict.fromkeys(scores)),
        rules=rules,
        limits=_numbers(data["thresholds"]),
        includes=includes,
        settings=_numbers(data.get("settings", {})),
        by_row=MappingProxyType(data.get("by_row", {})),
        rows=MappingProxyType(rows),
        content=identity([data, lines_of(data["rows"]) if rows else [], [loaded[each].content for each in includes]]),
    )


def _numbers(table: Mapping[str, Any]) -> Mapping[str, float]:
    return MappingProxyType({name: float(value) for name, value in table.items()})


def _rule(ruleset: str, entry: Mapping[str, Any]) -> Rule:
    conditions = tuple(Condition(*condition.split()) for condition in entry["if"])
    only, spared = (frozenset(map(language_key, entry.get(side, ()))) for side in ("only", "except"))
    return Rule(ruleset, entry["name"], conditions, only, spared, entry.get("when", ""))


def _rows(table: str, mean: float) -> dict[tuple[str, str], Row]:
    """The published rule `line_mean = 100 if line_max else None`: no long-line limit, no mean-line limit."""
    rows = {}
    for line in csv.DictReader(lines_of(table)):
        long_line, alphanum, alpha = (float(line[column] or nan) for column in ("long_line", "alphanum", "alpha"))
        mean_line = nan if isnan(long_line) else float(mean)
        rows[line["language"], line["extension"]] = Row(line["include"] == "1", long_line, mean_line, alphanum, alpha)
    return rows


def _load_all() -> Mapping[str, Ruleset]:
    loaded: dict[str, Ruleset] = {}
    for name in NAMES:
        loaded[name] = _load(name, loaded)
    return MappingProxyType(loaded)


RULESETS: Mapping[str, Ruleset] = _load_all()
"""Every ruleset by its name."""
