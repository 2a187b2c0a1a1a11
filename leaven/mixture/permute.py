"""A keyed permutation of 0 … size − 1 that is never materialised: the shuffle of one epoch of one source.

A balanced Feistel network on 2h bits, with 4**h the smallest such power above `size`, is a bijection of
that domain; results outside 0 … size − 1 are encrypted again until they fall inside (cycle walking), which
leaves a bijection of exactly 0 … size − 1 and takes fewer than four rounds of work on average. Any element is
computed alone, so a reader can start anywhere, and a shuffle of a billion rows takes no memory.

Good for shuffling, not for secrecy: the round function is the splitmix64 finaliser (Steele, Lea, Flood 2014).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

ROUNDS = 8
"""Four make a Feistel network of ideal rounds a strong pseudorandom permutation (Luby, Rackoff 1988); the
domains here can be a few rows, where more rounds are what brings every order within reach."""

GOLDEN = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB
"""The three constants of splitmix64."""

U64 = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]


def permute(key: int | U64, size: int | Ints, index: Ints) -> Ints:
    """Where each `index` goes: i64[n] → i64[n], a bijection of range(size) for every key.

    `key` and `size` are one number for all, or one per index, so that many epochs of many sources are
    shuffled in one call. Raises ValueError for an index outside range(size), or a size of 2**62 or more.
    """
    place = np.asarray(index, np.int64)
    size_n = np.broadcast_to(np.asarray(size, np.int64), place.shape)
    if place.size == 0:
        return place.copy()
    if int(size_n.max()) >= 2**62 or (place < 0).any() or (place >= size_n).any():
        raise ValueError("an index outside the permuted range, or a range of 2**62 or more")
    key_n = np.broadcast_to(np.asarray(key, np.uint64), place.shape)
    half_n = _half_bits(size_n)

    result = place.astype(np.uint64)
    limit_n = size_n.astype(np.uint64)
    outside = np.arange(len(result))
    while len(outside):
        result[outside] = _feistel(result[outside], key_n[outside], half_n[outside])
        outside = outside[result[outside] >= limit_n[outside]]
    return result.astype(np.int64)


def _half_bits(size_n: Ints) -> U64:
    """The smallest h with 4**h > size: above, since a network that fills its domain is always even."""
    powers = np.array([4**h for h in range(1, 32)], np.int64)
    return (np.searchsorted(powers, size_n, side="right") + 1).astype(np.uint64)


def _feistel(x: U64, key: U64, half: U64) -> U64:
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = x >> half, x & mask
    for i in range(1, ROUNDS + 1):
        round_key = _mix(key + np.uint64(i * GOLDEN % 2**64))
        left, right = right, left ^ (_mix(right ^ round_key) & mask)
    return (left << half) | right


def _mix(z: U64) -> U64:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(MIX_1)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(MIX_2)
    return z ^ (z >> np.uint64(31))
