"""Every rule of StarCoder on documents just within and just beyond its threshold."""

from __future__ import annotations

import pytest

LINE = "value = other_value + 1\n"


def of_share(letters: int, others: int, letter: str = "a", other: str = "+") -> str:
    """A document of short lines with so many letters and others in each, line ends among the others."""
    return (letter * letters + other * (others - 1) + "\n") * 20


def tag_of(characters: int) -> str:
    """A tag of so many characters, with line ends in it."""
    return "<b " + "x=y\n" * ((characters - 4) // 4) + ">"


@pytest.mark.parametrize(
    ("text", "path", "language", "reason"),
    [
        (LINE * 9, "a.py", "python", ""),
        # long line and mean line
        (LINE * 99 + "a" * 1000 + "\n", "a.py", "python", ""),
        (LINE * 99 + "a" * 1001 + "\n", "a.py", "python", "starcoder1: long line"),
        (("a" * 100 + "\n") * 9, "a.py", "python", ""),
        (("a" * 100 + "\n") * 9 + "a" * 101, "a.py", "python", "starcoder1: mean line"),
        (LINE * 99 + "a" * 500 + "\n", "a.fsh", "GLSL", ""),
        (LINE * 99 + "a" * 501 + "\n", "a.fsh", "GLSL", "starcoder1: long line"),
        (LINE * 99 + "a" * 501 + "\n", "a.glsl", "GLSL", ""),
        # no long-line limit, hence no mean-line limit
        ("word " * 999, "a.md", "Markdown", ""),
        ("word " * 999, "a.tex", "TeX", ""),
        ("word " * 999, "a.sql", "SQL", ""),
        ("word " * 999, "a.R", "R", ""),
        ("word " * 999, "a.rsx", "R", "starcoder1: long line"),
        ("word " * 999, "a.frm", "Visual Basic", ""),
        ("word " * 999, "a.vb", "Visual Basic", "starcoder1: long line"),
        # alphanumeric
        (of_share(25, 75), "a.c", "C", ""),
        (of_share(24, 76), "a.c", "C", "starcoder1: alphanumeric"),
        (of_share(25, 75, "1"), "a.c", "C", ""),
        (of_share(24, 76), "a.sas", "SAS", ""),
        (of_share(1, 99), "a.frm", "Visual Basic", ""),
        # alphabetic
        (of_share(25, 75), "a.ads", "Ada", ""),
        (of_share(24, 76, other="1"), "a.ads", "Ada", "starcoder1: alphabetic"),
        (of_share(24, 76, other="1"), "a.adb", "Ada", ""),
        (of_share(24, 76), "a.nb", "Mathematica", "starcoder1: alphabetic"),
        (of_share(25, 75), "a.nb", "Mathematica", ""),
        (of_share(50, 50, other="1"), "a.json", "JSON", ""),
        (of_share(49, 51, other="1"), "a.json", "JSON", "starcoder1: alphabetic"),
        (of_share(49, 51, other="1"), "a.yml", "YAML", "starcoder1: alphabetic"),
        # xml: within the first hundred characters
        (" " * 86 + "<?xml version=" + LINE * 9, "a.cs", "C#", "starcoder1: xml"),
        (" " * 87 + "<?xml version=" + LINE * 9, "a.cs", "C#", ""),
        ("<?xml version='1.0'?>" + LINE * 9, "a.xsl", "XSLT", ""),
        ("<?xml version='1.0'?>" + LINE * 9, "a.xslt", "XSLT", ""),
        # html: more than a fifth and more than a hundred characters seen
        ("<b>" + "a" * 50 + "\n" + "a" * 50 + "</b>", "a.html", "HTML", ""),
        ("<b>" + "a" * 50 + "\n" + "a" * 49 + "</b>", "a.html", "HTML", "starcoder1: html little text"),
        (tag_of(404) + "a" * 50 + "\n" + "a" * 51, "a.htm", "HTML", ""),
        (tag_of(408) + "a" * 50 + "\n" + "a" * 51, "a.htm", "HTML", "starcoder1: html share of text"),
        (tag_of(408) + "a" * 50 + "\n" + "a" * 51, "a.js", "JavaScript", ""),
        # data files
        ("a" * 49, "a.json", "JSON", "starcoder1: small data file"),
        ("a" * 50, "a.json", "JSON", ""),
        ("key: value\n" * 454 + "a: ab\n", "a.yaml", "YAML", ""),
        ("key: value\n" * 454 + "a: abc\n\n", "a.yaml", "YAML", "starcoder1: large data file"),
        ("a" * 49, "a.py", "python", ""),
        # the table itself
        (LINE * 9, "a.w", "C", "starcoder1: extension left out"),
        (LINE * 9, "a.rkt", "Racket", "starcoder1: extension left out"),
        (LINE * 9, "a.scrbl", "Racket", ""),
        (LINE * 9, "a.swift", "Swift", "starcoder1: extension not listed"),
        (LINE * 9, "a.pyi", "python", "starcoder1: extension not listed"),
        (LINE * 9, "Dockerfile", "Dockerfile", ""),
        (LINE * 9, "Makefile", "Makefile", ""),
        (LINE * 9, "a.cpp", "cpp", ""),
        ("", "a.py", "python", "starcoder1: alphanumeric"),
    ],
)
def test_rows(judge, text: str, path: str, language: str, reason: str) -> None:
    assert judge(text, path, language, "starcoder1") == reason


def test_overrides(judge) -> None:
    assert judge("a" * 60, "a.json", "JSON", "starcoder1", starcoder1__min_size=100) == "starcoder1: small data file"
    assert judge(LINE * 9, "a.swift", "Swift", "starcoder1", starcoder1__drop_unlisted=0) == ""
    assert judge(LINE * 9, "a.w", "C", "starcoder1", starcoder1__drop_excluded=0) == ""
    long = LINE * 99 + "a" * 600
    assert judge(long, "a.py", "python", "starcoder1", starcoder1__max_line=599) == "starcoder1: long line"
    assert judge(long, "a.fsh", "GLSL", "starcoder1", starcoder1__max_line=600) == ""
    assert judge(long, "a.md", "Markdown", "starcoder1", starcoder1__max_line=10) == ""


def test_an_unlisted_extension_is_judged_by_the_basic_rules(judge) -> None:
    over = {"starcoder1__drop_unlisted": 0}
    assert judge("a" * 1001, "a.swift", "Swift", "starcoder1", **over) == "starcoder1: long line"
    assert judge("a" * 101, "a.swift", "Swift", "starcoder1", **over) == "starcoder1: mean line"
    assert judge(of_share(24, 76), "a.swift", "Swift", "starcoder1", **over) == "starcoder1: alphanumeric"
    assert judge(of_share(24, 76, other="1"), "a.swift", "Swift", "starcoder1", **over) == ""


@pytest.mark.parametrize(
    ("text", "language", "reason"),
    [
        ("# one in a hundred\n" + "x = 1\n" * 400, "python", "santacoder: few comments"),
        ("# said of it\n" + "x = 1\n" * 40, "python", ""),
        ('"""' + "word\n" * 40 + '"""\nx = 1\n', "python", "santacoder: only comments"),
        ("// said of it\n" + "x = 1;\n" * 40, "javascript", ""),
        ("x = 1;\n" * 40, "java", "santacoder: few comments"),
        ("x = 1;\n" * 40, "c", ""),
    ],
)
def test_santacoder(judge, text: str, language: str, reason: str) -> None:
    assert judge(text, "a", language, "santacoder") == reason


def test_given_scores(judge) -> None:
    assert judge(LINE, "a.py", "python", "stars", given={"stars": 5}) == "stars: few stars"
    assert judge(LINE, "a.py", "python", "stars", given={"stars": 6}) == ""
    assert judge(LINE, "a.py", "Python", "fertility", given={"fertility": 2.49}) == "fertility: python"
    assert judge(LINE, "a.py", "Python", "fertility", given={"fertility": 2.5}) == ""
    assert judge(LINE, "a.java", "Java", "fertility", given={"fertility": 2.89}) == "fertility: java"
    assert judge(LINE, "a.js", "JavaScript", "fertility", given={"fertility": 2.59}) == "fertility: javascript"
    assert judge(LINE, "a.c", "C", "fertility", given={"fertility": 1.0}) == ""
