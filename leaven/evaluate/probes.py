"""Generated probes of reasoning: entity tracking, boolean and arithmetic evaluation.

Chance must be exact, so each probe is balanced by construction and not by luck:

* entity tracking: every item offers the same four boxes; gold box, number of state changes and how recently
  the gold box was mentioned are balanced jointly, so neither a favourite box nor "the box named last" beats
  1/4; "the box named first", "most often" and "least often" are kept
  within a few items of 1/4 for each number of changes;
* boolean: items come in pairs with the same words, the same first and the same last operand, and opposite
  values: whatever looks only at those scores exactly 1/2;
* arithmetic: items come in blocks of four that share their four choices, each right once: whatever ignores
  the question scores exactly 1/4; the choices of a block are neighbouring results and none of them occurs in
  a question.
"""

from __future__ import annotations

import itertools

import numpy as np

from leaven.evaluate.item import Choice, generator

BOXES = ("A", "B", "C", "D")
"""One letter each, which with the space before it is one token of most vocabularies: the four answers cost one pass."""
OBJECTS = ("key", "cup", "ball")
PEOPLE = ("Ann", "Tom", "Sam", "Eva")
SENTENCES = 7
"""Enough for three state changes of the asked object and then three other boxes."""
CHANGES = 4
"""State changes of the asked object: 0, 1, 2 or 3."""


def entity_tracking(n: int, seed: int) -> list[Choice]:
    """Stories of seven sentences; `n` is rounded down to a multiple of 64 (changes x recency x gold box), at
    least 64.

    The group of an item is its number of state changes.
    """
    draw = generator("entity_tracking", seed)
    quota = max(1, n // (CHANGES * len(BOXES) ** 2))
    cells: dict[tuple[int, int, int], list[Choice]] = {
        cell: [] for cell in itertools.product(range(CHANGES), range(len(BOXES)), range(len(BOXES)))
    }
    excess = np.zeros((CHANGES, len(SHORTCUTS)))
    patience = 1.0
    while any(len(cell) < quota for cell in cells.values()):
        patience += 0.05  # the last cells may allow only stories that a shortcut gets right
        things = draw.integers(0, len(OBJECTS), (4096, SENTENCES))
        places = draw.integers(0, len(BOXES), (4096, SENTENCES))
        people = draw.integers(0, len(PEOPLE), (4096, SENTENCES))
        names = draw.permuted(np.tile(np.arange(len(OBJECTS)), (4096, 1)), axis=1)
        for thing, place, person, name in zip(
            things.tolist(), places.tolist(), people.tolist(), names.tolist(), strict=True
        ):
            cell = _cell(thing, place)
            if cell is None or len(cells[cell]) >= quota:
                continue
            changes, recency, gold = cell
            new = excess[changes] + [shortcut(place, gold) - 1 / len(BOXES) for shortcut in SHORTCUTS]
            if (np.abs(new) > np.maximum(patience, np.abs(excess[changes]))).any():
                continue
            excess[changes] = new
            story = " ".join(
                f"{PEOPLE[w]} puts the {OBJECTS[name[t]]} in box {BOXES[p]}."
                for w, t, p in zip(person, thing, place, strict=True)
            )
            cells[cell].append(
                Choice(
                    id=f"{len(cells[cell])}-{changes}{recency}{gold}",
                    group=f"{changes} state changes",
                    context=f"{story} Now the {OBJECTS[name[0]]} is in box",
                    choices=tuple(f" {box}" for box in BOXES),
                    gold=gold,
                )
            )
    return [item for cell in sorted(cells) for item in cells[cell]]


def _first(place: list[int], gold: int) -> float:
    return float(place[0] == gold)


def _most(place: list[int], gold: int) -> float:
    counts = [place.count(box) for box in range(len(BOXES))]
    return (counts[gold] == max(counts)) / counts.count(max(counts))


def _least(place: list[int], gold: int) -> float:
    counts = [place.count(box) for box in range(len(BOXES))]
    return (counts[gold] == min(counts)) / counts.count(min(counts))


SHORTCUTS = (_first, _most, _least)
"""What each way of not tracking anything scores on a story, ties broken evenly."""


def _cell(thing: list[int], place: list[int]) -> tuple[int, int, int] | None:
    """(state changes, recency rank of the gold box, gold box) of a drawn story about thing 0, None if it is
    no story.

    A story names every box (so that absence is no cue) and every thing, and moves nothing to where it is.
    Recency 0 means that the gold box is the one named last.
    """
    if len(set(place)) < len(BOXES) or len(set(thing)) < len(OBJECTS):
        return None
    where: dict[int, int] = {}
    for t, p in zip(thing, place, strict=True):
        if where.get(t) == p:
            return None
        where[t] = p
    changes = thing.count(0) - 1
    if not 0 <= changes < CHANGES:
        return None
    gold = where[0]
    return changes, len({*place[len(place) - place[::-1].index(gold) :]}), gold


def boolean(n: int, seed: int) -> list[Choice]:
    """Pairs of expressions over True, False, not, and, or; the group of an item is its number of operands.

    Python's precedence holds (not, then and, then or). `n` is rounded down to an even number.
    """
    draw = generator("boolean", seed)
    pairs: list[tuple[int, str, str]] = []
    for operands in (3, 4, 5):
        families: dict[tuple[str, ...], dict[bool, list[str]]] = {}
        for expression in _expressions(operands):
            words = expression.split(" ")
            ends = (_operand(words), _operand(words[::-1]))
            family = families.setdefault((*sorted(words), *ends), {True: [], False: []})
            family[_value(expression)].append(expression)
        pairs += [
            (operands, family[True][int(draw.integers(len(family[True])))], other)
            for family in (families[key] for key in sorted(families))
            if family[True]
            for other in family[False]
        ]
    # by turns three, four and five operands, and no expression twice
    turns = [[pairs[i] for i in draw.permutation(len(pairs)) if pairs[i][0] == size] for size in (3, 4, 5)]
    chosen: list[Choice] = []
    asked: set[str] = set()
    for pair in itertools.chain(*itertools.zip_longest(*turns)):
        if pair is None or pair[1] in asked or pair[2] in asked or len(chosen) + 2 > n:
            continue
        operands, true, false = pair
        asked |= {true, false}
        for gold, expression in enumerate((true, false)):
            chosen.append(
                Choice(
                    id=f"{len(chosen) // 2}-{'tf'[gold]}",
                    group=f"{operands} operands",
                    context=f"{expression} is",
                    choices=(" True", " False"),
                    gold=gold,
                )
            )
    return chosen


def _expressions(operands: int) -> list[str]:
    literals = ("True", "False", "not True", "not False")
    return [
        " ".join(itertools.chain(*zip(words, (*joints, ""), strict=True))).rstrip()
        for words in itertools.product(literals, repeat=operands)
        for joints in itertools.product(("and", "or"), repeat=operands - 1)
    ]


def _operand(words: list[str]) -> str:
    """The operand a list of words begins with, read from either side."""
    end = next((place for place, word in enumerate(words) if word in ("and", "or")), len(words))
    return " ".join(sorted(words[:end]))


def _value(expression: str) -> bool:
    return any(
        all((operand == "True") or operand == "not False" for operand in clause.split(" and "))
        for clause in expression.split(" or ")
    )


def arithmetic(n: int, seed: int) -> list[Choice]:
    """Blocks of four sums, differences or products; the group of an item is its operation.

    `n` is rounded down to a multiple of 12 (three operations in blocks of four).
    """
    pools = {
        "+": [(a, b, a + b) for a in range(3, 40) for b in range(3, 40)],
        "-": [(a, b, a - b) for a in range(20, 80) for b in range(3, 40) if a - b >= 10],
        "*": [(a, b, a * b) for a in range(3, 16) for b in range(3, 16)],
    }
    items: list[Choice] = []
    for sign, pool in pools.items():
        draw = generator("arithmetic", sign, seed)
        by_result: dict[int, list[tuple[int, int]]] = {}
        for a, b, result in pool:
            by_result.setdefault(result, []).append((a, b))
        results = sorted(by_result)
        used: set[tuple[int, int]] = set()
        blocks = 0
        for _ in range(100 * n):
            if blocks >= n // 12:
                break
            first = int(draw.integers(len(results) - 3))
            choices = results[first : first + 4]
            asked = [by_result[c][int(draw.integers(len(by_result[c])))] for c in choices]
            shown = {number for question in asked for number in question}
            if shown & set(choices) or used & set(asked):
                continue
            used |= set(asked)
            items += [
                Choice(
                    id=f"{sign}{blocks}-{gold}",
                    group=sign,
                    context=f"{a} {sign} {b} =",
                    choices=tuple(f" {c}" for c in choices),
                    gold=gold,
                )
                for gold, (a, b) in enumerate(asked)
            ]
            blocks += 1
    return items
