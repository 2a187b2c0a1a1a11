"""Problems as documents, and back."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus.synthetic import document, parse, problems
from leaven.ground.errors import LeavenError


@pytest.mark.parametrize("style", ["tiny", "textbook"])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_document_can_be_taken_apart(style: str, seed: int) -> None:
    for problem in problems(seed, 5, style=style):
        text = document(problem)
        assert text == document(problem)
        prompt, solution, tests = parse(text)
        assert (prompt, solution, sorted(tests)) == (problem.prompt, problem.solution, sorted(problem.tests))
        ast.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "def f(x):\n",
        "x = 1\n\nassert x\n",
        'def f(x):\n    """Do."""\n    return 1\n',
        'def f(x):\n    """Do."""\n\nassert f(1)\n',
        'def f(x):\n    """Do."""; return 1\n\nassert f(1)\n',
        'def f(x):\n    """Do."""\n    return 1\n\nassert f(1)\nprint(2)\n',
        "(" * 500,
        "x\0y",
    ],
)
def test_other_texts_are_not_taken_apart(text: str) -> None:
    with pytest.raises(LeavenError, match="not a generated problem"):
        parse(text)


def test_imports_and_lines_of_all_kinds_survive() -> None:
    text = 'import re\n\ndef f(x):\n    """Do\x0c it\x85.\n\n    >>> f(1)\n    """\n\n    return re\n\n'
    text += "assert f(1)\nassert f(2)\n"
    prompt, solution, tests = parse(text)
    assert prompt + solution + "\n" + "".join(f"{test}\n" for test in tests) == text
    assert prompt.endswith('    """\n')
    assert tests == ("assert f(1)", "assert f(2)")
