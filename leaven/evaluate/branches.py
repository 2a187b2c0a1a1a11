"""Which questions of a group share a row: the fewest padded tokens that answer them all.

A question whose input is a prefix of another's is answered in that one's row, as a causal model gives a position the
same answer whatever follows. Inputs that begin alike share a row too, as branches of one trunk
(`leaven.model.branches`), where that takes fewer padded tokens than a row for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from leaven.evaluate.model import Question
from leaven.evaluate.rows import WIDEST, Asked, Row, padded

Tokens = tuple[int, ...]


def rows_for(group: Sequence[Question], longest: int) -> list[Row]:
    """The rows that answer a group: a function of the group and of the longest input alone."""
    inputs, input_of = distinct([question.tokens for question in group])
    asking: list[list[int]] = [[] for _ in inputs]
    for place, at in enumerate(input_of):
        asking[at].append(place)
    common = [_alike(one, other) for one, other in pairwise(inputs)]
    rows = []
    for first, end in _cheapest([len(tokens) for tokens in inputs], common, longest):
        trunk = min(common[first : end - 1], default=len(inputs[first]))
        rows.append(_row(group, inputs[first:end], asking[first:end], trunk))
    return rows


def distinct(inputs: Sequence[Tokens]) -> tuple[list[Tokens], list[int]]:
    """The different inputs that are no prefix of another, in descending order, and for each input its place there.

    In lexicographic order everything between an input and its extension extends the input too, so looking at the one
    kept last is enough.
    """
    place_of = [0] * len(inputs)
    kept: list[Tokens] = []
    for place in sorted(range(len(inputs)), key=lambda place: inputs[place], reverse=True):
        tokens = inputs[place]
        if not kept or kept[-1][: len(tokens)] != tokens:
            kept.append(tokens)
        place_of[place] = len(kept) - 1
    return kept, place_of


def _alike(one: Tokens, other: Tokens) -> int:
    """How many tokens two inputs begin with together."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _cheapest(sizes: Sequence[int], common: Sequence[int], longest: int) -> list[tuple[int, int]]:
    """Neighbours in order cut into rows (first, end) so that the padded tokens of all rows together are fewest.

    Inputs in order share the most with their neighbours, so rows of neighbours are all that is tried. Of equally short
    ways the one with the shorter last row is taken, so nothing is joined for nothing.

    Args:
        sizes: tokens of each input.
        common: tokens that each input begins with together with the next.
    """
    best: list[tuple[int, int]] = [(0, 0)]  # padded tokens of the first inputs, and where the last of their rows begins
    for end in range(1, len(sizes) + 1):
        choices = []
        trunk = total = sizes[end - 1]
        for first in range(end - 1, -1, -1):
            if first < end - 1:
                alike = min(trunk, common[first])
                # those joined before give up what they no longer share, once for each but one
                total += sizes[first] - alike + (trunk - alike) * (end - first - 2)
                trunk = alike
                if total > WIDEST * longest:
                    break
            choices.append((best[first][0] + padded(total, longest), first))
        best.append(min(choices, key=lambda choice: (choice[0], -choice[1])))
    cuts, end = [], len(sizes)
    while end:
        cuts.append((best[end][1], end))
        end = best[end][1]
    return cuts[::-1]


def _row(group: Sequence[Question], inputs: Sequence[Tokens], asking: Sequence[Sequence[int]], trunk: int) -> Row:
    """One row of inputs that begin with the same `trunk` tokens; a single input is all trunk."""
    tokens, positions, branches = list(inputs[0][:trunk]), list(range(trunk)), [0] * trunk
    asked = []
    for number, (whole, places) in enumerate(zip(inputs, asking, strict=True), 1):
        shift = len(tokens) - trunk
        tokens += whole[trunk:]
        positions += range(trunk, len(whole))
        branches += [number] * (len(whole) - trunk)
        for place in places:
            question = group[place]
            size = len(question.tokens)
            at = range(size - len(question.targets), size)
            asked.append(Asked(place, tuple(i if i < trunk else i + shift for i in at), question.targets))
    return Row(tuple(tokens), tuple(positions), tuple(branches), tuple(asked))
