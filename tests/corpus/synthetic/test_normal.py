"""The normal form of programs: names, wording and layout do not count, everything else does."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus.synthetic import problems
from leaven.corpus.synthetic.normal import fingerprint

SUM = '''def total(xs: list[int], start=0) -> int:
    """Add."""
    result = start
    for x in xs:  # each
        result += x
    return result
'''


@pytest.mark.parametrize(
    "same",
    [
        SUM.replace("total", "f").replace("xs", "values").replace("result", "t"),
        SUM.replace('"""Add."""', '"""Sum up everything."""'),
        SUM.replace('    """Add."""\n', ""),
        SUM.replace("  # each", "").replace(": list[int]", "").replace(" -> int", ""),
        SUM.replace("result += x", "(result) += (x)").replace("(result)", "result"),
    ],
)
def test_copies_are_the_same(same: str) -> None:
    assert fingerprint(same) == fingerprint(SUM)


@pytest.mark.parametrize(
    "other",
    [
        SUM.replace("+=", "-="),
        SUM.replace("start=0", "start=1"),
        SUM.replace("return result", "return start"),
        SUM.replace("in xs", "in sorted(xs)"),
        SUM.replace("result += x", "result += x.real"),
        SUM.replace("start=0", "start='0'"),
    ],
)
def test_other_programs_are_others(other: str) -> None:
    assert fingerprint(other) != fingerprint(SUM)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_renaming_everything_changes_nothing(seed: int) -> None:
    """Against a plain reference: the program with every name of its own replaced by hand."""
    for problem in problems(seed, 2, style="textbook"):
        source = problem.prompt + problem.solution
        tree = ast.parse(source)
        own = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        own |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
        own |= {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
        for node in ast.walk(tree):
            for field in ("id", "arg", "name"):
                if getattr(node, field, None) in own:
                    setattr(node, field, f"other_{getattr(node, field)}")
        assert fingerprint(ast.unparse(tree)) == fingerprint(source)


def test_what_is_no_program_is_an_error() -> None:
    with pytest.raises(SyntaxError):
        fingerprint("def f(:")
