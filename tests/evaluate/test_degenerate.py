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
        (GOOD[:60] + " no, no, no, no, no, no, no", False),  # a quarter of the text, but little of it
        (GOOD[:60] + " no, no, no, no, no, no, no, no, no", True),
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
    times = (3 if good >= 3 else 5) + max(32, good) // len(unit)  # without a word of three letters, five
    assert degenerate(GOOD[:good] + unit * times + unit[: part % len(unit)].rstrip())


@settings(deadline=None)
@given(st.text("ab", max_size=24), st.integers(0, 24))
def test_the_end_that_repeats_is_the_longest(text, least):
    ends = [
        size
        for size in range(1, len(text) + 1)
        for period in range(1, size // 3 + 1)
        if all(text[-size:][i] == text[-size:][i + period] for i in range(size - period))
    ]
    longest, period = _repeated(text, 3, least)
    assert longest == (max(ends, default=0) if max(ends, default=0) >= least else 0)
    assert text[-longest:][:-period] == text[-longest:][period:] if longest else period == 0


def test_code_is_left_alone():
    """Long code, whose indentation and names come back, is no loop."""
    source = inspect.getsource(textwrap) + inspect.getsource(json)
    pieces = [source[place : place + size] for size in (200, 500, 2000) for place in range(0, len(source) - size, 400)]
    assert sum(map(degenerate, pieces)) == 0


BYTE = "(25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)"
DAYS = zip(range(1, 13), (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), strict=True)
HONEST = [
    "2019: $5 million\n2020: $6 million\n2021: $7 million",
    "\n".join(f"{2010 + n}: ${5 + n} million" for n in range(12)),
    "\n".join(f"7 x {n} = {7 * n}" for n in range(1, 11)),
    "\n".join(f"Seven times the number {n} makes a total of {7 * n}." for n in range(1, 9)),
    "9:00 AM, 10:00 AM, 11:00 AM",
    ", ".join(f"{n}:00 in the morning" for n in range(1, 12)),
    ", ".join(f"{n} km = {0.62 * n:.2f} miles" for n in range(1, 9)),
    "\n".join(f"July {n}, 2021" for n in range(1, 15)),
    ", ".join(f"2021-03-{n:02}" for n in range(1, 12)),
    "\n".join(f"- 4 July {year}" for year in range(2000, 2012)),
    "def days(month):\n" + "\n".join(f"    if month == {m}:\n        return {days}" for m, days in DAYS),
    "if (n > 10) return 10; if (n > 20) return 20; if (n > 30) return 30; if (n > 40) return 40;",
    "\n".join(f"case {n}: return {n * 3};" for n in range(9)),
    "\n".join(f"print({n})" for n in range(1, 20)),
    f"^{BYTE}\\.{BYTE}\\.{BYTE}\\.{BYTE}$",
    r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}",
    r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})",
    "\n".join(f"Chapter {n}" for n in range(1, 21)),
    "\n".join(f"Week {n}: {10 * n} minutes of walking, {2 * n} days" for n in range(1, 9)),
    "\n".join(f"In {1990 + 5 * n} the population was {4 + 0.3 * n:.1f} million." for n in range(7)),
    "\n".join(f"In {year} the river was frozen." for year in (1861, 1902, 1910, 1924, 1955, 1982, 2016)),
    ", ".join(f"{n} bottles of beer on the wall" for n in range(12, 0, -1)),
    "\n".join(f"{n}: I go up to it." for n in range(1, 7)),  # not quite six turns
    "\n".join(f"Day {n}: rest in bed." for n in range(1, 20)),  # four words
    GOOD + "".join(f"\n{n}. They went home at once." for n in range(1, 7)),
    "\n".join(f"<li>Item {n}</li>" for n in range(1, 9)),
    "The next numbers are " + ", ".join(str(3 * n) for n in range(1, 30)),
    "One long number, " + "".join(str(n * n) for n in range(2000)) + ", is read.",
]


@pytest.mark.parametrize("text", HONEST)
def test_honest_answers_that_count_are_left_alone(text):
    assert not degenerate(text)


@pytest.mark.parametrize(
    "line", ["{}. They went home at once.", "Step {}: Take the pan from it.", "In round {} of 64 I saw a dog."]
)
@pytest.mark.parametrize(("start", "step"), [(1, 1), (95, 1), (10, 5)])
@pytest.mark.parametrize("good", ["", GOOD[:60]])
def test_a_sentence_that_counts_on_is_a_loop(line, start, step, good):
    text = good + "\n" + "\n".join(line.format(start + step * n) for n in range(12))
    assert all(degenerate(text[: len(text) - cut]) for cut in range(60))


@pytest.mark.parametrize("lines", [7, 8])
def test_six_turns_are_enough(lines):
    assert degenerate("\n".join(f"{n}: I go up to it." for n in range(1, lines + 1)))


def test_a_number_that_was_cut_counts_on():
    text = "Look, " + ", ".join(f"I saw a dog in round {n}" for n in range(95, 107))
    assert all(degenerate(text[: len(text) - cut]) for cut in range(60))


@pytest.mark.parametrize("text", ["0" * 40, "1 2 1 2 1 2 1 2 1 2 1 2 1 2 1 2 1 2", "12.5; " * 8, "0, 1, " * 9])
def test_numbers_alone_loop_as_well(text):
    assert degenerate(text)
