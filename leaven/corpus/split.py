"""Cutting long documents, and deciding which groups are held out.

The held-out split is by group (package or document), never by line, and one decision for the whole corpus:
what is held out of one source is held out of all, so that a package's README is not in training while its
code is in testing. Both functions depend on the set of documents only, not on their order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from leaven.ground.canonical import key64

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
    sizes: Mapping[str, Mapping[str, int]], share: float, most: int, seed: int, never: Collection[str] = ()
) -> frozenset[str]:
    """The groups held out of the corpus.

    Groups are taken in the order of a keyed hash until every source has `share` of its bytes, or `most`
    bytes, held out. A source with at least two groups always keeps one on each side; a source with one group
    is all training.

    Args:
        sizes: source → group → bytes.
        share: of a source's bytes, in (0, 1).
        most: bytes of a source beyond which nothing more is held out.
        seed: of the order.
        never: groups that must stay in training.
    """
    owners: defaultdict[str, list[str]] = defaultdict(list)
    for source in sorted(sizes):
        for group in sizes[source]:
            owners[group].append(source)
    totals = {source: sum(groups.values()) for source, groups in sizes.items()}
    left = {source: len(groups) for source, groups in sizes.items()}
    held_bytes = dict.fromkeys(sizes, 0)
    order = sorted(owners, key=lambda group: (key64("heldout/1", seed, group), group))
    banned = frozenset(never)
    held: set[str] = set()
    for source in sorted(sizes):
        target = min(most, share * totals[source])
        for large in (False, True):
            for group in order:
                enough = held_bytes[source] > 0 if large else held_bytes[source] >= target
                if enough:
                    break
                if group in held or group in banned or group not in sizes[source]:
                    continue
                if any(left[owner] < 2 for owner in owners[group]):
                    continue
                if not large and any(sizes[o][group] > LARGE * totals[o] for o in owners[group]):
                    continue
                held.add(group)
                for owner in owners[group]:
                    left[owner] -= 1
                    held_bytes[owner] += sizes[owner][group]
    return frozenset(held)
