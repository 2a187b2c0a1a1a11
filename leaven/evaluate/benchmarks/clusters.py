"""Which items of a benchmark belong together.

Questions about one passage, or the two halves of a Winograd pair, are not independent: a standard error that takes them
for so is too small. Items of a cluster get the same `group`; an item on its own has its id.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from leaven.evaluate.item import Match

SHARED = ("title", "article", "passage", "story", "premise", "support", "context", "goal")
"""Fields of documents that several questions are asked about, the wider ones first."""
TWINS = 0.6
"""Share of their words that twins have in common. In WinoGrande's validation split the least of its pairs is 0.77
by difflib's ratio, and the most alike of other sentences with the same two options 0.54."""


def groups(ids: Sequence[str], documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """The group of each document: by the first field of `SHARED` that it has, where another document has the same."""
    keys = [_key(document) for document in documents]
    counts = Counter(keys)
    return [key if key and counts[key] > 1 else name for key, name in zip(keys, ids, strict=True)]


def _key(document: Mapping[str, Any]) -> str:
    for field in SHARED:
        value = document.get(field)
        if isinstance(value, str) and value.strip():
            return f"{field}:{hashlib.sha256(value.encode()).hexdigest()[:16]}"
    return ""


def twins(items: Sequence[Match]) -> list[str]:
    """The group of each item: the id of the first one that has the same two options and nearly the same words."""
    heads: dict[frozenset[str], list[int]] = defaultdict(list)
    words = [Counter(" ".join((item.contexts[0], item.text)).lower().split()) for item in items]
    found = []
    for place, item in enumerate(items):
        alike = heads[_options(item)]
        head = next((other for other in alike if _overlap(words[other], words[place]) >= TWINS), None)
        if head is None:
            alike.append(place)
        found.append(items[place if head is None else head].id)
    return found


def _options(item: Match) -> frozenset[str]:
    """What the contexts differ in, from the last word boundary."""
    shortest = min(item.contexts, key=len)
    shared = next((n for n, letters in enumerate(zip(*item.contexts, strict=False)) if len(set(letters)) > 1), None)
    start = shortest[:shared].rfind(" ") + 1
    return frozenset(context[start:].lower() for context in item.contexts)


def _overlap(one: Counter[str], other: Counter[str]) -> float:
    """Dice's coefficient of two bags of words."""
    return 2 * (one & other).total() / (one.total() + other.total())
