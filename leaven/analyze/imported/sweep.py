"""Shares of a source in the variants' data, as the sweep that an optimum is sought on."""

from __future__ import annotations

import re

from leaven.analyze.imported.mapping import Mapping
from leaven.analyze.imported.readings import Readings
from leaven.analyze.request import Sweep

CODE = re.compile(r"code|github|stack", re.IGNORECASE)
"""Sources that are code by their names: what this project asks about first."""
FEWEST = 3
"""Distinct shares that a curve needs."""


def sweep_of(readings: Readings, mapping: Mapping, size: str) -> tuple[Sweep | None, list[str]]:
    """The sweep of the source in question at one size, None without shares or with fewer than three."""
    sources = sorted({source for shares in readings.shares.values() for source in shares})
    if not sources:
        return None, []
    here = {str(name) for name in readings.rows["variant"][readings.rows["size"] == size].unique()}
    found = {name: shares for name, shares in readings.shares.items() if name in here}
    source, told = _source(sources, mapping)
    if not source:
        return None, [f"shares of {len(sources)} sources are known; say which is asked for (sweep: NAME)"]
    shares = {name: each[source] for name, each in found.items() if source in each}
    if len(set(shares.values())) < FEWEST:
        return None, [f"fewer than {FEWEST} different shares of {source}: no optimum is sought"]
    return Sweep(source, tuple(shares), shares), told


def _source(sources: list[str], mapping: Mapping) -> tuple[str, list[str]]:
    if mapping.sweep is not None:
        return (mapping.sweep, []) if mapping.sweep in sources else ("", [])
    if len(sources) == 1:
        return sources[0], []
    code = [source for source in sources if CODE.search(source)]
    return (code[0], [f"the share asked for is that of {code[0]}"]) if len(code) == 1 else ("", [])
