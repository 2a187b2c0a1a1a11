"""Errors written for the person who caused them.

A user never sees a traceback for something they did: the command line prints `str(error)` and exits with
`error.exit_code`. Anything that is not a `LeavenError` is a defect of leaven and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LeavenError(Exception):
    """Something that went wrong in a way leaven understands. Exit code 1: a step failed."""

    exit_code = 1


class BadInput(LeavenError):
    """The study, an option or a file of the user's cannot be used. Exit code 2: nothing was run.

    Args:
        what: what is wrong, in one sentence.
        where: the file, and line where known, e.g. `study.yaml:18`.
        field: the dotted field, e.g. `variants.code→text[1]`.
        fix: what to do about it.
    """

    exit_code = 2

    def __init__(self, what: str, *, where: str = "", field: str = "", fix: str = "") -> None:
        self.what, self.where, self.field, self.fix = what, where, field, fix
        head = ": ".join(part for part in (where, field, what) if part)
        super().__init__(f"{head}\n  {fix}" if fix else head)


class Diverged(LeavenError):
    """A stage whose loss stopped being a number."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "mostly_text"?` or, if nothing is near, the list of what exists."""
    names = list(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; known: {', '.join(names)}" if names else ""
