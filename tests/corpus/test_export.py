"""Exported shards are what their readers expect, byte for byte."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from leaven.corpus.document import Document, write_documents
from leaven.corpus.export import export_datatrove
from leaven.corpus.shards import write_shards
from leaven.corpus.tokenizer import train_tokenizer


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    for side, count in (("train", 300), ("heldout", 0)):
        (tmp_path / "corpus" / side).mkdir(parents=True)
        documents = [Document(str(n), f"document {n} says more", "p", "g") for n in range(count)]
        write_documents(tmp_path / "corpus" / side / "text.parquet", documents)
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "shards").mkdir()
    train_tokenizer(tmp_path / "corpus", tmp_path / "tokenizer", vocab=280)
    write_shards(tmp_path / "corpus", "text", tmp_path / "tokenizer", tmp_path / "shards")
    return tmp_path / "shards"


def test_datatrove(shards: Path, tmp_path: Path) -> None:
    target = export_datatrove(shards, "train", tmp_path / "out", tokenizer="tokenizer.json")
    assert target == tmp_path / "out" / "text_train.ds"
    assert target.read_bytes() == (shards / "train.bin").read_bytes()
    ends = np.frombuffer((tmp_path / "out" / "text_train.ds.index").read_bytes(), "<u8")
    assert len(ends) == 300
    count = int(ends[-1])
    assert count * 2 == target.stat().st_size
    metadata = (tmp_path / "out" / "text_train.ds.metadata").read_text()
    assert metadata == f"tokenizer.json|2\n{count}\n{count / 1000:.3g} kT"


def test_an_empty_split(shards: Path, tmp_path: Path) -> None:
    target = export_datatrove(shards, "heldout", tmp_path / "out", name="nothing")
    assert (target.name, target.stat().st_size) == ("nothing.ds", 0)
    assert (tmp_path / "out" / "nothing.ds.metadata").read_text() == "leaven|2\n0\n0 T"


MERGE = """
import sys
from datatrove.pipeline.tokens.merger import DocumentTokenizerMerger
DocumentTokenizerMerger(sys.argv[1], sys.argv[2], "merged", shuffle=False, progress=False).run(None)
"""


@pytest.mark.peer
def test_datatrove_itself_reads_an_export(shards: Path, tmp_path: Path) -> None:
    """Its merger reads token files, indexes and metadata, and writes them anew."""
    python = Path(__file__).parents[2] / ".venv-bench" / "bin" / "python"
    if not python.exists():
        pytest.skip("datatrove is not here: make bench-corpus makes its environment")
    export_datatrove(shards, "train", tmp_path / "out", tokenizer=str(tmp_path / "tokenizer" / "tokenizer.json"))
    command = [python, "-c", MERGE, tmp_path / "out", tmp_path / "merged"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    [merged] = (tmp_path / "merged").glob("*.ds")
    assert merged.read_bytes() == (shards / "train.bin").read_bytes()
    assert merged.with_name(merged.name + ".index").read_bytes() == (shards / "train.idx").read_bytes()
    assert merged.with_name(merged.name + ".metadata").read_text().split("\n")[0].endswith("tokenizer.json|2")
