"""Items from the held-out documents of a corpus: passages to weigh, continuations to place, prompts to complete.

Documents come in the corpus step's keyed order and are taken by turns over groups (packages, books), so that
one large package does not fill a task. In which order the parts of a long document come is a function of its
id.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from leaven.corpus.files import document_files, sources_of
from leaven.evaluate.item import Match, Passage, generator
from leaven.ground.tables import read_table

PASSAGE_CHARACTERS = 1500
"""Longest rolling item. Short items spread a byte budget over more documents, which is what the interval
needs.
"""
PREFIX_CHARACTERS = 160
"""Longest context of a continuation item: with its continuation about 75 tokens, inside the smallest models'
window.
"""
NEXT_CHARACTERS = (32, 64)
"""Shortest and longest continuation."""
PROMPT_CHARACTERS = (120, 200)
"""Shortest and longest prompt for the judge."""
BREAK = re.compile(r"(?<=\S)(?=\s)")
LINE = re.compile("\n")
WORD = re.compile(r"\s(?=\S)")
SPACE = re.compile(r"(?<=\S)(?= \S)")
"""Where a continuation may start: before a single space, which no tokenizer of ours merges with what stands
before it.
"""


@dataclass(frozen=True)
class Held:
    """A held-out document."""

    id: str
    group: str
    text: str


def sources(corpus: Path) -> list[str]:
    """The sources that have held-out documents, by name."""
    return sources_of(corpus, "heldout")


def held_out(corpus: Path, source: str) -> list[Held]:
    """The held-out documents of a source, in the corpus step's keyed order; ids begin with the source's name."""
    return [
        Held(f"{source}:{name}", group, text)
        for path in document_files(corpus, "heldout", source)
        for name, group, text in zip(*read_table(path, ["id", "group", "text"]).values(), strict=True)
    ]


def spans(documents: Sequence[Held], size: int, *key: str | int) -> list[Held]:
    """Pieces of up to `size` characters: one of each group first, then a second of each, and so on.

    A document longer than `size` is cut into pieces that start at a line (or word) and do not overlap, in an
    order drawn for the document; a shorter one is a piece as it is.
    """
    taken: dict[str, list[tuple[int, int, Held]]] = {}
    for place, document in enumerate(documents):
        starts = _starts(document.text, size)
        order = generator("spans", *key, document.id).permutation(len(starts))
        for turn, number in enumerate(order):
            start = starts[number]
            end = min([start + size, *starts[number + 1 : number + 2]])
            name = document.id if len(starts) == 1 else f"{document.id}#{number}"
            piece = Held(name, document.group, document.text[start:end])
            taken.setdefault(document.group, []).append((turn, place, piece))
    ranked = []
    for pieces in taken.values():
        for rank, (_, place, piece) in enumerate(sorted(pieces, key=lambda entry: entry[:2])):
            ranked.append((rank, place, piece.id, piece))
    return [piece for *_, piece in sorted(ranked, key=lambda entry: entry[:3])]


def _starts(text: str, size: int) -> list[int]:
    """Where pieces start: every `size` characters, moved to the next line within 200 characters or else the
    next word.
    """
    starts = [0]
    for place in range(size, len(text) - size // 2, size):
        found = LINE.search(text, place, place + 200) or WORD.search(text, place, place + 200)
        if found and starts[-1] < found.end() < len(text):
            starts.append(found.end())
    return starts


def rolling(documents: Sequence[Held], source: str, seed: int) -> Iterator[Passage]:
    """Passages of up to 1,500 characters."""
    for piece in spans(documents, PASSAGE_CHARACTERS, "rolling", source, seed):
        if piece.text.strip():
            yield Passage(piece.id, piece.group, piece.text)


def within(passages: Sequence[Passage], limit: int) -> tuple[Passage, ...]:
    """The first passages that hold `limit` bytes of UTF-8 between them."""
    kept: list[Passage] = []
    total = 0
    for passage in passages:
        size = len(passage.text.encode())
        if total + size > limit:
            continue
        total += size
        kept.append(passage)
    return tuple(kept)


@dataclass(frozen=True)
class Junction:
    """A place in a document: what stands before it and what stands after it."""

    id: str
    group: str
    prefix: str
    following: str

    @property
    def shown(self) -> str:
        return self.prefix + self.following


def junctions(documents: Sequence[Held], source: str, seed: int) -> Iterator[Junction]:
    """A prefix of up to 160 characters and the 32 to 64 characters that follow it, one pair of each long
    enough document.

    What follows starts with a space inside a line, so that the way a passage begins tells nothing about where
    it belongs.
    """
    shortest, longest = NEXT_CHARACTERS
    for piece in spans(documents, PREFIX_CHARACTERS + longest, "junction", source, seed):
        text = piece.text
        cuts = [found.start() for found in SPACE.finditer(text, 0, PREFIX_CHARACTERS)]
        if not cuts:
            continue
        cut = cuts[-1]
        ends = [found.start() for found in BREAK.finditer(text, cut + shortest, cut + longest)]
        prefix, following = text[:cut].lstrip("\n"), text[cut : ends[-1]] if ends else ""
        dense = len(re.sub(r"\s", "", following)) * 2 >= shortest
        if dense and len(prefix.strip()) >= PREFIX_CHARACTERS // 2 and following not in prefix:
            yield Junction(piece.id, piece.group, prefix, following)


def continuation(places: Sequence[Junction], n: int) -> list[Match]:
    """Blocks of four places from four different groups: each passage may follow any of the block's four prefixes.

    The prefixes are the answers, not the passages: measured on models of 0.3M parameters, how likely a passage is by
    itself differs between passages by several times what a prefix tells about it, so choosing among passages gave 29 %
    (chance: 25 %) where choosing among prefixes of the same block gives 60 to 75 %.

    Every prefix is right once and wrong three times, and each position is right equally often, so whatever looks
    at the prefixes alone or at the passage alone scores exactly 1/4. Returns the largest multiple of four items that
    the groups allow, at most `n`; nothing where there are fewer than four groups.
    """
    by_group: dict[str, list[Junction]] = {}
    for place in places:
        by_group.setdefault(place.group, []).append(place)
    # a cap per group, the smallest that gives enough items, keeps the largest group under a quarter of the items
    queues: list[list[Junction]] = []
    for cap in range(1, max((len(group) for group in by_group.values()), default=0) + 1):
        queues = [group[:cap] for group in by_group.values()]
        if sum(len(queue) for queue in queues) >= n:
            break
    items: list[Match] = []
    while len(items) + 4 <= n:
        queues = sorted((queue for queue in queues if queue), key=len, reverse=True)
        if len(queues) < 4:
            break
        block = [queues[i][0] for i in range(4)]
        queues = [queue[1:] if i < 4 else queue for i, queue in enumerate(queues)]
        contexts = tuple(place.prefix for place in block)
        if len(set(contexts)) < 4 or len({place.following for place in block}) < 4:
            continue
        items += [Match(place.id, place.group, contexts, place.following, gold) for gold, place in enumerate(block)]
    return items


@dataclass(frozen=True)
class Prompt:
    """The beginning of a held-out document, for a model to go on with."""

    id: str
    group: str
    text: str

    @property
    def shown(self) -> str:
        return self.text


def prompts(documents: Sequence[Held], source: str, seed: int) -> Iterator[Prompt]:
    """The first 120 to 200 characters of each long enough document, cut before a space; no beginning twice.

    Groups take turns. After the documents come the beginnings of lines inside long ones, for corpora of few
    documents.
    """
    shortest, longest = PROMPT_CHARACTERS
    seen: set[str] = set()
    for pieces in (by_turns(documents), spans(documents, PASSAGE_CHARACTERS, "prompts", source, seed)):
        for piece in pieces:
            text = piece.text.lstrip()
            cuts = [found.start() for found in SPACE.finditer(text, shortest, longest)]
            if len(text) > longest and cuts and text[: cuts[-1]] not in seen:
                seen.add(text[: cuts[-1]])
                yield Prompt(piece.id, piece.group, text[: cuts[-1]])


def by_turns(documents: Sequence[Held]) -> list[Held]:
    """One document of each group first, then a second of each, and so on."""
    rank: Counter[str] = Counter()
    ranked = []
    for place, document in enumerate(documents):
        ranked.append((rank[document.group], place, document))
        rank[document.group] += 1
    return [document for *_, document in sorted(ranked, key=lambda entry: entry[:2])]
