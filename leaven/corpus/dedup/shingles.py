"""Texts to sets of hashed n-grams, a batch of texts at once.

A text becomes units (bytes, or code points where the tokens are characters) in which every separator is one 0. Since a
window of n tokens then is a run of units, its hash is a difference of two prefix sums of `unit * base^place` modulo
2^64, brought to a common place by a power of the inverse of the base (Karp and Rabin 1987). The 64 bits are mixed and
32 are kept, as the published programs keep 32.

In plain words, for the tokens of one window and the seed's odd `base`:
`units = "\\0".join(tokens)`, `hash = mix(sum(unit * base^(k + 1) for k, unit in enumerate(units)) % 2^64)`.
"""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from leaven.corpus.dedup.near import Near
from leaven.ground.canonical import key64

GROUP = 1 << 19
"""Units hashed together: the 8-byte sums of a group stay in a core's cache."""

CACHED = 1 << 24
"""Powers kept between calls; a longer document has its own made and thrown away."""

MIX = 0xD6E8FEB86659FD93
WORD_BYTES = frozenset(string.ascii_letters.encode() + string.digits.encode() + b"_")
KEEP_CASE = bytes(byte if byte in WORD_BYTES else 0 for byte in range(256))
LOWER = bytes(ord(chr(byte).lower()) if byte in WORD_BYTES else byte if byte > 127 else 0 for byte in range(256))
SPACE = bytes(ord(chr(b).lower()) if b < 128 and not chr(b).isspace() else 32 for b in range(256))
PUNCTUATION = string.punctuation.encode()
NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
FOREIGN_SEPARATOR = re.compile(r"[^\w\x00-\x7f]")


def _starcoder1(text: str) -> bytes:
    """Words of `[A-Za-z_0-9]`: any other character, of any length in bytes, is one separator."""
    return text.encode("ascii", "replace").translate(KEEP_CASE)


def lower_words(text: str) -> bytes:
    """Lower-case words of `\\w`; words beyond ASCII stay as UTF-8, whose bytes are no separators."""
    if not text.isascii():
        text = FOREIGN_SEPARATOR.sub(" ", text.lower())
    return text.encode().translate(LOWER)


def _slimpajama(text: str) -> bytes | str:
    """Lower case, without ASCII punctuation, white space collapsed: the characters are the tokens."""
    if text.isascii():
        return b" ".join(text.encode().translate(SPACE, PUNCTUATION).split())
    return " ".join(text.lower().translate(NO_PUNCTUATION).split())


UNITS = {"starcoder1": _starcoder1, "stack2": lower_words, "words": lower_words, "slimpajama": _slimpajama}


def shingle_sets(texts: Sequence[str], near: Near) -> tuple[np.ndarray, np.ndarray]:
    """The distinct shingles of every text.

    Returns:
        values: (m,) uint32, the shingles of one text after another, ascending within a text.
        starts: (n + 1,) int64, where the shingles of each text begin; a text of fewer than `min_tokens` has none.
    """
    found = [np.zeros(0, np.uint32)]
    counts = [0]
    for group in _groups(texts, near):
        for values in _of_group(group, near):
            found.append(values)
            counts.append(len(values))
    return np.concatenate(found), np.cumsum(np.array(counts, np.int64))


def _groups(texts: Sequence[str], near: Near) -> Iterator[list[bytes | str]]:
    normal = UNITS[near.tokens]
    group: list[bytes | str] = []
    size = 0
    for text in texts:
        units = normal(text)
        if group and size + len(units) >= GROUP:
            yield group
            group, size = [], 0
        group.append(units)
        size += len(units) + 1
    if group:
        yield group


def _of_group(group: list[bytes | str], near: Near) -> Iterator[np.ndarray]:
    """Ascending distinct shingles of each text of a group."""
    n = near.ngram
    if near.tokens == "slimpajama":
        tokens = _characters(group)
    elif near.tokens == "words":
        tokens = runs(group)
    else:
        tokens = _between_separators(group)
    if len(tokens.edges) <= n:
        yield from (np.zeros(0, np.uint32) for _ in group)
        return
    values = _mixed(window_values(tokens, edge_sums(tokens, near.seed), n, near.seed))
    for first, last in zip(tokens.first.tolist(), tokens.last.tolist(), strict=True):
        if last - first < near.min_tokens:
            yield np.zeros(0, np.uint32)
        else:
            yield _distinct(values[first : last - n + 1])


@dataclass(frozen=True)
class Tokens:
    """Several texts as units with a 0 before, between and after them.

    Attributes:
        units: uint8, or uint32 where a character is a token and one of them is wide.
        edges: places in `units` after which a token begins; a token ends before the next edge or at it.
        first, last: (n,) the edges before the first and after the last token of each text.
    """

    units: np.ndarray
    edges: np.ndarray
    first: np.ndarray
    last: np.ndarray


def _between_separators(group: Sequence[bytes | str]) -> Tokens:
    units, ends = _joined(group)
    edges = np.flatnonzero(units == 0)
    last = np.searchsorted(edges, ends)
    return Tokens(units, edges, np.concatenate(([0], last[:-1])), last)


def runs(group: Sequence[bytes | str]) -> Tokens:
    """Words with one 0 between them, however many separators there were."""
    units, ends = _joined(group)
    separator = units == 0
    kept = np.empty(len(units), bool)
    kept[0] = True
    np.logical_and(separator[1:], separator[:-1], out=kept[1:])
    np.logical_not(kept[1:], out=kept[1:])
    separator &= kept
    last = np.searchsorted(np.flatnonzero(separator), ends, "right") - 1
    units = units[kept]
    return Tokens(units, np.flatnonzero(units == 0), np.concatenate(([0], last[:-1])), last)


def _characters(group: Sequence[bytes | str]) -> Tokens:
    """Every place is an edge; the 0 that closes a text is no character of it."""
    units, ends = _joined(group)
    return Tokens(units, np.arange(len(units)), np.concatenate(([0], ends[:-1])), ends - 1)


def _joined(group: Sequence[bytes | str]) -> tuple[np.ndarray, np.ndarray]:
    """The units of all texts and where each text's closing 0 is."""
    ends = np.cumsum([len(text) + 1 for text in group])
    if all(isinstance(text, bytes) for text in group):
        return np.frombuffer(b"\0" + b"\0".join(group) + b"\0", np.uint8), ends  # type: ignore[arg-type]
    wide = "\0".join(text if isinstance(text, str) else text.decode() for text in group)
    return np.frombuffer(f"\0{wide}\0".encode("utf-32-le", "surrogatepass"), np.uint32), ends


def edge_sums(tokens: Tokens, seed: int) -> np.ndarray:
    """The prefix sum of `unit * base^place` modulo 2^64 at every edge."""
    base, _ = powers(seed, len(tokens.units))
    sums = np.multiply(tokens.units, base[: len(tokens.units)], dtype=np.uint64)
    np.cumsum(sums, out=sums)
    found: np.ndarray = sums if len(tokens.edges) == len(sums) else sums[tokens.edges]
    return found


def window_values(tokens: Tokens, sums: np.ndarray, n: int, seed: int) -> np.ndarray:
    """The 64-bit hash of every window of n tokens, also of those that reach into the next text."""
    _, inverse = powers(seed, len(tokens.units))
    values: np.ndarray = sums[n:] - sums[:-n]
    values *= inverse[tokens.edges[:-n]]
    return values


def _mixed(values: np.ndarray) -> np.ndarray:
    """32 well mixed bits of 64-bit hashes, which are overwritten."""
    half, mix = np.uint64(32), np.uint64(MIX)
    values ^= values >> half
    values *= mix
    values ^= values >> half
    values *= mix
    values >>= half
    return values.astype(np.uint32)


def _distinct(values: np.ndarray) -> np.ndarray:
    """Sorted in place (numpy's vector sort makes this cheaper than hashing repeats over and over)."""
    values.sort()
    new = np.empty(len(values), bool)
    new[0] = True
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return values[new]


def powers(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """At least `count` powers of the seed's base and of its inverse, modulo 2^64."""
    capacity = max(2 * GROUP, 1 << (count - 1).bit_length())
    return _powers(seed, capacity) if capacity <= CACHED else _powers.__wrapped__(seed, capacity)


@functools.lru_cache(maxsize=4)
def _powers(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    odd = key64("minhash/1", seed, "base") | 1
    return _powers_of(odd, count), _powers_of(pow(odd, -1, 1 << 64), count)


def _powers_of(odd: int, count: int) -> np.ndarray:
    table = np.empty(count, np.uint64)
    table[0] = 1
    filled = 1
    while filled < count:
        new = min(filled, count - filled)
        np.multiply(table[:new], np.uint64(pow(odd, filled, 1 << 64)), out=table[filled : filled + new])
        filled += new
    return table
