"""Choosing languages: the paper's, the most frequent, a list, all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.corpus.language.names import PAPER_CODE, PAPER_MARKUP, languages, section
from leaven.corpus.language.select import selection, top
from leaven.ground.errors import BadInput

COUNTS = {"python": 5, "c": 9, "java": 5, "markdown": 40, "xml": 30, "rust": 0, "": 12}


def test_top_counts_only_the_section_and_ties_go_by_name() -> None:
    assert top(COUNTS, 2, "code") == ("c", "java")
    assert top(COUNTS, 25, "code") == ("c", "java", "python")
    assert top(COUNTS, 3, "markup") == ("markdown",)


def test_selections() -> None:
    assert selection("paper", COUNTS) == tuple(PAPER_CODE)
    assert selection("paper", {}, "markup") == tuple(PAPER_MARKUP)
    assert selection({"top": 1}, COUNTS) == ("c",)
    assert selection(["C++", "rust", "cpp"], {}) == ("cpp", "rust")
    assert selection(None, COUNTS) == ("c", "java", "python")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (["pythn"], 'did you mean "python"'),
        (["zzzzqq"], 'no language is known as "zzzzqq"'),
        ({"top": 0}, "languages.top"),
        ({"top": True}, "languages.top"),
        ({"top": "5"}, "languages.top"),
        ({"best": 3}, "names no languages"),
        ("papr", "names no languages"),
        ([3], "names no languages"),
    ],
)
def test_bad_specs_are_said(spec: object, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        selection(spec, COUNTS)
    assert said in str(caught.value)


def test_the_paper_lists_no_data_languages() -> None:
    with pytest.raises(BadInput):
        selection("paper", COUNTS, "data")


@given(st.dictionaries(st.sampled_from(sorted(languages())), st.integers(0, 9), max_size=30), st.integers(1, 40))
def test_top_is_the_head_of_everything_and_order_of_counting_does_not_matter(counts: dict[str, int], n: int) -> None:
    chosen = top(counts, n, "code")
    assert chosen == top(dict(reversed(counts.items())), n, "code") == top(counts, len(counts), "code")[:n]
    left = [count for name, count in counts.items() if section(name) == "code" and name not in chosen]
    assert not chosen or not left or min(counts[name] for name in chosen) >= max(left)
