"""The search for items in training documents against the plain definition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leaven.evaluate.overlap import WORD, N, Traces

words = st.lists(st.sampled_from(["a", "b", "C", "d_e", "ü", "7"]), max_size=40)


def plainly(text: str, documents: list[str]) -> bool:
    sought = WORD.findall(text.lower())
    if len(sought) < N:
        return any(text.strip() == line.strip() for document in documents for line in document.split("\n"))
    windows = {tuple(sought[i : i + N]) for i in range(len(sought) - N + 1)}
    for document in documents:
        read = WORD.findall(document.lower())
        if windows & {tuple(read[i : i + N]) for i in range(len(read) - N + 1)}:
            return True
    return False


@given(st.lists(words.map(" ".join), min_size=1, max_size=4), st.lists(words.map(", ".join), max_size=4))
def test_agrees_with_the_definition(items, documents):
    traces = Traces(items)
    traces.search("text", documents)
    for item in items:
        assert bool(traces.found(item)) == plainly(item, documents)


def test_says_where():
    long = " ".join(f"word{i}" for i in range(30))
    traces = Traces([long, "7 + 5 = 12"])
    traces.search("a", ["nothing", "7 + 5 = 12 or so"])
    traces.search("b", [f"so {' '.join(long.upper().split()[4:17])}!", "and\n  7 + 5 = 12\n"])
    assert traces.found(long) == ["b"]
    assert traces.found("7 + 5 = 12") == ["b"]


def test_short_texts_of_several_lines():
    program = "def f(x):\n    return x + 1\n"
    traces = Traces([program, "def f(x):\n    pass"])
    traces.search("a", ["def f(x):\n    return x + 12\n", "def f(x):\n    y = 1\n    return x + 1\n"])
    traces.search("b", ["class A:\n    def f(x):\n        return x + 1\n\n"])
    assert traces.found(program) == ["b"]
    assert traces.found("def f(x):\n    pass") == []


def test_twelve_words_are_not_enough():
    long = " ".join(f"word{i}" for i in range(30))
    traces = Traces([long])
    traces.search("a", [" ".join(long.split()[:12]) + " other " + " ".join(long.split()[12:24])])
    assert traces.found(long) == []
