"""A kind of function that textbook problems are drawn from: one row of a table.

As in the tiny families, the right answers are there twice, as a template of Python text (the solution) and as a Python
function of its own (`truth`). In templates `$f` is the function's name, `$x`, `$y` the arguments' names (surface) and
`$p`, `$q`, `$r` the parameters (the instance), written as Python literals.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

ARGUMENTS = ("x", "y")
PARAMETERS = ("p", "q", "r")


@dataclass(frozen=True)
class Exercise:
    """One kind of function.

    Args:
        name: of the family.
        topic: what it exercises.
        kinds: of each argument (see `kinds`).
        result: annotation of what is returned.
        parameters: what `p`, `q`, `r` may be.
        names: of the function.
        statements: templates of what it does, one or two sentences.
        body: template of the solution, indented.
        truth: the right answer, from the parameters and the arguments.
        laws: templates of expressions that hold for all arguments.
        contracts: templates of `pre:` and `post:` lines.
        variant: tells apart exercises of one family; part of the instance.
    """

    name: str
    topic: str
    kinds: tuple[str, ...]
    result: str
    parameters: tuple[tuple[Any, ...], ...]
    names: tuple[str, ...]
    statements: tuple[str, ...]
    body: str
    truth: Callable[..., Any]
    laws: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()
    variant: str = ""

    @cached_property
    def taken(self) -> frozenset[str]:
        """Words of the body that no argument and no function may be called."""
        return frozenset(re.findall(r"(?<![$\w])[a-z_]+", self.body))

    @property
    def instances(self) -> int:
        """How many different functions there are."""
        number = 1
        for among in self.parameters:
            number *= len(among)
        return number


Row = Callable[..., Exercise]


def rows(topic: str) -> Row:
    """A writer of rows of one topic.

    In a row, kinds and result are "kind kind -> result", names are apart by spaces, statements, laws and contracts by
    " | ", and the body starts at any indentation. `post` holds postconditions, `pre` preconditions.
    """

    def row(
        name: str,
        types: str,
        parameters: tuple[tuple[Any, ...], ...],
        names: str,
        says: str,
        body: str,
        truth: Callable[..., Any],
        laws: str = "",
        post: str = "",
        pre: str = "",
    ) -> Exercise:
        kinds, _, result = types.partition(" -> ")
        contracts = [*(f"pre: {one}" for one in _parts(pre)), *(f"post: {one}" for one in _parts(post))]
        return Exercise(
            name,
            topic,
            tuple(kinds.split()),
            result,
            parameters,
            tuple(names.split()),
            _parts(says),
            textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n",
            truth,
            _parts(laws),
            tuple(contracts),
        )

    return row


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(" | ") if part)


def span(first: int, last: int, step: int = 1) -> tuple[int, ...]:
    """The numbers from `first` to `last`, both included."""
    return tuple(range(first, last + 1, step))
