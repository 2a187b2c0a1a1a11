"""Near-duplicate clusters and evaluation items, as far as the corpus step tells them one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leaven.corpus.look.placed import PIECE
from leaven.ground.files import read_json


def clusters(corpus: Path, source: str = "") -> list[dict[str, Any]]:
    """The largest clusters, keeper first, that hold a document of the source (of any, where none is named).

    Each has its `size` and some of its `documents`, as `source: id`.
    """
    told: list[dict[str, Any]] = read_json(corpus / "clusters.json")
    return [row for row in told if not source or any(name.startswith(f"{source}: ") for name in row["documents"])]


def clusters_of(corpus: Path, source: str, document: str) -> list[dict[str, Any]]:
    """The clusters among the largest in which a document, or a piece of it, is named."""
    name = f"{source}: {document}"
    return [
        row
        for row in clusters(corpus, source)
        if any(member == name or PIECE.sub("", member) == name for member in row["documents"])
    ]


def contamination(corpus: Path, source: str = "", shown: int = 5) -> dict[str, dict[str, Any]]:
    """Task → what the search found in all sources, and in this one (all, where none is named).

    Keys: `items`, `unsearched`, `matched`, `documents`; `here` and `matches`: how many matches are in the source and
    the first of them, as [item, document].
    """
    told = read_json(corpus / "contamination.json")
    found = {task: {**row, "here": 0, "matches": []} for task, row in told["tasks"].items()}
    for task, item, document in told["matches"]:
        if not source or document.startswith(f"{source}: "):
            found[task]["here"] += 1
            if len(found[task]["matches"]) < shown:
                found[task]["matches"].append([item, document])
    return found


def items_in(corpus: Path, source: str, document: str) -> dict[str, list[str]]:
    """Task → evaluation items that a document, or a piece of it, holds."""
    name = f"{source}: {document}"
    found: dict[str, list[str]] = {}
    for task, item, member in read_json(corpus / "contamination.json")["matches"]:
        if (member == name or PIECE.sub("", member) == name) and item not in found.setdefault(task, []):
            found[task].append(item)
    return {task: items for task, items in found.items() if items}
