"""What an endpoint writes: taken apart without executing it, refused by name."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from leaven.corpus.document import Dropped
from leaven.corpus.synthetic.answer import problem, table
from leaven.corpus.synthetic.problem import Property

CODE = '''import re

def count_marks(text: str, mark: str) -> int:
    """Count how often mark stands alone in text.

    >>> count_marks("a - b", "-")
    1
    """
    total = 0
    for part in re.split(r"\\\\s+", text):
        if part == mark:
            total += 1
    return total
'''
ANSWER: dict[str, Any] = {
    "code": CODE,
    "tests": [
        'assert count_marks("a - b", "-") == 1',
        'assert count_marks("", "-") == 0',
        'assert count_marks("- -", "-") == 2',
    ],
    "properties": [{"given": {"text": "st.text()"}, "holds": 'count_marks(text, "-") >= 0'}],
    "contracts": ["pre: len(mark) == 1", "post: _ >= 0"],
}


def reply(**changed: Any) -> str:
    return json.dumps({**ANSWER, **changed})


def test_a_good_answer_becomes_a_problem() -> None:
    made = problem(reply(), "endpoint: texts")
    assert made.prompt.endswith('    """\n')
    assert made.prompt.startswith("import re\n\ndef count_marks(")
    assert made.solution.startswith("    total = 0\n")
    assert made.tests == tuple(ANSWER["tests"])
    assert made.properties == (Property((("text", "st.text()"),), 'count_marks(text, "-") >= 0'),)
    assert made.contracts == ("pre: len(mark) == 1", "post: _ >= 0")
    assert made.family == "endpoint: texts"
    assert "/" not in made.id


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{reply()}\n```",
        f"Here it is:\n\n{reply()}\n\nI hope it helps.",
        reply(code=f"```python\n{CODE}```"),
        reply(properties=[], contracts=[]),
    ],
)
def test_fences_and_sentences_around_it_do_not_matter(text: str) -> None:
    assert problem(text, "f").solution == problem(reply(), "f").solution


BODY = 'def f(x):\n    """Do."""\n    return x\n'
TESTS = ["assert f(1) == 1", "assert f(2) == 2", "assert f(3) == 3"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no JSON object"),
        ("I cannot do that.", "no JSON object"),
        ("[1, 2]", "no JSON object"),
        ('{"code": ', "no JSON object"),
        ("{'code': 1}", "malformed JSON"),
        ("{" * 15_000 + "}", "malformed JSON"),
        (reply(code=7), "code: missing or of the wrong type"),
        (json.dumps({"tests": []}), "code: missing or of the wrong type"),
        (reply(code="x\0"), "code: characters that are no text"),
        (reply(code="x\u202e"), "code: characters that are no text"),
        (reply(code="\ud800"), "code: characters that are no text"),
        (reply(tests="assert"), "tests: missing or of the wrong type"),
        (reply(tests=[1, 2, 3]), "tests: missing or of the wrong type"),
        (reply(tests=["assert 1"]), "too few or too many tests"),
        (reply(tests=["assert 1"] * 50), "too few or too many tests"),
        (reply(tests=["assert " + "1" * 400] * 3), "tests: too long"),
        (reply(code="x" * 30_000), "reply too long"),
        (reply(code="x = 1\n" * 90), "code too long"),
        (reply(code="def f("), "not one function with a docstring and asserts"),
        (reply(code="x = 1"), "not one function with a docstring and asserts"),
        (reply(code=BODY + BODY), "not one function with a docstring and asserts"),
        (reply(code="def f(x):\n    return x"), "not one function with a docstring and asserts"),
        (reply(code="(" * 3000), "not one function with a docstring and asserts"),
        (reply(code=BODY, tests=[*TESTS, "print(1)"]), "not one function with a docstring and asserts"),
        (reply(code=BODY, tests=[*TESTS, "assert f(\n1)"]), "test is not an assert on one line"),
        (reply(code=BODY, tests=[*TESTS, "assert 1; assert f(2)"]), "test is not an assert on one line"),
        (reply(code=BODY, tests=[*TESTS, "assert 1 == 1"]), "test does not call the function"),
        (reply(code=f"import os\n{BODY}", tests=TESTS), "code imports a module that no exercise needs"),
        (reply(code=f"from . import x\n{BODY}", tests=TESTS), "code imports a module that no exercise needs"),
        (reply(code=BODY.replace("x\n", "eval(x)\n"), tests=TESTS), "code uses a name that no exercise needs"),
        (reply(code=BODY.replace("x\n", "x.__class__\n"), tests=TESTS), "code uses a name that no exercise needs"),
        (reply(code=BODY, tests=[*TESTS, "assert f(open('x'))"]), "code uses a name that no exercise needs"),
        (reply(properties={}), "properties: missing or of the wrong type"),
        (reply(properties=[1]), "properties: missing or of the wrong type"),
        (reply(properties=[{"given": {"a b": "st.text()"}, "holds": "1"}]), "properties: missing or of the wrong type"),
        (reply(properties=[{"given": {"a": "st."}, "holds": "1"}]), "properties: not an expression"),
        (reply(properties=[{"given": {"a": "st.text()"}}]), "properties: missing or of the wrong type"),
        (reply(properties=[{"given": {"a": "exec('')"}, "holds": "1"}]), "code uses a name that no exercise needs"),
        (reply(contracts=["_ > 0"]), "contracts: neither pre nor post"),
        (reply(contracts=["post: _ >"]), "contracts: not an expression"),
        (reply(contracts=["post: 1"] * 9), "contracts: missing or of the wrong type"),
    ],
)  # fmt: skip
def test_bad_answers_are_refused_by_name(text: str, reason: str) -> None:
    with pytest.raises(Dropped) as refusal:
        problem(text, "f")
    assert str(refusal.value) == reason


@pytest.mark.parametrize("character", ["{", "}", "`", '"', "\\", "a", "\n"])
def test_a_megabyte_of_anything_is_refused_at_once(character: str) -> None:
    begun = time.monotonic()
    with pytest.raises(Dropped):
        problem(character * (1 << 20), "f")
    assert time.monotonic() - begun < 10


def test_the_table_allows_no_module_that_reaches_out() -> None:
    reaching_out = {"os", "sys", "subprocess", "socket", "pathlib", "importlib", "ctypes"}
    assert not reaching_out & set(table()["taken"]["imports"])
