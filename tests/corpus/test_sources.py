"""A source step: from a plan to documents and a report, the same bytes every time."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pyarrow.parquet as pq
import pytest

from leaven.corpus import sources
from leaven.corpus.document import Document, read_documents
from leaven.corpus.plan import SourcePlan
from leaven.corpus.select import KEPT, Selection, select_documents
from leaven.corpus.sources import read_source
from leaven.corpus.survey import survey
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import read_json


def build(
    plan: SourcePlan, out: Path, roots: dict[str, Path] | None = None, **selection: Any
) -> tuple[list[Document], dict[str, Any]]:
    """What a source keeps: its read step, then its source step."""
    read, state, kept = (out / name for name in ("read", "state", "kept"))
    for folder in (read, state, kept):
        folder.mkdir(parents=True)
    read_source(plan, read, state, roots=roots)
    select_documents(read, kept, Selection(plan.name, plan.kind, plan.max_bytes, plan.seed, plan.rules, **selection))
    files = sorted((read / "documents").glob("*.parquet"))
    rows = zip(*pq.read_table(kept / KEPT, columns=["file", "row"]).to_pydict().values(), strict=True)
    documents = [list(read_documents(path)) for path in files]
    return [documents[file][row] for file, row in rows], read_json(kept / "report.json")


def installed(kind: Any, most: int = 1 << 20) -> SourcePlan:
    rules = () if kind in ("text", "adjacent") else ("floor", "paper")
    return SourcePlan(kind, kind, "workstation", most, rules=rules, docstrings="remove")


def test_prose_of_installed_packages(roots: dict[str, Path], tmp_path: Path) -> None:
    documents, report = build(installed("text"), tmp_path / "out", roots)
    assert report["note"].startswith("documentation prose")
    assert report["documents"] == len(documents) > 20
    assert report["bytes"] == sum(len(d.text.encode()) for d in documents)
    assert report["languages"]["english"][0] == len(documents)
    paragraphs = [paragraph for d in documents for paragraph in d.text.split("\n\n")]
    assert len(paragraphs) == len(set(paragraphs))
    assert all('"""' not in d.text and "def " not in d.text for d in documents)
    assert [d.id for d in documents] == sorted(d.id for d in documents)


def test_code_of_installed_packages(roots: dict[str, Path], tmp_path: Path) -> None:
    documents, report = build(installed("web_code"), tmp_path / "out", roots)
    assert list(report["languages"]) == ["python"]
    assert all('"""' not in d.text for d in documents)
    assert {d.group for d in documents} >= {"stdlib/stda", "pack0", "pack11"}
    assert report["files"] == len(documents) + sum(report["dropped"].values()) + sum(report["skipped"].values())


def test_markup_and_adjacent_of_installed_packages(roots: dict[str, Path], tmp_path: Path) -> None:
    documents, _ = build(installed("markup"), tmp_path / "markup", roots)
    assert {d.language for d in documents} == {"css", "restructuredtext"}
    assert not any("License-Expression" in d.text for d in documents)
    documents, report = build(installed("adjacent"), tmp_path / "adjacent", roots)
    assert documents == []
    assert report["documents"] == 0


@pytest.mark.parametrize("kind", ["text", "web_code", "markup"])
def test_equal_inputs_give_equal_bytes_wherever_they_lie(roots: dict[str, Path], tmp_path: Path, kind: str) -> None:
    copies = {label: shutil.copytree(root, tmp_path / "copy" / label) for label, root in roots.items()}
    build(installed(kind, 9000), tmp_path / "one", roots)
    build(installed(kind, 9000), tmp_path / "two", copies)
    for name in ("read/documents/00000.parquet", "read/report.json", "kept/kept.parquet", "kept/report.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
        assert str(tmp_path).encode() not in (tmp_path / "one" / name).read_bytes()
    assert read_json(tmp_path / "one" / "kept" / "report.json")["bytes"] <= 9000


def test_files_that_changed_since_the_survey_are_refused(roots: dict[str, Path], tmp_path: Path) -> None:
    plan = installed("web_code")
    plan = replace(plan, fingerprint=survey(plan, roots).fingerprint)
    build(plan, tmp_path / "out", roots)
    (roots["packages"] / "pack1" / "core.py").write_text("x = 1\n")
    with pytest.raises(LeavenError, match="files changed while building; run again"):
        build(plan, tmp_path / "again", roots)


def test_text_of_the_user_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    text = "no sentence at all\n\n\tand  odd   spaces ``here``\n"
    (tmp_path / "in" / "a.txt").write_text(text)
    documents, report = build(SourcePlan("mine", "text", "path", 1000, tmp_path / "in"), tmp_path / "out")
    assert [d.text for d in documents] == [text]
    assert report["note"] == "documents as they are"


def test_code_of_the_user_keeps_its_rules_and_may_be_grouped_by_folder(tmp_path: Path) -> None:
    (tmp_path / "in" / "lib").mkdir(parents=True)
    body = "def add(first, second):\n    return first + second\n" * 9
    (tmp_path / "in" / "lib" / "a.py").write_text(f'"""Docs."""\n{body}')
    (tmp_path / "in" / "lib" / "b.py").write_text(body + "mask = 0xff\n")
    plan = SourcePlan("mine", "web_code", "path", 10_000, tmp_path / "in", options={"group": "folder"})
    plan = replace(plan, rules=("paper",), docstrings="remove")
    documents, report = build(plan, tmp_path / "out")
    assert [(d.text, d.group, d.language) for d in documents] == [(body, "lib", "python")]
    assert report["dropped"] == {"paper: contains 0x": 1}


def test_facts_are_whole_or_refused(tmp_path: Path) -> None:
    plan = SourcePlan("facts", "facts", "generated", 1 << 20, seed=3, options={"count": 40, "restatements": 2})
    documents, report = build(plan, tmp_path / "out")
    assert documents
    assert report["kind"] == "facts"
    with pytest.raises(BadInput, match="too few for all facts"):
        build(replace(plan, max_bytes=500), tmp_path / "again")


def test_synthetic_problems_have_passed_their_tests(tmp_path: Path) -> None:
    plan = SourcePlan("synthetic", "synthetic", "generated", 1 << 20, seed=3, options={"count": 12})
    documents, report = build(plan, tmp_path / "out")
    assert len(documents) == 12 - sum(report["dropped"].values()) > 6
    for document in documents:
        assert document.labels["verified"] == "tests"
        exec(document.text, {})


RECORDS = [
    {"content": f"def work_{n}(first):\n    return first + {n}\n" * 9, "path": f"lib/m{n}.py", "repo_name": f"o/r{n}",
     "language": "Python", "detected_licenses": ["MIT"] if n % 2 else ["GPL-3.0-only"], "star_events_count": n}
    for n in range(20)
]  # fmt: skip


def test_thresholds_licences_and_languages_read_nothing_again(tmp_path: Path) -> None:
    """Another threshold is a question to the scores: the read step is the same, and so are its bytes."""
    (tmp_path / "stack.jsonl").write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    plan = SourcePlan("code", "web_code", "path", 1 << 20, tmp_path / "stack.jsonl", shape="stack2", rules=("paper",))
    documents, report = build(plan, tmp_path / "any")
    assert len(documents) == 20
    assert report["licences"] == {"GPL-3.0-only": [10, ANY, 10], "MIT": [10, ANY, 10]}
    kept = {}
    for name, selection in {
        "permissive": {"licences": "permissive"},
        "none": {"thresholds": {"starcoder1.max_line": 10.0}},
        "other": {"languages": ["rust"]},
    }.items():
        (tmp_path / name).mkdir()
        chosen = Selection("code", "web_code", 1 << 20, rules=("paper",), **selection)  # type: ignore[arg-type]
        select_documents(tmp_path / "any" / "read", tmp_path / name, chosen)
        kept[name] = read_json(tmp_path / name / "report.json")
    assert kept["permissive"]["documents"] == 10
    assert kept["permissive"]["dropped"] == {"licence: not permissive": 10}
    assert kept["none"]["dropped"] == {"starcoder1: long line": 20}
    assert kept["other"]["dropped"] == {"language: not selected": 20}
    assert kept["permissive"]["licences"]["GPL-3.0-only"] == [0, 0, 10]


def test_parts_of_other_files_are_read_again(tmp_path: Path) -> None:
    """Found by review: a part made while a file was another one outlived a kill and was published."""
    file = tmp_path / "in" / "a.txt"
    file.parent.mkdir()
    file.write_text("as it was surveyed")
    plan = SourcePlan("text", "text", "path", 1 << 20, file.parent)
    plan = replace(plan, fingerprint=survey(plan).fingerprint)
    state = tmp_path / "state"
    (tmp_path / "first").mkdir()
    file.write_text("changed meanwhile!")
    with pytest.raises(LeavenError, match="files changed"):
        read_source(plan, tmp_path / "first", state)
    assert not (state / "parts").exists()
    # As a kill would leave it: a part of the changed file, whole.
    other = replace(plan, fingerprint="")
    (tmp_path / "second").mkdir()
    read_source(other, tmp_path / "second", state)
    file.write_text("as it was surveyed")
    (tmp_path / "third").mkdir()
    read_source(plan, tmp_path / "third", state)
    [document] = read_documents(tmp_path / "third" / "documents" / "00000.parquet")
    assert document.text == "as it was surveyed"


def test_secrets_are_replaced_before_anything_is_stored(tmp_path: Path) -> None:
    body = "def connect():\n    return open_service('somebody@secret-company.org')\n" * 6
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": body}) + "\n")
    plan = SourcePlan("text", "text", "path", 1 << 20, tmp_path / "a.jsonl", redact=True)
    documents, report = build(plan, tmp_path / "out")
    assert "secret-company" not in documents[0].text
    assert "<EMAIL>" in documents[0].text
    assert sum(report["redacted"].values()) >= 1
    assert not any(b"secret-company" in path.read_bytes() for path in tmp_path.glob("out/**/*.parquet"))


def test_parts_give_the_same_bytes_for_any_number_of_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PART_BYTES", 2000)
    (tmp_path / "in").mkdir()
    for n in range(12):
        lines = (json.dumps({"text": f"document {n} {m} " * 20}) for m in range(9))
        (tmp_path / "in" / f"{n:02}.jsonl").write_text("\n".join(lines))
    plan = SourcePlan("text", "text", "path", 1 << 20, tmp_path / "in")
    found = []
    for workers in (1, 2):
        out, state = tmp_path / f"out{workers}", tmp_path / f"state{workers}"
        out.mkdir()
        read_source(plan, out, state, workers=workers)
        assert len(list((out / "documents").iterdir())) > 3
        found.append({path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()})
    assert found[0] == found[1]


def test_shared_texts(shared_texts: Path, tmp_path: Path) -> None:
    plan = SourcePlan("text", "text", "path", 300_000, shared_texts)
    documents, report = build(replace(plan, fingerprint=survey(plan).fingerprint), tmp_path / "out")
    assert report["capped"]
    assert 200_000 < report["bytes"] <= 300_000
    assert len({d.group for d in documents}) > 1
