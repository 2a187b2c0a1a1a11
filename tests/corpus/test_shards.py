"""Shards hold exactly the documents' tokens, each ended."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from leaven.corpus import shards
from leaven.corpus.document import Document, write_documents
from leaven.corpus.shards import dtype_for, write_shards
from leaven.corpus.tokenizer import Tokenizer, train_tokenizer
from leaven.ground.files import read_json

TEXTS = [f"document {n} says é and {'more ' * (n % 7)}" for n in range(40)]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for side, texts in (("train", TEXTS), ("heldout", [])):
        (tmp_path / "corpus" / side).mkdir(parents=True)
        documents = [Document(str(n), text, "p", "g") for n, text in enumerate(texts)]
        write_documents(tmp_path / "corpus" / side / "text.parquet", documents)
    (tmp_path / "tokenizer").mkdir()
    train_tokenizer(tmp_path / "corpus", tmp_path / "tokenizer", vocab=280)
    return tmp_path


@pytest.mark.parametrize("wide", [False, True])
def test_every_document_comes_back(corpus: Path, monkeypatch: pytest.MonkeyPatch, wide: bool) -> None:
    if wide:
        monkeypatch.setattr(shards, "dtype_for", lambda vocab: "uint32")
    monkeypatch.setattr(shards, "BATCH", 7)
    out = corpus / "out"
    out.mkdir()
    write_shards(corpus / "corpus", "text", corpus / "tokenizer", out)
    report = read_json(out / "shards.json")
    tokenizer = Tokenizer.load(corpus / "tokenizer" / "tokenizer.json")
    ids = np.fromfile(out / "train.bin", "<u4" if wide else "<u2")
    ends = np.fromfile(out / "train.idx", "<u8")
    assert report["dtype"] == ("uint32" if wide else "uint16")
    assert report["splits"]["train"] == {
        "tokens": len(ids),
        "documents": len(TEXTS),
        "bytes": sum(len(text.encode()) for text in TEXTS),
    }
    assert report["splits"]["heldout"] == {"tokens": 0, "documents": 0, "bytes": 0}
    assert (out / "heldout.bin").read_bytes() == b""
    begin = 0
    for text, end in zip(TEXTS, ends.tolist(), strict=True):
        document = ids[begin:end].tolist()
        assert document[-1] == tokenizer.eot
        assert tokenizer.decode(document[:-1]) == text
        begin = end
    assert begin == len(ids)


def test_dtype() -> None:
    assert [dtype_for(vocab) for vocab in (257, 65_536, 65_537)] == ["uint16", "uint16", "uint32"]
