"""Tiny problems: reproducible, many, told apart by instance, and the same as ever."""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus.synthetic import tiny
from leaven.corpus.synthetic.problem import Problem, document
from leaven.corpus.synthetic.tiny import FAMILIES, problems
from leaven.ground.canonical import canonical
from leaven.ground.errors import BadInput


@pytest.fixture(scope="module")
def made() -> list[Problem]:
    return problems(0, 3000)


def test_the_same_seed_gives_the_same_problems(made: list[Problem]) -> None:
    assert problems(0, 200) == made[:200]
    assert problems(1, 200) != made[:200]


@pytest.mark.parametrize(("seed", "digest"), [(0, "787668d0"), (1, "bf8b4d9e"), (7, "6b616d9a")])
def test_the_problems_of_published_studies_stay_as_they_were(seed: int, digest: str) -> None:
    rows = [[p.id, p.family, p.group, p.prompt, p.solution, list(p.tests), document(p)] for p in problems(seed, 2000)]
    assert hashlib.sha256(canonical(rows)).hexdigest().startswith(digest)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), few=st.integers(0, 60), more=st.integers(0, 60))
def test_fewer_problems_begin_more_problems(seed: int, few: int, more: int) -> None:
    assert problems(seed, few) == problems(seed, few + more)[:few]


def test_every_family_is_drawn_and_problems_differ(made: list[Problem]) -> None:
    counts = Counter(problem.family for problem in made)
    assert set(counts) == {family.name for family in FAMILIES}
    assert len(FAMILIES) >= 20
    assert min(counts.values()) > 20
    assert len({problem.prompt for problem in made}) == len({problem.id for problem in made}) == len(made)


def test_a_group_is_an_instance_whatever_it_is_called(made: list[Problem]) -> None:
    groups: dict[str, list[Problem]] = {}
    for problem in made:
        groups.setdefault(problem.group, []).append(problem)
    assert len(groups) > 800
    assert all(group.startswith(f"{members[0].family}:") for group, members in groups.items())
    # The same body, up to the arguments' names, is the same group.
    bodies: dict[str, set[str]] = {}
    for problem in made:
        tree = ast.parse(problem.prompt + problem.solution).body[0]
        assert isinstance(tree, ast.FunctionDef)
        body = ast.dump(ast.Module(tree.body[1:], []))
        for number, argument in enumerate(tree.args.args):
            body = body.replace(f"Name(id='{argument.arg}'", f"Name(id='@{number}'")
        bodies.setdefault(body, set()).add(problem.group)
    assert all(len(found) == 1 for found in bodies.values())


def test_problems_are_short(made: list[Problem]) -> None:
    for problem in made:
        assert len(problem.prompt + problem.solution) < 190
        assert len(document(problem)) < 480
        assert problem.prompt.count("\n") == 2
        assert all(test.startswith("assert ") for test in problem.tests)


def test_more_problems_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    few = (replace(FAMILIES[0], parameters=((1, 2),)),)
    monkeypatch.setattr(tiny, "FAMILIES", few)
    with pytest.raises(BadInput, match="different problems"):
        problems(0, 100)
