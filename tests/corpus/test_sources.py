"""A source step: from a plan to documents and a report, the same bytes every time."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leaven.corpus.document import Document, read_documents
from leaven.corpus.plan import SourcePlan
from leaven.corpus.sources import build_source
from leaven.corpus.survey import survey
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import read_json


def build(plan: SourcePlan, out: Path, roots: dict[str, Path] | None = None) -> tuple[list[Document], dict[str, Any]]:
    out.mkdir()
    build_source(plan, out, roots=roots)
    return list(read_documents(out / "documents.parquet")), read_json(out / "report.json")


def installed(kind: Any, most: int = 1 << 20) -> SourcePlan:
    return SourcePlan(kind, kind, "workstation", most)


def test_prose_of_installed_packages(roots: dict[str, Path], tmp_path: Path) -> None:
    documents, report = build(installed("text"), tmp_path / "out", roots)
    assert report["note"].startswith("documentation prose")
    assert report["documents"] == len(documents) > 20
    assert report["bytes"] == sum(len(d.text.encode()) for d in documents)
    assert report["languages"] == {"english": len(documents)}
    paragraphs = [paragraph for d in documents for paragraph in d.text.split("\n\n")]
    assert len(paragraphs) == len(set(paragraphs))
    assert all('"""' not in d.text and "def " not in d.text for d in documents)
    assert [d.id for d in documents] == sorted(d.id for d in documents)


def test_code_of_installed_packages(roots: dict[str, Path], tmp_path: Path) -> None:
    documents, report = build(installed("web_code"), tmp_path / "out", roots)
    assert report["languages"] == {"python": len(documents)}
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
    for name in ("documents.parquet", "report.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
        assert str(tmp_path).encode() not in (tmp_path / "one" / name).read_bytes()
    assert read_json(tmp_path / "one" / "report.json")["bytes"] <= 9000


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
    documents, report = build(plan, tmp_path / "out")
    assert [(d.text, d.group, d.language) for d in documents] == [(body, "lib", "python")]
    assert report["dropped"] == {"paper: contains 0x": 1}


def test_facts_are_whole_or_refused(tmp_path: Path) -> None:
    plan = SourcePlan("facts", "facts", "generated", 1 << 20, seed=3, options={"count": 40, "restatements": 2})
    documents, report = build(plan, tmp_path / "out")
    assert documents
    assert report["kind"] == "facts"
    with pytest.raises(BadInput, match="too few for 40 facts"):
        build(replace(plan, max_bytes=500), tmp_path / "again")


def test_synthetic_problems_have_passed_their_tests(tmp_path: Path) -> None:
    plan = SourcePlan("synthetic", "synthetic", "generated", 1 << 20, seed=3, options={"count": 12})
    documents, report = build(plan, tmp_path / "out")
    assert len(documents) == 12 - report["dropped"].get("solution did not pass its tests", 0) > 6
    for document in documents:
        exec(document.text, {})


def test_shared_texts(shared_texts: Path, tmp_path: Path) -> None:
    plan = SourcePlan("text", "text", "path", 300_000, shared_texts)
    documents, report = build(replace(plan, fingerprint=survey(plan).fingerprint), tmp_path / "out")
    assert report["capped"]
    assert 200_000 < report["bytes"] <= 300_000
    assert len({d.group for d in documents}) > 1
