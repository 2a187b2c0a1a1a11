"""The tree of stages in text."""

from __future__ import annotations

import pytest

from leaven.engine.tree import WIDE, lines
from leaven.ground.errors import BadInput
from leaven.options import prices_of


def node(name, parent=None, ends=(), size="1m", tokens=1000, exists=False, label=None):
    return {
        "identity": name,
        "parent": parent,
        "size": size,
        "label": label or f"pretrain 1K {name}",
        "tokens": tokens,
        "exists": exists,
        "variants": [],
        "ends": list(ends),
    }


def test_stages_that_follow_one_another_alone_share_a_line():
    nodes = [node("a"), node("b", "a"), node("c", "b", ["last"])]
    assert lines(nodes) == ["  └─ pretrain 1K a → pretrain 1K b → pretrain 1K c  last"]


def test_a_variant_stands_where_it_ends_and_a_stage_branches_where_two_follow():
    nodes = [node("a", ends=["short"]), node("b", "a", ["one"]), node("c", "a", ["two"])]
    assert lines(nodes) == [
        "  └─ pretrain 1K a  short",
        "     ├─ pretrain 1K b  one",
        "     └─ pretrain 1K c  two",
    ]


def test_a_chain_breaks_where_a_variant_ends():
    nodes = [node("a", ends=["short"]), node("b", "a", ["long"])]
    assert lines(nodes) == ["  └─ pretrain 1K a  short", "     └─ pretrain 1K b  long"]


def test_tokens_are_told_where_they_are_others_than_the_label_says():
    nodes = [node("a", tokens=1024, ends=["x"]), node("b", exists=True, ends=["y"]), node("c", ends=["z"])]
    assert lines(nodes) == [
        "  ├─ pretrain 1K a [1.02K]  x",
        "  ├─ pretrain 1K b [exists]  y",
        "  └─ pretrain 1K c  z",
    ]


def test_sizes_stand_apart_and_a_stage_of_two_sizes_in_both():
    nodes = [node("a", ends=["x"]), node("b", size="7m", ends=["x"], tokens=2000, label="pretrain 2K b")]
    assert lines(nodes) == [
        "  1m: 1K tokens",
        "  └─ pretrain 1K a  x",
        "  7m: 2K tokens",
        "  └─ pretrain 2K b  x",
    ]


def test_many_variants_that_end_at_one_stage_are_counted():
    (line,) = lines([node("a", ends=[f"a variant with a long name {index}" for index in range(9)])])
    assert line.endswith("a variant with a long name 1 and 7 more")
    assert len(line) <= WIDE


@pytest.mark.parametrize("text", ["H100", "H100=", "H100=cheap", "=2.5="])
def test_what_is_no_price(text):
    with pytest.raises(BadInput, match="gives no price"):
        prices_of([text])


def test_prices():
    assert prices_of(["H100=2.5", "v5e = 1"]) == {"H100": 2.5, "v5e": 1.0}
    assert prices_of(None) == {}
