"""What assembling a corpus found, to be looked at: evaluation items in documents, and near-duplicate clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from leaven.corpus import decide, measure
from leaven.corpus.contamination.items import Items
from leaven.corpus.contamination.report import report
from leaven.ground.files import read_json

ITEMS = "items.json"
SHOWN_MATCHES = 10_000
"""Matches of evaluation items that are told one by one; all are counted."""


def contamination(
    hits: pa.ChunkedArray, columns: Mapping[str, np.ndarray], files: Sequence[measure.File], items: Path | None
) -> dict[str, Any]:
    """Per task: items, those found in some document, documents that hold one, items too short to be looked for; and
    the matches themselves, by task, item and document.

    Args:
        hits: of every piece, as `measure` writes them.
        columns: of every piece.
        files: the measured files; a piece's `file` is its place here.
        items: the JSON file of items that were looked for, None where none were.
    """
    if items is None:
        return {"tasks": {}, "matches": []}
    sought = {task: Items.from_data(data) for task, data in read_json(items).items()}
    places = np.flatnonzero(columns["hit"]).tolist()
    names = _ids(files, columns, places)
    found = report(sought, ((names[place], decide.hits_of(hits[place].as_py())) for place in places)).as_data()
    return {**found, "matches": found["matches"][:SHOWN_MATCHES]}


def clusters(
    chosen: decide.Decision, columns: Mapping[str, np.ndarray], files: Sequence[measure.File]
) -> list[dict[str, Any]]:
    """The largest clusters of near-duplicates, keeper first, by the ids of their documents."""
    ids = _ids(files, columns, [place for cluster in chosen.largest for place in cluster.members])
    return [
        {"size": cluster.size, "documents": [ids[place] for place in cluster.members]} for cluster in chosen.largest
    ]


def _ids(files: Sequence[measure.File], columns: Mapping[str, np.ndarray], places: list[int]) -> dict[int, str]:
    """`source: id` of the documents that some pieces are of."""
    by_file: dict[int, list[int]] = {}
    for place in sorted(set(places)):
        by_file.setdefault(int(columns["file"][place]), []).append(place)
    found = {}
    for number, here in by_file.items():
        file = files[number]
        column = pq.read_table(file.path, columns=["id"]).column("id")
        for place in here:
            piece = f"#{int(columns['piece'][place]) + 1}" if columns["piece"][place] else ""
            found[place] = f"{file.measuring.source}: {column[int(columns['row'][place])].as_py()}{piece}"
    return found
