"""From tokens back to documents, and to their texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus.document import Document, Dropped, as_table, read_documents, write_documents
from leaven.corpus.provenance import Origin, documents, which
from leaven.corpus.shards import write_shards
from leaven.corpus.tokenizer import Tokenizer, train_tokenizer
from leaven.ground.errors import BadInput, LeavenError

COUNT = 30


def without_fives(text: str, language: str, name: str) -> str:
    if name.endswith("5"):
        raise Dropped("five")
    return text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("provenance")
    made = [
        Document(f"d{n}", f"text number {n} " * (n % 4 + 1), f"p{n}", "g", "python", "MIT", "o/n", {"n": str(n)})
        for n in range(COUNT)
    ]
    for side in ("train", "heldout"):
        (folder / "corpus" / side / "code").mkdir(parents=True)
    for number, begin in enumerate(range(0, COUNT, 8)):
        part = made[begin : begin + 8]
        table = as_table(part).append_column("score:stars", pa.array([float(d.labels["n"]) for d in part]))
        path = folder / "corpus" / "train" / "code" / f"{number:05d}.parquet"
        pq.write_table(table, path, row_group_size=3)
    write_documents(folder / "corpus" / "heldout" / "code" / "00000.parquet", [])
    for name in ("tokenizer", "all", "some"):
        (folder / name).mkdir()
    train_tokenizer(folder / "corpus", folder / "tokenizer", vocab=270)
    write_shards(folder / "corpus", "code", folder / "tokenizer", folder / "all")
    write_shards(folder / "corpus", "code", folder / "tokenizer", folder / "some", transform=without_fives)
    return folder


def originals(folder: Path) -> list[Document]:
    return [d for path in sorted((folder / "corpus/train/code").iterdir()) for d in read_documents(path)]


@pytest.mark.parametrize("shard", ["all", "some"])
def test_every_token_belongs_to_the_document_it_was_made_of(folder: Path, shard: str) -> None:
    ids = np.fromfile(folder / shard / "train.bin", "<u2")
    tokenizer = Tokenizer.load(folder / "tokenizer" / "tokenizer.json")
    texts = {document.id: document for document in originals(folder)}
    token = 0
    seen = []
    while token < len(ids):
        [origin] = which(folder / shard, "train", token, token + 1)
        assert origin.first == token
        assert origin.tokens == origin.end - origin.first
        document = texts[origin.id]
        assert tokenizer.decode(ids[origin.first : origin.end - 1].tolist()) == document.text
        assert origin == which(folder / shard, "train", origin.end - 1, origin.end)[0]
        assert (origin.source, origin.path, origin.licence, origin.repository) == ("code", document.path, "MIT", "o/n")
        assert origin.labels == document.labels
        assert origin.scores == {"stars": float(document.labels["n"])}
        assert next(documents(folder / "corpus", "train", [origin])) == document
        seen.append(origin.id)
        token = origin.end
    assert len(seen) == (COUNT if shard == "all" else COUNT - 3)


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_a_range_has_the_documents_that_overlap_it(folder: Path, data: st.DataObject) -> None:
    every: list[Origin] = which(folder / "some", "train", 0, len(np.fromfile(folder / "some" / "train.bin", "<u2")))
    first = data.draw(st.integers(0, every[-1].end - 1))
    end = data.draw(st.integers(first + 1, every[-1].end))
    found = which(folder / "some", "train", first, end)
    assert found == [origin for origin in every if origin.first < end and origin.end > first]
    texts = [document.id for document in documents(folder / "corpus", "train", found)]
    assert texts == [origin.id for origin in found]


def test_tokens_that_are_not_there(folder: Path) -> None:
    for first, end in ((-1, 1), (5, 5), (0, 10**9)):
        with pytest.raises(BadInput, match="is no range of them"):
            which(folder / "all", "train", first, end)
    with pytest.raises(BadInput, match="has 0 tokens"):
        which(folder / "all", "heldout", 0, 1)


def test_another_corpus_is_noticed(folder: Path, tmp_path: Path) -> None:
    found = which(folder / "all", "train", 0, 1)
    (tmp_path / "train").mkdir()
    assert list(documents(tmp_path, "train", [])) == []
    write_documents(tmp_path / "train" / "code.parquet", [Document("other", "t", "p", "g")])
    with pytest.raises(LeavenError, match="is another than when it was encoded"):
        list(documents(tmp_path, "train", found))
    write_documents(tmp_path / "train" / "code.parquet", [])
    with pytest.raises(LeavenError, match="the shard was made of more"):
        list(documents(tmp_path, "train", found))
