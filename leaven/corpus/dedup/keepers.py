"""Which member of each component is kept, and the components to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

VERSION = "keepers/1"


@dataclass(frozen=True)
class Cluster:
    """A component of two or more: its keeper, and its first members in the order of preference, the keeper first."""

    size: int
    keeper: int
    members: tuple[int, ...]


def preference(labels: np.ndarray, rank: Sequence[np.ndarray]) -> np.ndarray:
    """All documents, component by component, the preferred first.

    Args:
        labels: (n,) component of each document.
        rank: arrays of (n,), the first counting most, smaller values preferred, e.g. training after held-out, number of
            the source, class of the licence, −stars, key of the order. Ties go to the earlier document.
    """
    return np.lexsort((*reversed(rank), labels))


def keep(labels: np.ndarray, rank: Sequence[np.ndarray] = ()) -> np.ndarray:
    """A mask of one document of each component: the one of the smallest rank; see `preference`."""
    kept = np.zeros(len(labels), bool)
    order = preference(labels, rank)
    kept[order[_starts(labels[order])]] = True
    return kept


def clusters(labels: np.ndarray, rank: Sequence[np.ndarray] = (), *, top: int = 20, shown: int = 20) -> list[Cluster]:
    """The largest components of two or more, larger first, of equal size the one of the smaller label first.

    Args:
        top: components.
        shown: members of each.
    """
    order = preference(labels, rank)
    starts = _starts(labels[order])
    sizes = np.diff(np.append(starts, len(order)))
    largest = np.argsort(-sizes, kind="stable")[:top]
    return [
        Cluster(size, int(order[start]), tuple(order[start : start + min(size, shown)].tolist()))
        for size, start in zip(sizes[largest].tolist(), starts[largest].tolist(), strict=True)
        if size > 1
    ]


def _starts(ordered: np.ndarray) -> np.ndarray:
    new = np.ones(len(ordered), bool)
    new[1:] = ordered[1:] != ordered[:-1]
    return np.flatnonzero(new)
