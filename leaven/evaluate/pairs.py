"""Generated minimal pairs of closure in code: which bracket closes, and whether the next line is indented.

Both tasks ask two items with the same two choices and opposite right answers, so whatever looks at the
choices alone scores exactly 1/2. The two contexts of a bracket pair hold the same characters in another
order; those of an indent pair hold the same words (one has a line break more). A tie between the two choices
counts as wrong: a model that cannot tell them apart must not be given every item (the trap of BLiMP-style
scoring).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leaven.evaluate.item import Choice, generator

CLOSER = {"(": ")", "[": "]", "{": "}"}
NAMES = (
    "a",
    "b",
    "x",
    "y",
    "item",
    "data",
    "key",
    "name",
    "left",
    "row",
    "size",
    "node",
    "path",
    "text",
    "value",
    "total",
)
CALLS = ("f", "g", "get", "make", "load", "find", "merge", "apply")


def brackets(n: int, seed: int) -> list[Choice]:
    """An inner bracket left open inside an outer one of another kind; the right closer against the outer
    one's.

    Groups: `nothing between`, `same kind last` and `other kind last` say what was opened and closed again
    after the inner bracket; only in the last does "close what was opened last" fail. `n` is rounded down to a
    multiple of 6.
    """
    draw = generator("brackets", seed)
    items: list[Choice] = []
    asked: set[str] = set()
    between = ("nothing between", "same kind last", "other kind last")
    while len(items) < n - n % 6:
        kind = between[(len(items) // 2) % 3]
        outer, inner, third = (("(", "[", "{")[i] for i in draw.permutation(3))
        a, b, c, d, e, g = (NAMES[i] for i in draw.choice(len(NAMES), 6, replace=False))
        call = CALLS[draw.integers(len(CALLS))]
        closed = {"nothing between": "", "same kind last": f", O{c}o, I{d}i", "other kind last": f", I{d}i, O{c}o"}[
            kind
        ]
        wrapped = f"{call}{third}{e}, " if draw.integers(2) else ""
        pattern = (
            f"{call} = {wrapped}O{a}, I{b}{closed}, {g}"
            if draw.integers(2)
            else f"{wrapped}{call}O{a}, I{b}{closed}, {g}"
        )
        first = _fill(pattern, outer, inner)
        if first in asked:
            continue
        second = _fill(pattern, inner, outer)
        asked |= {first, second}
        choices = tuple(sorted((CLOSER[outer], CLOSER[inner])))
        for letter, context, opened in (("a", first, inner), ("b", second, outer)):
            items.append(Choice(f"{len(items) // 2}-{letter}", kind, context, choices, choices.index(CLOSER[opened])))
    return items


def _fill(pattern: str, outer: str, inner: str) -> str:
    """Brackets for the place-holders O, o, I, i (names are lower case words, so single capitals are free)."""
    out = pattern.replace("O", outer).replace("I", inner)
    for name in NAMES:
        out = out.replace(f"{outer}{name}o", f"{outer}{name}{CLOSER[outer]}")
        out = out.replace(f"{inner}{name}i", f"{inner}{name}{CLOSER[inner]}")
    return out


def indent(n: int, seed: int) -> list[Choice]:
    """The line after an open `if …:` must go deeper, the line after a one-line `if …: statement` must not.

    The group of an item is the depth of the block it stands in. `n` is rounded down to a multiple of 6. Every
    item is checked with Python's own compiler: the gold continuation compiles, the other one does not.
    """
    draw = generator("indent", seed)
    items: list[Choice] = []
    asked: set[str] = set()
    while len(items) < n - n % 6:
        depth = 1 + (len(items) // 2) % 3
        lines, margin = _opening(draw, depth)
        statement, after = _statement(draw), _statement(draw)
        head = f"{('if', 'while')[draw.integers(2)]} {_condition(draw)}:"
        open_block = "\n".join([*lines, margin + statement, margin + head])
        closed_block = "\n".join([*lines, f"{margin}{head} {statement}"])
        if open_block in asked:
            continue
        asked.add(open_block)
        choices = (f"\n{margin}    {after}", f"\n{margin}{after}")
        for gold, context in enumerate((open_block, closed_block)):
            if not _compiles(context + choices[gold]) or _compiles(context + choices[1 - gold]):
                raise AssertionError(f"not a minimal pair:\n{context}")
            items.append(Choice(f"{len(items) // 2}-{'ab'[gold]}", f"depth {depth}", context, choices, gold))
    return items


def _opening(draw: np.random.Generator, depth: int) -> tuple[list[str], str]:
    lines = [f"def {CALLS[draw.integers(len(CALLS))]}({', '.join(_names(draw, 2))}):"]
    for level in range(1, depth):
        lines.append("    " * level + f"for {' in '.join(_names(draw, 2))}:")
    margin = "    " * depth
    lines += [margin + _statement(draw) for _ in range(2)]
    return lines, margin


def _names(draw: np.random.Generator, n: int) -> Sequence[str]:
    return [NAMES[i] for i in draw.choice(len(NAMES), n, replace=False)]


def _statement(draw: np.random.Generator) -> str:
    left, right = _names(draw, 2)
    forms = (
        f"{left} = {right} + {draw.integers(1, 10)}",
        f"{left} += {right}",
        f"{left} = {CALLS[draw.integers(8)]}({right})",
    )
    return forms[draw.integers(len(forms))]


def _condition(draw: np.random.Generator) -> str:
    left, right = _names(draw, 2)
    sign = ("==", "!=", "<", ">")[draw.integers(4)]
    return f"{left} {sign} {right if draw.integers(2) else draw.integers(10)}"


def _compiles(source: str) -> bool:
    """Whether Python accepts the text (it is only parsed, never executed)."""
    try:
        compile(source, "<item>", "exec")
    except SyntaxError:
        return False
    return True
