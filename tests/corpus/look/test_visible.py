"""Nothing that a terminal would obey leaves `visible`."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.corpus.look.visible import CUT, HIDDEN, cells, cut, first_lines, last_lines, visible

ANY = st.text(st.characters(codec=None, categories=None))


@given(ANY)
def test_what_is_shown_is_printable(text: str) -> None:
    shown = visible(text)
    assert not {unicodedata.category(character) for character in shown} & HIDDEN
    assert visible(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\x9b2J", "\\x9b2J"),
        ("a\u202eb\u2066", "a\\u202eb\\u2066"),
        ("one\ntwo\r", "one\\x0atwo\\x0d"),
        ("\ta", "    a"),
        ("é 漢 →", "é 漢 →"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_hidden_characters_become_words(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(ANY, st.integers(1, 50))
def test_a_cut_line_fits(text: str, width: int) -> None:
    assert cells(cut(text, width)) <= width


def test_cutting_keeps_what_fits_and_says_so() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab" + CUT
    assert cut("漢字漢字", 5) == "漢字" + CUT


def test_a_line_of_megabytes_costs_nothing() -> None:
    line = "\x1b\u0301漢" * 1_000_000
    begun = time.perf_counter()
    cut(line, 80), first_lines(line, 5, 80), last_lines("x\n" + line, 5, 80)
    assert time.perf_counter() - begun < 10


def test_first_and_last_lines() -> None:
    text = "".join(f"line {n}\n" for n in range(9))
    assert first_lines(text, 2, 40) == ["line 0", "line 1"]
    assert last_lines(text + "\n\n", 2, 40) == ["line 7", "line 8"]
    assert last_lines("one", 3, 40) == ["one"]
    assert first_lines("", 3, 40) == last_lines("", 3, 40) == []
