"""Notebooks of every format become structured text and scripts; broken ones are refused by name."""

from __future__ import annotations

import ast
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.corpus.adjacent import extract, script
from leaven.corpus.adjacent.notebook_cells import Notebook, read
from leaven.corpus.adjacent.notebook_scripts import as_script, language_of, plain_python
from leaven.corpus.adjacent.notebooks import structured
from leaven.corpus.document import Dropped

PYTHON = {"kernelspec": {"language": "python"}}
LONG = "text " * 60


def cell(kind: str, source: Any, outputs: Any = None) -> dict[str, Any]:
    return {"cell_type": kind, "source": source} | ({"outputs": outputs or []} if kind == "code" else {})


def notebook(*cells: Any, **fields: Any) -> str:
    return json.dumps({"nbformat": 4, "metadata": PYTHON, "cells": list(cells)} | fields)


EXAMPLE = notebook(
    cell("code", "import leading"),
    cell("markdown", ["# Title\n", LONG]),
    cell("raw", "left out"),
    cell("code", "a = 1", [{"output_type": "stream", "text": ["not the last\n"]}]),
    cell("code", "print(a)", [{"text": ["1\n", "2\n"]}, {"text": "3"}]),
    cell("code", "  "),
    cell("markdown", "middle <b>bold</b>\nline"),
    cell("code", "b", [{"data": {"text/plain": "x" * 1001}}]),
    cell("markdown", "between"),
    cell("code", "c", [{"data": {"image/png": "x"}}, {"text": "second"}]),
    cell("markdown", "trailing"),
)


def test_structure() -> None:
    assert extract(EXAMPLE) == (
        f"<jupyter_start><jupyter_text># Title\n{LONG.strip()}"
        "<jupyter_code>a = 1\nprint(a)<jupyter_output>1\n2"
        "<jupyter_text>middle <b>bold</b>\nline"
        f"<jupyter_code>b<jupyter_output>{'x' * 1000}[...]"
        "<jupyter_text>between<jupyter_code>c<jupyter_output><empty_output>"
    )


def test_structure_as_first_published() -> None:
    text = extract(EXAMPLE, markdown="removed", shown=False)
    assert text.startswith("<jupyter_start><jupyter_text>Title" + LONG.strip())
    assert "<jupyter_text>middle boldline<jupyter_code>b<jupyter_output><empty_output>" in text


@pytest.mark.parametrize("size", [1000, 1001])
def test_output_is_cut_after_a_thousand_characters(size: int) -> None:
    text = extract(notebook(cell("markdown", LONG), cell("code", "a", [{"text": "y" * size}])))
    assert text.endswith("y" * 1000 + ("[...]" if size > 1000 else ""))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{broken", "broken notebook"),
        ("[" * 100_000, "broken notebook"),
        ("[]", "broken notebook"),
        (notebook(cells=None), "broken notebook"),
        (notebook(cells=None, worksheets=3), "broken notebook"),
        (notebook(nbformat=1), "notebook of format 1"),
        (notebook(metadata={"kernelspec": {"language": "R"}}), "notebook not in"),
        (notebook(metadata=None), "notebook not in"),
        (notebook(cell("code", "a"), 5, {"cell_type": "code"}, cell("markdown", {"a": 1})), "too short"),
    ],
)
def test_refusals(text: str, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        extract(text)


OLD = json.dumps(
    {
        "nbformat": 3,
        "metadata": {"name": "old"},
        "worksheets": [
            {
                "cells": [
                    {"cell_type": "heading", "level": 2, "source": ["A title"]},
                    {"cell_type": "html", "source": LONG},
                    {
                        "cell_type": "code",
                        "language": "python",
                        "input": ["a = 1\n", "a"],
                        "outputs": [{"output_type": "pyout", "text": ["1"]}],
                    },
                ]
            },
            {
                "cells": [
                    {"cell_type": "markdown", "source": "more"},
                    {"cell_type": "code", "language": "python", "input": "print(2)", "outputs": [{"text": "2"}]},
                ]
            },
            5,
        ],
    }
)


def test_worksheets() -> None:
    assert extract(OLD) == (
        f"<jupyter_start><jupyter_text>## A title\n\n{LONG.strip()}<jupyter_code>a = 1\na<jupyter_output>1"
        "<jupyter_text>more<jupyter_code>print(2)<jupyter_output>2"
    )
    text, language = script(OLD)
    assert language == "python"
    assert text == f"## ## A title\n\n# {LONG.strip()}\n\na = 1\na\n\n# more\n\nprint(2)\n".replace("## ##", "# ##", 1)


def test_script() -> None:
    text, language = script(EXAMPLE)
    assert language == "python"
    assert text.startswith(f"import leading\n\n# # Title\n# {LONG.strip()}\n\na = 1\n\nprint(a)\n\n# middle")
    assert ast.parse(text)


@pytest.mark.parametrize(
    ("metadata", "language", "comment"),
    [
        ({"kernelspec": {"name": "ir", "language": "R"}}, "r", "#"),
        ({"kernelspec": {"name": "julia-1.6"}}, "julia", "#"),
        ({"language_info": {"name": "scala"}}, "scala", "//"),
        ({"kernelspec": {"name": "python3"}}, "python", "#"),
        ({"language_info": {"name": "C++17"}}, "cpp", "//"),
        ({"kernelspec": {"name": "haskell"}}, "haskell", "--"),
    ],
)
def test_languages_of_scripts(metadata: dict[str, Any], language: str, comment: str) -> None:
    text, found = script(notebook(cell("markdown", LONG), cell("code", "x"), metadata=metadata))
    assert found == language
    assert text == f"{comment} {LONG.strip()}\n\nx\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (notebook(cell("markdown", LONG)), "without code"),
        (notebook(cell("markdown", LONG), cell("code", "x <- 1 {"), metadata={}), "unknown language"),
        (
            notebook(cell("code", "x"), metadata={"kernelspec": {"name": "klingon"}}, cells=[cell("code", "{")]),
            "unknown",
        ),
        (notebook(cell("code", "x")), "too short"),
    ],
)
def test_refused_scripts(text: str, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        script(text)


def test_python_without_metadata() -> None:
    cells = (
        cell("markdown", LONG),
        cell("code", "%matplotlib inline\nprint(1)"),
        cell("code", "def f():\n    return 1"),
    )
    assert script(notebook(*cells, metadata={}))[1] == "python"


@pytest.mark.parametrize(
    ("code", "plain"),
    [
        ("a = 1", "a = 1"),
        ("%matplotlib inline\na", "# %matplotlib inline\na"),
        ("!ls -l\nfiles = !ls\nx = %time f()", "# !ls -l\n# files = !ls\n# x = %time f()"),
        ("%%bash\nls\n\ncd", "# %%bash\n# ls\n#\n# cd"),
        ("len?\nlen??\n?len", "# len?\n# len??\n# ?len"),
        ("if a:\n    %time f()", "if a:\n    # %time f()"),
        ("x = (3\n  % 2)", "x = (3\n  % 2)"),
        ('"""\n%not magic\n"""', '"""\n%not magic\n"""'),
        ("a != b", "a != b"),
    ],
)
def test_magic(code: str, plain: str) -> None:
    assert plain_python(code) == plain


WORDS = st.sampled_from(
    ["cells", "cell_type", "source", "outputs", "text", "data", "metadata", "kernelspec", "language", "input", "level"]
)
VALUES = st.recursive(
    st.none() | st.integers() | st.sampled_from(["code", "markdown", "a"]) | st.text(max_size=4),
    lambda x: st.lists(x) | st.dictionaries(WORDS, x),
)


@given(VALUES)
def test_nothing_breaks_the_reader(value: Any) -> None:
    for text in (json.dumps(value), json.dumps({"nbformat": 4, "cells": value}), json.dumps({"worksheets": [value]})):
        for function in (extract, script):
            try:
                function(text)
            except Dropped:
                continue


def test_surrogates_and_nul_do_not_reach_the_text() -> None:
    text = notebook(cell("markdown", LONG), cell("code", "a = '\ud800\0'"))
    extract(text).encode()
    assert "\0" not in extract(text)


def test_hostile_notebooks_end_soon() -> None:
    begin = time.monotonic()
    for source in ("a " * 500_000, "%" * 1_000_000, "<" * 1_000_000, "a.a" * 300_000 + "?!", ", " * 500_000):
        text = notebook(cell("markdown", source), cell("code", source), cell("markdown", source))
        extract(text, markdown="removed")
        script(text)
    assert time.monotonic() - begin < 50


def test_empty_notebook() -> None:
    empty = Notebook((), "", "{}")
    assert structured(empty, "kept", True) == "<jupyter_start>"
    assert as_script(empty, "python") == "\n"
    assert language_of(read(notebook())) == "python"
