"""A megabyte of anything is scored in less than a second."""

from __future__ import annotations

import time

import pytest

from leaven.corpus import rules
from leaven.corpus.rules.tables import RULESETS

NAMES = [name for name in RULESETS if name != "santacoder"]


@pytest.mark.parametrize(
    "piece",
    [
        *("a", "1", "a.", "1.1", "1.", "ff ", "ff" + " " * 60, "0x", "\\x", "\\u12", "A\n", "A" * 63 + " ", "com."),
        *("\n", " ", "....", "a-", "\"'", "é", "- ", "generated", "word ", "\u3000", "{", "1e", "ff,", ". "),
        "ff,ff,ff,ff,ff,ff,ff g ",
    ],
)
@pytest.mark.parametrize("language", ["Python", "HTML"])
def test_every_score_in_a_second(piece: str, language: str) -> None:
    text = (piece * (1_000_000 // len(piece)))[:1_000_000]
    columns = rules.columns(NAMES)
    begin = time.process_time()
    values = rules.score(text, language, "a", columns)
    assert time.process_time() - begin < 20
    assert len(values) == len(columns)


@pytest.mark.parametrize("text", ["", "\n", " ", "\r", "\x0b", "é", "\u2028"])
def test_texts_of_almost_nothing(text: str) -> None:
    columns = rules.columns(tuple(RULESETS))
    assert len(rules.score(text, "Python", "", columns)) == len(columns)
    assert len(rules.score(text, "HTML", "", columns)) == len(columns)
