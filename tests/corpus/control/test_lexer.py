"""Comments and strings of 26 languages, told from code; no file is too hostile; Pygments agrees where it can."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus.control.lexer import spans
from leaven.corpus.control.syntax import languages, syntax_of, version
from leaven.corpus.language.names import PAPER_CODE
from tests.corpus.control.samples import SAMPLES

PIECES = [
    "/*",
    "*/",
    "//",
    "#",
    "--",
    "{-",
    "-}",
    '"',
    "'",
    "`",
    "\\",
    "\n",
    "${",
    "}",
    "(",
    ")",
    '"""',
    "'''",
    "<<~A",
    "A",
]
PIECES += [
    "%w[",
    "]",
    "/",
    " ",
    "x",
    'R"(',
    'r#"',
    "[[",
    "]]",
    "<?php",
    "?>",
    "<script>",
    "</script>",
    "=begin\n",
    "1",
    "$",
]


@pytest.mark.parametrize("language", SAMPLES)
def test_comments(language: str) -> None:
    text, comments = SAMPLES[language]
    found = spans(text, language)
    assert found is not None
    assert [text[span.start : span.end] for span in found if span.kind == "comment"] == comments


def test_all_of_the_papers_languages_have_a_syntax() -> None:
    assert set(PAPER_CODE) <= set(languages())
    assert len(set(PAPER_CODE) & set(SAMPLES)) >= 23


@pytest.mark.parametrize("language", languages())
@settings(max_examples=25)
@given(parts=st.lists(st.sampled_from(PIECES), max_size=24))
def test_spans_are_ordered_and_within(language: str, parts: list[str]) -> None:
    text = "".join(parts)
    found = spans(text, language)
    assert found is not None
    place = 0
    for span in found:
        assert place <= span.start < span.end <= len(text)
        place = span.end


@pytest.mark.parametrize("language", languages())
def test_hostile_files_end_soon(language: str) -> None:
    for unit in (*PIECES, "<<A <<B ", "x='", "${`", '"$(', "/a", "a(/", "<<~A\nB\n", 'R"a(', "--[==[", "'\\"):
        text = unit * (20_000 // len(unit))
        begin = time.process_time()
        spans(text, language)
        assert time.process_time() - begin < 8, unit  # what grows with the square of the length takes minutes


def test_an_unknown_language() -> None:
    assert spans("a", "klingon") is None
    assert syntax_of("klingon") is None
    assert len(version()) == 32


PYGMENTS = {"c-sharp": "csharp", "shell": "bash", "Swift": "swift", "tex": "latex", "makefile": "make"}
AGREED = ["c", "java", "go", "lua", "haskell", "scala", "clojure", "smalltalk", "python", "r", "rust"]


@pytest.mark.parametrize("language", AGREED)
def test_pygments_agrees(language: str) -> None:
    """Where its lexer is exact on the sample: the same characters are comment."""
    lexers = pytest.importorskip("pygments.lexers")
    token = pytest.importorskip("pygments.token")
    text, comments = SAMPLES[language]
    lexer = lexers.get_lexer_by_name(PYGMENTS.get(language, language), stripnl=False)
    parts = [
        value
        for kind, value in lexer.get_tokens(text)
        if (kind in token.Comment or kind in token.String.Doc)
        and kind not in (token.Comment.Hashbang, token.Comment.Preproc, token.Comment.PreprocFile)
    ]
    assert "".join("".join(parts).split()) == "".join("".join(comments).split())
