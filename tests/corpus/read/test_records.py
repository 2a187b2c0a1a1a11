"""Records out of whatever state a file is in: good ones are kept, bad ones are counted, nothing crashes."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus.plan import SourcePlan
from leaven.corpus.read import lines as lines_module
from leaven.corpus.read.columns import BATCH_BYTES
from leaven.corpus.read.records import records
from leaven.corpus.read.stream import chunks, compression
from leaven.corpus.read.units import WHOLE, Unit, units
from leaven.corpus.tree import Entry

PACK: dict[str, Any] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


def entry(path: Path) -> Entry:
    return Entry(path.name, str(path), path.stat().st_size, 0, 0)


def read(path: Path, target: int = 0, columns: frozenset[str] | None = None) -> tuple[list[Any], Counter[str]]:
    skipped: Counter[str] = Counter()
    found = units(SourcePlan("s", "text", "path", 1 << 30, path), [entry(path)], target)
    return [pair for unit in found for pair in records(unit, skipped, columns)], skipped


def jsonl(rows: list[Any]) -> bytes:
    return b"".join((json.dumps(row) + "\n").encode() for row in rows)


ROWS = [{"text": "first\u2028line\x0cand more\r\nof it"}, {"text": "second"}, {"id": 7, "text": "third"}]


@pytest.mark.parametrize("packed", [".gz", ".zst", ".bz2", ".xz"])
def test_compressed_lines_are_numbered_from_one(tmp_path: Path, packed: str) -> None:
    path = tmp_path / f"rows.JSONL{packed}"
    path.write_bytes(PACK[packed](jsonl(ROWS)))
    assert read(path) == (list(enumerate(ROWS, 1)), Counter())


def test_plain_lines_are_numbered_by_where_they_begin(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + jsonl(ROWS))
    found, skipped = read(path)
    assert [row for _, row in found] == ROWS
    assert not skipped
    data = path.read_bytes()
    assert all(number == 0 or data[number - 1 : number + 1] == b"\n{" for number, _ in found)


def test_bad_lines_cost_only_themselves(tmp_path: Path) -> None:
    bad = [
        b'{"text": "cut',
        b"[1]",
        b'"a string"',
        b'{"text": "\xff"}',
        b"",
        b" \t\r",
        b"[" * 100_000,
        b'{"n": ' + b"9" * 5000 + b"}",
        b'{"text": "' + b"a" * (9 << 20) + b'"}',
    ]
    rows = [b'{"text": "good %d"}' % n for n in range(len(bad) + 1)]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join(x for pair in zip(rows, [*bad, b""], strict=True) for x in pair))
    for target in (0, 1 << 20, 1000):
        found, skipped = read(path, target)
        assert [json.dumps(row).encode() for _, row in found] == rows
        assert skipped == {
            "malformed JSON line": 3,
            "record is not an object": 2,
            "invalid UTF-8": 1,
            "larger than 4 MiB": 1,
        }


LINE = st.one_of(
    st.just(b""),
    st.just(b'{"a": "\xff"}'),
    st.binary(max_size=12).filter(lambda line: b"\n" not in line),
    st.builds(lambda text: json.dumps({"text": text}).encode(), st.text(max_size=30)),
)


@settings(deadline=None, max_examples=200)
@given(
    lines=st.lists(LINE, max_size=12),
    end=st.booleans(),
    cuts=st.lists(st.integers(0, 400), max_size=6),
    longest=st.sampled_from([8, 25, 1 << 20]),
)
def test_any_ranges_of_bytes_give_exactly_the_records_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], end: bool, cuts: list[int], longest: int
) -> None:
    data = b"\n".join(lines) + b"\n" * end
    path = tmp_path_factory.getbasetemp() / "ranges.jsonl"
    path.write_bytes(data)
    whole_skipped: Counter[str] = Counter()
    parts_skipped: Counter[str] = Counter()
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines_module, "LONGEST", longest)
        patch.setattr("leaven.corpus.read.stream.CHUNK", 7)
        whole = list(records(Unit(entry(path), 0, WHOLE, len(data)), whole_skipped))
        parts = [
            pair
            for first, last in pairwise([*edges, len(data)])
            for pair in records(Unit(entry(path), first, last, last - first), parts_skipped)
        ]
    assert parts == whole
    assert parts_skipped == whole_skipped
    reference = []
    for line in data.split(b"\n"):
        if len(line) <= longest:
            try:
                row = json.loads(line.decode())
            except ValueError:
                continue
            reference += [row] * isinstance(row, dict)
    assert [row for _, row in whole] == reference


def test_a_range_reads_no_more_than_itself_of_a_line_that_goes_on(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"x" * (8 << 20))
    taken = []
    monkeypatch.setattr(
        lines_module, "chunks", lambda *given: (taken.append(len(part)) or part for part in chunks(*given))
    )
    assert list(records(Unit(entry(path), 1 << 20, 2 << 20, 1 << 20), Counter())) == []
    assert sum(taken) <= 2 << 20


@pytest.mark.parametrize("packed", [".gz", ".zst", ".bz2", ".xz"])
def test_truncated_and_damaged_compression(tmp_path: Path, packed: str) -> None:
    rows = [{"text": f"document {n} " + os.urandom(400).hex()} for n in range(4000)]
    whole = PACK[packed](jsonl(rows))
    cut, two, wrong = (tmp_path / f"{name}.jsonl{packed}" for name in ("cut", "two", "wrong"))
    cut.write_bytes(whole[: len(whole) // 2])
    two.write_bytes(PACK[packed](jsonl(rows[:1])) + PACK[packed](jsonl(rows[1:2])))
    wrong.write_bytes(b"this is not compressed at all")
    found, skipped = read(cut)
    kept = [row for _, row in found]
    assert kept == rows[: len(kept)]
    # bz2 unpacks blocks of 900 kB as a whole.
    assert len(kept) > 1000
    assert skipped.pop("truncated compressed file") == 1
    assert set(skipped) <= {"malformed JSON line"}
    assert read(two) == (list(enumerate(rows[:2], 1)), Counter())
    assert read(wrong) == ([], Counter({"damaged compressed file": 1}))


@pytest.mark.parametrize("packed", [".gz", ".zst"])
def test_a_small_file_that_holds_gigabytes_is_never_held(tmp_path: Path, packed: str) -> None:
    path = tmp_path / f"bomb.jsonl{packed}"
    with gzip.open(path, "wb", 1) if packed == ".gz" else zstandard.open(path, "wb") as file:
        for _ in range(192):
            file.write(bytes(1 << 20))
        file.write(b'\n{"text": "behind it"}\n')
    assert max(map(len, chunks(str(path), compression(path.name), Counter()))) <= 34 << 20
    assert read(path) == ([(2, {"text": "behind it"})], Counter({"larger than 4 MiB": 1}))


def table(first: int, count: int) -> pa.Table:
    return pa.table(
        {
            "text": [f"row {n}" for n in range(first, first + count)],
            "meta": [{"name": f"m{n}", "other": n} for n in range(first, first + count)],
            "unused": list(range(first, first + count)),
        }
    )


def write(path: Path, kind: str) -> None:
    whole = table(1, 1000)
    if kind == "parquet":
        pq.write_table(whole, path, row_group_size=100)
    elif kind == "stream":
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, whole.schema) as writer:
            writer.write_table(whole, max_chunksize=100)
    else:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, whole.schema) as writer:
            writer.write_table(whole, max_chunksize=100)


@pytest.mark.parametrize("kind", ["parquet", "stream", "file"])
def test_rows_of_columns_in_any_units(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("rows.parquet" if kind == "parquet" else "rows.arrow")
    write(path, kind)
    expected = [(n, {"text": f"row {n}", "meta": {"name": f"m{n}", "other": n}}) for n in range(1, 1001)]
    needed = frozenset({"text", "meta", "absent"})
    for target in (0, 3000, 8000, 1):
        assert read(path, target, needed) == (expected, Counter())
    plan = SourcePlan("s", "text", "path", 1, path)
    split = units(plan, [entry(path)], 1)
    assert [(u.first, u.last) for u in split] == [(n, n + 1) for n in range(10)]
    assert sum(u.size for u in split) <= path.stat().st_size
    assert set(read(path)[0][0][1]) == {"text", "meta", "unused"}
    assert read(path, 0, frozenset({"body"})) == ([], Counter({"no column body": 1}))


@pytest.mark.parametrize("kind", ["parquet", "stream", "file"])
def test_truncated_columns(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("rows.parquet" if kind == "parquet" else "rows.arrow")
    write(path, kind)
    data = path.read_bytes()
    reason = f"truncated or damaged {'Parquet' if kind == 'parquet' else 'Arrow'}"
    for size in (len(data) // 2, len(data) - 20, 5, 0):
        path.write_bytes(data[:size])
        for target in (0, 1):
            found, skipped = read(path, target)
            assert skipped == {reason: 1} or (kind == "stream" and not skipped)
            assert found == [] or (kind == "stream" and [n for n, _ in found] == list(range(1, len(found) + 1)))
    if kind == "stream":
        path.write_bytes(data[: len(data) // 2])
        assert len(read(path)[0]) >= 400


@pytest.mark.parametrize("kind", ["parquet", "stream", "file"])
def test_no_byte_that_is_turned_crashes_a_reading(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("rows.parquet" if kind == "parquet" else "rows.arrow")
    write(path, kind)
    data = path.read_bytes()
    for at in range(0, len(data), max(1, len(data) // 150)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x91]) + data[at + 1 :])
        found, skipped = read(path, 1 << 12)
        assert found or skipped


def test_one_damaged_row_group_costs_only_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(table(1, 300), path, row_group_size=100, compression="zstd", use_dictionary=False)
    column = pq.read_metadata(path).row_group(1).column(0)
    data = bytearray(path.read_bytes())
    middle = column.data_page_offset + column.total_compressed_size // 2
    data[middle : middle + 40] = bytes(40)
    path.write_bytes(data)
    found, skipped = read(path)
    assert [n for n, _ in found] == [*range(1, 101), *range(201, 301)]
    assert skipped == {"truncated or damaged Parquet": 1}


def test_text_of_a_parquet_that_is_no_utf8_costs_its_row(tmp_path: Path) -> None:
    raw = pa.array([b"good", b"\xff\xfe", b"also good"], pa.binary()).view(pa.string())
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"text": raw}), path)
    assert read(path) == ([(1, {"text": "good"}), (3, {"text": "also good"})], Counter({"invalid UTF-8": 1}))


def test_text_of_an_arrow_that_is_no_utf8_costs_its_row(tmp_path: Path) -> None:
    raw = pa.array([b"good", b"\xff\xfe", b"also good"], pa.binary()).view(pa.string())
    path = tmp_path / "rows.arrow"
    whole = pa.table({"text": raw})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, whole.schema) as writer:
        writer.write_table(whole)
    assert read(path) == ([(1, {"text": "good"}), (3, {"text": "also good"})], Counter({"invalid UTF-8": 1}))


def test_a_parquet_bomb_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"text": ["a" * (1 << 20)] * 20}), path, compression="zstd", use_dictionary=False)
    monkeypatch.setattr("leaven.corpus.read.columns.limits", lambda: {"chunk": 1 << 20, "ratio": 100})
    assert read(path) == ([], Counter({"Parquet unpacks to far more than it holds": 1}))
    assert BATCH_BYTES < 1 << 30


ARRAY = [{"instruction": "say [x]", "n": 1.5}, {"instruction": 'quote " and \\ and ]'}, {"é": ["{", {"a": None}]}]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("packed", ["", ".gz", ".zst"])
def test_an_array_of_records(tmp_path: Path, indent: int | None, packed: str, monkeypatch: Any) -> None:
    path = tmp_path / f"rows.json{packed}"
    path.write_bytes(PACK[packed](b"\xef\xbb\xbf " + json.dumps(ARRAY, indent=indent, ensure_ascii=False).encode()))
    for size in (5, 11, 1 << 20):
        monkeypatch.setattr("leaven.corpus.read.stream.CHUNK", size)
        assert read(path) == (list(enumerate(ARRAY, 1)), Counter())


def test_json_that_is_lines_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_bytes(jsonl(ROWS))
    assert read(path) == (list(enumerate(ROWS, 1)), Counter())
    for empty in (b"", b" \n ", b"[]", b" [ ] "):
        path.write_bytes(empty)
        assert read(path) == ([], Counter())


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (b'[{"a": 1}, {"a": 2}, {"a"', 2),
        (b'[{"a": 1}, {"a": 2}', 2),
        (b'[{"a": 1},, {"a": 2}]', 1),
        (b'[{"a": 1} {"a": 2}]', 1),
        (b"[" * 100_000, 0),
        (b'[{"a": "' + b"a" * (40 << 20) + b'"}, {"a": 1}]', 0),
    ],
)
def test_a_broken_array_gives_what_is_before_the_break(tmp_path: Path, data: bytes, kept: int) -> None:
    path = tmp_path / "rows.json"
    path.write_bytes(data)
    found, skipped = read(path)
    assert [row for _, row in found] == [{"a": n + 1} for n in range(kept)]
    assert skipped == {"truncated or malformed JSON array": 1}


def test_an_array_with_others_among_its_records(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_bytes(b'[{"a": "' + b"a" * (9 << 20) + b'"}, {"a": 1}]')
    assert read(path) == ([(2, {"a": 1})], Counter({"larger than 4 MiB": 1}))
    path.write_bytes(b'[1, {"a": 1}, "x", [2], {"text": "\xff"}, {"a": 2}]')
    found, skipped = read(path)
    assert [(n, row) for n, row in found if "a" in row] == [(2, {"a": 1}), (6, {"a": 2})]
    assert skipped == {"record is not an object": 3}


def test_a_file_that_is_gone_is_counted(tmp_path: Path) -> None:
    for name in ("a.jsonl", "a.jsonl.zst", "a.parquet", "a.arrow", "a.json"):
        skipped: Counter[str] = Counter()
        assert list(records(Unit(Entry(name, str(tmp_path / name), 5, 0, 0), 0, WHOLE, 5), skipped)) == []
        assert sum(skipped.values()) == 1


@pytest.mark.parametrize("form", ["jsonl", "jsonl.zst", "parquet", "stream", "file"])
def test_a_file_of_the_hub_is_read_as_a_local_one(tmp_path: Path, form: str, monkeypatch: Any) -> None:
    path = tmp_path / {"stream": "rows.arrow", "file": "rows.feather"}.get(form, f"rows.{form}")
    if form.startswith("jsonl"):
        path.write_bytes(PACK[path.suffix.removesuffix(".jsonl")](jsonl(ROWS * 9)))
    else:
        write(path, form)
    expected = read(path)
    address = f"hf://datasets/owner/name@{'0' * 40}/{path.name}"
    asked = []
    monkeypatch.setattr("leaven.corpus.hub.open_remote", lambda file: asked.append(file) or path.open("rb"))
    there = Entry(path.name, address, path.stat().st_size, 0, 0)
    skipped: Counter[str] = Counter()
    split = units(SourcePlan("s", "text", "hub", 1 << 30), [there], 200 if form == "jsonl" else 0)
    assert ([pair for unit in split for pair in records(unit, skipped)], skipped) == expected
    assert set(asked) == {address}


def test_shared_texts(shared_texts: Path) -> None:
    found, skipped = read(shared_texts / "wiki.heldout.jsonl.zst")
    assert found
    assert not skipped
