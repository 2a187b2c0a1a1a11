"""Whether the text of an item occurs in the training documents.

A text of 13 words or more occurs if any 13 words of it, in order, occur in a document (the common n-gram rule: Brown
et al. 2020, appendix C, arXiv 2005.14165, use 13); a shorter text occurs if its lines are consecutive lines of a
document, indentation apart. Words are runs of letters, digits and underscores in lower case; punctuation and white
space do not count.

Only words of the items can be part of a match, so every other word of a document becomes 0 and a window that
holds a 0 is never looked up. Word numbers are exact; windows are compared by a 64-bit polynomial of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from leaven.corpus.files import document_files
from leaven.ground.canonical import key64

N = 13
WORD = re.compile(r"\w+")
COEFFICIENTS = np.array([key64("overlap/1", place) | 1 for place in range(N)], np.uint64)


class Traces:
    """What to look for: the windows of some texts, short ones whole, and in which sources each of them was found.

    Use: `Traces(texts)`, then `search(source, documents)` for each source, then `found(text)`.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._numbers: dict[str, int] = {}
        self._short: dict[str, set[tuple[str, ...]]] = {}
        """Short texts as lines, by their first line."""
        self._found_short: dict[str, set[tuple[str, ...]]] = {}
        windows = [np.zeros(0, np.uint64)]
        for text in texts:
            words = WORD.findall(text.lower())
            if len(words) < N:
                lines = _lines(text.strip())
                self._short.setdefault(lines[0], set()).add(lines)
            else:
                for word in words:
                    self._numbers.setdefault(word, len(self._numbers) + 1)
                windows.append(self._windows(words))
        self._sought = np.unique(np.concatenate(windows))
        self._hits: dict[str, np.ndarray] = {}

    def _windows(self, words: Sequence[str]) -> np.ndarray:
        """The polynomial of every window of known words."""
        numbers = np.fromiter((self._numbers.get(word, 0) for word in words), np.uint64, len(words))
        if len(numbers) < N:
            return np.zeros(0, np.uint64)
        size = len(numbers) - N + 1
        total = np.zeros(size, np.uint64)
        known = np.ones(size, bool)
        for place in range(N):
            part = numbers[place : place + size]
            total += part * COEFFICIENTS[place]
            known &= part != 0
        return total[known]

    def search(self, source: str, documents: Iterable[str]) -> None:
        """Mark what occurs in the documents of a source."""
        hits = self._hits.setdefault(source, np.zeros(len(self._sought), bool))
        found = self._found_short.setdefault(source, set())
        for document in documents:
            if len(self._sought):
                windows = self._windows(WORD.findall(document.lower()))
                places = np.minimum(np.searchsorted(self._sought, windows), len(self._sought) - 1)
                hits[places[self._sought[places] == windows]] = True
            if self._short:
                lines = _lines(document)
                for place, line in enumerate(lines):
                    for sought in self._short.get(line, ()):
                        if lines[place : place + len(sought)] == sought:
                            found.add(sought)

    def found(self, text: str) -> list[str]:
        """The sources in which a text given at the start occurs, by name."""
        words = WORD.findall(text.lower())
        if len(words) < N:
            lines = _lines(text.strip())
            return sorted(source for source, short in self._found_short.items() if lines in short)
        places = np.searchsorted(self._sought, self._windows(words))
        return sorted(source for source, hits in self._hits.items() if hits[places].any())


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.split("\n"))


def training_texts(corpus: Path, source: str) -> Iterable[str]:
    """The training documents of a source, a few at a time."""
    for path in document_files(corpus, "train", source):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=256, columns=["text"]):
                yield from batch.column(0).to_pylist()
