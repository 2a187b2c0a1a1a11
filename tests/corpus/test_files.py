"""One file or a folder of files: the documents are the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from leaven.corpus.document import Document, write_documents
from leaven.corpus.files import document_files, documents_of, sources_of
from leaven.ground.errors import LeavenError


def test_single_files_and_folders(tmp_path: Path) -> None:
    made = [Document(str(n), f"text {n}", "p", "g") for n in range(25)]
    (tmp_path / "train" / "many").mkdir(parents=True)
    write_documents(tmp_path / "train" / "one.v2.parquet", made)
    for number in range(12):
        write_documents(tmp_path / "train" / "many" / f"{number:05d}.parquet", made[2 * number : 2 * number + 2])
    (tmp_path / "train" / "many" / "report.json").write_text("{}")
    (tmp_path / "train" / ".hidden").mkdir()
    assert sources_of(tmp_path) == ["many", "one.v2"]
    assert sources_of(tmp_path, "heldout") == []
    assert [path.name for path in document_files(tmp_path, "train", "one.v2")] == ["one.v2.parquet"]
    assert [path.stem for path in document_files(tmp_path, "train", "many")] == [f"{n:05d}" for n in range(12)]
    assert list(documents_of(tmp_path, "train", "one.v2")) == made
    assert list(documents_of(tmp_path, "train", "many")) == made[:24]
    with pytest.raises(LeavenError, match="no heldout documents of source many"):
        document_files(tmp_path, "heldout", "many")
