"""Styles, families, and which families are held out."""

from __future__ import annotations

import pytest

from leaven.corpus.synthetic import families, held_out, problems
from leaven.ground.errors import BadInput


def test_families_of_a_style_are_those_of_its_problems() -> None:
    assert len(families("tiny")) == 44
    assert len(families("textbook")) >= 100
    assert {problem.family for problem in problems(0, 400, style="tiny")} <= set(families("tiny"))
    assert {problem.family for problem in problems(0, 100, style="textbook")} <= set(families("textbook"))


def test_a_share_of_the_families_is_held_out_and_stays_so() -> None:
    names = families("textbook")
    held = {name for name in names if held_out(name, 3, 0.2)}
    assert 0.1 * len(names) < len(held) < 0.35 * len(names)
    assert held <= {name for name in names if held_out(name, 3, 0.4)}
    assert held != {name for name in names if held_out(name, 4, 0.2)}
    assert not any(held_out(name, 3, 0.0) for name in names)
    assert all(held_out(name, 3, 1.0) for name in names)


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(BadInput, match="Known: tiny, textbook"):
        problems(0, 1, style="novel")  # type: ignore[arg-type]
