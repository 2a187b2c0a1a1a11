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

_STEPS_R = np.array([i * GOLDEN % 2**64 for i in range(1, ROUNDS + 1)], np.uint64)

U64 = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]


def permute(key: int | U64, size: int | Ints, index: Ints, which: Ints | None = None) -> Ints:
    """Where each `index` goes: i64[n] → i64[n], a bijection of range(size) for every key.

    `key` and `size` are one number for all, or one per permutation, [P]; then `which` i64[n] says whose each index
    is, by default each its own. So many epochs of many sources are shuffled in one call, and a permutation's round
    keys are made once. Raises ValueError for an index outside range(size), or a size of 2**62 or more.
    """
    place = np.asarray(index, np.int64)
    if place.size == 0:
        return place.copy()
    key_P, size_P = np.broadcast_arrays(np.atleast_1d(np.asarray(key, np.uint64)), np.asarray(size, np.int64))
    of = which if which is not None else np.arange(len(place)) if len(key_P) > 1 else np.zeros(len(place), np.int64)
    if int(size_P.max()) >= 2**62 or (place < 0).any() or (place >= size_P[of]).any():
        raise ValueError("an index outside the permuted range, or a range of 2**62 or more")
    round_keys_RP = _mix(key_P + _STEPS_R[:, None])
    half_P = _half_bits(size_P)

    result = place.astype(np.uint64)
    limit_n = size_P.astype(np.uint64)[of]
    outside = np.arange(len(result))
    while len(outside):
        now = of[outside]
        result[outside] = _feistel(result[outside], round_keys_RP, half_P[now], now)
        outside = outside[result[outside] >= limit_n[outside]]
    return result.astype(np.int64)


def _half_bits(size_P: Ints) -> U64:
    """The smallest h with 4**h > size: above, since a network that fills its domain is always even."""
    powers = np.array([4**h for h in range(1, 32)], np.int64)
    return (np.searchsorted(powers, size_P, side="right") + 1).astype(np.uint64)


def _feistel(x: U64, round_keys_RP: U64, half: U64, of: Ints) -> U64:
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = x >> half, x & mask
    for round_key_P in round_keys_RP:
        left, right = right, left ^ (_mix(right ^ round_key_P[of]) & mask)
    return (left << half) | right


def _mix(z: U64) -> U64:
    """The finaliser, in place but for its first line: `z` itself is left alone."""
    z = z ^ (z >> np.uint64(30))
    z *= np.uint64(MIX_1)
    z ^= z >> np.uint64(27)
    z *= np.uint64(MIX_2)
    z ^= z >> np.uint64(31)
    return z
