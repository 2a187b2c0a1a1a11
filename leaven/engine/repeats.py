"""How often the runs of a sweep have read each of their sources: what a best share has to be affordable by.

A source that is exhausted begins anew; its epochs are the sequences that a chain drew from it over those it holds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from leaven.ground.files import read_json


def repeats(
    variants: Collection[str], stages: Sequence[Mapping[str, Any]], shards: Mapping[str, Path]
) -> dict[str, dict[str, float]]:
    """Variant → source → epochs over the whole chain, of the first seed that is handed in.

    Args:
        variants: those of the sweep.
        stages: `{variant, folder}` of the last stage of each run.
        shards: the folder of each source.
    """
    tokens = {
        name: int(read_json(folder / "shards.json")["splits"]["train"]["tokens"]) for name, folder in shards.items()
    }
    found: dict[str, dict[str, float]] = {}
    for stage in stages:
        variant = stage["variant"]
        if variant not in variants or variant in found:
            continue
        told = read_json(stage["folder"] / "stage.json")
        # A sequence holds one token more than it trains on, and shares it with the next.
        rows = {name: max(0, count - 1) // int(told["sequence"]) for name, count in tokens.items()}
        drawn = told["cursor"]
        found[variant] = {name: drawn[name] / rows[name] for name in sorted(rows) if drawn.get(name) and rows[name]}
    return found
