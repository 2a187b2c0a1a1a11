"""Removing docstrings keeps the program; reading them finds the same texts."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus import docstrings
from leaven.corpus.docstrings import NotPython, parse, read_docstrings, remove_docstrings, string_statements


def without_docstrings(source: str) -> str:
    """The tree of `source` with docstrings taken out of the tree, as a text to compare."""
    tree = parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            strings = string_statements(node)
            rest = [statement for statement in node.body if statement not in strings]
            node.body = rest if rest or isinstance(node, ast.Module) else [ast.Pass()]
    return ast.dump(tree)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('"""Module."""\nx = 1\n', "x = 1\n"),
        ('def f():\n    """Only."""\n', "def f():\n    pass\n"),
        ('def f(): "doc"\n', "def f(): pass\n"),
        ('def f(): "doc"; return 1\n', "def f(): return 1\n"),
        ('class A:\n    "doc"; x = 1\n', "class A:\n    x = 1\n"),
        ("class A:\n    '''a\n    b'''  # why\n    x = 1\n", "class A:\n    x = 1\n"),
        ('def f():\n    """one"""\n    "two"\n    return 1\n', "def f():\n    return 1\n"),
        ('def f():\n    ("a"\n     "b")\n    return 1\n', None),
        (
            'def f():\n    x = """not a docstring"""\n    return x\n',
            'def f():\n    x = """not a docstring"""\n    return x\n',
        ),
        ('"é"; x = "ü"\n', 'x = "ü"\n'),
        ('if 1:\n    def f():\n        """d"""\n', "if 1:\n    def f():\n        pass\n"),
        ("", ""),
        ('class A:\n    x: int = 1\n    """Of x."""\n    y = 2; "of y"\n', 'class A:\n    x: int = 1\n    y = 2; ""\n'),
        ('"""only a docstring"""', ""),
        ('"""d""" \\\n\nx = 1\n', None),
        ('"a";\nx = 1\n', "x = 1\n"),
    ],
)
def test_removes(source: str, expected: str | None) -> None:
    result = remove_docstrings(source)
    if expected is not None:
        assert result == expected
    # A string in parentheses leaves its parentheses' work to the tree: it must at least stay the same program.
    assert without_docstrings(result) == without_docstrings(source)


def test_whole_standard_library_folder_stays_the_same_program() -> None:
    for path in sorted(Path(inspect.getfile(inspect)).parent.glob("[a-d]*.py")):
        source = path.read_text(encoding="utf-8")
        result = remove_docstrings(source)
        assert without_docstrings(result) == without_docstrings(source), path.name
        assert len(result) <= len(source)


_BODY = st.sampled_from(
    ['"""d"""', "'''two\n  lines'''", '"s"; x = 1', "x = 1", "'é'", "pass", "r'''raw \\d'''  # c", "x = '''y\nz'''"]
)


@st.composite
def programs(draw: st.DrawFn, depth: int = 0) -> str:
    lines = draw(st.lists(_BODY, min_size=1, max_size=4))
    text = "".join("    " * depth + line + "\n" for line in lines)
    if depth < 2 and draw(st.booleans()):
        head = draw(st.sampled_from(["def f():", "class C:", "async def g(a, *, b=1):", "if x:", "for i in y:"]))
        text += "    " * depth + head + "\n" + draw(programs(depth + 1))
    return text


@settings(deadline=None)
@given(programs())
def test_the_tree_is_the_same_but_for_docstrings(source: str) -> None:
    assert without_docstrings(remove_docstrings(source)) == without_docstrings(source)


@pytest.mark.parametrize("source", ["def f(:\n", "print 'python 2'\n", "(" * 5000, "x = '\0'"])
def test_refuses_what_does_not_parse(source: str) -> None:
    with pytest.raises(NotPython):
        remove_docstrings(source)


def test_reads_docstrings_and_no_other_strings() -> None:
    source = (
        '#!/usr/bin/env python\n"""Module text that is long enough to hold a sentence."""\n'
        'QUERY = """not a docstring, though it is long enough to be one"""\n'
        'call("""also not a docstring, though it is long enough""")\n'
        "class A(B):  # a remark\n    r'''Raw \\d text of the class.\n\n      Indented.\n    Not.\n    '''\n"
        "    def f(self):\n        # remark\n        '''Function text that is long enough to hold one.'''\n"
        '    text = (\n        """a continued string that opens its line but follows no colon"""\n    )\n'
    )
    assert list(read_docstrings(source)) == [
        "Module text that is long enough to hold a sentence.",
        "Raw \\d text of the class.\n\n  Indented.\nNot.",
        "Function text that is long enough to hold one.",
    ]


def test_reads_what_the_parser_finds_in_real_files() -> None:
    found = missed = 0
    for path in sorted(Path(inspect.getfile(inspect)).parent.glob("[a-c]*.py")):
        source = path.read_text(encoding="utf-8")
        read = set(read_docstrings(source))
        for node in ast.walk(parse(source)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node)
                if text and "\n" in text and "\\" not in text:
                    found += 1
                    missed += text.strip() not in {part.strip() for part in read}
    assert found > 100
    assert missed <= 0.02 * found


def test_shortest_is_shorter_than_a_sentence() -> None:
    assert docstrings.SHORTEST < 60
