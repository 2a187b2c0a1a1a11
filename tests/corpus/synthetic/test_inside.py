"""What runs in the sandbox, run here: faults, steps, verdicts."""

from __future__ import annotations

import ast

import pytest

from leaven.corpus.synthetic.inside import mutants, steps
from leaven.corpus.synthetic.inside.laws import laws
from leaven.corpus.synthetic.inside.trial import trial

SOURCE = '''def f(x: int = 3) -> int:
    """Say 3 and 4."""
    while True:
        if x > 7 and not x == 9:
            break
        x += 2
    return x
'''


def test_each_mutant_differs_and_the_program_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    real = compile

    def recording(tree, *rest):
        seen.append(ast.unparse(tree))
        return real(tree, *rest)

    monkeypatch.setattr(mutants, "compile", recording, raising=False)
    assert len(list(mutants.mutants(SOURCE, 100))) == len(seen)
    plain = ast.unparse(ast.parse(SOURCE))
    assert len(set(seen)) == len(seen) == 11
    assert plain not in seen
    for expected in (
        "x >= 7",
        "x > 8",
        "x > 7 or not x == 9",
        "x != 9",
        "x == 10",
        "x -= 2",
        "x += 3",
        "continue",
        "while False",
    ):
        assert sum(expected in text for text in seen) == 1, expected
    assert all('"""Say 3 and 4."""' in text for text in seen)


def test_a_few_mutants_are_spread_over_the_program() -> None:
    assert len(list(mutants.mutants(SOURCE, 4))) == 4
    assert list(mutants.mutants("def f(x: int) -> int:\n    return x\n", 4)) == []


def test_steps_are_counted_and_bounded() -> None:
    endless = compile("while True:\n    pass", "<t>", "exec")
    with pytest.raises(steps.TooManyStepsError):
        steps.run([endless], 1000)
    first = compile("x = 1\nfor i in range(10):\n    x += i", "<t>", "exec")
    used = steps.run([first], 1000)
    assert used == steps.run([first], 1000) > 20
    assert steps.run([first, first], 1000) == 2 * used


@pytest.mark.parametrize(
    ("tests", "verdict"),
    [
        ("assert f(9) == 11\nassert f(1) == 11", "good"),
        ("assert f(9) == 12", "solution does not pass its tests"),
        ("assert f(", "solution does not pass its tests"),
        ("assert f", "tests pass an empty body"),
    ],
)
def test_verdicts(tests: str, verdict: str) -> None:
    empty = SOURCE[: SOURCE.index("    while")] + "    pass\n"
    assert trial({"source": SOURCE, "empty": empty, "tests": tests})["verdict"] == verdict


def test_tests_that_notice_nothing() -> None:
    case = {"source": "def f(x):\n    return x > 7\n", "empty": "def f(x):\n    pass\n", "tests": "assert f(100)"}
    assert trial(case) == {"verdict": "tests pass every faulty solution", "mutants": 2, "killed": 0}


def test_a_property_may_use_names_of_the_checker() -> None:
    case = {
        "source": "def codes(names):\n    return names\n",
        "properties": [[[["names", "st.integers()"]], "codes(names) == names"]],
    }
    assert laws(case)["verdict"] == "good"
