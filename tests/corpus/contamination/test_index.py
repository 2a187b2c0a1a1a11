"""The search for items against its plain definition."""

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from leaven.corpus.contamination import index as index_module
from leaven.corpus.contamination.index import Index
from leaven.corpus.contamination.items import Items
from leaven.corpus.contamination.report import Report, report


def words_of(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def plainly(text: str, rule: str, document: str, n: int) -> bool:
    words, read = words_of(text), words_of(document)
    if not words:
        return False
    if rule == "ngram" and len(words) >= n:
        windows = {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}
        return any(tuple(read[i : i + n]) in windows for i in range(len(read) - n + 1))
    return " ".join(text.lower().split()) in " ".join(document.lower().split())


token = st.sampled_from(["a", "b", "C", "d_e", "ü", "ÉΣ", "7", "(", ".", "\n", "  ", "\u2028", "=", "İ", "x\u0301"])
joiner = st.sampled_from(["", " ", "\t", ", "])
texts = st.lists(st.tuples(token, joiner), max_size=14).map(lambda rows: "".join(word + gap for word, gap in rows))


@given(
    items=st.lists(st.tuples(texts, st.sampled_from(["ngram", "exact"])), min_size=1, max_size=6),
    documents=st.lists(texts, max_size=5),
    inside=st.lists(st.tuples(texts, st.integers(0, 5), texts), max_size=4),
    n=st.sampled_from([2, 3, 5, 13]),
)
@example([("a b c d", "exact")], ["xa b c dx", "a b  c\nD"], [], 13)
@settings(max_examples=300, deadline=None)
def test_agrees_with_the_definition(items, documents, inside, n):
    documents = documents + [before + items[k % len(items)][0] + after for before, k, after in inside]
    rows = tuple(text for text, _ in items)
    rules = tuple(rule for _, rule in items)
    index = Index.build({"t": Items("t", rows, tuple(map(str, range(len(rows)))), rules)}, ngram=n)
    expected = [
        tuple(("t", k) for k, (text, rule) in enumerate(items) if plainly(text, rule, document, n))
        for document in documents
    ]
    assert index.search(documents) == expected
    assert [index.hits(document) for document in documents] == expected


def test_groups_do_not_show(monkeypatch):
    item = " ".join(f"word{n}" for n in range(20))
    documents = [f"{'filler ' * (k % 5)}{item if k % 3 == 0 else item[:40]} end" for k in range(30)]
    index = Index.build({"t": Items("t", (item,), ("7",))})
    whole = index.search(documents)
    monkeypatch.setattr(index_module, "GROUP", 200)
    assert index.search(documents) == whole
    assert [bool(hits) for hits in whole] == [k % 3 == 0 for k in range(30)]


def test_nothing_across_documents():
    item = " ".join(f"word{n}" for n in range(13))
    index = Index.build({"t": Items("t", (item, "one two three four five"), ("1", "2"))})
    assert index.search([item[:40], item[40:], "one two", "three four five", ""]) == [()] * 5
    assert index.search([]) == []
    assert Index.build({}).search([item]) == [()]


def test_thirteen_words_of_many_are_enough_and_twelve_are_not():
    words = [f"word{n}" for n in range(30)]
    index = Index.build({"a": Items("a", ("x " * 3,), ("x",)), "b": Items("b", (" ".join(words),), ("y",))})
    assert index.hits(f"so {', '.join(words[4:17]).upper()}!") == (("b", 0),)
    assert index.hits(" ".join([*words[:12], "other", *words[12:24]])) == ()


def test_code_is_matched_whole():
    solution = "while b:\n        a, b = b, a % b\n    return a"
    index = Index.build({"humaneval": Items("humaneval", (solution,), ("HumanEval/13",), ("exact",))})
    assert index.hits("def gcd(a, b):\n    while b:\n        a, b = b, a % b\n    return a\n")
    assert index.hits("def gcd(A, B):\n\twhile B:\n\t\tA, B = B, A % B\n\treturn A\n")
    assert not index.hits("def gcd(a, b):\n    while b:\n        a, b = b, a // b\n    return a\n")


def test_a_hostile_document_is_searched():
    item = " ".join(["buffalo"] * 40)
    index = Index.build({"t": Items("t", (item, "a b", "return x"), ("1", "2", "3"))})
    assert index.hits("buffalo " * 120_000) == (("t", 0),)
    assert index.hits("a" * 1_000_000) == ()
    assert index.hits("a " * 300_000 + "b") == (("t", 1),)


def test_report_counts_items_and_documents():
    items = {
        "code": Items("code", ("text of one", "text of one again", "text of two"), ("1", "1", "2"), (), ("3",)),
        "never found": Items("never found", ("something quite else",), ("1",)),
    }
    found = report(items, [("d1", [("code", 0), ("code", 1)]), ("d2", ()), ("d3", [("code", 1)])])
    assert found.as_data() == {
        "tasks": {
            "code": {"items": 3, "unsearched": 1, "matched": 1, "documents": 2, "checked": True},
            "never found": {"items": 1, "unsearched": 0, "matched": 0, "documents": 0, "checked": True},
        },
        "matches": [["code", "1", "d1"], ["code", "1", "d3"]],
    }
    assert Report.from_data(found.as_data()) == found
    assert "boolq" not in found.tasks  # never looked for: nothing calls it clean
