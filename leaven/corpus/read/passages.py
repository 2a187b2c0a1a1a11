"""A plain text that is all the user gave, in passages: as one document, nothing of it could be held out."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterator
from itertools import chain

from leaven.corpus.document import Document
from leaven.corpus.read.stream import chunks
from leaven.corpus.read.units import Unit
from leaven.corpus.split import LONGEST, pieces

SHORTEST = 1000
"""Characters of the shortest passage that a text is cut into."""
AT_LEAST = 40
"""Passages that a text of some length is cut into, about."""


def passages(unit: Unit, skipped: Counter[str]) -> Iterator[Document]:
    """The passages of a text file of any size, cut between paragraphs, each its own group."""
    entry = unit.entry
    longest = min(LONGEST, max(SHORTEST, entry.size // AT_LEAST))
    for number, text in enumerate(_cut(entry.file, longest, skipped), 1):
        name = f"{entry.path}:{number}"
        yield Document(name, text, entry.path, name)


def _cut(file: str, longest: int, skipped: Counter[str]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    held = ""
    for chunk in chain(chunks(file, "", skipped), [b""]):
        try:
            held += decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError:
            skipped["invalid UTF-8"] += 1
            break
        if "\0" in held:
            skipped["binary"] += 1
            return
        held = held.replace("\r\n", "\n")
        cut = max(held.rfind("\n\n"), 0) or max(held.rfind("\n"), 0) or max(len(held) - longest, 0)
        yield from pieces(held[:cut].replace("\r", "\n"), longest)
        held = held[cut:]
    yield from pieces(held.replace("\r", "\n"), longest)
