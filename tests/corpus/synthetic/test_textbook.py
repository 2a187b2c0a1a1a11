"""Textbook problems: true, varied, and enough of them; their answers come from a second definition."""

from __future__ import annotations

import ast
import doctest
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus.document import Tally
from leaven.corpus.synthetic.inside.laws import laws
from leaven.corpus.synthetic.inside.trial import trial
from leaven.corpus.synthetic.normal import fingerprint
from leaven.corpus.synthetic.problem import Problem
from leaven.corpus.synthetic.textbook import draw
from leaven.corpus.synthetic.textbook.draw import EXERCISES, problems
from leaven.corpus.synthetic.textbook.kinds import KINDS
from leaven.corpus.synthetic.verify import verify
from leaven.ground.errors import BadInput

FAMILIES = {exercise.name for exercise in EXERCISES}


@pytest.fixture(scope="module")
def made() -> list[Problem]:
    return problems(0, 700)


def test_there_are_many_families_topics_and_problems() -> None:
    assert len(FAMILIES) >= 100
    assert len({exercise.topic for exercise in EXERCISES}) >= 12
    without_pipelines = [exercise for exercise in EXERCISES if exercise.topic != "pipelines"]
    assert sum(exercise.instances for exercise in without_pipelines) > 100_000
    assert sum(bool(exercise.laws) for exercise in without_pipelines) > 90
    assert sum(bool(exercise.contracts) for exercise in without_pipelines) > 45


def test_every_family_is_drawn_and_no_two_solutions_are_the_same(made: list[Problem]) -> None:
    assert len({problem.family for problem in made} | {problem.family for problem in problems(1, 400)}) == len(FAMILIES)
    assert len({fingerprint(problem.prompt + problem.solution) for problem in made}) == len(made)
    assert len({problem.id for problem in made}) == len(made)
    assert max(Counter(problem.family for problem in made).values()) < 20


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32), few=st.integers(0, 20), more=st.integers(0, 20))
def test_fewer_problems_begin_more_problems(seed: int, few: int, more: int) -> None:
    assert problems(seed, few) == problems(seed, few + more)[:few]


def test_all_are_verified(made: list[Problem]) -> None:
    tally = Tally()
    found = verify(made, allow_unisolated=True, tally=tally)
    assert tally.dropped == {}
    assert len(found) == len(made)
    assert sum(v.killed for v in found) > 0.75 * sum(v.mutants for v in found)


@pytest.mark.parametrize("exercise", [e for e in EXERCISES if not e.variant], ids=lambda e: e.name)
def test_each_family_is_right_and_its_properties_hold(exercise) -> None:
    (problem,) = problems(5, 1, {exercise.name})
    source = problem.prompt + problem.solution
    case = {"source": source, "empty": f"{problem.prompt}    pass\n", "tests": "\n".join(problem.tests)}
    assert trial(case)["verdict"] == "good"
    properties = [[list(map(list, p.given)), p.holds] for p in problem.properties]
    assert laws({"source": source, "properties": properties})["verdict"] == "good"
    for contract in problem.contracts:
        ast.parse(contract.partition(": ")[2], mode="eval")


def test_the_examples_in_the_docstrings_are_right(made: list[Problem]) -> None:
    for problem in made[:150]:
        names: dict[str, object] = {}
        exec(problem.prompt + problem.solution, names)
        (function,) = [value for name, value in names.items() if name != "__builtins__"]
        found = doctest.DocTestFinder().find(function, globs=names)
        results = doctest.DocTestRunner(verbose=False).run(found[0])
        assert (results.failed, results.attempted) == (0, 2), problem.prompt


def test_prompts_are_annotated_and_read_well(made: list[Problem]) -> None:
    for problem in made:
        function = ast.parse(problem.prompt + problem.solution).body[0]
        assert isinstance(function, ast.FunctionDef)
        assert function.returns is not None
        assert all(argument.annotation is not None for argument in function.args.args)
        assert "$" not in problem.prompt + problem.solution
        assert "\n\n" not in problem.solution
        assert len(problem.tests) == 4


def test_no_argument_takes_a_name_that_the_solution_uses() -> None:
    for exercise in EXERCISES:
        for kind in exercise.kinds:
            free = [name for name in KINDS[kind].names if name not in exercise.taken]
            assert len(free) >= exercise.kinds.count(kind), exercise.name
        assert [name for name in exercise.names if name not in exercise.taken], exercise.name


def test_more_problems_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw, "_PATIENCE", 30)
    with pytest.raises(BadInput, match=r"only about \d+ different problems"):
        problems(0, 300, {"roman_value"})
    with pytest.raises(BadInput, match="only about 0"):
        problems(0, 1, set())
