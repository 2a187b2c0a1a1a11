"""Bands of all documents to near-duplicate components, one band in memory at a time.

Every part of the work leaves a `(bands, n)` array of band keys. A bucket is the documents of one band that have one
key; a component is what buckets connect. Documents are numbered in the order of the parts, and the label of a component
is its smallest member, so the result depends on that order and on nothing else: neither on how the documents are cut
into parts nor on who made them when.

A shared band makes a candidate, not a duplicate: with 25 bands of 10, one pair in forty of resemblance 0.5 shares one.
Chained by components, such pairs join what has nothing in common. Where signatures are given, a document therefore
joins the first of its bucket only if their signatures agree in at least `threshold` of all positions; those that do
not are tried against the first among themselves, `LEADERS` times.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from leaven.corpus.dedup.minhash import NOBODY
from leaven.ground.errors import LeavenError

VERSION = "components/1"
LEADERS = 8
"""Rounds of comparison in a bucket: in an honest one the first leader settles all but a few."""
COMPARED = 1 << 14
"""Pairs of signatures in memory together."""


def components(
    parts: Sequence[Path], *, signatures: Sequence[Path] | None = None, threshold: float = 0.0
) -> np.ndarray:
    """The component of every document.

    Memory: about 50 bytes a document, and 50 MB where signatures are compared.

    Args:
        parts: `.npy` files of (bands, n) uint64 band keys; `NOBODY` is no bucket.
        signatures: for each part a `.npy` file of (n, permutations) uint32; None takes every candidate. Of a part whose
            documents have `NOBODY` or keys of their own in every band, the signatures are never read.
        threshold: least share of equal positions; only with signatures.

    Returns:
        (total n,) int64: the number of the smallest member of each document's component.

    Raises:
        LeavenError: parts that have no common number of bands.
    """
    shapes = [np.load(part, mmap_mode="r").shape for part in parts]
    starts = np.concatenate(([0], np.cumsum([shape[1] for shape in shapes], dtype=np.int64)))
    count = int(starts[-1])
    bands = {shape[0] for shape in shapes if shape[1]}
    if len(bands) > 1:
        raise LeavenError(f"parts have {sorted(bands)} bands: they were not made with one setting")
    parent = np.arange(count)
    for band in range(bands.pop() if bands else 0):
        member, leader = _candidates(_band(parts, shapes, band, count))
        for _ in range(LEADERS if signatures else 1):
            _compress(parent, member)
            _compress(parent, leader)
            apart = parent[member] != parent[leader]
            if signatures is None:
                _unite(parent, member[apart], leader[apart])
                break
            refused = np.zeros(len(member), bool)
            refused[apart] = ~_alike(signatures, starts, member[apart], leader[apart], threshold)
            joined = apart & ~refused
            _unite(parent, member[joined], leader[joined])
            if not refused.any():
                break
            member, leader = _next_leaders(member[refused], leader[refused])
    _compress(parent, np.arange(count))
    return parent


def _band(parts: Sequence[Path], shapes: Sequence[tuple[int, ...]], band: int, count: int) -> np.ndarray:
    keys = np.empty(count, np.uint64)
    first = 0
    for part, shape in zip(parts, shapes, strict=True):
        if shape[1]:
            keys[first : first + shape[1]] = np.load(part, mmap_mode="r")[band]
        first += shape[1]
    return keys


def _candidates(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Members of buckets of two or more, and the smallest of each one's bucket; leaders are not their own members."""
    order = np.argsort(keys)
    ordered = keys[order]
    same = ordered[1:] == ordered[:-1]
    same &= ordered[1:] != NOBODY
    near = np.zeros(len(order) + 1, bool)
    near[1:-1] = same
    shared = near[1:] | near[:-1]
    member = order[shared]
    return _led(member, ~near[:-1][shared])


def _led(member: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Members and the smallest of their group; a group begins where `new`."""
    if not len(member):
        return member, member
    starts = np.flatnonzero(new)
    leader = np.repeat(np.minimum.reduceat(member, starts), np.diff(np.append(starts, len(member))))
    others = member != leader
    return member[others], leader[others]


def _next_leaders(member: np.ndarray, leader: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those that a leader did not take, led by the smallest among them; a bucket is known by its last leader."""
    new = np.ones(len(member), bool)
    new[1:] = leader[1:] != leader[:-1]
    return _led(member, new)


def _alike(
    signatures: Sequence[Path], starts: np.ndarray, one: np.ndarray, other: np.ndarray, threshold: float
) -> np.ndarray:
    alike = np.empty(len(one), bool)
    for first in range(0, len(one), COMPARED):
        here = slice(first, first + COMPARED)
        wanted, places = np.unique(np.concatenate((one[here], other[here])), return_inverse=True)
        rows = _rows(signatures, starts, wanted)
        half = len(places) // 2
        alike[here] = (rows[places[:half]] == rows[places[half:]]).mean(axis=1) >= threshold
    return alike


def _rows(signatures: Sequence[Path], starts: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The signatures of some documents, ascending; each part is mapped only while its rows are copied."""
    part = np.searchsorted(starts, wanted, "right") - 1
    found = []
    for number in np.unique(part).tolist():
        mapped = np.load(signatures[number], mmap_mode="r")
        found.append(mapped[wanted[part == number] - starts[number]])
    return np.concatenate(found)


def _compress(parent: np.ndarray, touched: np.ndarray) -> None:
    """Point documents at the roots of their trees, by path doubling: each round halves what is left of their way."""
    while True:
        up = parent[touched]
        further = parent[up]
        if (up == further).all():
            return
        parent[touched] = further


def _unite(parent: np.ndarray, one: np.ndarray, other: np.ndarray) -> None:
    """Join the trees of pairs, the smaller root above, until each pair has one root."""
    while len(one):
        _compress(parent, one)
        _compress(parent, other)
        roots, others = parent[one], parent[other]
        apart = roots != others
        one, other, roots, others = one[apart], other[apart], roots[apart], others[apart]
        np.minimum.at(parent, np.maximum(roots, others), np.minimum(roots, others))
