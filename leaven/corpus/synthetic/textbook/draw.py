"""Textbook problems drawn from exercises.

Invariants: the same as of the tiny problems, but for wording: no two have the same solution (see `normal`), and problem
number i depends on (seed, i) and on the problems before it only where it would repeat one.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection
from itertools import pairwise
from string import Template
from typing import Any

import numpy as np

from leaven.corpus.synthetic.normal import fingerprint
from leaven.corpus.synthetic.problem import Problem, Property
from leaven.corpus.synthetic.textbook.bits import BITS
from leaven.corpus.synthetic.textbook.dates import DATES
from leaven.corpus.synthetic.textbook.exercise import ARGUMENTS, PARAMETERS, Exercise
from leaven.corpus.synthetic.textbook.intervals import INTERVALS
from leaven.corpus.synthetic.textbook.kinds import KINDS, pick
from leaven.corpus.synthetic.textbook.lists import LISTS
from leaven.corpus.synthetic.textbook.machines import MACHINES
from leaven.corpus.synthetic.textbook.matrices import MATRICES
from leaven.corpus.synthetic.textbook.numbers import NUMBERS
from leaven.corpus.synthetic.textbook.parsing import PARSING
from leaven.corpus.synthetic.textbook.pipelines import PIPELINES
from leaven.corpus.synthetic.textbook.quantities import QUANTITIES
from leaven.corpus.synthetic.textbook.recursion import RECURSION
from leaven.corpus.synthetic.textbook.sorting import SORTING
from leaven.corpus.synthetic.textbook.tables import TABLES
from leaven.corpus.synthetic.textbook.texts import TEXTS
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput

VERSION = "textbook/1"
EXERCISES: tuple[Exercise, ...] = (
    *NUMBERS, *QUANTITIES, *BITS, *LISTS, *SORTING, *TEXTS, *PARSING, *TABLES, *MATRICES, *INTERVALS, *RECURSION,
    *DATES, *MACHINES, *PIPELINES,
)  # fmt: skip
EXAMPLES = 2
TESTS = 4
_WIDTH = 96
_PATIENCE = 2000
"""Draws in a row without a new problem after which there are taken to be no more."""
_TRIES = 200


def problems(seed: int, count: int, families: Collection[str] | None = None) -> list[Problem]:
    """`count` problems with different solutions, out of `families` (default: all), each family as often as another.

    Raises:
        BadInput: there are not that many.
    """
    by_family: dict[str, list[Exercise]] = {}
    for exercise in EXERCISES:
        if families is None or exercise.name in families:
            by_family.setdefault(exercise.name, []).append(exercise)
    among = list(by_family.values())
    made: dict[bytes, Problem] = {}
    number = idle = 0
    while len(made) < count:
        draw = np.random.Generator(np.random.Philox(key=key64(VERSION, seed, number)))
        number += 1
        problem = _problem(pick(draw, pick(draw, among)), draw) if among else None
        key = b"" if problem is None else fingerprint(problem.prompt + problem.solution)
        if problem is None or key in made:
            idle += 1
            if idle > _PATIENCE or not among:
                raise BadInput(
                    f"only about {len(made)} different problems can be generated",
                    field="synthetic.count",
                    fix="Ask for fewer, or hold fewer families out.",
                )
            continue
        made[key] = problem
        idle = 0
    return list(made.values())


def _problem(exercise: Exercise, draw: np.random.Generator) -> Problem | None:
    """A problem, or None where the drawn parameters give one answer whatever the arguments."""
    values = [pick(draw, among) for among in exercise.parameters]
    inputs = _inputs(exercise, values, draw)
    if inputs is None:
        return None
    arguments: list[str] = []
    for kind in exercise.kinds:
        free = [name for name in KINDS[kind].names if name not in arguments and name not in exercise.taken]
        arguments.append(pick(draw, free))
    name = pick(draw, [name for name in exercise.names if name not in exercise.taken and name not in arguments])
    literals = dict(zip(PARAMETERS, map(repr, values), strict=False))
    words = {**literals, **dict(zip(ARGUMENTS, arguments, strict=False)), "f": name}

    def filled(template: str) -> str:
        return Template(template).substitute(words)

    shown = [f"{name}({', '.join(map(repr, given))})" for given in inputs]
    answers = [repr(exercise.truth(*values, *given)) for given in inputs]
    notes = [f"{argument}: {KINDS[kind].annotation}" for argument, kind in zip(arguments, exercise.kinds, strict=True)]
    examples = "".join(
        f"    >>> {call}\n    {answer}\n" for call, answer in list(zip(shown, answers, strict=True))[:EXAMPLES]
    )
    statement = textwrap.fill(
        filled(pick(draw, exercise.statements)), _WIDTH, initial_indent='    """', subsequent_indent="    ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    prompt = f'def {name}({", ".join(notes)}) -> {exercise.result}:\n{statement}\n\n{examples}    """\n'
    solution = filled(exercise.body)
    strategies = tuple(zip(arguments, (KINDS[kind].strategy for kind in exercise.kinds), strict=True))
    return Problem(
        id=f"{exercise.name}-{key64(prompt, solution):016x}",
        family=exercise.name,
        group=f"{exercise.name}{exercise.variant}:{','.join(map(str, values))}",
        prompt=prompt,
        solution=solution,
        tests=tuple(f"assert {call} == {answer}" for call, answer in list(zip(shown, answers, strict=True))[EXAMPLES:]),
        properties=tuple(Property(strategies, filled(law)) for law in exercise.laws),
        contracts=tuple(map(filled, exercise.contracts)),
    )


def _inputs(exercise: Exercise, values: list[Any], draw: np.random.Generator) -> list[list[Any]] | None:
    """Arguments for examples and tests: all different, and with more than one right answer among the tests'."""
    for _ in range(_TRIES):
        inputs = [[KINDS[kind].draw(draw, values) for kind in exercise.kinds] for _ in range(EXAMPLES + TESTS)]
        different = all(first != second for first, second in pairwise(sorted(map(repr, inputs))))
        if different and len({repr(exercise.truth(*values, *given)) for given in inputs[EXAMPLES:]}) > 1:
            return inputs
    return None
