"""The corpus step: no text on both sides, duplicates counted, the order of files without effect."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus.assemble import assemble, content_key
from leaven.corpus.document import Document, read_documents, write_documents
from leaven.ground.errors import BadInput
from leaven.ground.files import read_json, write_json


def source(folder: Path, documents: list[Document], kind: str = "text", **report: Any) -> Path:
    folder.mkdir(parents=True)
    write_documents(folder / "documents.parquet", sorted(documents, key=lambda d: d.id))
    write_json(folder / "report.json", {"kind": kind, "files": 1, "skipped": {}, "dropped": {}} | report)
    return folder


def many(prefix: str, count: int = 60, groups: int = 20) -> list[Document]:
    return [
        Document(f"{prefix}{n:03}", f"{prefix} text number {n}", "p", f"{prefix}{n % groups}") for n in range(count)
    ]


def sides(out: Path, name: str) -> tuple[list[Document], list[Document]]:
    return list(read_documents(out / "train" / f"{name}.parquet")), list(
        read_documents(out / "heldout" / f"{name}.parquet")
    )


def run(tmp_path: Path, sources: dict[str, list[Document]], **options: Any) -> Path:
    folders = {name: source(tmp_path / "in" / name, documents) for name, documents in sources.items()}
    out = tmp_path / "out"
    out.mkdir()
    assemble(folders, out, **options)
    return out


def test_split_by_group_and_report(tmp_path: Path) -> None:
    out = run(tmp_path, {"text": many("t"), "code": many("c")})
    report = read_json(out / "report.json")["sources"]
    for name in ("text", "code"):
        train, heldout = sides(out, name)
        assert not {d.group for d in train} & {d.group for d in heldout}
        assert len(train) + len(heldout) == 60
        assert heldout
        assert report[name]["train_documents"] == len(train)
        assert report[name]["heldout_bytes"] == sum(len(d.text.encode()) for d in heldout)
        assert [d.id for d in train] != sorted(d.id for d in train)


def test_a_package_is_held_out_of_all_sources_at_once(tmp_path: Path) -> None:
    text = [Document(f"t{n}", f"text {n}", "p", f"package{n % 30}") for n in range(90)]
    code = [Document(f"c{n}", f"code {n}", "p", f"package{n % 30}") for n in range(90)]
    out = run(tmp_path, {"text": text, "code": code})
    held = {d.group for name in ("text", "code") for d in sides(out, name)[1]}
    assert held
    assert not held & {d.group for name in ("text", "code") for d in sides(out, name)[0]}


def test_duplicates_within_across_and_over_the_split(tmp_path: Path) -> None:
    text, code = many("t"), many("c")
    plain = run(tmp_path / "plain", {"text": text, "code": code})
    train, heldout = sides(plain, "text")
    copies = [
        Document("z1", train[0].text + "  \n", "p", train[0].group),
        Document("z2", heldout[0].text, "p", train[0].group),
    ]
    out = run(
        tmp_path / "copies", {"text": text + copies, "code": [*code, Document("z3", train[1].text, "p", "c1")]}, seed=0
    )
    report = read_json(out / "report.json")["sources"]
    assert report["text"]["duplicates_removed"] == 1
    assert report["text"]["heldout_overlap_removed"] == 1
    assert report["code"]["cross_source_duplicates_removed"] == 1
    keys = [content_key(d.text) for name in ("text", "code") for side in sides(out, name) for d in side]
    assert len(keys) == len(set(keys)) == 120


WORDS = st.sampled_from(["a", "b", "a ", "c\n", "d", "e", "f f", "f  f"])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(WORDS, st.sampled_from("gh")), min_size=1, max_size=12),
    st.lists(st.tuples(WORDS, st.sampled_from("ghi")), min_size=1, max_size=12),
)
def test_no_text_is_on_both_sides(first: list[tuple[str, str]], second: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = {"one": first, "two": second}
        sources = {
            name: [Document(f"{n:02}", text, "p", group) for n, (text, group) in enumerate(pairs)]
            for name, pairs in rows.items()
        }
        out = run(Path(folder), sources, heldout=0.3, optional=("one", "two"))
        keys = [content_key(d.text) for name in rows for side in sides(out, name) for d in side]
        assert len(keys) == len(set(keys))
        assert set(keys) == {content_key(text) for pairs in rows.values() for text, _ in pairs}


def test_long_documents_are_cut_and_stay_on_one_side(tmp_path: Path) -> None:
    long = [
        Document(f"long{n}", f"{n} " + "\n\n".join(f"{n} {m} " + "word " * 50 for m in range(300)), "p", f"g{n}")
        for n in range(9)
    ]
    out = run(tmp_path, {"text": long})
    train, heldout = sides(out, "text")
    assert not {d.group for d in train} & {d.group for d in heldout}
    assert max(len(d.text) for d in train) <= 20_000
    assert {d.id.partition("#")[2] for d in train} >= {"1", "2", "3"}


def test_held_out_bytes_are_bounded(tmp_path: Path) -> None:
    out = run(tmp_path, {"text": many("t", 1000, 100)}, heldout=0.5, max_heldout_bytes=200)
    assert 0 < read_json(out / "report.json")["sources"]["text"]["heldout_bytes"] <= 200


def test_planted_facts_are_all_trained_on(tmp_path: Path) -> None:
    folders = {
        "text": source(tmp_path / "text", many("t")),
        "facts": source(tmp_path / "facts", many("f"), kind="facts"),
        "more": source(tmp_path / "more", many("m"), kind="facts"),
    }
    out = tmp_path / "out"
    out.mkdir()
    assemble(folders, out, into={"facts": "text"}, heldout=0.5)
    train, heldout = sides(out, "text")
    assert sum(d.id.startswith("f") for d in train) == 60
    assert not any(d.id.startswith("f") for d in heldout)
    assert not (out / "train" / "facts.parquet").exists()
    assert len(sides(out, "more")[0]) == 60


def test_empty_sources_say_why(tmp_path: Path) -> None:
    folders = {"text": source(tmp_path / "a", [], skipped={"binary": 3}, dropped={"too short": 2}, files=5)}
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(BadInput, match="source text: no documents") as caught:
        assemble(folders, out)
    assert "3 × binary, 2 × too short" in str(caught.value)
    assemble(folders, out, optional=("text",))
    assert sides(out, "text") == ([], [])


def test_a_source_of_nothing_but_duplicates_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="source two: no documents left for training"):
        run(tmp_path, {"one": many("t"), "two": many("t")})


def test_equal_inputs_give_equal_bytes(tmp_path: Path) -> None:
    first = run(tmp_path / "a", {"text": many("t"), "code": many("c")})
    second = run(tmp_path / "b", {"text": many("t"), "code": many("c")})
    files = sorted(p.relative_to(first) for p in first.rglob("*") if p.is_file())
    assert len(files) == 5
    assert all((first / f).read_bytes() == (second / f).read_bytes() for f in files)
