"""Problems made of three steps: keep some items, change each, and put them together; every step is a row of data.

A family is a way of putting together; which items are kept and how each is changed is the instance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

from leaven.corpus.synthetic.textbook.exercise import Exercise, span


@dataclass(frozen=True)
class Step:
    """A step.

    Args:
        says: what it does, as an imperative.
        code: an expression over `value`, or lines that end in a `return` over `kept`.
        does: the same as a function of (parameter, value).
        parameters: what stands for `#` in the texts.
    """

    says: str
    code: str
    does: Callable[[int, Any], Any]
    parameters: tuple[int, ...]


KEEPS = (
    Step("keep the items above #", "value > #", lambda p, v: not v <= p, span(-15, 30)),
    Step("keep the items below #", "value < #", lambda p, v: not v >= p, span(0, 50)),
    Step("leave out multiples of #", "value % # != 0", lambda p, v: v // p * p != v, span(2, 9)),
    Step("keep the even items and #", "value % 2 == 0 or value == #", lambda p, v: v == p or not v & 1, span(1, 41, 2)),
    Step("keep the items whose square is above #", "value * value > #", lambda p, v: v**2 > p, span(10, 900, 30)),
    Step("keep the items further than # from zero", "abs(value) > #", lambda p, v: max(v, -v) > p, span(1, 30)),
)
CHANGES = (
    Step("multiply each by #", "value * #", lambda p, v: sum([v] * p), span(2, 15)),
    Step("add # to each", "value + #", lambda p, v: v - -p, span(1, 30)),
    Step("replace each by its remainder by #", "value % #", lambda p, v: v - v // p * p, span(3, 20)),
    Step("replace each by its distance from #", "abs(value - #)", lambda p, v: max(v, p) - min(v, p), span(1, 40)),
    Step("replace each by the larger of it and #", "max(value, #)", lambda p, v: sorted((p, v))[1], span(-10, 30)),
    Step("divide each by #, rounding down", "value // #", lambda p, v: (v - v % p) // p, span(2, 12)),
    Step("square each and subtract #", "value * value - #", lambda p, v: v**2 - p, span(1, 30)),
)
ENDS: dict[str, Step] = {
    "sum": Step("return their sum plus #", "return sum(kept) + #", lambda p, v: reduce(int.__add__, v, p), span(0, 20)),
    "largest": Step(
        "return the largest, or # if there is none",
        "if not kept:\n    return #\nreturn max(kept)",
        lambda p, v: sorted(v)[-1] if v else p,
        span(-20, 20),
    ),
    "smallest": Step(
        "return the smallest, or # if there is none",
        "if not kept:\n    return #\nreturn min(kept)",
        lambda p, v: sorted(v)[0] if v else p,
        span(-20, 20),
    ),
    "alternating": Step(
        "add and subtract them by turns, beginning with #",
        "total = #\nfor place, value in enumerate(kept):\n"
        "    total += value if place % 2 == 0 else -value\nreturn total",
        lambda p, v: p + sum(v[::2]) - sum(v[1::2]),
        span(0, 20),
    ),
    "distinct": Step(
        "count the different ones and add #",
        "seen = []\nfor value in kept:\n    if value not in seen:\n        seen.append(value)\nreturn len(seen) + #",
        lambda p, v: len({*v}) + p,
        span(0, 20),
    ),
    "rising": Step(
        "count how often one is larger than the one before, starting from #",
        "count = #\nfor before, value in zip(kept, kept[1:]):\n"
        "    if value > before:\n        count += 1\nreturn count",
        lambda p, v: p + sum(v[i] > v[i - 1] for i in range(1, len(v))),
        span(0, 20),
    ),
    "remainder": Step(
        "return their product modulo #",
        "product = 1\nfor value in kept:\n    product = product * value % #\nreturn product % #",
        lambda p, v: reduce(int.__mul__, v, 1) % p,
        span(11, 60),
    ),
    "span": Step(
        "return the largest less the smallest, times #, or 0 if there are none",
        "if not kept:\n    return 0\nreturn (max(kept) - min(kept)) * #",
        lambda p, v: p * max((a - b for a in v for b in v), default=0),
        span(1, 20),
    ),
    "weighted": Step(
        "add them up, each times its place counted from #",
        "total = 0\nfor place, value in enumerate(kept, #):\n    total += place * value\nreturn total",
        lambda p, v: sum((p + i) * v[i] for i in range(len(v))),
        span(1, 20),
    ),
    "last_above": Step(
        "return the last one above #, or # itself",
        "found = #\nfor value in kept:\n    if value > #:\n        found = value\nreturn found",
        lambda p, v: next((w for w in reversed(v) if w > p), p),
        span(-5, 30),
    ),
}


def _exercises() -> Iterator[Exercise]:
    for name, end in ENDS.items():
        for i, keep in enumerate(KEEPS):
            for j, change in enumerate(CHANGES):
                yield _exercise(name, f"{i}{j}", keep, change, end)


def _exercise(name: str, variant: str, keep: Step, change: Step, end: Step) -> Exercise:
    body = (
        f"kept = []\nfor value in $x:\n    if {keep.code.replace('#', '$p')}:\n"
        f"        kept.append({change.code.replace('#', '$q')})\n{end.code.replace('#', '$r')}"
    )
    steps = keep.says.replace("#", "$p"), change.says.replace("#", "$q"), end.says.replace("#", "$r")
    first = steps[0][0].upper() + steps[0][1:]
    return Exercise(
        f"pipeline_{name}",
        "pipelines",
        ("ints",),
        "int",
        (keep.parameters, change.parameters, end.parameters),
        (name, f"{name}_of_kept", f"filter_and_{name}", "process", "summarise"),
        (
            f"{first} of $x, {steps[1]}, then {steps[2]}.",
            f"In three steps: {steps[0]} of $x; {steps[1]}; {steps[2]}.",
        ),
        "".join(f"    {line}\n" for line in body.split("\n")),
        lambda p, q, r, x: end.does(r, [change.does(q, v) for v in x if keep.does(p, v)]),
        variant=variant,
    )


PIPELINES: tuple[Exercise, ...] = tuple(_exercises())
