"""Shapes of records: where a published data set keeps what a document needs, from `data/shapes.toml`."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leaven.corpus.plan import SourcePlan
from leaven.corpus.tables import DATA
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput, did_you_mean

VERSION = "read/1"

ROLES = ("text", "id", "path", "language", "licence", "repository", "stars", "subset", "group")
INSTRUCT = ("instruction", "context", "response")
DEFAULT, DEFAULT_INSTRUCT = "plain", "dolly"

_PART = re.compile(r"\[([^\]{}]*)\{(\w+)\}([^\]{}]*)\]|\{(\w+)\}")


@dataclass(frozen=True)
class Shape:
    """A mapping of roles to the fields of a record.

    Attributes:
        name: of the preset.
        roles: role → dotted paths, the first that has a value counts.
        labels: label → dotted paths.
        leave: role or label → values whose records are left out.
        head: "starcoder" where texts may begin with its line of metadata.
        template: how instruction, context and response become one text; "" where the text is a field.
    """

    name: str
    roles: Mapping[str, tuple[str, ...]]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    leave: Mapping[str, frozenset[str]] = field(default_factory=dict)
    head: str = ""
    template: str = ""

    @functools.cached_property
    def columns(self) -> frozenset[str]:
        """Top-level names that a Parquet or Arrow file has to give, literally or as the parent of what is in it."""
        paths = [path for table in (self.roles, self.labels) for row in table.values() for path in row]
        return frozenset(paths) | {path.partition(".")[0] for path in paths}

    @functools.cached_property
    def parts(self) -> tuple[tuple[str, str, str], ...]:
        """The template as (text before, role, text after); what surrounds an optional field goes with it."""
        found, last = [], 0
        for match in _PART.finditer(self.template):
            before, optional, after, needed = match.groups()
            if match.start() > last:
                found.append((self.template[last : match.start()], "", ""))
            found.append((before, optional, after) if optional else ("", needed, ""))
            last = match.end()
        if last < len(self.template):
            found.append((self.template[last:], "", ""))
        return tuple(found)


@functools.cache
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads((DATA / "shapes.toml").read_text(encoding="utf-8"))


@functools.cache
def version() -> str:
    """The identity of reading: its algorithm and both tables; another mapping or limit is another result."""
    forms = tomllib.loads((DATA / "forms.toml").read_text(encoding="utf-8"))
    return identity([VERSION, _table(), forms])


def names() -> tuple[str, ...]:
    """The presets, in the table's order."""
    return tuple(_table())


def shape(plan: SourcePlan) -> Shape:
    """The shape of a plan: its preset with the plan's own fields and values to leave over it.

    Without a preset, records are `plain`, and those of kind instruct Dolly's.

    Raises BadInput for an unknown preset, role, or label to leave by.
    """
    where = f"source {plan.name}"
    name = plan.shape or (DEFAULT_INSTRUCT if plan.kind == "instruct" else DEFAULT)
    if name not in _table():
        raise BadInput(f'unknown shape "{name}"{did_you_mean(name, names())}', field=where)
    row = _table()[name]
    roles = {role: _paths(row[role]) for role in (*ROLES, *INSTRUCT) if role in row}
    labels = {label: _paths(paths) for label, paths in row.get("labels", {}).items()}
    for role, path in plan.fields.items():
        if role not in (*ROLES, *INSTRUCT):
            raise BadInput(f'unknown role "{role}"{did_you_mean(role, (*ROLES, *INSTRUCT))}', field=f"{where}: fields")
        roles[role] = _paths(path)
    # Instructions are rendered where no field holds the whole text.
    template = "" if "text" in roles else row.get("template", _table()[DEFAULT_INSTRUCT]["template"])
    leave = {role: frozenset(values) for role, values in row.get("leave", {}).items()}
    for role, values in plan.leave.items():
        known = (*ROLES, *labels)
        if role not in known:
            raise BadInput(f'unknown role "{role}"{did_you_mean(role, known)}', field=f"{where}: leave")
        if role not in roles and role not in labels:
            raise BadInput(
                f'the shape "{name}" has no {role} to leave records out by',
                field=f"{where}: leave",
                fix=f"Name where it is: fields: {{{role}: …}}.",
            )
        leave[role] = frozenset(values)
    return Shape(name, roles, labels, leave, row.get("head", ""), template)


def _paths(given: str | list[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
