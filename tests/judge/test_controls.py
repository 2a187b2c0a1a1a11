"""Pairs whose better side is known: only a judge that reads is right about them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.judge.controls import DISTINCT, controls, shuffled, tally
from leaven.judge.protocol import Completion, Vote, judge_both_orders
from leaven.judge.question import Verdict
from leaven.judge.scripted import Scripted

TEXT = "The seven small words here  are\n\nall different, and  in order."


def completion(id: str, text: str = TEXT, degenerate: bool = False) -> Completion:
    return Completion(id, f"prompt {id}", text, degenerate)


MANY = [completion(str(i), f"{TEXT} Number {i}.") for i in range(400)]


class Reads:
    """Knows a sentence when it sees it."""

    name, what, scripted = "reads", "a test", True

    def compare(self, questions, progress=None):
        return [Verdict("first" if TEXT in q.first else "second") for q in questions]


words = st.text("abcde", min_size=1, max_size=2)
spaces = st.text(" \n\t\u2003", min_size=1, max_size=2)


@given(st.lists(st.tuples(words, spaces), min_size=2, max_size=30), st.integers(0, 9), spaces | st.just(""))
def test_shuffled_words_are_the_same_words_in_another_order(parts, seed, before):
    text = before + "".join(word + space for word, space in parts)
    if len(set(text.split())) < 2:
        return
    other = shuffled(text, seed, "1")
    assert other.split() != text.split()
    assert sorted(other.split()) == sorted(text.split())
    assert re.findall(r"\s+", other) == re.findall(r"\s+", text)
    assert len(other) == len(text)
    assert other == shuffled(text, seed, "1")


def test_golden_order():
    """A keyed shuffle is the same everywhere."""
    assert shuffled("one two three four five six seven eight", 0, "1") == GOLDEN_ORDER


GOLDEN_ORDER = "four three seven five six one two eight"


def test_only_completions_with_enough_different_words_are_taken():
    fit = completion("fit", " ".join(f"w{i}" for i in range(DISTINCT)))
    unfit = [
        completion("short", " ".join(f"w{i}" for i in range(DISTINCT - 1))),
        completion("same", "word " * 50),
        completion("flagged", TEXT, degenerate=True),
        completion("empty", ""),
    ]
    assert [a.id for a, _ in controls([*unfit, fit], 10, 0)] == ["fit"]
    assert controls(unfit, 10, 0) == []
    assert controls([fit], 0, 0) == []


def test_the_choice_is_keyed_and_knows_no_order():
    chosen = controls(MANY, 20, 0)
    assert chosen == controls(reversed(MANY), 20, 0)
    assert [a.id for a, _ in chosen] == sorted(a.id for a, _ in chosen)
    assert {a.id for a, _ in controls(MANY, 10, 0)} < {a.id for a, _ in chosen}
    assert {a.id for a, _ in controls(MANY, 20, 1)} != {a.id for a, _ in chosen}
    for intact, other in chosen:
        assert (intact.prompt, intact.id) == (other.prompt, other.id)
        assert intact.text != other.text


@pytest.mark.parametrize(
    ("judge", "right", "ties"),
    [
        (Reads(), (400, 400), (0, 0)),
        # A coin agrees with itself in both orders: nothing but controls exposes it.
        (Scripted("coin"), (160, 240), (0, 0)),
        (Scripted("random"), (65, 135), (160, 240)),
        (Scripted("first"), (0, 0), (400, 400)),
        (Scripted("longer"), (0, 0), (400, 400)),
    ],
)
def test_only_a_judge_that_reads_is_right(judge, right, ties):
    found = tally(judge_both_orders(controls(MANY, 400, 0), judge))
    assert found["n"] == sum(found[name] for name in ("right", "wrong", "ties", "errors")) == 400
    assert right[0] <= found["right"] <= right[1]
    assert ties[0] <= found["ties"] <= ties[1]


def test_errors_are_counted_apart():
    a = completion("1")
    votes = [Vote(a, a, "a", "a"), Vote(a, a, "b", "b"), Vote(a, a, "a", "b"), Vote(a, a, "error", "a")]
    assert tally(votes) == {"n": 4, "right": 1, "wrong": 1, "ties": 1, "errors": 1}
    assert tally([]) == {"n": 0, "right": 0, "wrong": 0, "ties": 0, "errors": 0}
