"""A fair sample under a cap, while streaming: the documents with the smallest keys.

The kept set is the longest prefix, in key order, whose bytes fit under the cap. It does not depend on the
order in which documents arrive: once one has been refused, every later one with a larger key is refused too.
"""

from __future__ import annotations

import heapq
from dataclasses import replace

from leaven.corpus.document import Document
from leaven.ground.canonical import key64


class Sample:
    """Documents by keyed hash of their id and text, at most `max_bytes` UTF-8 bytes of them."""

    def __init__(self, max_bytes: int, seed: int) -> None:
        self.max_bytes, self.seed = max_bytes, seed
        self.bytes = 0
        self._heap: list[tuple[int, int, Document, int]] = []
        self._bar = 1 << 64
        self._count = 0

    def add(self, document: Document) -> None:
        """Offer a document; it, or others with larger keys, may be left out."""
        key = key64("sample/1", self.seed, document.id, document.text)
        if key >= self._bar:
            return
        size = len(document.text.encode())
        self._count += 1
        heapq.heappush(self._heap, (-key, self._count, document, size))
        self.bytes += size
        while self.bytes > self.max_bytes:
            negative, _, _, size = heapq.heappop(self._heap)
            self.bytes -= size
            self._bar = -negative

    @property
    def full(self) -> bool:
        """Whether a document has been left out."""
        return self._bar < 1 << 64

    def documents(self) -> list[Document]:
        """What was kept, sorted by id; equal ids are told apart by a suffix."""
        kept = sorted((item[2] for item in self._heap), key=lambda document: (document.id, document.text))
        result: list[Document] = []
        taken: set[str] = set()
        for document in kept:
            name, number = document.id, 1
            while name in taken:
                number += 1
                name = f"{document.id}~{number}"
            taken.add(name)
            result.append(document if name == document.id else replace(document, id=name))
        return sorted(result, key=lambda document: document.id)
