"""Shards hold exactly the documents' tokens, each ended, and say where each document comes from."""

from __future__ import annotations

import functools
import hashlib
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leaven.corpus import shards
from leaven.corpus.document import Document, as_table, write_documents
from leaven.corpus.shards import dtype_for, write_shards
from leaven.corpus.tokenizer import Tokenizer, train_tokenizer
from leaven.ground.errors import LeavenError
from leaven.ground.files import read_json, sha256_file

sys.path.insert(0, str(Path(__file__).parent))
from shards_work import upper

TEXTS = [f"document {n} says é and {'more ' * (n % 7)}" for n in range(40)]


def document(number: int) -> Document:
    labels = {"stars": str(number)} if number % 3 else {}
    name = f"d{number}"
    return Document(name, TEXTS[number], f"p/{number}.py", f"g{number % 4}", "python", "MIT", "owner/name", labels)


def scored(documents: list[Document], column: str) -> pa.Table:
    scores = pa.array([None if n % 5 == 0 else n / 2 for n in range(len(documents))], pa.float64())
    return as_table(documents).append_column(column, scores)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """One source as a single file, and again as a folder of three files."""
    documents = [document(n) for n in range(40)]
    for side in ("train", "heldout"):
        (tmp_path / "corpus" / side / "parts").mkdir(parents=True)
        write_documents(tmp_path / "corpus" / side / "text.parquet", documents if side == "train" else [])
    for number, (begin, end) in enumerate(((0, 17), (17, 18), (18, 40))):
        table = scored(documents[begin:end], "score:paper.floats" if number else "score:another")
        pq.write_table(table, tmp_path / "corpus" / "train" / "parts" / f"{number:05d}.parquet")
    write_documents(tmp_path / "corpus" / "heldout" / "parts" / "00000.parquet", documents[:3])
    (tmp_path / "tokenizer").mkdir()
    train_tokenizer(tmp_path / "corpus", tmp_path / "tokenizer", vocab=280)
    return tmp_path


def write(corpus: Path, source: str, out: str, **options: object) -> dict[str, bytes]:
    (corpus / out).mkdir()
    write_shards(corpus / "corpus", source, corpus / "tokenizer", corpus / out, **options)  # type: ignore[arg-type]
    return {path.name: path.read_bytes() for path in (corpus / out).iterdir()}


@pytest.mark.parametrize("wide", [False, True])
def test_every_document_comes_back(corpus: Path, monkeypatch: pytest.MonkeyPatch, wide: bool) -> None:
    if wide:
        monkeypatch.setattr(shards, "dtype_for", lambda vocab: "uint32")
    monkeypatch.setattr(shards, "BATCH", 7)
    out = corpus / "out"
    write(corpus, "text", "out")
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


def test_the_report_has_a_hash_of_every_file_and_of_the_tokenizer(corpus: Path) -> None:
    files = write(corpus, "parts", "out")
    report = read_json(corpus / "out" / "shards.json")
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != "shards.json"}
    assert report["files"] == hashes
    assert report["tokenizer"] == sha256_file(corpus / "tokenizer" / "tokenizer.json")
    assert set(files) == {f"{s}.{e}" for s in ("train", "heldout") for e in ("bin", "idx", "provenance.parquet")} | {
        "shards.json"
    }


def test_files_of_a_folder_are_joined_in_order(corpus: Path) -> None:
    one, three = write(corpus, "text", "one"), write(corpus, "parts", "three")
    assert one["train.bin"] == three["train.bin"]
    assert one["train.idx"] == three["train.idx"]


def test_processes_and_batches_change_nothing(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = write(corpus, "parts", "plain")
    assert write(corpus, "parts", "two", workers=2) == plain
    monkeypatch.setattr(shards, "BATCH", 3)
    assert write(corpus, "parts", "small") == plain


def test_a_stopped_call_continues_with_the_parts_it_has(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = write(corpus, "parts", "plain")
    encode, encoded = shards._encode, []

    def stops(part: shards._Part, out: Path, **options: object) -> None:
        if len(encoded) == 2:
            raise LeavenError("killed")
        encode(part, out, **options)  # type: ignore[arg-type]
        encoded.append(part.path)

    def continues(part: shards._Part, out: Path, **options: object) -> None:
        encoded.append(part.path)
        encode(part, out, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(shards, "_encode", stops)
    with pytest.raises(LeavenError, match="killed"):
        write(corpus, "parts", "out", state=corpus / "state")
    assert not (corpus / "out" / "shards.json").exists()
    monkeypatch.setattr(
        shards, "_encode", lambda part, out, **rest: (encoded.append(part.path), encode(part, out, **rest))
    )
    again = write(corpus, "parts", "again", state=corpus / "state")
    assert again == plain
    assert len(encoded) == 4 == len(set(map(str, encoded)))
    assert not (corpus / "state").exists()


def test_provenance_says_where_each_document_comes_from(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "ROWS", 16)
    write(corpus, "parts", "out")
    table = pq.read_table(corpus / "out" / "train.provenance.parquet")
    assert pq.ParquetFile(corpus / "out" / "train.provenance.parquet").num_row_groups == 3
    rows = table.to_pylist()
    ends = np.fromfile(corpus / "out" / "train.idx", "<u8").tolist()
    assert [row["tokens"] for row in rows] == np.diff([0, *ends]).tolist()
    assert [row["bytes"] for row in rows] == [len(text.encode()) for text in TEXTS]
    assert [row["row"] for row in rows] == list(range(40))
    wanted = document(20)
    assert {name: rows[20][name] for name in ("id", "path", "group", "repository", "licence", "language")} == {
        name: getattr(wanted, name) for name in ("id", "path", "group", "repository", "licence", "language")
    }
    assert rows[20]["source"] == "parts"
    assert rows[20]["labels"] == '{"stars": "20"}'
    assert (rows[20]["score:paper.floats"], rows[20]["score:another"]) == (1.0, None)
    assert (rows[3]["score:paper.floats"], rows[3]["score:another"]) == (None, 1.5)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_transform_is_applied_and_what_it_drops_is_counted(corpus: Path, workers: int) -> None:
    loud = functools.partial(upper, without="7")
    write(corpus, "loud", "out", of="parts", transform=loud, workers=workers)
    report = read_json(corpus / "out" / "shards.json")
    assert (report["source"], report["of"]) == ("loud", "parts")
    assert report["dropped"] == {"train": {"nothing is left": 4}, "heldout": {}}
    rows = pq.read_table(corpus / "out" / "train.provenance.parquet").to_pylist()
    assert {row["source"] for row in rows} == {"parts"}
    assert [row["row"] for row in rows] == [n for n in range(40) if n % 10 != 7]
    tokenizer = Tokenizer.load(corpus / "tokenizer" / "tokenizer.json")
    ids = np.fromfile(corpus / "out" / "train.bin", "<u2").tolist()
    assert tokenizer.decode(ids[: rows[0]["tokens"] - 1]) == TEXTS[0].upper()


def test_a_source_that_is_not_there(corpus: Path) -> None:
    with pytest.raises(LeavenError, match="no train documents of source code"):
        write(corpus, "code", "out")


def test_dtype() -> None:
    assert [dtype_for(vocab) for vocab in (257, 65_536, 65_537)] == ["uint16", "uint16", "uint32"]
