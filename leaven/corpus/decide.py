"""Which documents of a corpus are kept, and on which side: from measures alone, so it is a pure function of them.

Arrays are parallel over all measured pieces, in the order of sources, files, rows and pieces.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from leaven.corpus import measure
from leaven.corpus.dedup.components import components
from leaven.corpus.dedup.keepers import Cluster, clusters, preference
from leaven.corpus.split import held_out_groups

if TYPE_CHECKING:
    from leaven.corpus.assemble import Assembly

REASONS = ("duplicates", "cross_source_duplicates", "heldout_overlap")
"""Why the worse of two alike goes: its like is in its own source and side, in another source, or held out."""
SHOWN = 50
"""Largest clusters that are reported, and …"""
SHOWN_MEMBERS = 20
"""… members of each."""


@dataclass(frozen=True)
class Decision:
    """What is kept.

    Attributes:
        heldout, train: masks of the pieces on either side.
        counts: source → reason → pieces removed.
        groups: number of groups held out.
        clusters: near-duplicate clusters of two or more pieces.
        largest: the largest of them.
    """

    heldout: np.ndarray
    train: np.ndarray
    counts: dict[str, dict[str, int]]
    groups: int
    clusters: int
    largest: list[Cluster]


def decide(
    columns: Mapping[str, np.ndarray],
    measured: Sequence[Path],
    names: Sequence[str],
    *,
    planted: Collection[int],
    assembly: Assembly,
) -> Decision:
    """Decide for every piece.

    Args:
        columns: `source`, `group`, `bytes`, `order`, `licence`, `stars`, `hit`, one row a piece.
        measured: folders of the measured files, in order (`content.npy`, `bands.npy`, `signatures.npy`).
        names: of the sources.
        planted: sources that are asked about rather than predicted: a fact that was held out could not be recalled.
    """
    source, count = columns["source"], len(columns["source"])
    held_keys = held_out_groups(
        source,
        columns["group"],
        columns["bytes"],
        names,
        share=assembly.heldout,
        most=assembly.max_heldout_bytes,
        never=planted,
    )
    held = np.isin(columns["group"], held_keys)
    best = np.lexsort((-columns["stars"], columns["licence"], source, ~held))
    rank = np.empty(count, np.int64)
    rank[best] = np.arange(count)

    content = np.concatenate([np.load(part / measure.CONTENT) for part in measured])
    owner = _first_of_equal(content, rank)
    kept = owner == np.arange(count)
    counts: dict[str, dict[str, int]] = {name: {} for name in names}
    _count(counts, names, "", ~kept, owner, source, held)
    dirty = columns["hit"] & kept
    for index, name in enumerate(names):
        counts[name]["contaminated_removed"] = int(np.count_nonzero(dirty & (source == index)))
    kept &= ~dirty

    number = 0
    largest: list[Cluster] = []
    if assembly.near is not None:
        label = components(
            [part / measure.BANDS for part in measured],
            signatures=[part / measure.SIGNATURES for part in measured] if assembly.verify else None,
            threshold=assembly.near.threshold,
        )
        members = np.flatnonzero(kept)
        labels, ranks = label[members], [rank[members]]
        ordered = members[preference(labels, ranks)]
        first = np.ones(len(ordered), bool)
        first[1:] = label[ordered][1:] != label[ordered][:-1]
        starts = np.flatnonzero(first)
        lengths = np.diff(np.append(starts, len(ordered)))
        owner = np.arange(count)
        owner[ordered] = np.repeat(ordered[starts], lengths)
        near = kept & (owner != np.arange(count))
        _count(counts, names, "near_", near, owner, source, held)
        kept &= ~near
        number = int(np.count_nonzero(lengths > 1))
        largest = [
            Cluster(cluster.size, int(members[cluster.keeper]), tuple(members[list(cluster.members)].tolist()))
            for cluster in clusters(labels, ranks, top=SHOWN, shown=SHOWN_MEMBERS)
        ]

    return Decision(
        _capped(kept & held, columns, len(names), assembly.max_heldout_bytes),
        kept & ~held,
        counts,
        len(held_keys),
        number,
        largest,
    )


def hits_of(text: str) -> list[tuple[str, int]]:
    """(task, number of the item) of each evaluation item that a piece holds."""
    return [(task, int(item)) for task, item in json.loads(text)] if text else []


def _first_of_equal(content: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """For each row the row of the best rank that has the same content."""
    order = np.lexsort((rank, content[:, 1], content[:, 0]))
    same = np.zeros(len(order), bool)
    same[1:] = (content[order][1:] == content[order][:-1]).all(axis=1)
    starts = np.flatnonzero(~same)
    owner = np.empty(len(order), np.int64)
    owner[order] = np.repeat(order[starts], np.diff(np.append(starts, len(order))))
    return owner


def _count(
    counts: dict[str, dict[str, int]],
    names: Sequence[str],
    prefix: str,
    removed: np.ndarray,
    owner: np.ndarray,
    source: np.ndarray,
    held: np.ndarray,
) -> None:
    gone = np.flatnonzero(removed)
    by = owner[gone]
    overlap = held[by] & ~held[gone]
    within = ~overlap & (source[by] == source[gone])
    for reason, mask in zip(REASONS, (within, ~overlap & ~within, overlap), strict=True):
        found = np.bincount(source[gone[mask]], minlength=len(names))
        for index, name in enumerate(names):
            counts[name][f"{prefix}{reason}_removed"] = int(found[index])


def _capped(held: np.ndarray, columns: Mapping[str, np.ndarray], sources: int, most: int) -> np.ndarray:
    """Of each source's held-out pieces, in order, those that fit under `most` bytes, but at least one."""
    kept = np.zeros(len(held), bool)
    for index in range(sources):
        here = np.flatnonzero(held & (columns["source"] == index))
        total = 0
        for place in here[np.argsort(columns["order"][here], kind="stable")].tolist():
            size = int(columns["bytes"][place])
            if total + size <= most or not total:
                kept[place] = True
                total += size
    return kept
