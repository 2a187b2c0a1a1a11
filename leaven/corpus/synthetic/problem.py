"""A Python problem and its form as a training document: prompt, solution, an empty line, tests."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import numpy as np

from leaven.ground.canonical import key64
from leaven.ground.errors import LeavenError

ORDER = "synthetic/1"
"""Version of the order of tests in a document."""


@dataclass(frozen=True)
class Property:
    """What holds for every input of a kind.

    Args:
        given: argument → a Hypothesis strategy, as an expression over `st`.
        holds: an expression over the arguments and the problem's functions.
    """

    given: tuple[tuple[str, str], ...]
    holds: str


@dataclass(frozen=True)
class Problem:
    """One problem.

    Args:
        id: unique among all problems, safe in a path.
        family: kind of function.
        group: the instance, e.g. "add:7".
        prompt: imports if any, the `def` line and the docstring, ending in a line break.
        solution: the rest of the body, indented, ending in a line break.
        tests: lines beginning with `assert`.
        properties: checked with Hypothesis.
        contracts: `pre: …` and `post: …` lines as in PEP 316, where `_` is the result; checked with CrossHair.
    """

    id: str
    family: str
    group: str
    prompt: str
    solution: str
    tests: tuple[str, ...]
    properties: tuple[Property, ...] = ()
    contracts: tuple[str, ...] = ()


def document(problem: Problem) -> str:
    """The problem as a training document: prompt, solution, an empty line, the tests in an order of its own."""
    order = np.random.Generator(np.random.Philox(key=key64(ORDER, "document", problem.id))).permutation(
        len(problem.tests)
    )
    return problem.prompt + problem.solution + "\n" + "".join(f"{problem.tests[i]}\n" for i in order)


def parse(text: str) -> tuple[str, str, tuple[str, ...]]:
    """(prompt, solution, tests) of a text made by `document`.

    Raises:
        LeavenError: it was not made so.
    """
    parts = split(text)
    if parts is None:
        raise LeavenError(f"not a generated problem: {text[:60]!r}")
    return parts


def split(text: str) -> tuple[str, str, tuple[str, ...]] | None:
    """(prompt, solution, tests) of imports, one function with a docstring and a body, and asserts; None for any
    other text."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    place = next((i for i, node in enumerate(body) if not isinstance(node, ast.Import | ast.ImportFrom)), len(body))
    function, tests = (body[place] if place < len(body) else None), body[place + 1 :]
    if not isinstance(function, ast.FunctionDef) or len(function.body) < 2 or ast.get_docstring(function) is None:
        return None
    if not tests or not all(isinstance(node, ast.Assert) for node in tests):
        return None
    lines = [f"{line}\n" for line in text.split("\n")]
    doc_end, end = function.body[0].end_lineno or 0, function.end_lineno or 0
    if function.body[1].lineno <= doc_end or tests[0].lineno <= end:
        return None
    asserts = ["".join(lines[node.lineno - 1 : node.end_lineno]).rstrip("\n") for node in tests]
    return "".join(lines[:doc_end]), "".join(lines[doc_end:end]), tuple(asserts)
