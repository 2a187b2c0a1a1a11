"""Every shape against a record as published, and every way in which a field can be wrong."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.corpus.document import COLUMNS, Document, Dropped, as_table
from leaven.corpus.plan import Kind, SourcePlan
from leaven.corpus.read.fields import document, starcoder_head
from leaven.corpus.read.shapes import INSTRUCT, ROLES, names, shape
from leaven.corpus.read.units import WHOLE, Unit
from leaven.corpus.tree import Entry, Unreadable, decode
from leaven.ground.errors import BadInput

UNIT = Unit(Entry("data/part-0.jsonl.zst", "/nowhere", 5, 0, 0), 0, WHOLE, 5)


def plan(shape: str = "", kind: Kind = "text", **more: Any) -> SourcePlan:
    return SourcePlan("s", kind, "path", 1, Path("."), shape=shape, **more)


def of(record: dict[str, Any], given: SourcePlan, number: int = 3) -> tuple[Document | None, Counter[str]]:
    skipped: Counter[str] = Counter()
    return document(record, number, shape(given), UNIT, skipped), skipped


def good(record: dict[str, Any], given: SourcePlan) -> Document:
    found, skipped = of(record, given)
    assert not skipped
    assert found is not None
    return found


ID = "data/part-0.jsonl.zst:3"
PUBLISHED: dict[str, tuple[dict[str, Any], Document]] = {
    "plain": (
        {"text": "hello", "id": "a", "other": 1},
        Document(ID, "hello", "data/part-0.jsonl.zst", ID, labels={"id": "a"}),
    ),
    "slimpajama": (
        {"text": "hello", "meta": {"redpajama_set_name": "RedPajamaC4"}},
        Document(ID, "hello", "data/part-0.jsonl.zst", ID, labels={"subset": "RedPajamaC4"}),
    ),
    "redpajama": (
        {"text": "hello", "meta": '{"url": "https://a.example/", "language": "en"}', "red_pajama_subset": "arxiv"},
        Document(ID, "hello", "data/part-0.jsonl.zst", ID, labels={"subset": "arxiv", "url": "https://a.example/"}),
    ),
    "stack1": (
        {
            "hexsha": "ab12",
            "ext": "py",
            "lang": "Python",
            "max_stars_repo_path": "src/a.py",
            "max_stars_repo_name": "owner/name",
            "max_stars_repo_licenses": ["MIT", "Apache-2.0", "MIT"],
            "max_stars_count": 5.0,
            "content": "x = 1\r\n",
        },
        Document(
            ID,
            "x = 1\n",
            "src/a.py",
            "owner/name",
            "Python",
            "MIT AND Apache-2.0",
            "owner/name",
            {"id": "ab12", "extension": "py", "stars": "5"},
        ),
    ),
    "stack2": (
        {
            "blob_id": "cd34",
            "path": "/src/a.rs",
            "repo_name": "owner/name",
            "detected_licenses": ["MIT OR Apache-2.0", "BSD-3-Clause"],
            "gha_license_id": "NOASSERTION",
            "license_type": "permissive",
            "language": "Rust",
            "star_events_count": 0,
            "is_vendor": False,
            "is_generated": True,
            "revision_id": None,
            "content": "fn main() {}",
        },
        Document(
            ID,
            "fn main() {}",
            "src/a.rs",
            "owner/name",
            "Rust",
            "(MIT OR Apache-2.0) AND BSD-3-Clause",
            "owner/name",
            {"id": "cd34", "licence_type": "permissive", "vendor": "false", "generated": "true", "stars": "0"},
        ),
    ),
    "starcoder": (
        {
            "id": 17,
            "max_stars_repo_path": "a.py",
            "max_stars_repo_name": "owner/name",
            "max_stars_count": None,
            "content": "<reponame>other/name<gh_stars>10-100\nx = 1",
        },
        Document(ID, "x = 1", "a.py", "owner/name", "", "", "owner/name", {"id": "17", "stars": "10-100"}),
    ),
    "dolly": (
        {"instruction": "Who?", "context": "A {text} [of] it.", "response": "Nobody.\n", "category": "closed_qa"},
        Document(
            ID,
            "Question: Who?\n\nA {text} [of] it.\n\nAnswer: Nobody.",
            "data/part-0.jsonl.zst",
            ID,
            labels={"subset": "closed_qa"},
        ),
    ),
    "alpaca": (
        {"instruction": "Who {context}?", "input": "", "output": "{response}"},
        Document(ID, "Question: Who {context}?\n\nAnswer: {response}", "data/part-0.jsonl.zst", ID),
    ),
    "datatrove": (
        {"text": "hello", "id": "x/0", "metadata": {"url": "https://a.example/", "language": "en", "dump": "CC-1"}},
        Document(
            ID,
            "hello",
            "data/part-0.jsonl.zst",
            ID,
            "en",
            labels={"url": "https://a.example/", "id": "x/0", "subset": "CC-1"},
        ),
    ),
    "fineweb": (
        {"text": "hello", "id": "<urn:uuid:1>", "dump": "CC-1", "url": "https://a.example/", "language": "en"},
        Document(
            ID,
            "hello",
            "data/part-0.jsonl.zst",
            ID,
            "en",
            labels={"url": "https://a.example/", "id": "<urn:uuid:1>", "subset": "CC-1"},
        ),
    ),
}


def test_every_shape_is_tested() -> None:
    assert set(PUBLISHED) == set(names())


@pytest.mark.parametrize("name", names())
def test_a_record_as_published(name: str) -> None:
    record, expected = PUBLISHED[name]
    found = good(record, plan(name, "instruct" if name in ("dolly", "alpaca") else "text"))
    assert found == expected
    assert {path.partition(".")[0] for path in record} - {"other"} <= shape(plan(name)).columns


@pytest.mark.parametrize("subset", ["RedPajamaGithub", "RedPajamaStackExchange"])
def test_slimpajama_is_read_without_code(subset: str) -> None:
    record = {"text": "x", "meta": {"redpajama_set_name": subset}}
    with pytest.raises(Dropped, match=f"left out: subset {subset}"):
        of(record, plan("slimpajama"))
    assert good(record, plan("slimpajama", leave={"subset": ()})).labels == {"subset": subset}
    assert good(record, plan("slimpajama", leave={"subset": ("RedPajamaC4",)}))


def test_labels_can_be_left_by() -> None:
    record, _ = PUBLISHED["stack2"]
    with pytest.raises(Dropped, match="left out: generated true"):
        of(record, plan("stack2", leave={"generated": ("true",)}))


def test_fields_of_the_plan_stand_over_the_shape() -> None:
    record, _ = PUBLISHED["stack1"]
    found = good(record | {"body": "y"}, plan("stack1", fields={"text": "body", "group": "hexsha"}))
    assert (found.text, found.group, found.path) == ("y", "ab12", "src/a.py")
    found = good({"q": "Why?", "a": "So."}, plan(kind="instruct", fields={"instruction": "q", "response": "a"}))
    assert found.text == "Question: Why?\n\nAnswer: So."
    assert good({"body": "whole"}, plan("dolly", "instruct", fields={"text": "body"})).text == "whole"
    assert good({"a.b": "flat", "a": {"b": "deep"}}, plan(fields={"text": "a.b"})).text == "flat"
    assert good({"a": {"b": {"c": "deep"}}}, plan(fields={"text": "a.b.c"})).text == "deep"


def test_one_constant_id_is_not_one_group() -> None:
    mapping, skipped = shape(plan()), Counter[str]()
    found = [document({"text": f"text {n}", "id": "0"}, n, mapping, UNIT, skipped) for n in range(9)]
    assert len({d.id for d in found if d}) == len({d.group for d in found if d}) == 9


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, "no text field"),
        ({"text": None}, "no text field"),
        ({"text": 5}, "text is not a string"),
        ({"text": ["a"]}, "text is not a string"),
        ({"text": ""}, "empty"),
        ({"text": " \r\n\t"}, "empty"),
        ({"text": "\ufeff"}, "empty"),
        ({"text": "a\0b"}, "binary"),
        ({"text": "lone \ud800"}, "invalid Unicode"),
        ({"text": "lone \ud800" * (1 << 20)}, "larger than 4 MiB"),
        ({"text": "\ud800" + "a" * (2 << 20)}, "invalid Unicode"),
        ({"text": "a" * (4 * 1024 * 1024 + 1)}, "larger than 4 MiB"),
        ({"text": "é" * (2 * 1024 * 1024 + 1)}, "larger than 4 MiB"),
        ({"text": b"\xff"}, "invalid UTF-8"),
    ],
)
def test_a_text_that_is_none(record: dict[str, Any], reason: str) -> None:
    assert of(record, plan()) == (None, Counter({reason: 1}))


@given(st.text(max_size=60))
def test_a_text_is_what_a_file_of_it_would_be(text: str) -> None:
    found, skipped = of({"text": text}, plan())
    try:
        expected, reasons = decode(text.encode()), {}
    except Unreadable as reason:
        expected, reasons = "", {str(reason): 1}
    assert (found.text if found else "", skipped) == (expected, reasons)


@pytest.mark.parametrize("missing", ["instruction", "response"])
def test_an_instruction_that_is_none(missing: str) -> None:
    record, _ = PUBLISHED["dolly"]
    assert of(record | {missing: None}, plan("dolly")) == (None, Counter({f"no {missing} field": 1}))
    assert of(record | {missing: 5}, plan("dolly")) == (None, Counter({f"{missing} is not a string": 1}))
    assert of(record | {missing: " "}, plan("dolly")) == (None, Counter({"empty": 1}))
    assert of(record | {"context": "\0"}, plan("dolly")) == (None, Counter({"binary": 1}))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (["a"], "of another type"),
        ({}, "of another type"),
        ("a" * 5000, "too long"),
        ("\ud800", "no text"),
        ("a\0", "no text"),
        (1 << 999, "too long"),
    ],
)
def test_a_bad_field_costs_the_fact_and_not_the_document(value: Any, why: str) -> None:
    record, _ = PUBLISHED["stack1"]
    found, skipped = of(record | {"lang": value, "max_stars_repo_path": value}, plan("stack1"))
    assert found is not None
    assert (found.language, found.path, found.repository) == ("", "data/part-0.jsonl.zst", "owner/name")
    assert skipped == {
        f"field lang is {why} (the field alone)": 1,
        f"field max_stars_repo_path is {why} (the field alone)": 1,
    }
    found, skipped = of(record | {"max_stars_repo_licenses": ["MIT", {"a": 1}, None]}, plan("stack1"))
    assert found is not None
    assert found.licence == "MIT"
    assert sum(skipped.values()) == 1


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("/etc/passwd", "etc/passwd"),
        ("../../a.py", "a.py"),
        ("a/./b/../c.py", "a/b/c.py"),
        ("C:\\src\\a.py", "src/a.py"),
        ("a/.github/x.yml", "a/.github/x.yml"),
        (".gitignore", ".gitignore"),
        ("..", "data/part-0.jsonl.zst"),
    ],
)
def test_paths_are_relative(given: str, path: str) -> None:
    assert good({"text": "x", "p": given}, plan(fields={"path": "p"})).path == path


@pytest.mark.parametrize(
    ("text", "head", "rest"),
    [
        ("<reponame>a/b<filename>c d.py<gh_stars>0\nx\n", {"repository": "a/b", "path": "c d.py", "stars": "0"}, "x\n"),
        ("<filename>c.py\nx", {"path": "c.py"}, "x"),
        ("<gh_stars>1000+\n\n", {"stars": "1000+"}, "\n"),
        ("<gh_stars>1-10<filename>c.py\nx", {}, None),
        ("<html>\nx", {}, None),
        (" <filename>c.py\nx", {}, None),
        ("<filename>c.py", {}, None),
        ("<filename>" + "a" * 5000 + "\nx", {}, None),
    ],
)
def test_the_head_of_starcoder(text: str, head: dict[str, str], rest: str | None) -> None:
    assert starcoder_head(text) == (head, text if rest is None else rest)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"shape": "slimpyjama"}, 'did you mean "slimpajama"'),
        ({"fields": {"licenses": "l"}}, 'unknown role "licenses"'),
        ({"leave": {"subsets": ("a",)}}, 'did you mean "subset"'),
        ({"leave": {"subset": ("a",)}}, "has no subset"),
    ],
)
def test_a_wrong_mapping_says_so(given: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as caught:
        shape(plan(**given))
    assert says in str(caught.value)


SCALAR = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), st.binary(max_size=5))
ANY = st.recursive(SCALAR, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner)))


@given(st.sampled_from(names()), st.dictionaries(st.sampled_from([*ROLES, *INSTRUCT]), ANY), st.data())
def test_any_values_in_any_shape_give_a_document_that_can_be_stored(
    name: str, values: dict[str, Any], data: st.DataObject
) -> None:
    mapping = shape(plan(name))
    record: dict[str, Any] = {}
    for role, paths in mapping.roles.items():
        path = data.draw(st.sampled_from(paths))
        parent, _, child = path.partition(".")
        record[parent] = {child: values.get(role)} if child else values.get(role)
    skipped: Counter[str] = Counter()
    try:
        found = document(record, 1, mapping, UNIT, skipped)
    except Dropped:
        return
    if found is None:
        assert sum(skipped.values()) >= 1
    else:
        assert as_table([found]).num_columns == len(COLUMNS)
        assert ".." not in found.path.split("/")
