"""Two corpora beside each other."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from leaven.corpus.dedup.exact import content_keys
from leaven.corpus.look.compare import Contents, differing, identical, shared, shifts
from leaven.corpus.look.counts import counts
from leaven.corpus.look.steps import Steps

TEXTS = st.lists(st.sampled_from(["a", "b  b", "b b", "c\n", "dd", "ee ff"]), max_size=8)


def contents(texts: list[str]) -> Contents:
    return Contents(content_keys(texts), np.array([len(text) for text in texts], np.int64))


@given(TEXTS, TEXTS)
def test_shared_documents_are_those_with_equal_words(a: list[str], b: list[str]) -> None:
    words_a, words_b = ({" ".join(text.split()) for text in side} for side in (a, b))
    found = shared(contents(a), contents(b))
    only_a = [text for text in a if " ".join(text.split()) not in words_b]
    only_b = [text for text in b if " ".join(text.split()) not in words_a]
    assert found["only_a"] == {"documents": len(only_a), "bytes": sum(map(len, only_a))}
    assert found["only_b"] == {"documents": len(only_b), "bytes": sum(map(len, only_b))}
    assert found["both"]["documents"] == len(a) - len(only_a)


def test_a_corpus_shares_all_with_itself(steps: Steps) -> None:
    mine = Contents.of(steps.corpus, "code")  # type: ignore[arg-type]
    assert shared(mine, mine) == identical(counts(steps))


def test_fields_that_differ() -> None:
    a = {"x": 1, "sources": {"t": {"max": 5, "kind": "text"}}}
    b = {"x": 1, "sources": {"t": {"max": 6, "kind": "text"}, "c": {"kind": "web_code"}}}
    assert differing(a, b) == [
        {"field": "sources.t.max", "a": 5, "b": 6},
        {"field": "sources.c", "a": None, "b": {"kind": "web_code"}},
    ]
    assert differing(a, a) == []


def test_shifts_hold_what_moved_only() -> None:
    def told(python: float, drops: int) -> dict[str, object]:
        languages = [{"language": "python", "share": python}, {"language": "c", "share": 1 - python}]
        return {
            "languages": languages,
            "removed": {"rules": {"paper: floats": drops, "same": 1}},
            "train": {"bytes": 5},
        }

    found = shifts(told(0.5, 2), told(0.75, 3))
    assert found["languages"] == [["c", 0.5, 0.25], ["python", 0.5, 0.75]]
    assert found["removed"] == [["rules", "paper: floats", 2, 3]]
    assert found["train"]["bytes"] == [5, 5]
    assert shifts(told(0.5, 2), told(0.5, 2))["languages"] == []
