"""MinHash signatures and band keys of many texts at once.

A signature holds, for every permutation, the least image of a text's shingles; the share of positions in which two
signatures agree estimates the Jaccard resemblance of the two sets with variance J(1 − J)/permutations (Broder 1997).
The permutations are `a * x + b` modulo 2^32 with odd `a` on shingles that are well mixed already: 32-bit arithmetic is
what vector units are fastest at.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from leaven.corpus.dedup.near import Near
from leaven.corpus.dedup.shingles import shingle_sets
from leaven.ground.canonical import key64

EMPTY = np.uint32(0xFFFFFFFF)
"""What every position of the signature of a text without shingles holds."""

NOBODY = np.uint64(0)
"""The band key that is no bucket: documents that have it share nothing by it."""

BLOCK = 1 << 16
"""Shingles worked on at once: they and their images stay in a core's second-level cache."""

BATCH = 1 << 24
"""Characters of text whose shingles are in memory together."""


def signatures(texts: Sequence[str], near: Near) -> np.ndarray:
    """The MinHash signature of every text.

    Memory is about 50 MB beside the result, and about 40 bytes a byte of the longest text.

    Returns:
        (n, near.permutations) uint32; all `EMPTY` for a text with fewer than `near.min_tokens` tokens.
    """
    found = np.empty((len(texts), near.permutations), np.uint32)
    first = 0
    while first < len(texts):
        last, size = first + 1, len(texts[first])
        while last < len(texts) and size + len(texts[last]) <= BATCH:
            size += len(texts[last])
            last += 1
        found[first:last] = _minima(*shingle_sets(texts[first:last], near), near).T
        first = last
    return found


def _minima(values: np.ndarray, starts: np.ndarray, near: Near) -> np.ndarray:
    """(permutations, n): the least image of `values[starts[i]:starts[i + 1]]` under every permutation."""
    minima = np.full((near.permutations, len(starts) - 1), EMPTY)
    full = np.flatnonzero(starts[1:] > starts[:-1])
    starts = starts[:-1][full]
    least = np.full((near.permutations, len(full)), EMPTY)
    factors, terms = permutations(near.seed, near.permutations)
    images = np.empty(BLOCK, np.uint32)
    for low in range(0, len(values), BLOCK):
        block = values[low : low + BLOCK]
        image = images[: len(block)]
        first = int(np.searchsorted(starts, low, "right")) - 1
        last = int(np.searchsorted(starts, low + len(block), "left"))
        cuts = np.maximum(starts[first:last] - low, 0)
        for row, (factor, term) in enumerate(zip(factors, terms, strict=True)):
            np.multiply(block, factor, out=image)
            np.add(image, term, out=image)
            so_far = least[row, first:last]
            np.minimum(so_far, np.minimum.reduceat(image, cuts), out=so_far)
    minima[:, full] = least
    return minima


@functools.lru_cache(maxsize=4)
def permutations(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The odd factors and the terms of the permutations, (count,) uint32 each."""
    keys = np.array([key64("minhash/1", seed, "permutation", place) for place in range(count)], np.uint64)
    return (keys >> np.uint64(32)).astype(np.uint32) | np.uint32(1), keys.astype(np.uint32)


def band_keys(signed: np.ndarray, near: Near) -> np.ndarray:
    """The bucket of every document in every band.

    Args:
        signed: (n, near.permutations) uint32, from `signatures`.

    Returns:
        (n, near.bands) uint64. Equal bands have equal keys; unequal ones differ but for one pair in 2^64. With
        `short="keep"`, documents without shingles have `NOBODY` in every band.
    """
    bands = signed[:, : near.bands * near.rows].reshape(len(signed), near.bands, near.rows)
    keys = np.zeros(bands.shape[:2], np.uint64)
    for row in range(near.rows):
        keys += bands[:, :, row]
        keys *= np.uint64(key64("minhash/1", "band") | 1)
        keys ^= keys >> np.uint64(29)
    keys[keys == NOBODY] = 1
    if near.short == "keep":
        keys[(signed == EMPTY).all(axis=1)] = NOBODY
    return keys


def resemblance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The estimated Jaccard resemblance of pairs of signatures: the share of equal positions over the last axis."""
    agree: np.ndarray = (one == other).mean(axis=-1)
    return agree
