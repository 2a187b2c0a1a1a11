"""Cutting long documents, and deciding which groups are held out.

The held-out split is by group (package or document), never by line, and one decision for the whole corpus:
what is held out of one source is held out of all, so that a package's README is not in training while its
code is in testing. Both functions depend on the set of documents only, not on their order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

LONGEST = 20_000
"""Characters of the longest document that stays whole."""

LARGE = 0.1
"""A group with more of a source's bytes than this is held out only where nothing smaller is."""


def pieces(text: str, longest: int = LONGEST) -> list[str]:
    """`text` in consecutive parts of at most `longest` characters.

    Cuts fall between paragraphs (blank lines) where a part has any after its first half, else between lines,
    else anywhere; parts that are only white space are left out. Joined, the parts are `text` but for white
    space at cuts.
    """
    found = []
    start = 0
    while len(text) - start > longest:
        window = text[start : start + longest]
        cut = window.rfind("\n\n", longest // 2)
        if cut < 0:
            cut = window.rfind("\n", longest // 2)
        end = start + (cut if cut > 0 else longest)
        found.append(text[start:end])
        start = end
    found.append(text[start:])
    return [part for part in (part.strip("\n") for part in found) if part.strip()]


def held_out_groups(
    source: np.ndarray,
    group: np.ndarray,
    size: np.ndarray,
    names: Sequence[str],
    *,
    share: float,
    most: int,
    never: Collection[int] = (),
) -> np.ndarray:
    """The keys of the groups held out of the corpus, sorted.

    Groups are taken in the order of their keys until every source has `share` of its bytes, or `most` bytes, held out.
    A source with at least two groups always keeps one on each side; a source with one group is all training.

    Args:
        source, group, size: of each document: its source's index, its group's key (a keyed hash of its name, so the
            order of keys is the order of the draw), its bytes.
        names: of the sources; they are served in the order of their names.
        share: of a source's bytes, in (0, 1).
        most: bytes of a source beyond which nothing more is held out.
        never: sources whose groups must stay in training.
    """
    pairs, bytes_of = _sizes(source, group, size)
    totals, held_bytes = np.zeros(len(names)), np.zeros(len(names))
    left = np.zeros(len(names), np.int64)
    np.add.at(totals, pairs["source"], bytes_of)
    np.add.at(left, pairs["source"], 1)
    owners = _Owners(pairs, bytes_of)
    banned = {int(key) for key in pairs["group"][np.isin(pairs["source"], list(never))]}
    held: set[int] = set()
    for index in sorted(range(len(names)), key=lambda index: names[index]):
        own = pairs["group"][pairs["source"] == index].tolist()
        target = min(most, share * totals[index])
        for large in (False, True):
            for key in own:
                if held_bytes[index] > 0 if large else held_bytes[index] >= target:
                    break
                if key in held or key in banned:
                    continue
                shares = owners.of(key)
                if any(left[owner] < 2 for owner, _ in shares):
                    continue
                if not large and any(part > LARGE * totals[owner] for owner, part in shares):
                    continue
                held.add(key)
                for owner, part in shares:
                    left[owner] -= 1
                    held_bytes[owner] += part
    return np.array(sorted(held), np.uint64)


_PAIR = np.dtype([("group", np.uint64), ("source", np.int64)])


def _sizes(source: np.ndarray, group: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(group, source) pairs that occur, sorted, and the bytes of each."""
    order = np.lexsort((source, group))
    pairs = np.empty(len(order), _PAIR)
    pairs["group"], pairs["source"] = group[order], source[order]
    first = np.ones(len(pairs), bool)
    first[1:] = pairs[1:] != pairs[:-1]
    starts = np.flatnonzero(first)
    return pairs[starts], np.add.reduceat(size[order].astype(np.float64), starts) if len(starts) else np.zeros(0)


class _Owners:
    """Which sources a group belongs to, with its bytes in each."""

    def __init__(self, pairs: np.ndarray, size: np.ndarray) -> None:
        self._pairs, self._size = pairs, size

    def of(self, key: int) -> list[tuple[int, float]]:
        first, last = np.searchsorted(self._pairs["group"], np.array([key, key + 1], np.uint64)).tolist()
        here = slice(first, last)
        return list(zip(self._pairs["source"][here].tolist(), self._size[here].tolist(), strict=True))
