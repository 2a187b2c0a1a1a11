"""The corpus step: no text on both sides, duplicates counted, the order of files without effect."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus.assemble import Assembly, assemble
from leaven.corpus.dedup.exact import content_key
from leaven.corpus.dedup.near import preset
from leaven.corpus.document import Document
from leaven.corpus.files import documents_of
from leaven.corpus.plan import SourcePlan
from leaven.corpus.scored import Writer
from leaven.corpus.select import Selection, select_documents
from leaven.corpus.survey import survey_items
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import read_json, write_json


def source(folder: Path, documents: list[Document], kind: str = "text", **report: Any) -> tuple[Path, Path]:
    """Folders of a read and a source step that keeps all of it, in three files."""
    read, kept = folder / "read", folder / "kept"
    (read / "documents").mkdir(parents=True)
    kept.mkdir()
    plan = SourcePlan(folder.name, kind, "path", 1 << 30)  # type: ignore[arg-type]
    for number in range(3):
        with Writer(read / "documents", plan) as writer:
            for document in sorted(documents, key=lambda d: d.id)[number::3]:
                writer.add(document)
        (read / "documents" / "00000.parquet").rename(read / "documents" / f"1000{number}.parquet")
    base = {"source": folder.name, "kind": kind, "files": 1, "skipped": {}, "dropped": {}}
    write_json(read / "report.json", base | report)
    select_documents(read, kept, Selection(folder.name, kind, 1 << 30))
    return read, kept


NEAR = preset("starcoder1")


def many(prefix: str, count: int = 60, groups: int = 20) -> list[Document]:
    return [
        Document(f"{prefix}{n:03}", f"{prefix} text number {n}", "p", f"{prefix}{n % groups}") for n in range(count)
    ]


def sides(out: Path, name: str) -> tuple[list[Document], list[Document]]:
    train, heldout = (list(documents_of(out, side, name)) for side in ("train", "heldout"))
    return train, heldout


def run(
    tmp_path: Path, sources: dict[str, list[Document]], workers: int = 1, kind: str = "text", **options: Any
) -> Path:
    folders = {name: source(tmp_path / "in" / name, documents, kind) for name, documents in sources.items()}
    return put_together(tmp_path, folders, workers, **options)


def put_together(tmp_path: Path, folders: dict[str, tuple[Path, Path]], workers: int = 1, **options: Any) -> Path:
    out = tmp_path / "out"
    out.mkdir(parents=True)
    state = tmp_path / "state"
    state.mkdir()
    assembly = Assembly(**options)
    reads, kept = ({name: pair[place] for name, pair in folders.items()} for place in (0, 1))
    assemble(reads, kept, out, state, assembly, workers=workers)
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


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(WORDS, st.sampled_from("gh")), min_size=1, max_size=12),
    st.lists(st.tuples(WORDS, st.sampled_from("ghi")), min_size=1, max_size=12),
)
def test_no_text_is_on_both_sides(first: list[tuple[str, str]], second: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = {"one": first, "two": second}
        sources = {
            name: [Document(f"{n:02}", text, "p", group) for n, (text, group) in enumerate(pairs)]
            + [Document(f"z{n}", f"only in {name}, number {n}", "p", f"{name}{n}") for n in range(8)]
            for name, pairs in rows.items()
        }
        out = run(Path(folder), sources, heldout=0.3)
        keys = [content_key(d.text) for name in rows for side in sides(out, name) for d in side]
        assert len(keys) == len(set(keys))
        assert set(keys) == {content_key(d.text) for documents in sources.values() for d in documents}


def test_long_documents_are_cut_and_stay_on_one_side(tmp_path: Path) -> None:
    long = [
        Document(f"long{n}", f"{n} " + "\n\n".join(f"{n} {m} " + "word " * 50 for m in range(300)), "p", f"g{n}")
        for n in range(9)
    ]
    out = run(tmp_path, {"text": long}, cut=20_000)
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
    }
    out = put_together(tmp_path / "all", folders, heldout=0.5)
    assert len(sides(out, "facts")[0]) == 60
    assert sides(out, "facts")[1] == []


def test_empty_sources_say_why(tmp_path: Path) -> None:
    folders = {"text": source(tmp_path / "text", [], skipped={"binary": 3}, dropped={"too short": 2}, files=5)}
    with pytest.raises(BadInput, match="source text: no documents") as caught:
        put_together(tmp_path / "all", folders)
    assert "3 × binary, 2 × too short" in str(caught.value)


def test_a_source_of_nothing_but_duplicates_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="source two: no documents left for training"):
        run(tmp_path, {"one": many("t"), "two": many("t")})


def listing(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def test_equal_inputs_give_equal_bytes_with_any_number_of_workers(tmp_path: Path) -> None:
    sources = {"text": many("t"), "code": many("c")}
    first = listing(run(tmp_path / "a", sources, near=NEAR, near_sources=frozenset(sources)))
    second = listing(run(tmp_path / "b", sources, workers=2, near=NEAR, near_sources=frozenset(sources)))
    assert len(first) == 7
    assert first == second


def test_a_killed_corpus_is_continued_to_the_same_bytes(tmp_path: Path) -> None:
    sources = {"text": many("t"), "code": many("c")}
    whole = run(tmp_path / "a", sources, near=NEAR, near_sources=frozenset(sources))
    out = run(tmp_path / "b", sources, near=NEAR, near_sources=frozenset(sources))
    expected = listing(out)
    assert expected == listing(whole)
    # What a kill leaves: some parts whole, one unfinished, results half-way.
    state = tmp_path / "b" / "state"
    shutil.rmtree(state / "gathered" / "00001")
    shutil.rmtree(state / "moved" / "00002")
    (state / "gathered" / "00001.unfinished").mkdir()
    (state / "gathered" / "00001.unfinished" / "documents.parquet").write_bytes(b"half")
    shutil.rmtree(out)
    out.mkdir()
    folders = {name: (tmp_path / "b" / "in" / name / "read", tmp_path / "b" / "in" / name / "kept") for name in sources}
    reads, kept = ({name: pair[place] for name, pair in folders.items()} for place in (0, 1))
    assemble(reads, kept, out, state, Assembly(near=NEAR, near_sources=frozenset(sources)))
    assert listing(out) == expected


PROSE = "the parser keeps the whole of the input that it has seen so that a later rule can look back at it once more"


def near_copy(number: int, word: str) -> str:
    words = [f"{part}{number}" for part in PROSE.split()] * 4
    words[-1] = word
    return " ".join(words)


def test_near_duplicates_go_within_across_and_over_the_split(tmp_path: Path) -> None:
    text = [Document(f"t{n:03}", near_copy(n, "end"), "p", f"t{n}") for n in range(40)]
    plain = run(tmp_path / "plain", {"text": text}, near=NEAR, near_sources=frozenset({"text"}))
    train, heldout = sides(plain, "text")
    assert len(train) + len(heldout) == 40
    trained, held = (int(documents[0].id[1:]) for documents in (train, heldout))
    more = [
        Document("z1", near_copy(trained, "other"), "p", train[0].group),
        Document("z2", near_copy(held, "other"), "p", train[0].group),
    ]
    code = [Document(f"c{n:03}", f"code {near_copy(1000 + n, 'end')}", "p", f"c{n}") for n in range(20)]
    code += [Document("c9", near_copy(int(train[1].id[1:]), "more"), "p", "c1")]
    both = frozenset({"text", "code"})
    out = run(tmp_path / "all", {"text": text + more, "code": code}, near=NEAR, near_sources=both)
    report = read_json(out / "report.json")
    assert report["sources"]["text"]["near_duplicates_removed"] == 1
    assert report["sources"]["text"]["near_heldout_overlap_removed"] == 1
    assert report["sources"]["code"]["near_cross_source_duplicates_removed"] == 1
    clusters = read_json(out / "clusters.json")
    assert [cluster["size"] for cluster in clusters] == [2, 2, 2]
    assert ["text: " + train[1].id, "code: c9"] in [cluster["documents"] for cluster in clusters]
    apart = run(tmp_path / "apart", {"text": text, "code": code}, near=NEAR, near_sources=both, across=False)
    assert read_json(apart / "report.json")["sources"]["code"]["near_cross_source_duplicates_removed"] == 0


def test_permissive_and_starred_documents_are_kept(tmp_path: Path) -> None:
    rows = [("a", "GPL-3.0-only", "900"), ("b", "", "50"), ("c", "MIT", "7"), ("d", "MIT", "8")]
    copies = [
        Document(name, near_copy(1, name), "p", "same", "python", licence, labels={"stars": stars})
        for name, licence, stars in rows
    ]
    out = run(tmp_path, {"text": [*many("t"), *copies]}, near=NEAR, near_sources=frozenset({"text"}))
    kept = [d.id for side in sides(out, "text") for d in side if d.group == "same"]
    assert kept == ["d"]


def test_documents_that_hold_an_item_are_removed_and_counted(tmp_path: Path) -> None:
    item = "which of these seven rather unusual words would you say stands in no other document at all"
    (tmp_path / "probe.jsonl").write_text(json.dumps({"text": item}) + "\n")
    dirty = [Document("zz", f"before it {item} and after it", "p", "g0")]
    out = run(tmp_path, {"text": [*many("t"), *dirty]}, decontaminate={"probe": tmp_path / "probe.jsonl"})
    assert "zz" not in [d.id for side in sides(out, "text") for d in side]
    report = read_json(out / "report.json")
    assert report["sources"]["text"]["contaminated_removed"] == 1
    assert report["contamination"] == {
        "probe": {"items": 1, "matched": 1, "documents": 1, "unsearched": 0, "checked": True}
    }
    assert read_json(out / "contamination.json")["matches"] == [["probe", "0", "text: zz"]]


def test_items_that_changed_since_the_survey_are_refused(tmp_path: Path) -> None:
    items = tmp_path / "probe.jsonl"
    items.write_text('{"text": "one two three four five six seven eight"}\n')
    known = survey_items({"probe": items}).fingerprint
    run(tmp_path / "same", {"text": many("t")}, decontaminate={"probe": items}, items=known)
    items.write_text('{"text": "another text of seven words or eight"}\n')
    with pytest.raises(LeavenError, match="items changed"):
        run(tmp_path / "other", {"text": many("t")}, decontaminate={"probe": items}, items=known)


def test_twins_keep_both_texts_under_two_names(tmp_path: Path) -> None:
    twins = [Document("same", "first text of two", "p", "g1"), Document("same", "second text of two", "p", "g2")]
    out = run(tmp_path, {"text": [*many("t"), *twins]})
    names = sorted(d.id for side in sides(out, "text") for d in side if d.id.startswith("same"))
    assert names == ["same", "same~2"]
