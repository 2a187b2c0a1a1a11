"""The gate for empty and repeating text: what it finds, and what it leaves alone."""

from __future__ import annotations

import inspect
import json
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.evaluate.degenerate import _repeated, degenerate

GOOD = (
    "The harbour was quiet before the boats came in, and nobody on the pier had yet noticed how low the water stood; "
    "only an old dog, asleep beside the nets, lifted its head when the first bell rang from the church."
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        (" \n ", True),
        (" the the the the the the the", True),
        ("=" * 30, True),
        (" a b c d a b c d a b c d a b c d", True),
        (" is a module that reads files, and writes them again.", False),
        (" short", False),
        ("!!", False),
        (GOOD, False),
        (GOOD + " And then he said it." * 6, True),
        (GOOD + " And then he said it, and" * 4 + " the", False),  # no loop to its end, and no half of the text
        (GOOD + " Yes, yes, yes!", False),
        (GOOD + "".join(f"\n{n}. They went home." for n in range(1, 9)), True),
        ("The squares: " + ", ".join(str(n * n) for n in range(1, 60)), False),
        (
            "\n\n".join(f"def test_{name}():\n        assert {name}() == 1" for name in ("area", "width", "height")),
            False,
        ),
    ],
)
def test_degenerate(text, expected):
    assert degenerate(text) is expected


@settings(deadline=None)
@given(st.integers(0, len(GOOD)), st.text(min_size=1, max_size=40), st.integers(0, 39), st.data())
def test_an_end_that_loops_is_found_after_any_beginning(good, unit, part, data):
    unit = " ".join(unit.split()) + "."  # as the rule reads it: white space that is one space
    times = 3 + max(32, good) // len(unit)
    assert degenerate(GOOD[:good] + unit * times + unit[: part % len(unit)].rstrip())


@settings(deadline=None)
@given(st.text("ab", max_size=24))
def test_the_end_that_repeats_is_the_longest(text):
    ends = [
        size
        for size in range(1, len(text) + 1)
        for period in range(1, size // 3 + 1)
        if all(text[-size:][i] == text[-size:][i + period] for i in range(size - period))
    ]
    assert _repeated(text) == max(ends, default=0)


def test_code_is_left_alone():
    """Long code, whose indentation and names come back, is no loop."""
    source = inspect.getsource(textwrap) + inspect.getsource(json)
    pieces = [source[place : place + size] for size in (200, 500, 2000) for place in range(0, len(source) - size, 400)]
    assert sum(map(degenerate, pieces)) == 0
