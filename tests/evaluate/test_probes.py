"""The probes are right, and exactly balanced against everything that does not do the task."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from leaven.evaluate import pairs, probes
from leaven.ground.canonical import identity

MAKERS = {
    "entity_tracking": (probes.entity_tracking, 256, 256),
    "boolean": (probes.boolean, 240, 240),
    "arithmetic": (probes.arithmetic, 240, 240),
    "brackets": (pairs.brackets, 240, 240),
    "indent": (pairs.indent, 240, 240),
}


@pytest.fixture(scope="module")
def made():
    return {name: make(n, 0) for name, (make, n, _) in MAKERS.items()}


@pytest.mark.parametrize("name", MAKERS)
def test_size_identity_and_seed(made, name):
    make, _, expected = MAKERS[name]
    items = made[name]
    assert len(items) == expected
    assert len({item.id for item in items}) == len({item.context for item in items}) == expected
    first = make(24, 0)
    assert first == make(24, 0)
    assert first != make(24, 1)


@pytest.mark.parametrize("name", MAKERS)
def test_a_constant_position_scores_exactly_chance(made, name):
    items = made[name]
    counts = Counter(item.gold for item in items)
    assert {counts[place] / len(items) for place in range(len(items[0].choices))} == {1 / len(items[0].choices)}


@pytest.mark.parametrize("name", ["entity_tracking", "boolean", "arithmetic", "brackets", "indent"])
def test_whatever_looks_at_the_choices_alone_scores_exactly_chance(made, name):
    items = made[name]
    for taste in (identity, len, str, lambda text: text[::-1]):
        right = sum(max(item.choices, key=taste) == item.choices[item.gold] for item in items)
        if taste is len and len({len(choice) for choice in items[0].choices}) == 1:
            continue
        assert right / len(items) == 1 / len(items[0].choices)


def test_the_items_are_golden():
    """Raise `VERSION` in item.py when this changes: an equal corpus would get other items."""
    found = identity(
        [[item.id, item.context, item.choices, item.gold] for name in MAKERS for item in MAKERS[name][0](64, 0)]
    )
    assert found == "febc70a95f5703b72701f1e8cb6b31eb"


def tracked(context):
    where = {}
    boxes = []
    for thing, box in re.findall(r"puts the (\w+) in box (\w)\.", context):
        where[thing] = box
        boxes.append(box)
    asked = re.search(r"Now the (\w+) is in box$", context)[1]
    changes = len(re.findall(rf"the {asked} in box", context)) - 1
    return where[asked], changes, boxes


def test_entity_tracking_is_right_and_no_shortcut_helps(made):
    items = made["entity_tracking"]
    last = 0
    shortcuts = {f"{changes} state changes": [0.0, 0.0, 0.0] for changes in range(4)}
    for item in items:
        box, changes, boxes = tracked(item.context)
        gold = item.choices[item.gold].strip()
        assert gold == box
        assert item.group == f"{changes} state changes"
        assert set(boxes) == set(probes.BOXES)
        last += boxes[-1] == gold
        counts = Counter(boxes)
        for place, wanted in enumerate((counts[boxes[0]], max(counts.values()), min(counts.values()))):
            liked = [name for name in counts if counts[name] == wanted] if place else [boxes[0]]
            shortcuts[item.group][place] += (gold in liked) / len(liked)
    assert last == len(items) / 4
    assert all(abs(score - 16) <= 3 for scores in shortcuts.values() for score in scores)
    assert set(Counter(item.group for item in items).values()) == {64}


def test_boolean_is_right_and_words_tell_nothing(made):
    items = made["boolean"]
    for item in items:
        expression = item.context.removesuffix(" is")
        assert item.choices[item.gold] == f" {eval(expression, {})}"
    for left, right in zip(items[::2], items[1::2], strict=True):
        assert Counter(left.context.split()) == Counter(right.context.split())
        assert left.context.split()[0] == right.context.split()[0]
        assert left.context.split()[-2] == right.context.split()[-2]
        assert left.gold != right.gold


def test_arithmetic_is_right_and_blocks_share_their_choices(made):
    items = made["arithmetic"]
    for item in items:
        a, sign, b = item.context.removesuffix(" =").split()
        result = {"+": int(a) + int(b), "-": int(a) - int(b), "*": int(a) * int(b)}[sign]
        assert item.choices[item.gold] == f" {result}"
        assert not {a, b} & {choice.strip() for choice in item.choices}
    for first in range(0, len(items), 4):
        block = items[first : first + 4]
        assert len({item.choices for item in block}) == 1
        assert [item.gold for item in block] == [0, 1, 2, 3]


def open_brackets(context):
    closer = {"(": ")", "[": "]", "{": "}"}
    stack = []
    for character in context:
        if character in closer:
            stack.append(closer[character])
        elif character in closer.values():
            assert stack.pop() == character
    return stack


def test_brackets_are_right_and_pairs_hold_the_same_characters(made):
    items = made["brackets"]
    for left, right in zip(items[::2], items[1::2], strict=True):
        assert sorted(left.context) == sorted(right.context)
        assert left.choices == right.choices
        assert left.gold != right.gold
        for item in (left, right):
            stack = open_brackets(item.context)
            assert item.choices[item.gold] == stack[-1]
            assert item.choices[1 - item.gold] == stack[-2]
            assert item.context[-1].isalpha()
    assert set(Counter(item.group for item in items).values()) == {80}


def test_indent_pairs_hold_the_same_words_and_one_choice_compiles(made):
    items = made["indent"]
    for left, right in zip(items[::2], items[1::2], strict=True):
        assert left.context.split() == right.context.split() or Counter(left.context.split()) == Counter(
            right.context.split()
        )
        assert left.choices == right.choices
        assert (left.gold, right.gold) == (0, 1)
        for item in (left, right):
            compile(item.shown, "gold", "exec")
            with pytest.raises(IndentationError):
                compile(item.context + item.choices[1 - item.gold], "wrong", "exec")
