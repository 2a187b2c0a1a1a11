"""Names: every spelling leads to one name; the paper's 35 stand as printed."""

from __future__ import annotations

import pytest

from leaven.corpus.language.names import PAPER_CODE, PAPER_MARKUP, canonical, languages, section


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("C++", "cpp"),
        ("cpp", "cpp"),
        ("C#", "c-sharp"),
        ("csharp", "c-sharp"),
        ("c-sharp", "c-sharp"),
        ("reStructuredText", "restructuredtext"),
        ("rst", "restructuredtext"),
        ("Jupyter Notebook", "jupyter notebook"),
        ("jupyter-notebook", "jupyter notebook"),
        ("jupyter-scripts-dedup-filtered", "jupyter notebook"),
        ("literate-agda", "literate agda"),
        ("common-lisp", "common lisp"),
        ("Common Lisp", "common lisp"),
        ("toml", "TOML"),
        ("swift", "Swift"),
        ("vue", "Vue"),
        ("TSX", "typescript"),
        ("PLSQL", "sql"),
        ("JSON with Comments", "json"),
        ("FORTRAN", "fortran"),
        ("Fortran Free Form", "fortran"),
        ("Coq", "rocq prover"),
        ("Matlab", "matlab"),
        ("Mathematica", "wolfram language"),
        ("Perl6", "raku"),
        ("VimL", "vim script"),
        ("visual-basic", "visual basic .net"),
        ("f-sharp", "f#"),
        ("maple", "maple"),
        ("Groff", "roff"),
        ("sh", "shell"),
        ("RMarkdown", "rmarkdown"),
        ("protocol-buffer", "protocol buffer"),
        ("  Python ", "python"),
        ("nothing of the kind", ""),
        ("", ""),
    ],
)
def test_spellings(name: str, expected: str) -> None:
    assert canonical(name) == expected


def test_the_papers_lists_are_complete() -> None:
    assert len(PAPER_CODE) == 25
    assert len(PAPER_MARKUP) == 10
    assert round(sum(PAPER_CODE.values()), 2) == 99.99
    assert round(sum(PAPER_MARKUP.values()), 2) == 99.99
    assert list(PAPER_CODE)[:5] == ["java", "javascript", "php", "python", "c-sharp"]
    assert PAPER_MARKUP["Sass"] == 0.22


def test_the_papers_names_are_canonical_and_in_its_sections() -> None:
    assert all(canonical(name) == name and section(name) == "code" for name in PAPER_CODE)
    assert all(canonical(name) == name and section(name) == "markup" for name in PAPER_MARKUP)


def test_sections_elsewhere_are_linguists() -> None:
    assert (section("tex"), section("yaml"), section("xml"), section("text")) == ("code", "markup", "data", "prose")
    assert section("Erlang") == "code"
    assert section("no such language") == "data"


def test_every_name_leads_to_itself() -> None:
    assert len(languages()) > 800
    assert [name for name in languages() if canonical(name) != name] == []


def test_no_language_is_without_a_way_to_be_known_unless_linguist_has_none() -> None:
    known = [language for language in languages().values() if language.extensions or language.filenames]
    assert len(known) > 780
