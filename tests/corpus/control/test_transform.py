"""What each control takes away and what it leaves: exactly for Python, for other languages by their tokens."""

from __future__ import annotations

import ast
import io
import keyword
import re
import sysconfig
import time
import tokenize
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leaven.corpus.control import CONTROLS, transform
from leaven.corpus.control.layout import splitmix64
from leaven.corpus.control.lexer import spans
from leaven.corpus.control.syntax import syntax_of
from leaven.corpus.document import Dropped
from leaven.ground.errors import BadInput
from tests.corpus.control.samples import SAMPLES

SOURCE = '''#!/usr/bin/env python
"""About the module."""
from __future__ import annotations
import os.path  # the system

LIMIT = 10
"""About the limit."""


class Thing(Base):
    """About the class, with a # and more."""

    # before
    def work(self, first, *, second=None):  # after
        """Only a docstring."""

    async def other(self): "one line"

    def both(self):
        r"""First."""
        """Second."""
        value = {"a": first_value, 'b': f"{first_value}"}
        if value:
            "only this"
        return ("not a "
                "docstring", """nor
        # this"""), x \\
            if x else 1_000.5e-3
'''


def python_files() -> list[Path]:
    return sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[::9]


def tokens(text: str) -> list[tuple[int, str]]:
    return [(token.type, token.string) for token in tokenize.generate_tokens(io.StringIO(text).readline)]


def without_strings(text: str) -> str:
    """The tree of a module without statements that are strings; an emptied body is `pass`."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list):
                left = [s for s in body if not _is_string(s)]
                setattr(node, name, left if left or not body or isinstance(node, ast.Module) else [ast.Pass()])
    return ast.dump(tree)


def _is_string(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def test_no_comments() -> None:
    left = transform("no_comments", SOURCE, "python", "id")
    assert left.startswith(
        "#!/usr/bin/env python\nfrom __future__ import annotations\nimport os.path\n\nLIMIT = 10\n\n"
    )
    assert "#" not in left.replace("#!/usr", "").replace("# this", "")
    assert "About" not in left
    assert "    def work(self, first, *, second=None):\n        pass\n" in left
    assert "    async def other(self): pass\n" in left
    assert "    def both(self):\n        value" in left
    assert "        if value:\n            pass\n" in left
    assert without_strings(left) == without_strings(SOURCE)


def test_comments_only() -> None:
    assert transform("comments_only", SOURCE, "python", "id") == (
        '"""About the module."""\n# the system\n"""About the limit."""\n"""About the class, with a # and more."""\n'
        '# before\n# after\n"""Only a docstring."""\n"one line"\nr"""First."""\n"""Second."""\n"only this"\n'
    )


def test_identifiers() -> None:
    # Names within formatted strings are not followed; from Python 3.12 on `tokenize` shows them.
    source = SOURCE.replace('f"{first_value}"', '"first_value"')
    left = transform("identifiers", source, "python", "id")
    assert tokens_but_names(left) == tokens_but_names(source)
    names = [a for a, b in zip(names_of(source), names_of(left), strict=True) if a == b]
    assert set(names) <= {
        "import",
        "class",
        "def",
        "async",
        "self",
        "if",
        "else",
        "return",
        "None",
        "from",
        "__future__",
    } | {"annotations"}
    pairs = set(zip(names_of(source), names_of(left), strict=True))
    assert len(pairs) == len({old for old, _ in pairs}) == len({new for _, new in pairs})
    assert ast.parse(left)


def names_of(text: str) -> list[str]:
    return [string for kind, string in tokens(text) if kind == tokenize.NAME]


def tokens_but_names(text: str) -> list[tuple[int, str]]:
    return [
        (kind, "" if kind == tokenize.NAME and not keyword.iskeyword(string) else string)
        for kind, string in tokens(text)
    ]


def test_the_standard_library() -> None:
    """Parsed before and after; comments as `tokenize` finds them; tokens as many and, but for names, the same."""
    for path in python_files():
        text = path.read_text(encoding="utf-8")
        bare = transform("no_comments", text, "python", path.name)
        assert without_strings(bare) == without_strings(text), path.name
        found = [t for kind, t in tokens(bare) if kind == tokenize.COMMENT]
        assert not found or (bare.startswith("#!") and len(found) == 1), path.name
        left = transform("identifiers", text, "python", path.name)
        assert tokens_but_names(left) == tokens_but_names(text), path.name
        assert Counter(map(type, ast.walk(ast.parse(left)))) == Counter(map(type, ast.walk(ast.parse(text)))), path.name
        comments = [t for kind, t in tokens(text) if kind == tokenize.COMMENT and not t.startswith("#!/")]
        place, kept = 0, transform("comments_only", text, "python", "")
        for comment in comments:
            place = kept.index(comment, place)


@pytest.mark.parametrize("language", [name for name in SAMPLES if name != "python"])
def test_other_languages(language: str) -> None:
    text, comments = SAMPLES[language]
    assert transform("comments_only", text, language, "") == "\n".join(comments) + "\n"
    bare = transform("no_comments", text, language, "")
    found = spans(bare, language)
    assert found is not None
    assert not [span for span in found if span.kind == "comment"]
    assert squeezed(bare) == squeezed("".join(p for p, kind in pieces(text, language) if kind != "comment"))
    named = transform("identifiers", text, language, "id")
    assert [len(p) for p, _ in pieces(named, language)] == [len(p) for p, _ in pieces(text, language)]
    for (old, kind), (new, _) in zip(pieces(text, language), pieces(named, language), strict=True):
        assert old == new if kind else shape(old) == shape(new)


def pieces(text: str, language: str) -> list[tuple[str, str]]:
    """The file cut at its comments and strings; kind "" for code."""
    found, place = [], 0
    for span in spans(text, language) or []:
        found += [(text[place : span.start], ""), (text[span.start : span.end], span.kind)]
        place = span.end
    return [*found, (text[place:], "")]


def squeezed(text: str) -> str:
    return "".join(text.split())


def shape(text: str) -> str:
    return re.sub(r"[A-Z]", "A", re.sub(r"[a-z]", "a", text))


def test_words_of_the_language_stay() -> None:
    text = "SELECT Name, name FROM users WHERE COUNT(name) > 1"
    left = transform("identifiers", text, "sql", "id")
    words, new = re.findall(r"\w+", text), re.findall(r"\w+", left)
    assert [new[n] for n in (0, 3, 5, 6)] == ["SELECT", "FROM", "WHERE", "COUNT"]
    assert new[1].lower() == new[2] == new[7]
    assert new[1][0].isupper()
    assert new[4] != words[4]
    syntax = syntax_of("lua")
    assert syntax is not None
    assert syntax.is_kept("__index")


def test_many_short_names_stay_apart() -> None:
    names = [chr(97 + n) for n in range(26)] + ["A", "B"]
    left = transform("identifiers", " ".join(names), "python", "id").split(" ")
    assert len(set(left)) == len(names)
    assert transform("identifiers", "_ __ _1 ___", "python", "id") == "_ __ _1 ___"


@example("\n0", "lines")
@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=80), st.sampled_from(sorted(CONTROLS)))
def test_any_text_and_equal_inputs_give_equal_bytes(text: str, name: str) -> None:
    try:
        made = transform(name, text, "javascript", "id")
    except Dropped:
        return
    made.encode()
    assert made == transform(name, text, "javascript", "id")
    if name in ("lines", "whitespace", "identifiers"):
        assert len(made) >= len(text)
    if name == "lines":
        assert Counter(made.split("\n")) == Counter(text.split("\n"))
        assert made.endswith("\n") == text.endswith("\n")
    if name == "whitespace":
        assert [c if c.isspace() else "x" for c in text] == list(made)


def test_documents_differ_in_what_is_drawn() -> None:
    for name in ("identifiers", "lines"):
        assert transform(name, SOURCE, "python", "a") != transform(name, SOURCE, "python", "b")


def test_lines_without_an_end() -> None:
    assert sorted(transform("lines", "a\nb\nc", "", "x").split("\n")) == ["a", "b", "c"]
    assert transform("lines", "a", "", "x") == "a"
    assert transform("lines", "", "", "x") == ""


def test_splitmix64() -> None:
    """The numbers of the reference implementation for seed 1234567."""
    wanted = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    assert splitmix64(1234567, 5).tolist() == wanted
    assert splitmix64(2**64 - 1, 3).dtype == np.uint64


@pytest.mark.parametrize(
    ("name", "text", "language", "reason"),
    [
        ("comments_only", "a = 1\n", "python", "control: no comments"),
        ("no_comments", "# a\n", "python", "control: nothing but comments"),
        ("no_comments", '"""a"""\n', "python", "control: nothing but comments"),
        ("no_comments", "a", "klingon", "control: no syntax for this language"),
        ("comments_only", "a", "", "control: no syntax for this language"),
        ("identifiers", "a", "", "control: no syntax for this language"),
    ],
)
def test_dropped(name: str, text: str, language: str, reason: str) -> None:
    with pytest.raises(Dropped) as raised:
        transform(name, text, language, "id")
    assert str(raised.value) == reason


def test_an_unknown_control() -> None:
    with pytest.raises(BadInput, match='there is no control "identifier"; did you mean "identifiers"'):
        transform("identifier", "", "python", "")
    assert [version.split("/")[1] for version in CONTROLS.values()] == list(CONTROLS)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("int a/* x */b;\n", "int a b;\n"),
        ("a; /* x\n y */ b;\n", "a; \n b;\n"),
        ("/* x\n y */\na;\n", "a;\n"),
        ("a; // x\n  // y\nb; /* z */ // w\n", "a;\nb;\n"),
        ("  /* x */ a;\n", "   a;\n"),
        ("a;\n// x", "a;"),
        ("a;   \nb;\n", "a;   \nb;\n"),
    ],
)
def test_what_stays_where_a_comment_was(text: str, left: str) -> None:
    assert transform("no_comments", text, "c", "").rstrip("\n") == left.rstrip("\n")


def test_hostile_python_ends_soon() -> None:
    for unit in (
        "class a:'' ",
        "''\n",
        "def f():\n '''a'''\n",
        "(''\n",
        "\n",
        " " * 50 + "''\n",
        "#\n",
        "\\\n",
        "a" * 50 + " ",
    ):
        text = unit * (40_000 // len(unit))
        begin = time.process_time()
        for name in CONTROLS:
            try:
                transform(name, text, "python", "x")
            except Dropped:
                continue
        assert time.process_time() - begin < 15, unit
