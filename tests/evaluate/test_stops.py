"""Where a continuation is cut: the same place however the text arrives."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leaven.evaluate.complete import PARAGRAPH
from leaven.evaluate.programs import END
from leaven.evaluate.stops import cut, settled

PARTS = ["a", "b", "ab", "\n", "\n\n", "def", "\ndef ", " ", "😀", "é", "\u2003", "ab\n"]


@pytest.mark.parametrize(
    ("text", "stops", "expected"),
    [
        ("one\ntwo", ("\n",), "one"),
        ("one", ("\n",), "one"),
        ("abcX", ("bc", "abcX"), ""),
        ("a\n\nb", ("\n\n", "a\n"), ""),
        ("one", ("",), "one"),
        ("one \ufffd\ufffd", (), "one "),
        ("\n", ("\n",), ""),
    ],
)
def test_cut(text, stops, expected):
    assert cut(text, stops) == expected


def arriving(data: bytes, sizes, stops, pattern):
    """What is kept of bytes that arrive a few at a time, by one who stops reading once the end is settled."""
    read, turn = 0, 0
    while read < len(data):
        read += sizes[turn % len(sizes)]
        turn += 1
        text = data[:read].decode(errors="replace")
        if read < len(data) and settled(text, stops, pattern):
            return cut(text, stops, pattern)
    return cut(data.decode(errors="replace"), stops, pattern)


@settings(deadline=None, max_examples=500)
@given(
    parts=st.lists(st.sampled_from(PARTS), max_size=12),
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    stops=st.lists(st.sampled_from(PARTS), max_size=3),
    pattern=st.sampled_from([None, PARAGRAPH, END]),
)
@example(["ab\n", "\n", "b"], [3], ["\n\n", "b\n"], None)
@example(["a", "\n", "\u2003", "b"], [3, 1], [], END)
@example(["a", "😀"], [2], ["😀"], None)
@example(["\n", "\n", "a"], [2, 1], ["\na"], END)
def test_a_text_is_cut_where_it_is_cut_as_a_whole(parts, sizes, stops, pattern):
    whole = "".join(parts)
    assert arriving(whole.encode(), sizes, stops, pattern) == cut(whole, stops, pattern)


def test_a_stop_is_settled_as_soon_as_it_is_there():
    assert settled("answer\n", ("\n",))
    assert settled("answer\n\ufffd", ("\n",))
    assert not settled("answer", ("\n",))
    assert not settled("", ())
    assert not settled("a\n", (), re.compile(r"\n(?=\S)"))
    assert settled("a\nb", (), re.compile(r"\n(?=\S)"))
