"""The prompt sets that are known by name, from `sets.yaml`, whose head explains the fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml


@dataclass(frozen=True)
class PromptSet:
    """A known set.

    Args:
        names: paths under which a folder may have it.
        rows: of the published set.
        datasets: its names on the hub; none where the hub has it in no form that is known.
        files: pattern of the data set's files that hold it.
        only: field → values of the rows that are the set.
    """

    name: str
    names: tuple[str, ...]
    rows: int
    licence: str
    source: str
    get: str
    datasets: tuple[str, ...] = ()
    files: str = ""
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _known() -> dict[str, PromptSet]:
    data = yaml.safe_load(Path(__file__).with_name("sets.yaml").read_text(encoding="utf-8"))
    return {name: _set(name, row) for name, row in data.items()}


def _set(name: str, row: dict[str, Any]) -> PromptSet:
    lists = {key: tuple(row.get(key, ())) for key in ("names", "datasets")}
    only = {key: tuple(values) for key, values in row.get("only", {}).items()}
    return PromptSet(name, **{**row, **lists, "only": only})


KNOWN: Mapping[str, PromptSet] = MappingProxyType(_known())
SETS = tuple(KNOWN)
"""Names of the known sets; any other value of a plan's `set` is the path of a file."""
