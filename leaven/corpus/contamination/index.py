"""Which evaluation items a document holds.

A text looked for by "ngram" is in a document if any `ngram` of its words, in order, are (words: runs of letters, digits
and underscores in lower case; punctuation and white space do not count); a text of fewer words, and every text looked
for by "exact", if the whole of it is, lower-cased and with white space collapsed. A text without a word is in none.

The search: documents become words joined by zeros, as for near-duplicates (`dedup.shingles`), and every window of n
words one 64-bit number. Windows whose number is that of a sought window are few; their words are then compared, so no
collision can make a hit and none can hide one. A text that is sought whole has an anchor, a window of its words that
are not at its ends (there, a word of the document may be longer): where the anchor is, the whole text is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leaven.corpus.contamination.items import Items
from leaven.corpus.dedup.shingles import GROUP, Tokens, edge_sums, lower_words, runs, window_values

VERSION = "contamination/1"
NGRAM = 13
SEED = 0
ANCHORS = (8, 4, 2)
"""Lengths of anchors beside n itself: the longest that fits is taken, since a longer window is found by chance less."""

Hit = tuple[str, int]


@dataclass(frozen=True)
class _Sought:
    """Windows of one length, by their hash.

    Attributes:
        values: ascending uint64.
        texts, begins, ends: of each, the text it is from and its words within `Index.units`.
        present: for the leading bits of a hash, whether any value begins so.
        shift: that leaves those bits.
    """

    values: np.ndarray
    texts: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    present: np.ndarray
    shift: np.uint64

    @classmethod
    def of(cls, values: np.ndarray, texts: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> _Sought:
        order = np.lexsort((begins, values))
        bits = min(24, max(16, 4 + len(values).bit_length()))
        shift = np.uint64(64 - bits)
        present = np.zeros(1 << bits, bool)
        present[values >> shift] = True
        return cls(values[order], texts[order], begins[order], ends[order], present, shift)

    def places(self, values: np.ndarray) -> np.ndarray:
        """The windows of a document group that have a sought hash."""
        places = np.flatnonzero(self.present[values >> self.shift])
        found = np.minimum(np.searchsorted(self.values, values[places]), len(self.values) - 1)
        some: np.ndarray = places[self.values[found] == values[places]]
        return some


@dataclass(frozen=True)
class _Whole:
    """A text that is sought whole: its words, the place of its anchor in them, and its characters."""

    words: bytes
    anchor: int
    characters: str


class Index:
    """The texts of all items, ready to be looked for.

    Use: `Index.build({task: items})`, then `hits(text)` or, faster, `search(texts)`.
    """

    def __init__(self, names: list[Hit], sought: dict[int, _Sought], units: bytes, whole: dict[int, _Whole]) -> None:
        self._names = names
        """Text → its task and its number there."""
        self._sought = sought
        self._units = units
        self._whole = whole
        self._tiny = [text for text, row in whole.items() if row.anchor < 0]

    @classmethod
    def build(cls, items: Mapping[str, Items], ngram: int = NGRAM) -> Index:
        """Index the texts of tasks.

        Args:
            items: task → its items.
            ngram: words in order that make a match.
        """
        names = [(task, number) for task in items for number in range(len(items[task].texts))]
        texts = [text for task in items for text in items[task].texts]
        rules = [rule for task in items for rule in (items[task].rules or ("ngram",) * len(items[task].texts))]
        tokens = runs([lower_words(text) for text in texts]) if texts else runs([b""])
        sums = edge_sums(tokens, SEED)
        starts: dict[int, list[tuple[int, int]]] = {}
        """Length → (text, number of the edge before the window)."""
        units = tokens.units.tobytes()
        whole: dict[int, _Whole] = {}
        for text, (rule, first, last) in enumerate(
            zip(rules, tokens.first.tolist(), tokens.last.tolist(), strict=False)
        ):
            if rule == "ngram" and last - first >= ngram:
                starts.setdefault(ngram, []).extend((text, edge) for edge in range(first, last - ngram + 1))
            elif last > first:
                begin = int(tokens.edges[first]) + 1
                words = units[begin : int(tokens.edges[last])]
                length, edge = _anchor(tokens.edges, first, last, ngram)
                if length:
                    starts.setdefault(length, []).append((text, edge))
                place = int(tokens.edges[edge]) + 1 - begin if length else -1
                whole[text] = _Whole(words, place, _characters(texts[text]))
        sought = {}
        for length, pairs in starts.items():
            owner, edges = np.array(pairs, np.int64).T
            values = window_values(tokens, sums, length, SEED)[edges]
            sought[length] = _Sought.of(values, owner, tokens.edges[edges] + 1, tokens.edges[edges + length])
        return cls(names, sought, units, whole)

    def hits(self, text: str) -> tuple[Hit, ...]:
        """(task, number of the text among the task's) of every text that a document holds, in their order."""
        return self.search([text])[0]

    def search(self, texts: Sequence[str]) -> list[tuple[Hit, ...]]:
        """`hits` of each document. Memory: about 30 bytes a byte of half a megabyte or of the longest document."""
        found: list[tuple[Hit, ...]] = []
        for group in _groups(texts):
            tokens = runs([lower_words(text) for text in group])
            matched = self._matched(tokens, group)
            found += [tuple(self._names[text] for text in sorted(matched[place])) for place in range(len(group))]
        return found

    def _matched(self, tokens: Tokens, group: Sequence[str]) -> list[set[int]]:
        """The texts that each document of a group holds."""
        matched: list[set[int]] = [set() for _ in group]
        lowered: dict[int, str] = {}
        units = memoryview(tokens.units.data)
        sums = edge_sums(tokens, SEED) if self._sought else tokens.edges
        for length, sought in self._sought.items():
            if len(tokens.edges) <= length:
                continue
            values = window_values(tokens, sums, length, SEED)
            places = sought.places(values)
            if not len(places):
                continue
            owner = np.searchsorted(tokens.last, places, "right")
            inside = places + length <= tokens.last[owner]
            places, owner = places[inside], owner[inside]
            first = np.searchsorted(sought.values, values[places], "left")
            last = np.searchsorted(sought.values, values[places], "right")
            begins, ends = tokens.edges[places] + 1, tokens.edges[places + length]
            for document, begin, end, low, high in zip(
                owner.tolist(), begins.tolist(), ends.tolist(), first.tolist(), last.tolist(), strict=True
            ):
                for row in range(low, high):
                    text = int(sought.texts[row])
                    if text in matched[document]:
                        continue
                    if units[begin:end] == self._units[sought.begins[row] : sought.ends[row]]:
                        whole = self._whole.get(text)
                        if whole is None or _holds(units, begin, whole, document, group, lowered):
                            matched[document].add(text)
        for text in self._tiny:
            for document in _with(self._whole[text], tokens, group, lowered):
                matched[document].add(text)
        return matched


def _anchor(edges: np.ndarray, first: int, last: int, ngram: int) -> tuple[int, int]:
    """Length and first edge of the window of inner words that has most characters; length 0 where there are too few."""
    inner = last - first - 2
    length = next((n for n in sorted({ngram, *ANCHORS}, reverse=True) if n <= inner), 0)
    if not length:
        return 0, first
    begins = edges[first + 1 : last - length]
    ends = edges[first + 1 + length : last]
    return length, first + 1 + int(np.argmax(ends - begins))


def _characters(text: str) -> str:
    return " ".join(text.lower().split())


def _holds(
    units: memoryview, begin: int, whole: _Whole, document: int, group: Sequence[str], lowered: dict[int, str]
) -> bool:
    """Whether the document at an anchor holds the whole text: its words around the anchor, then its characters."""
    start = begin - whole.anchor
    return (
        start >= 0 and units[start : start + len(whole.words)] == whole.words and _has(whole, document, group, lowered)
    )


def _has(whole: _Whole, document: int, group: Sequence[str], lowered: dict[int, str]) -> bool:
    if document not in lowered:
        lowered[document] = _characters(group[document])
    return whole.characters in lowered[document]


def _with(whole: _Whole, tokens: Tokens, group: Sequence[str], lowered: dict[int, str]) -> Iterator[int]:
    """The documents that hold a text too short for an anchor."""
    joined = tokens.units.tobytes()
    place = joined.find(whole.words)
    while place >= 0:
        edge = int(np.searchsorted(tokens.edges, place, "right")) - 1
        document = int(np.searchsorted(tokens.last, edge, "right"))
        if document < len(group) and _has(whole, document, group, lowered):
            yield document
        if document >= len(group):
            return
        place = joined.find(whole.words, max(place + 1, int(tokens.edges[tokens.last[document]])))


def _groups(texts: Sequence[str]) -> Iterator[list[str]]:
    group: list[str] = []
    size = 0
    for text in texts:
        if group and size + len(text) > GROUP:
            yield group
            group, size = [], 0
        group.append(text)
        size += len(text)
    if group:
        yield group
