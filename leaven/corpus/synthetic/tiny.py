"""Tiny generated problems: a one-line function, its docstring, its body, and asserts.

Small enough for a model of 0.3M parameters to learn: the docstring says what the body does, with the same constants.

Invariants:
* `problems(seed, n)` is the beginning of `problems(seed, m)` for n ≤ m; no two have the same prompt;
* `group` names the instance (family and parameters, not names and wording), so that a split by group puts no
  instance on both sides;
* the right answers in the tests come from a second definition of the family, not from the solution.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from leaven.corpus.synthetic.family import LISTS, NUMBERS, TEXTS, WORDS, Family
from leaven.corpus.synthetic.number_families import NUMBER_FAMILIES
from leaven.corpus.synthetic.problem import Problem
from leaven.corpus.synthetic.sequence_families import SEQUENCE_FAMILIES
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput

VERSION = "synthetic/1"
FAMILIES = (*NUMBER_FAMILIES, *SEQUENCE_FAMILIES)
TESTS = 3
_PATIENCE = 500
"""Draws in a row without a new problem after which there are taken to be no more."""

_NAMES: dict[str, tuple[str, ...]] = {
    "number": NUMBERS,
    "digit": NUMBERS,
    "text": TEXTS,
    "short": TEXTS,
    "mirror": TEXTS,
    "list": LISTS,
}
_NAMES |= {"words": ("words", "names", "parts"), "table": ("d", "table", "prices"), "flag": ("flag", "done", "off")}


def problems(seed: int, count: int) -> list[Problem]:
    """`count` different problems.

    Raises:
        BadInput: there are not that many.
    """
    draw = np.random.Generator(np.random.Philox(key=key64(VERSION, seed)))
    made: dict[str, Problem] = {}
    idle = 0
    while len(made) < count:
        problem = _draw(FAMILIES[int(draw.integers(len(FAMILIES)))], draw)
        idle = idle + 1 if problem.prompt in made else 0
        made.setdefault(problem.prompt, problem)
        if idle > _PATIENCE:
            raise BadInput(
                f"only about {len(made)} different problems can be generated",
                field="synthetic.count",
                fix=f"ask for at most {len(made) // 1000 * 1000}",
            )
    return list(made.values())


def _draw(family: Family, draw: np.random.Generator) -> Problem:
    values = [_pick(draw, among) for among in family.parameters]
    arguments: list[str] = []
    for kind in family.kinds:
        arguments.append(_pick(draw, [name for name in _NAMES[kind] if name not in arguments]))
    words = dict(zip("pqr", values, strict=False)) | dict(zip("xy", arguments, strict=False))
    name = _pick(draw, family.names).format(**words)
    prompt = f'def {name}({", ".join(arguments)}):\n    """{_pick(draw, family.docs).format(**words)}"""\n'
    solution = family.body.format(**words) + "\n"
    inputs = _inputs(family, values, draw)
    tests = [f"assert {name}({', '.join(map(repr, given))}) == {family.truth(*values, *given)!r}" for given in inputs]
    return Problem(
        id=f"{family.name}-{key64(prompt, solution):016x}",
        family=family.name,
        group=f"{family.name}:{','.join(map(str, values))}",
        prompt=prompt,
        solution=solution,
        tests=tuple(tests),
    )


def _inputs(family: Family, values: list[Any], draw: np.random.Generator) -> list[list[Any]]:
    """Arguments for the tests: all different, and with more than one right answer among them."""
    while True:
        inputs = [[_argument(kind, values, draw) for kind in family.kinds] for _ in range(TESTS)]
        different = all(first != second for first, second in pairwise(sorted(map(repr, inputs))))
        if different and len({repr(family.truth(*values, *given)) for given in inputs}) > 1:
            return inputs


def _argument(kind: str, values: list[Any], draw: np.random.Generator) -> Any:
    """One argument, often near a parameter or holding it, so that both sides of a condition are seen."""
    numbers = [value for value in values if isinstance(value, int)]
    texts = [value for value in values if isinstance(value, str)]
    near = draw.random() < 0.5
    if kind == "flag":
        return bool(draw.integers(2))
    if kind == "digit":
        return int(draw.integers(10))
    if kind == "number":
        return max(0, _pick(draw, numbers) + int(draw.integers(-3, 4))) if near else int(draw.integers(60))
    if kind == "list":
        return [_argument("number", values, draw) for _ in range(int(draw.integers(4, 6)))]
    if kind == "words":
        return [_pick(draw, WORDS) for _ in range(int(draw.integers(3, 5)))]
    if kind == "table":
        keys = [_pick(draw, texts) if near else _pick(draw, WORDS), _pick(draw, WORDS)]
        return {key: int(draw.integers(60)) for key in keys}
    if kind == "short":
        return _pick(draw, WORDS)[: int(draw.integers(1, 3))]
    text = "".join(_pick(draw, WORDS) for _ in range(int(draw.integers(1, 4))))
    if kind == "mirror":
        return text + text[::-1][int(draw.integers(2)) :] if draw.random() < 0.7 else text
    if near and texts and len(texts[0]) == 1:
        place = _pick(draw, [0, len(text) // 2, len(text)])
        return text[:place] + texts[0] + text[place:]
    return text


def _pick(draw: np.random.Generator, among: Sequence[Any]) -> Any:
    return among[int(draw.integers(len(among)))]
