"""Pairs whose better side is known: a completion against the same words in a shuffled order.

A judge that tosses a coin for every pair and remembers the toss agrees with itself in both orders, so neither the flip
rate nor the first-position rate tells it from one that reads. Here it is right in half of the pairs, and a judge that
reads in nearly all. Both sides have the same words and the same length, so that a taste for length decides nothing: it
ties.

A control is only as good as the text it is made of. Sentences and their shuffled words are far apart, but what a small
or barely trained model babbles is no better than the same babble shuffled, and nobody can tell which is which: there a
judge that is right in half of the controls may be a good one. So they speak about a judge where the completions that
they are made of (those of the baseline) are sentences, and say nothing where they are not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count

from leaven.ground.canonical import key64
from leaven.judge.protocol import Completion, Vote, is_degenerate

DISTINCT = 8
"""Different words that a completion must have: with fewer, the order of words says little."""
SPACE = re.compile(r"(\s+)")


def controls(completions: Iterable[Completion], n: int, seed: int) -> list[tuple[Completion, Completion]]:
    """Up to n pairs (intact, shuffled), sorted by prompt. Their answer is known as far as the intact texts make sense.

    Chosen by a hash of the seed and the prompt's id among the completions that are not degenerate and have at least
    DISTINCT different words; fewer where there are not so many.
    """
    fit = [c for c in completions if not is_degenerate(c) and len(set(c.text.split())) >= DISTINCT]
    chosen = sorted(fit, key=lambda c: (key64("control/1", seed, c.id), c.id))[:n]
    return [(c, replace(c, text=shuffled(c.text, seed, c.id))) for c in sorted(chosen, key=lambda c: c.id)]


def shuffled(text: str, seed: int, id: str) -> str:
    """The words of a text in another order, in the white space of the text: as long as it was, never equal to it.

    The text must have two different words.
    """
    parts = SPACE.split(text)
    places = [place for place, part in enumerate(parts) if part and not SPACE.fullmatch(part)]
    words = [parts[place] for place in places]
    for attempt in count():
        order = sorted(range(len(words)), key=lambda word: key64("control/order/1", seed, id, attempt, word))
        if any(words[old] != words[new] for new, old in enumerate(order)):
            break
    for place, old in zip(places, order, strict=True):
        parts[place] = words[old]
    return "".join(parts)


def tally(votes: Sequence[Vote]) -> dict[str, int]:
    """How often the judge was right: it preferred the intact side, a, in both orders."""
    by = Counter(vote.outcome for vote in votes)
    return {"n": len(votes), "right": by["win"], "wrong": by["lose"], "ties": by["tie"], "errors": by["error"]}
