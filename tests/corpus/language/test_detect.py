"""Detection: laws of the table, hostile input, speed. The cases checked by hand are in test_golden.py."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.corpus.language.detect import LOOK, detect, modeline, shebang
from leaven.corpus.language.names import languages
from leaven.corpus.language.table import Choice, claims, disambiguation, names


def test_every_extension_that_languages_share_is_decided_in_the_table() -> None:
    table = disambiguation()
    rows = [row for row in table.values() if isinstance(row, dict) and "rules" in row]
    decided = {extension for row in rows for extension in row["extensions"]} | set(table["always"])
    ours = {".jsx", ".mpl"}  # the paper's JSX and StarCoder's Maple: languages_paper.toml gives them their own
    assert {extension for extension, claimants in claims().items() if len(claimants) > 1} <= decided | ours


def test_the_table_names_only_known_languages() -> None:
    table = disambiguation()
    rows = [row for row in table.values() if isinstance(row, dict) and "rules" in row]
    named = {rule["language"] for row in rows for rule in row["rules"]} | {row["default"] for row in rows}
    assert (named | set(table["always"].values())) - {""} <= set(languages())
    assert set(names().interpreters.values()) <= set(languages())
    assert set(names().filenames.values()) <= set(languages())


def test_a_shebang_chooses_only_between_languages_of_the_extension() -> None:
    assert detect("a.h", "#!/usr/bin/python\nint x;\n") == "c"
    assert detect("a.t", "#!/usr/bin/env raku\n") == "raku"


def test_an_extension_of_one_language_is_believed_unread() -> None:
    assert detect("a.py", "#!/bin/sh\n") == "python"


def test_bytes_with_marks_of_order_are_read() -> None:
    assert detect("a.md", '\ufeff(define_insn "x"'.encode()) == "gcc machine description"
    assert detect("de.ts", "<!DOCTYPE TS>\n".encode("utf-16")) == "xml"
    assert detect("run", b"\xff\xfe") == ""


def test_only_the_start_is_looked_at() -> None:
    assert detect("a.h", " " * LOOK + "namespace a {\n") == "c"


def test_a_long_first_line_is_no_shebang() -> None:
    assert shebang("#!" + " " * 600 + "/bin/sh") == ""
    assert modeline("x" * 2000 + "-*- c++ -*-") == ""


HOSTILE = {
    "one letter": "a" * 1_000_000,
    "spaces": " " * 1_000_000,
    "tabs": "\t" * 1_000_000,
    "lines": "\n" * 1_000_000,
    "spaced lines": (" " * 119 + "\n") * 8_000,
    "words": "ab " * 300_000,
    "calls": "f(a" * 300_000,
    "comments": "/*" * 500_000,
    "conditions": "#if defined __cplusplus\n" * 40_000,
    "classes": "class A\n" * 120_000,
    "assignments": "a = " * 250_000,
    "colons": "a::" * 300_000,
    "modes": "-*- mode: " * 100_000,
    "vim": "vim: " * 200_000,
    "brackets": "[a <b {$" * 120_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_takes_no_longer_than_plain_text(text: str) -> None:
    for extension, meaning in names().extensions.items():
        if isinstance(meaning, Choice):
            started = time.process_time()
            detect(f"a{extension}", text)
            assert time.process_time() - started < 10, extension
    started = time.process_time()
    detect("unknown", text)
    assert time.process_time() - started < 10


@given(st.text(max_size=40), st.binary(max_size=200))
def test_anything_has_an_answer_and_it_is_a_known_one(path: str, head: bytes) -> None:
    found = detect(path, head)
    assert found == "" or found in languages()
    assert detect(path, head) == found


def test_two_hundred_thousand_a_second() -> None:
    paths = [f"src/package/module{n}.{extension}" for n in range(2_000) for extension in ("py", "js", "rst", "json")]
    detect("warm.py")
    seconds = []
    for _ in range(5):
        started = time.process_time()
        for path in paths:
            detect(path, b"x")
        seconds.append(time.process_time() - started)
    assert len(paths) / min(seconds) > 200_000
