"""The thresholds in force: defaults, what a ruleset sets for those it includes, and what a study overrides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from leaven.corpus.rules.score import VERSION, columns
from leaven.corpus.rules.tables import Ruleset, chosen, lines_of
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput, did_you_mean

_TABLES = ("domains.txt", "generated.toml")
"""Tables that scores themselves look into."""


def limits(rulesets: Sequence[str], overrides: Mapping[str, float] | None = None) -> dict[str, float]:
    """Threshold (`starcoder1.max_line`) → value in force for these rulesets.

    A ruleset's settings for what it includes hold unless the included one was also asked for by name. Raises
    BadInput for an override that no threshold of these rulesets is named by, or that is not a number.
    """
    sets = chosen(rulesets)
    values = {f"{each.name}.{name}": value for each in sets for name, value in each.limits.items()}
    for each in sets:
        for key, value in each.settings.items():
            if key.partition(".")[0] not in rulesets:
                values[key] = value
    for key, value in (overrides or {}).items():
        if key not in values:
            fix = f"Thresholds: {', '.join(values)}." if values else "No ruleset is chosen."
            raise BadInput(f'unknown threshold "{key}"{did_you_mean(key, values)}', field="thresholds", fix=fix)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
            raise BadInput(f"{value!r} is not a number", field=f"thresholds.{key}")
        values[key] = float(value)
    return values


def thresholds(rulesets: Sequence[str], overrides: Mapping[str, float] | None = None) -> dict[str, float | str]:
    """Threshold → value for people to read; where a table of rows decides, how many rows have which value."""
    shown: dict[str, float | str] = dict(limits(rulesets, overrides))
    for each in chosen(rulesets):
        for name, column in each.by_row.items():
            key = f"{each.name}.{name}"
            if key not in (overrides or {}):
                shown[key] = _by_row(each, column)
    return shown


def version(rulesets: Sequence[str], overrides: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Canonical data for identities: what decides which documents these rulesets keep.

    Two choices with equal data keep the same documents; the order of rulesets counts, as the first rule to refuse
    names a drop.
    """
    changed = sorted(limits(rulesets, overrides).items()) if overrides else []
    return {
        **scoring(rulesets),
        "rulesets": [[each.name, each.version, each.content] for each in chosen(rulesets)],
        "asked": list(rulesets),
        "thresholds": [[key, value] for key, value in changed if key in (overrides or {})],
    }


def scoring(rulesets: Sequence[str]) -> dict[str, Any]:
    """Canonical data for identities: what decides which scores are kept. Thresholds are not part of it."""
    tables = [identity(lines_of(each)) for each in _TABLES]
    return {"scores": VERSION, "columns": list(columns(rulesets)), "tables": tables}


def _by_row(ruleset: Ruleset, column: str) -> str:
    counts = Counter(getattr(row, column) for row in ruleset.rows.values() if row.included)
    finite = {value: count for value, count in counts.items() if value == value}
    parts = [f"{value:g} ({finite[value]} extensions)" for value in sorted(finite, key=lambda value: -finite[value])]
    return ", ".join([*parts, f"none ({sum(counts.values()) - sum(finite.values())})"])
