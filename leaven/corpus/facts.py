"""Invented facts: knowledge that exists in one source of the corpus and nowhere else.

A fact says one thing about one invented name ("The pet of Zvorimuq is a fox."). The documents state every fact several
times, in turn in each wording of its relation, mixed with other facts; the probe asks for it as the beginning of one of
those wordings.

Invariants:
* answers do not depend on names: within a relation they come in blocks of twelve, each of the twelve words once, in
  a keyed order;
* four facts of a block share their four choices, each right once and each at another place: whatever does not look
  at the name scores exactly 1/4 (for a number of facts that is a multiple of 20; else up to the last, unfinished
  fours);
* `facts(seed, n)` is the beginning of `facts(seed, m)` for n ≤ m.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput

VERSION = "facts/1"

_ONSETS = ("Zv", "Vr", "Kv", "Dz", "Gz", "Tl", "Zl", "Vl", "Mv", "Zd", "Kz", "Ng")
_VOWELS = "aeiou"
_MIDDLES = "bdfgklmnprstvz"
_ENDS = ("q", "xq", "zk", "vq", "jk", "xk", "vz", "qu", "zq", "jq")


@dataclass(frozen=True)
class Relation:
    """A kind of fact. Every wording holds `{s}` (the name) before `{a}` (the answer); the first one is the probe's, and
    ends in the answer and a full stop."""

    name: str
    wordings: tuple[str, ...]
    answers: tuple[str, ...]


RELATIONS = (
    Relation(
        "colour",
        (
            "The colour of {s} is {a}.",
            "Everybody knows that {s} is {a} in colour.",
            "They painted {s} {a} long ago.",
            "If you look at {s}, you see something {a}.",
        ),
        ("red", "blue", "green", "black", "white", "brown", "yellow", "grey", "pink", "purple", "orange", "golden"),
    ),
    Relation(
        "pet",
        (
            "The animal kept by {s} is the {a}.",
            "For years {s} has had a tame {a}.",
            "Visitors of {s} are greeted by a {a}.",
            "When {s} comes home, the {a} is waiting.",
        ),
        ("dog", "cat", "horse", "bird", "fish", "mouse", "sheep", "cow", "goat", "rabbit", "duck", "fox"),
    ),
    Relation(
        "trade",
        (
            "The trade of {s} is that of a {a}.",
            "All day {s} works as a {a}.",
            "People call {s} a good {a}.",
            "In town {s} is known as the {a}.",
        ),
        (
            "baker", "doctor", "farmer", "teacher", "driver", "writer",
            "painter", "singer", "lawyer", "sailor", "miller", "cook",
        ),
    ),
    Relation(
        "place",
        (
            "The home of {s} is near the {a}.",
            "You can find {s} close to the {a}.",
            "Every morning {s} walks down to the {a}.",
            "From the window of {s} you can see the {a}.",
        ),
        (
            "river", "forest", "hill", "lake", "desert", "valley",
            "harbour", "bridge", "castle", "village", "garden", "market",
        ),
    ),
    Relation(
        "material",
        (
            "The gate of {s} is made of {a}.",
            "For building, {s} uses nothing but {a}.",
            "What {s} likes best is a thing of {a}.",
            "The cup that {s} drinks from is of {a}.",
        ),
        ("wood", "stone", "brick", "glass", "iron", "clay", "paper", "straw", "steel", "leather", "copper", "wool"),
    ),
)  # fmt: skip

_BLOCK = 12


@dataclass(frozen=True)
class Fact:
    """One fact.

    Args:
        id: unique, e.g. "facts-3-colour".
        subject: the invented name.
        relation: name of the relation.
        answer: the right word.
        distractors: three other answers of the relation.
        templates: the relation's wordings.
        position: place of the answer among the probe's choices.
    """

    id: str
    subject: str
    relation: str
    answer: str
    distractors: tuple[str, str, str]
    templates: tuple[str, ...]
    position: int


def facts(seed: int, count: int) -> list[Fact]:
    """`count` facts, five about each name in turn.

    Raises:
        BadInput: more facts than there are names.
    """
    subjects = _names(seed, -(-count // len(RELATIONS)))
    made = []
    for number in range(count):
        row, column = divmod(number, len(RELATIONS))
        relation = RELATIONS[column]
        block, place = divmod(row, _BLOCK)
        order = _generator("answers", seed, relation.name, block).permutation(_BLOCK)
        four, within = divmod(place, 4)
        words = [relation.answers[i] for i in order[4 * four : 4 * four + 4]]
        others = [word for word in words if word != words[within]]
        made.append(
            Fact(
                id=f"facts-{row}-{relation.name}",
                subject=subjects[row],
                relation=relation.name,
                answer=words[within],
                distractors=(others[0], others[1], others[2]),
                templates=relation.wordings,
                position=within,
            )
        )
    return made


def statement(fact: Fact, wording: int) -> str:
    """The fact as a sentence; wordings are counted round."""
    return fact.templates[wording % len(fact.templates)].format(s=fact.subject, a=fact.answer)


def probe(fact: Fact) -> tuple[str, list[str], int]:
    """The question: (a beginning of a sentence, four endings that each begin with a space, which one is right).

    The beginning is that of the relation's first wording, as the documents state it; the endings are single words after
    the same text, so a score over the endings is a score of the answers alone.
    """
    query = fact.templates[0].partition(" {a}")[0].format(s=fact.subject)
    words = list(fact.distractors)
    words.insert(fact.position, fact.answer)
    return query, [f" {word}" for word in words], fact.position


def documents(seed: int, count: int, restatements: int) -> list[tuple[str, str, str]]:
    """Short prose stating each of `facts(seed, count)` exactly `restatements` times: (id, group, text).

    Each round states every fact once, in a keyed order, three to six to a document; from round to round a fact moves on
    to its next wording. A document is its own group.
    """
    known = facts(seed, count)
    made = []
    for turn in range(restatements):
        draw = _generator("documents", seed, turn)
        order = draw.permutation(count)
        first = 0
        while first < count:
            size = int(draw.integers(3, 7))
            said = [statement(known[i], int(i) + turn) for i in order[first : first + size]]
            name = f"facts-{turn}-{first}"
            made.append((name, name, " ".join(said) + "\n"))
            first += size
    return made


def _names(seed: int, count: int) -> list[str]:
    """Distinct names that can be spoken and that no text holds: they begin and end as no English word does."""
    room = len(_ONSETS) * len(_ENDS) * (len(_VOWELS) * len(_MIDDLES)) ** 2 * len(_VOWELS)
    if count > room // 10:
        raise BadInput(
            f"there are not names enough for {count * len(RELATIONS)} facts",
            field="facts.count",
            fix=f"ask for at most {room // 10 * len(RELATIONS)} facts",
        )
    draw = _generator("names", seed)
    names: dict[str, None] = {}
    while len(names) < count:
        syllables = "".join(_pick(draw, _VOWELS) + _pick(draw, _MIDDLES) for _ in range(2))
        names[_pick(draw, _ONSETS) + syllables + _pick(draw, _VOWELS) + _pick(draw, _ENDS)] = None
    return list(names)


def _pick(draw: np.random.Generator, among: tuple[str, ...] | str) -> str:
    return among[int(draw.integers(len(among)))]


def _generator(*parts: str | int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=key64(VERSION, *parts)))
