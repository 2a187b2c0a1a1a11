"""Kinds of arguments: what they are called, how they are annotated, how one is drawn, and what Hypothesis draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

import numpy as np

from leaven.corpus.synthetic.family import WORDS

T = TypeVar("T")
Draw = np.random.Generator
NAMES = ("Ada", "Bo", "Cem", "Dana", "Eli", "Fay", "Gus", "Hana", "Ivo", "June")
ROMAN = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
    (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One kind of argument.

    Args:
        annotation: its type.
        names: what it may be called.
        draw: one value, from a generator and the problem's parameters.
        strategy: the same for Hypothesis, as an expression over `st`.
    """

    annotation: str
    names: tuple[str, ...]
    draw: Callable[[Draw, Sequence[Any]], Any]
    strategy: str


def pick(draw: Draw, among: Sequence[T]) -> T:
    """One of `among`."""
    return among[int(draw.integers(len(among)))]


def _whole(low: int, high: int) -> Callable[[Draw, Sequence[Any]], int]:
    def one(draw: Draw, values: Sequence[Any]) -> int:
        """Often near a parameter, so that both sides of a condition are seen."""
        numbers = [value for value in values if type(value) is int]
        if numbers and draw.random() < 0.4:
            return max(low, min(high, pick(draw, numbers) + int(draw.integers(-3, 4))))
        return int(draw.integers(low, high + 1))

    return one


def _several(of: Callable[[Draw, Sequence[Any]], Any], least: int, most: int) -> Callable[[Draw, Sequence[Any]], Any]:
    def many(draw: Draw, values: Sequence[Any]) -> list[Any]:
        made = [of(draw, values) for _ in range(int(draw.integers(least, most + 1)))]
        # Repeats matter to many functions and are rare among random values.
        if len(made) > 2 and draw.random() < 0.5:
            made[int(draw.integers(len(made)))] = made[int(draw.integers(len(made)))]
        return made

    return many


def _string(alphabet: str, least: int, most: int) -> Callable[[Draw, Sequence[Any]], str]:
    return lambda draw, values: "".join(pick(draw, alphabet) for _ in range(int(draw.integers(least, most + 1))))


def _text(draw: Draw, values: Sequence[Any]) -> str:
    marks = [value for value in values if type(value) is str and len(value) == 1]
    words = [pick(draw, WORDS) for _ in range(int(draw.integers(2, 7)))]
    return "".join(word + pick(draw, [" ", " ", *marks]) for word in words[:-1]) + words[-1]


def _matrix(draw: Draw, values: Sequence[Any]) -> list[list[int]]:
    width = int(draw.integers(1, 5))
    return [[_small(draw, values) for _ in range(width)] for _ in range(int(draw.integers(1, 5)))]


def _spans(draw: Draw, values: Sequence[Any]) -> list[tuple[int, int]]:
    starts = [_near(draw, values) for _ in range(int(draw.integers(1, 6)))]
    return [(start, start + int(draw.integers(0, 12))) for start in starts]


def _nested(draw: Draw, values: Sequence[Any], depth: int = 0) -> list[Any]:
    return [
        _nested(draw, values, depth + 1) if depth < 3 and draw.random() < 0.35 else _small(draw, values)
        for _ in range(int(draw.integers(1, 4)))
    ]


def _roman(draw: Draw, values: Sequence[Any]) -> str:
    left, text = int(draw.integers(1, 2500)), ""
    for value, letters in ROMAN:
        text += letters * (left // value)
        left %= value
    return text


def _clock(draw: Draw, values: Sequence[Any]) -> str:
    return f"{int(draw.integers(24)):02d}:{int(draw.integers(60)):02d}"


def _day(draw: Draw, values: Sequence[Any]) -> str:
    return (date(1990, 1, 1) + timedelta(days=int(draw.integers(16000)))).isoformat()


def _runs(draw: Draw, values: Sequence[Any]) -> str:
    return "".join(f"{pick(draw, 'abcxyz')}{int(draw.integers(1, 13))}" for _ in range(int(draw.integers(1, 5))))


def _sums(draw: Draw, values: Sequence[Any]) -> list[str]:
    tokens = [str(int(draw.integers(1, 20)))]
    for _ in range(int(draw.integers(1, 4))):
        tokens += [str(int(draw.integers(1, 20))), pick(draw, "+-*")]
    return tokens


def _brackets(draw: Draw, values: Sequence[Any]) -> str:
    """Mostly balanced."""
    text = ""
    for _ in range(int(draw.integers(1, 6))):
        pair, place = pick(draw, ("()", "[]")), int(draw.integers(len(text) + 1))
        text = text[:place] + pair[0] + text[place:] + pair[1] if draw.random() < 0.5 else text + pair
    return text if draw.random() < 0.8 else text[1:]


def _settings(draw: Draw, values: Sequence[Any]) -> str:
    between, inside = ([value for value in values if type(value) is str] + [";", "="])[:2]
    return between.join(
        f"{pick(draw, WORDS)}{inside}{int(draw.integers(100))}" if draw.random() < 0.8 else pick(draw, WORDS)
        for _ in range(int(draw.integers(1, 5)))
    )


_near = _whole(-40, 60)
_small = _whole(-9, 20)
_natural = _whole(0, 300)
_letters = _string("abcdehimnorst", 2, 12)
_JOIN = '.map("".join)'
_INTS = "st.lists(st.integers(-30, 30), max_size=9)"
_PAIR = "st.tuples(st.sampled_from(['Ada', 'Bo', 'Cem']), st.integers(-20, 60))"
_SPAN = "st.tuples(st.integers(-30, 30), st.integers(0, 12)).map(lambda s: (s[0], s[0] + s[1]))"
_LIST_NAMES = ("numbers", "values", "items", "nums", "data", "readings", "amounts")

KINDS: dict[str, Kind] = {
    "nat": Kind("int", ("n", "number", "value", "amount"), _natural, "st.integers(0, 300)"),
    "few": Kind("int", ("n", "number", "steps", "count"), _whole(0, 14), "st.integers(0, 14)"),
    "int": Kind("int", ("n", "number", "value", "x"), _near, "st.integers(-100, 100)"),
    "ints": Kind("list[int]", _LIST_NAMES, _several(_near, 2, 9), _INTS),
    "nats": Kind(
        "list[int]", _LIST_NAMES, _several(_whole(0, 60), 2, 8), "st.lists(st.integers(0, 60), max_size=8)"
    ),
    "sorted": Kind(
        "list[int]",
        _LIST_NAMES,
        lambda draw, values: sorted(_several(_near, 2, 9)(draw, values)),
        f"{_INTS}.map(sorted)",
    ),
    "text": Kind(
        "str", ("text", "line", "sentence", "s"), _text, f"st.lists(st.sampled_from('abcz XY-,'), max_size=20){_JOIN}"
    ),
    "letters": Kind(
        "str", ("word", "text", "s", "name"), _letters, f"st.lists(st.sampled_from('abcxyz'), max_size=12){_JOIN}"
    ),
    "words": Kind(
        "list[str]",
        ("words", "names", "parts", "labels"),
        _several(lambda draw, values: pick(draw, WORDS), 2, 6),
        "st.lists(st.sampled_from(['a', 'at', 'bat', 'cat', 'cats', '']), max_size=6)",
    ),
    "bits": Kind("str", ("cells", "row", "bits"), _string("01", 4, 12), f"st.lists(st.sampled_from('01')){_JOIN}"),
    "moves": Kind(
        "str", ("moves", "path", "steps"), _string("UDLR", 3, 12), f"st.lists(st.sampled_from('UDLR')){_JOIN}"
    ),
    "brackets": Kind(
        "str", ("text", "code", "s"), _brackets, f"st.lists(st.sampled_from('()[]')){_JOIN}"
    ),
    "table": Kind(
        "dict[str, int]",
        ("prices", "scores", "table", "stock"),
        lambda draw, values: {pick(draw, WORDS): _near(draw, values) for _ in range(int(draw.integers(2, 6)))},
        "st.dictionaries(st.sampled_from(['apple', 'bird', 'cat', 'dog']), st.integers(-20, 60))",
    ),
    "pairs": Kind(
        "list[tuple[str, int]]",
        ("entries", "records", "pairs", "results"),
        lambda draw, values: [(pick(draw, NAMES), _near(draw, values)) for _ in range(int(draw.integers(2, 7)))],
        f"st.lists({_PAIR}, max_size=6)",
    ),
    "matrix": Kind(
        "list[list[int]]",
        ("matrix", "grid", "table", "rows"),
        _matrix,
        "st.integers(1, 4).flatmap(lambda w: "
        "st.lists(st.lists(st.integers(-9, 20), min_size=w, max_size=w), min_size=1, max_size=4))",
    ),
    "spans": Kind("list[tuple[int, int]]", ("spans", "intervals", "ranges"), _spans, f"st.lists({_SPAN}, max_size=6)"),
    "nested": Kind(
        "list",
        ("tree", "nested", "items"),
        _nested,
        "st.recursive(st.lists(st.integers(-9, 20), max_size=3), lambda c: st.lists(c, max_size=3), max_leaves=6)",
    ),
    "clock": Kind(
        "str",
        ("time", "clock", "start"),
        _clock,
        "st.tuples(st.integers(0, 23), st.integers(0, 59)).map('%02d:%02d'.__mod__)",
    ),
    "day": Kind("str", ("day", "date", "when"), _day, "st.dates().map(str)"),
    "roman": Kind("str", ("numeral", "roman", "text"), _roman, "st.sampled_from(['I', 'IV', 'IX', 'XII', 'MCM'])"),
    "runs": Kind("str", ("packed", "code", "runs"), _runs, "st.sampled_from(['a1', 'b2c3', 'x12'])"),
    "sums": Kind(
        "list[str]", ("tokens", "terms", "parts"), _sums, "st.sampled_from([['1', '2', '+'], ['3', '4', '*']])"
    ),
    "settings": Kind("str", ("line", "text", "settings"), _settings, "st.sampled_from(['a=1;b=2', 'c', ''])"),
}  # fmt: skip
