"""A kind of small Python function that `synthetic` draws from, and the words that go into it.

A family holds the right answers twice: as a template of Python text (the solution) and as a Python function of its own
(`truth`), so that executing the one against the other checks something. In templates `{p}`, `{q}` are parameters (the
instance), `{x}`, `{y}` the arguments' names (surface). Docstrings and names are surface; what they say is the instance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

NUMBERS = ("x", "n", "a", "num", "value")
TEXTS = ("s", "text", "t", "line", "word")
LISTS = ("xs", "items", "nums", "values", "data")
WORDS = (
    "apple", "bird", "cat", "dog", "end", "fish", "game", "hat", "ice", "key", "lamp", "moon",
    "nut", "old", "pen", "red", "sun", "tree", "up", "win", "yes", "zoo", "box", "day",
)  # fmt: skip
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
MARKS = (",", "-", " ", ":", ";", "/", "+", "_", ".", "|")

SMALL = tuple(range(2, 13))
MEDIUM = tuple(range(1, 51))


@dataclass(frozen=True)
class Family:
    """One kind of function.

    Args:
        name: of the family.
        kinds: of each argument: "number", "digit", "flag", "text", "short" (text), "mirror" (text, often a palindrome),
            "list" (of numbers), "words" (a list of them) or "table" (word → number).
        parameters: what `p`, then `q`, may be.
        names: templates of the function's name.
        docs: templates of the one-line docstring.
        body: template of the solution, indented.
        truth: the right answer, from the parameters and the arguments.
    """

    name: str
    kinds: tuple[str, ...]
    parameters: tuple[tuple[Any, ...], ...]
    names: tuple[str, ...]
    docs: tuple[str, ...]
    body: str
    truth: Callable[..., Any]


def one(
    name: str,
    kinds: str,
    parameters: tuple[tuple[Any, ...], ...],
    names: str,
    docs: str,
    body: str,
    truth: Callable[..., Any],
) -> Family:
    """A family as a row of a table: kinds and names apart by spaces, docstrings by " | ", the body not yet indented."""
    lines = "\n".join(f"    {line}" for line in body.split("\n"))
    return Family(name, tuple(kinds.split()), parameters, tuple(names.split()), tuple(docs.split(" | ")), lines, truth)
