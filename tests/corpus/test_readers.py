"""Whatever a user points at: good documents are kept, bad ones are counted, nothing crashes."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus import readers
from leaven.corpus.document import Document, Tally
from leaven.corpus.plan import Kind, SourcePlan
from leaven.corpus.readers import find, read
from leaven.corpus.tree import Entry, Unreadable, decode
from leaven.ground.errors import BadInput


def documents(path: Path, kind: Kind = "text") -> tuple[list[Document], Tally]:
    tally = Tally()
    entries = find(SourcePlan("s", kind, "path", 1 << 30, path), tally.skipped)
    return [document for entry in entries for document in read(entry, kind, tally)], tally


def jsonl(rows: list[Any]) -> bytes:
    return b"".join((json.dumps(row) + "\n").encode() for row in rows)


ROWS = [{"id": "a", "text": "first\u2028line\x0cand more\r\nof it"}, {"text": "second"}, {"id": 7, "text": "third"}]


@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz", "jsonl.zst", "parquet"])
def test_records(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"rows.{form}"
    data = jsonl(ROWS)
    if form == "parquet":
        pq.write_table(pa.table({"text": [row["text"] for row in ROWS], "id": ["a", None, "7"]}), path)
    else:
        path.write_bytes({"jsonl": bytes, "jsonl.gz": gzip.compress, "jsonl.zst": zstandard.compress}[form](data))
    found, tally = documents(path)
    assert [(d.id, d.text) for d in found] == [
        ("a", "first\u2028line\x0cand more\nof it"),
        (f"rows.{form}:2", "second"),
        ("7", "third"),
    ]
    assert all(d.path == path.name and d.group == d.id for d in found)
    assert not tally.skipped


def test_bad_records_are_counted_and_their_neighbours_kept(tmp_path: Path) -> None:
    lines = [
        b'{"text": "good one"}',
        b'{"text": "cut',
        b'{"txt": "no field"}',
        b'{"text": null}',
        b'{"text": 5}',
        b"[1]",
        b'{"text": "  "}',
        b'{"text": "nul \\u0000"}',
        b'{"text": "lone \\ud800"}',
        b'{"text": "\xff"}',
        b"",
        b"[" * 100_000,
        b'{"text": "' + b"a" * (9 << 20) + b'"}',
        b'{"text": "good two", "id": true}',
    ]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join(lines))
    found, tally = documents(path)
    assert [d.text for d in found] == ["good one", "good two"]
    assert tally.skipped == {
        "malformed JSON line": 2,
        "no text field": 2,
        "text is not a string": 1,
        "record is not an object": 1,
        "empty": 1,
        "binary": 1,
        "invalid Unicode": 1,
        "invalid UTF-8": 1,
        "larger than 4 MiB": 1,
    }


@pytest.mark.parametrize("form", ["gz", "zst"])
def test_truncated_and_damaged_compression(tmp_path: Path, form: str) -> None:
    compress = gzip.compress if form == "gz" else zstandard.compress
    rows = [{"text": f"document {n} " + os.urandom(400).hex()} for n in range(2000)]
    whole = compress(jsonl(rows))
    (tmp_path / f"cut.jsonl.{form}").write_bytes(whole[: len(whole) // 2])
    (tmp_path / f"two.jsonl.{form}").write_bytes(compress(jsonl(rows[:1])) + compress(jsonl(rows[1:2])))
    (tmp_path / f"wrong.jsonl.{form}").write_bytes(b"this is not compressed at all")
    found, tally = documents(tmp_path)
    kept = {d.text for d in found}
    assert len([d for d in found if d.path.startswith("cut")]) > 500
    assert {row["text"] for row in rows} >= kept
    assert len([d for d in found if d.path.startswith("two")]) == 2
    assert tally.skipped["truncated compressed file"] == 1
    assert tally.skipped["damaged compressed file"] == 1


@pytest.mark.parametrize("form", ["gz", "zst"])
def test_a_small_file_that_holds_gigabytes_is_never_held(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"bomb.jsonl.{form}"
    with gzip.open(path, "wb", 1) if form == "gz" else zstandard.open(path, "wb") as file:
        for _ in range(256):
            file.write(bytes(1 << 20))
        file.write(b'\n{"text": "behind it"}\n')
    entry = Entry(path.name, str(path), path.stat().st_size, 0, 0)
    assert max(map(len, readers._chunks(entry, Counter()))) <= 34 << 20
    found, tally = documents(tmp_path)
    assert [d.text for d in found] == ["behind it"]
    assert tally.skipped == {"larger than 4 MiB": 1}


def test_parquet_that_is_none(tmp_path: Path) -> None:
    pq.write_table(pa.table({"body": ["x"]}), tmp_path / "other.parquet")
    pq.write_table(pa.table({"text": ["good", "also good"]}), tmp_path / "good.parquet")
    pq.write_table(pa.table({"text": [1, 2]}), tmp_path / "numbers.parquet")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "good.parquet").read_bytes()[:-20])
    (tmp_path / "empty.parquet").write_bytes(b"")
    found, tally = documents(tmp_path)
    assert [d.text for d in found] == ["good", "also good"]
    assert tally.skipped == {"truncated or damaged Parquet": 2, "no text column": 1, "text is not a string": 2}


def test_a_directory_of_all_sorts(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "a.txt").write_bytes("\ufeffgood text é\r\n".encode())
    (tmp_path / "b.md").write_text("# good")
    (tmp_path / "bin.txt").write_bytes(b"a\0b")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "huge.txt").write_bytes(b"a" * (4 * 1024 * 1024 + 1))
    (tmp_path / "picture.png").write_bytes(b"x")
    (tmp_path / ".hidden.txt").write_text("no")
    for folder in (".git", "__pycache__", "node_modules", ".venv", "env"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "no.txt").write_text("no")
    (tmp_path / "env" / "pyvenv.cfg").write_text("")
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("no")
    (tmp_path / "link").symlink_to(outside)
    (tmp_path / "link.txt").symlink_to(outside / "secret.txt")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / os.fsdecode(b"bad\xff.txt")).write_text("no")
    found, tally = documents(tmp_path)
    assert [(d.path, d.text) for d in found] == [("b.md", "# good"), ("deep/er/a.txt", "good text é\n")]
    assert tally.skipped == {
        "binary": 1,
        "invalid UTF-8": 1,
        "empty": 1,
        "larger than 4 MiB": 1,
        "other kind of file": 1,
        "symbolic link": 3,
        "not a regular file": 1,
        "file name is not UTF-8": 1,
    }


@pytest.mark.parametrize("make", ["missing", "empty", "other", "form", "pipe"])
def test_a_path_that_cannot_be_used_names_itself_and_what_is_accepted(tmp_path: Path, make: str) -> None:
    path = tmp_path / "given"
    if make == "empty":
        path.mkdir()
    elif make == "other":
        path.mkdir()
        (path / "a.png").write_bytes(b"x")
    elif make == "form":
        path = tmp_path / "given.docx"
        path.write_text("x")
    elif make == "pipe":
        os.mkfifo(path)
    with pytest.raises(BadInput) as caught:
        documents(path)
    assert str(path) in str(caught.value)
    assert ".jsonl.zst" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_large_directory_is_sampled_not_read_whole(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"{number:03}.txt").write_text("a" * 1000)
    plan = SourcePlan("s", "text", "path", 10_000, tmp_path)
    found = find(plan, Counter())
    assert 20 <= len(found) <= 21
    assert found == sorted(found, key=lambda entry: entry.path)
    assert [e.path for e in found] == [e.path for e in find(plan, Counter())]


def test_one_large_text_is_read_in_passages(tmp_path: Path) -> None:
    text = "\n\n".join(f"Paragraph {n} is here é. " * (n % 9 + 1) for n in range(60_000))
    path = tmp_path / "book.txt"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert path.stat().st_size > 5 << 20
    tally = Tally()
    plan = SourcePlan("s", "text", "path", 1 << 30, path)
    [entry] = find(plan, tally.skipped)
    found = list(read(entry, "text", tally, alone=True))
    assert len(found) > 300
    assert max(len(d.text) for d in found) <= 20_000
    assert "".join("".join(d.text for d in found).split()) == "".join(text.split())
    assert len({d.group for d in found}) == len(found)
    path.write_bytes(b"Good beginning.\n" * 9 + b"\xff\xff")
    [entry] = find(plan, tally.skipped)
    assert "".join(d.text for d in read(entry, "text", tally, alone=True)) in ("", ("Good beginning.\n" * 9).strip())
    assert tally.skipped == {"invalid UTF-8": 1}


def test_code_is_found_by_language(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "a.css").write_text("x")
    found, _ = documents(tmp_path, "web_code")
    assert [(d.path, d.language) for d in found] == [("a.py", "python")]


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_decode_or_say_why(data: bytes) -> None:
    try:
        text = decode(data)
    except Unreadable as reason:
        text = ""
        known = str(reason) in ("empty", "binary", "invalid UTF-8")
    else:
        known = True
    assert known
    if text:
        assert "\r" not in text
        assert "\0" not in text
        text.encode()


def test_shared_texts(shared_texts: Path) -> None:
    found, tally = documents(shared_texts / "wiki.heldout.jsonl.zst")
    assert found
    assert not tally.skipped
    assert len({d.id for d in found}) == len(found)
