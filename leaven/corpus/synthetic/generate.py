"""The styles of generated problems, their families, and which families are held out."""

from __future__ import annotations

from typing import Literal

from leaven.corpus.synthetic import tiny
from leaven.corpus.synthetic.problem import Problem
from leaven.corpus.synthetic.textbook import draw as textbook
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput

Style = Literal["tiny", "textbook"]
STYLES: tuple[Style, ...] = ("tiny", "textbook")


def families(style: Style) -> tuple[str, ...]:
    """Names of the families of a style, in the order of their tables."""
    rows = tiny.FAMILIES if style == "tiny" else textbook.EXERCISES
    return tuple(dict.fromkeys(row.name for row in rows))


def held_out(family: str, seed: int, share: float) -> bool:
    """Whether a family is held out as a whole, so that a model can be asked for kinds of functions it never saw.

    A keyed choice for each family by itself: about `share` of them, and no family changes sides when others are added.
    """
    return key64("held out/1", seed, family) < share * 2**64


def problems(seed: int, count: int, *, style: Style = "tiny") -> list[Problem]:
    """`count` different problems of a style; fewer are the beginning of more.

    Raises:
        BadInput: there are not that many, or there is no such style.
    """
    if style == "tiny":
        return tiny.problems(seed, count)
    if style == "textbook":
        return textbook.problems(seed, count)
    raise BadInput(f'there is no style "{style}"', field="synthetic.style", fix=f"Known: {', '.join(STYLES)}.")
