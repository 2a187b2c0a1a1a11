"""Files of scored documents: rows stay together, whatever the sizes of groups and files."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from leaven.corpus import scored
from leaven.corpus.document import Document, read_documents
from leaven.corpus.plan import SourcePlan
from leaven.corpus.rules import columns, score

PLAN = SourcePlan("code", "web_code", "path", 1, rules=("paper",))


@pytest.mark.parametrize(("group", "file"), [(1, 1), (40, 100), (1 << 20, 1 << 20)])
def test_scores_stand_beside_their_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: int, file: int
) -> None:
    monkeypatch.setattr(scored, "GROUP_BYTES", group)
    monkeypatch.setattr(scored, "FILE_BYTES", file)
    documents = [Document(f"{n}", "x = 1.5\n" * (n + 1), f"m{n}.py", "g", "python") for n in range(9)]
    with scored.Writer(tmp_path, PLAN) as writer:
        for document in documents:
            writer.add(document)
    files = sorted(tmp_path.glob("*.parquet"))
    assert [document for path in files for document in read_documents(path)] == documents
    names = columns(PLAN.rules)
    rows = [row for path in files for row in pq.read_table(path).to_pylist()]
    for document, row in zip(documents, rows, strict=True):
        assert row["bytes"] == len(document.text)
        told = [row[f"score:{name}"] for name in names]
        expected = score(document.text, document.language, document.path, names)
        assert told == pytest.approx(expected, nan_ok=True)
    assert len(files) == {1: 9, 100: 3, 1 << 20: 1}[file]


def test_secrets_are_scored_as_found_and_stored_replaced(tmp_path: Path) -> None:
    text = "contact = 'somebody.real@corporation.org'\n"
    with scored.Writer(tmp_path, SourcePlan("t", "text", "path", 1, rules=("floor",), redact=True)) as writer:
        writer.add(Document("a", text, "a.py", "g", "python"))
    [row] = pq.read_table(tmp_path / "00000.parquet").to_pylist()
    assert row["score:characters"] == len(text)
    assert "corporation" not in row["text"]
    assert row["bytes"] == len(row["text"].encode())
    assert sum(writer.redacted.values()) == 1
