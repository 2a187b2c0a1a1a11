"""Generated problems: reproducible, many, told apart by instance, and true when executed."""

from __future__ import annotations

import ast
import time
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus.synthetic import tiny
from leaven.corpus.synthetic import FAMILIES, Problem, document, parse, problems, verify
from leaven.ground.errors import BadInput, LeavenError
from leaven.sandbox.level import none


@pytest.fixture(scope="module")
def made() -> list[Problem]:
    return problems(0, 3000)


def test_the_same_seed_gives_the_same_problems(made: list[Problem]) -> None:
    assert problems(0, 200) == made[:200]
    assert problems(1, 200) != made[:200]


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


def test_thousands_are_executed_in_seconds_and_all_are_right(made: list[Problem]) -> None:
    seen: list[float] = []
    begun = time.monotonic()
    assert verify(made, progress=lambda done, total, note="": seen.append(done)) == made
    assert seen[-1] == len(made)
    assert time.monotonic() - begun < 30


def test_what_does_not_pass_is_left_out(made: list[Problem]) -> None:
    good = made[:6]
    wrong = replace(good[0], solution="    return None\n")
    broken = replace(good[1], solution="    return (\n")
    empty = replace(good[2], tests=("assert True",))
    assert verify([wrong, *good[:3], broken, *good[3:], empty]) == good
    assert verify([]) == []


def test_one_endless_problem_does_not_spoil_the_others(made: list[Problem], monkeypatch: pytest.MonkeyPatch) -> None:
    endless = replace(made[0], solution="    import os\n    os._exit(0)\n")
    assert verify([*made[:4], endless, *made[4:9]]) == made[:9]


def test_without_isolation(made: list[Problem]) -> None:
    assert verify(made[:50], level=none()) == made[:50]
    with pytest.raises(LeavenError, match="bubblewrap"):
        verify(made[:50], level=none(), allow_unisolated=False)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_document_can_be_taken_apart(seed: int) -> None:
    for problem in problems(seed, 5):
        text = document(problem)
        assert text == document(problem)
        prompt, solution, tests = parse(text)
        assert (prompt, solution, sorted(tests)) == (problem.prompt, problem.solution, sorted(problem.tests))
        ast.parse(text)


@pytest.mark.parametrize("text", ["", "def f(x):\n", "x = 1\n\nassert x\n", 'def f(x):\n    """Do."""\n    return 1\n'])
def test_other_texts_are_not_taken_apart(text: str) -> None:
    with pytest.raises(LeavenError, match="not a generated problem"):
        parse(text)


def test_more_problems_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    few = (replace(FAMILIES[0], parameters=((1, 2),)),)
    monkeypatch.setattr(tiny, "FAMILIES", few)
    with pytest.raises(BadInput, match="different problems"):
        problems(0, 100)
