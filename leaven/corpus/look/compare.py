"""Two corpora beside each other: the documents they share by content, and how their sources differ in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from leaven.corpus.dedup.exact import content_keys
from leaven.corpus.files import document_files
from leaven.corpus.look.placed import SIDES

BATCH = 256
"""Texts in memory at once."""


@dataclass(frozen=True)
class Contents:
    """Documents of a source in a corpus, on both sides: content keys (n, 2) and UTF-8 bytes (n,)."""

    keys: np.ndarray
    bytes: np.ndarray

    @classmethod
    def of(cls, corpus: Path, source: str) -> Contents:
        """Reads every text once, a batch at a time."""
        keys, sizes = [np.zeros((0, 2), np.uint64)], [np.zeros(0, np.int64)]
        for side in SIDES:
            for path in document_files(corpus, side, source):
                with pq.ParquetFile(path) as stored:
                    for batch in stored.iter_batches(batch_size=BATCH, columns=["text"]):
                        texts = batch.column(0).to_pylist()
                        keys.append(content_keys(texts))
                        sizes.append(np.fromiter((len(text.encode()) for text in texts), np.int64, len(texts)))
        return cls(np.concatenate(keys), np.concatenate(sizes))


def shared(a: Contents, b: Contents) -> dict[str, dict[str, int]]:
    """Documents and bytes `only_a`, `only_b` and `both` (as they are in a). Equal but for white space is equal."""
    both_keys = np.concatenate([a.keys, b.keys])
    order = np.lexsort((both_keys[:, 1], both_keys[:, 0]))
    new = np.ones(len(order), bool)
    new[1:] = (both_keys[order][1:] != both_keys[order][:-1]).any(axis=1)
    group = np.empty(len(order), np.int64)
    group[order] = np.cumsum(new) - 1
    of_a, of_b = group[: len(a.keys)], group[len(a.keys) :]
    in_a, in_b = np.zeros(len(order), bool), np.zeros(len(order), bool)
    in_a[of_a], in_b[of_b] = True, True

    def told(mask: np.ndarray, sizes: np.ndarray) -> dict[str, int]:
        return {"documents": int(np.count_nonzero(mask)), "bytes": int(sizes[mask].sum())}

    return {
        "only_a": told(~in_b[of_a], a.bytes),
        "only_b": told(~in_a[of_b], b.bytes),
        "both": told(in_b[of_a], a.bytes),
    }


def identical(told: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """`shared` of a source with itself, from what `counts` tells of it."""
    both = {name: sum(told[side][name] for side in SIDES) for name in ("documents", "bytes")}
    nothing = {"documents": 0, "bytes": 0}
    return {"only_a": nothing, "only_b": nothing, "both": both}


def shifts(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """How the numbers of a source moved from a to b, from what `counts` tells of each.

    Keys: `languages` ([language, share in a, share in b], largest shift first) and `removed` ([group, reason, in a, in
    b]), both without what is equal; `train` and `heldout`: name → [a, b].
    """
    share_a, share_b = ({row["language"]: row["share"] for row in x.get("languages", ())} for x in (a, b))
    languages = [[name, share_a.get(name, 0.0), share_b.get(name, 0.0)] for name in {**share_a, **share_b}]
    found: dict[str, Any] = {
        "languages": sorted(
            (row for row in languages if row[1] != row[2]), key=lambda row: (-abs(row[2] - row[1]), row[0])
        ),
        "removed": [],
    }
    for group in dict.fromkeys([*a["removed"], *b["removed"]]):
        in_a, in_b = a["removed"].get(group, {}), b["removed"].get(group, {})
        rows = [[group, reason, in_a.get(reason, 0), in_b.get(reason, 0)] for reason in {**in_a, **in_b}]
        found["removed"] += [row for row in rows if row[2] != row[3]]
    for side in SIDES:
        sides = a.get(side, {}), b.get(side, {})
        found[side] = {name: [row.get(name) for row in sides] for name in ("documents", "bytes", "tokens")}
    return found


def differing(a: Any, b: Any, path: str = "") -> list[dict[str, Any]]:
    """Fields in which two corpora differ, as `field`, `a`, `b`; None where one has no such field."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        rows = []
        for key in dict.fromkeys([*a, *b]):
            rows += differing(a.get(key), b.get(key), f"{path}.{key}" if path else str(key))
        return rows
    return [] if a == b else [{"field": path, "a": a, "b": b}]
