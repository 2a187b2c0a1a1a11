"""Items survive their files, whatever characters they hold."""

from __future__ import annotations

import pytest

from leaven.evaluate.item import (
    Choice,
    Foreign,
    Match,
    Passage,
    Program,
    Short,
    Target,
    generator,
    read_items,
    write_items,
)
from leaven.ground.errors import BadInput

NASTY = "a\u2028b\u0085c\r\n\x1f“ü”\U0001f600"


@pytest.mark.parametrize(
    ("form", "items"),
    [
        ("rolling", [Passage("1", "g", NASTY), Passage("2", "g", "x")]),
        ("choice", [Choice("1", "g", "context", (NASTY, " b"), 1)]),
        ("match", [Match("1", "g", (NASTY, "context"), " text", 1)]),
        ("target", [Target("1", "g", "context", NASTY, " ")]),
        ("short", [Short("1", "g", "Q: " + NASTY, (NASTY, "b"))]),
        ("foreign", [Foreign("1", "g", {"x": [1, {"y": NASTY}]}, "shown")]),
        ("program", [Program("1", "g", "def f():\n", "assert f()\n", "    return 1\n")]),
    ],
)
def test_items_come_back_as_they_were(tmp_path, form, items):
    write_items(tmp_path / "items.jsonl", items)
    assert read_items(tmp_path / "items.jsonl", form) == items
    assert len((tmp_path / "items.jsonl").read_bytes().splitlines()) == len(items)


def test_a_context_must_not_end_in_white_space():
    with pytest.raises(ValueError, match="ends in white space"):
        Choice("1", "g", "a ", ("b", "c"), 0)
    with pytest.raises(ValueError, match="ends in white space"):
        Match("1", "g", ("a", "b\n"), "c", 0)


def test_gold_must_be_a_choice():
    with pytest.raises(ValueError, match="no gold answer"):
        Choice("1", "g", "a", ("b", "c"), 2)
    with pytest.raises(ValueError, match="no gold answer"):
        Match("1", "g", ("a", "b"), "c", -1)


def test_streams_are_named_and_golden():
    assert generator("a", 0).integers(1000, size=4).tolist() == generator("a", 0).integers(1000, size=4).tolist()
    assert generator("a", 0).integers(1000, size=4).tolist() != generator("a", 1).integers(1000, size=4).tolist()


def test_half_a_character_is_refused(tmp_path):
    with pytest.raises(BadInput, match="items: item 7 holds half a character"):
        write_items(tmp_path / "items.jsonl", [Passage("7", "g", "a\ud800b")])
    assert not (tmp_path / "items.jsonl").exists()
