from __future__ import annotations

import gzip
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leaven.corpus import hub
from leaven.corpus.hub import stream
from leaven.corpus.hub.address import Address
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput, LeavenError

from .conftest import COMMIT, TOKEN, Hub, snapshot_of

NAME = "people/stories"
DATA = b"".join(key64(n).to_bytes(8, "little") for n in range(5000))


def url(path: str) -> str:
    return str(Address(NAME, COMMIT, path))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(stream, "BLOCK", 1000)
    return 1000


def test_the_bytes_are_the_files(fake: Hub, small_blocks: int) -> None:
    fake.files = {"data/a b#c.bin": DATA, "empty.txt": b"", "tiny.txt": b"hello"}
    with hub.open_remote(url("data/a b#c.bin")) as file:
        assert file.read() == DATA
    with hub.open_remote(url("empty.txt")) as file:
        assert file.read() == b""
    with hub.open_remote(url("tiny.txt")) as file:
        assert (file.read(2), file.seek(-1, io.SEEK_END), file.read(), file.read(5)) == (b"he", 4, b"o", b"")


def test_a_token_goes_to_the_hub_and_no_further(fake: Hub) -> None:
    fake.files = {"a.bin": DATA}
    hub.open_remote(url("a.bin")).close()
    assert fake.asked[0][1]["authorization"] == f"Bearer {TOKEN}"
    assert not any("authorization" in {name.lower() for name in headers} for _, headers in fake.served)
    assert all(headers["accept-encoding"] == "identity" for _, headers in fake.served)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.tuples(st.integers(0, len(DATA) + 50), st.integers(0, 3000)), max_size=8))
def test_any_order_of_reading(fake: Hub, small_blocks: int, moves: list[tuple[int, int]]) -> None:
    fake.files = {"a.bin": DATA}
    with hub.open_remote(url("a.bin")) as file:
        for at, size in moves:
            file.seek(at)
            assert file.read(size) == DATA[at : at + size]
            assert file.tell() == at + min(size, max(0, len(DATA) - at))


def test_it_goes_on_where_it_broke(fake: Hub, small_blocks: int, waits: list[float]) -> None:
    fake.files = {"a.bin": DATA}
    with hub.open_remote(url("a.bin")) as file:
        assert file.read(20_000) == DATA[:20_000]
        before = len(fake.served)
        fake.trouble = ["cut", "503", "cut", "429"]
        assert file.read() == DATA[20_000:]
    ranges = [headers["range"] for _, headers in fake.served[before:]]
    assert len(ranges) == len(set(ranges)) + 4, "only what failed is asked for again"
    assert len(set(ranges)) <= 21
    assert 8.0 in waits, "as long as the hub asked for, and one more"


def test_patience_has_an_end(fake: Hub, waits: list[float]) -> None:
    fake.files = {"a.bin": DATA}
    fake.trouble = ["503"] * 100
    with pytest.raises(LeavenError, match=r"answered 503 .* a\.bin") as caught:
        hub.open_remote(url("a.bin"))
    assert not isinstance(caught.value, BadInput)
    assert set(stream.WAITS) <= set(waits)
    assert TOKEN not in str(caught.value)


def test_what_cannot_be_read_in_parts(fake: Hub, small_blocks: int, waits: list[float]) -> None:
    fake.files = {"a.bin": DATA}
    fake.trouble = ["whole"]
    with pytest.raises(LeavenError, match="does not serve"):
        hub.open_remote(url("a.bin"))
    with hub.open_remote(url("a.bin")) as file:
        fake.trouble = ["changed"]
        with pytest.raises(LeavenError, match="changed while it was read"):
            file.read()


def test_what_is_not_there(fake: Hub) -> None:
    fake.files = {"a.bin": DATA}
    with pytest.raises(BadInput, match=r"has not got b\.bin"):
        hub.open_remote(url("b.bin"))
    fake.refuse[NAME] = (403, "GatedRepo")
    with pytest.raises(BadInput, match="accept conditions"):
        hub.open_remote(url("a.bin"))


def test_memory_is_bounded(fake: Hub, small_blocks: int) -> None:
    fake.files = {"a.bin": DATA}
    with hub.open_remote(url("a.bin")) as file:
        file.read()
        raw = file.raw  # type: ignore[attr-defined]
        assert len(raw._blocks) == stream.KEPT


def test_row_groups_of_parquet_without_the_rest(fake: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BLOCK", 10_000)
    table = pa.table({"text": [f"document {key64(n)}" for n in range(16_000)]})
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=2000, compression="none", use_dictionary=False)
    fake.files = {"a.parquet": sink.getvalue()}
    with hub.open_remote(url("a.parquet")) as file, pq.ParquetFile(file) as parquet:
        assert parquet.metadata.num_row_groups == 8
        assert parquet.read_row_group(5).equals(table.slice(10_000, 2000))
    got = {headers["range"] for _, headers in fake.served}
    assert len(got) * 10_000 < len(sink.getvalue()) / 2


def test_compressed_lines(fake: Hub, small_blocks: int) -> None:
    lines = b"".join(b'{"n": %d}\n' % n for n in range(5000))
    fake.files = {"a.jsonl.gz": gzip.compress(lines, mtime=0)}
    with hub.open_remote(url("a.jsonl.gz")) as file, gzip.open(file) as text:
        assert text.read() == lines


def test_a_local_copy_is_opened_as_it_is(fake: Hub, cache: Path) -> None:
    snapshot_of(cache, {"data/a.bin": DATA})
    with hub.open_remote(url("data/a.bin")) as file:
        assert file.read() == DATA
    assert fake.asked == []


def test_offline_and_not_here(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(BadInput, match="missing on this computer"):
        hub.open_remote(url("a.bin"))
