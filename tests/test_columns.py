"""Tables that fit the terminal, of text that is shown and not obeyed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leaven.columns import table, wrapped
from leaven.corpus.look.visible import CUT, cells, visible

WORDS = st.lists(st.lists(st.text(max_size=60), min_size=3, max_size=3), max_size=5)


def test_columns_are_aligned_and_numbers_flush_right() -> None:
    lines = table(["name", "many"], [["a", "1"], ["long name", "1,234"]], numbers=(1,))
    assert lines == ["name        many", "a              1", "long name  1,234"]


def test_wide_characters_take_two_columns() -> None:
    lines = table(["a", "b"], [["漢字", "x"], ["abcd", "y"]])
    assert lines == ["a     b", "漢字  x", "abcd  y"]


@given(WORDS)
def test_a_table_is_as_wide_as_it_may_be(rows: list[list[str]]) -> None:
    for line in table(["one", "two", "three"], rows, most=60):
        assert cells(line) <= 60
        assert visible(line) == line


def test_numbers_are_never_cut() -> None:
    lines = table(["name", "many"], [["n" * 90, "1" * 20]], numbers=(1,), most=40)
    assert lines[1].endswith("1" * 20)
    assert CUT in lines[1]


def test_parts_wrap_behind_their_head() -> None:
    assert wrapped("why  ", ["aaa 1", "bbb 2", "ccc 3"], most=20) == ["why  aaa 1 · bbb 2", "     ccc 3"]
    assert wrapped("why  ", []) == ["why"]
    assert wrapped("", ["\x1b[2J"]) == ["\\x1b[2J"]
