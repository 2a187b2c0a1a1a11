from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from leaven.corpus import hub
from leaven.corpus.hub.address import Address
from leaven.ground.errors import BadInput, LeavenError

from .conftest import COMMIT, OLDER, TOKEN, Hub, snapshot_of

NAME = "people/stories"


def test_a_branch_is_asked_for_and_a_commit_is_not(fake: Hub) -> None:
    assert hub.resolve(NAME, None) == hub.resolve(NAME, "main") == hub.resolve(NAME, "refs/convert/parquet") == COMMIT
    asked = len(fake.asked)
    assert hub.resolve(NAME, OLDER) == OLDER
    assert len(fake.asked) == asked


def test_what_was_settled_once_stays(fake: Hub, tmp_path: Path) -> None:
    record = tmp_path / "deep" / "revisions.json"
    assert hub.resolve(NAME, "main", record=record) == COMMIT
    fake.refuse[NAME] = (503, "")
    assert hub.resolve(NAME, None, record=record) == COMMIT
    record.write_text(json.dumps({f"{NAME}@main": OLDER}))
    assert hub.resolve(NAME, "main", record=record) == OLDER


def test_a_damaged_record_is_asked_again(fake: Hub, tmp_path: Path) -> None:
    record = tmp_path / "revisions.json"
    record.write_text("{")
    assert hub.resolve(NAME, "main", record=record) == COMMIT
    assert json.loads(record.read_text()) == {f"{NAME}@main": COMMIT}


@pytest.mark.parametrize(
    ("answer", "says", "todo"),
    [
        ((403, "GatedRepo"), "accept conditions", "HF_TOKEN"),
        ((401, "RepoNotFound"), "private", "log in"),
        ((404, "RepoNotFound"), "not on the hub", "Check the name"),
        ((401, ""), "private", "log in"),
        ((404, "RevisionNotFound"), "no such revision", "branch"),
        ((503, ""), "answered 503", "HF_HUB_OFFLINE"),
        ((429, ""), "answered 429", "Run again"),
    ],
)
def test_a_refusal_says_what_to_do_and_tells_no_secret(
    fake: Hub, waits: list[float], answer: tuple[int, str], says: str, todo: str
) -> None:
    fake.refuse[NAME] = answer
    with pytest.raises(LeavenError) as caught:
        hub.resolve(NAME, "main")
    message = str(caught.value)
    assert says in message
    assert todo in message
    assert TOKEN not in message
    assert fake.address not in message
    assert isinstance(caught.value, BadInput) == (answer[0] not in (503, 429))
    assert caught.value.__suppress_context__


def test_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(LeavenError, match="cannot be reached") as caught:
        hub.resolve(NAME, None)
    assert "127.0.0.1" not in str(caught.value)
    snapshot_of(cache, {"a.jsonl": b"{}\n"})
    with pytest.raises(LeavenError, match=f"revision: {COMMIT}"):
        hub.resolve(NAME, None)


def test_offline_reads_the_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = snapshot_of(cache, {"a.jsonl": b"{}\n"})
    assert hub.resolve(NAME, None, offline=True) == COMMIT
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert hub.resolve(NAME, "main") == COMMIT
    (storage / "refs" / "main").unlink()
    with pytest.raises(BadInput, match=f"revision: {COMMIT}"):
        hub.resolve(NAME, None)
    with pytest.raises(BadInput, match="hf download other/thing"):
        hub.resolve("other/thing", None)
    with pytest.raises(BadInput, match="cannot be told offline"):
        hub.resolve(NAME, "../../../etc/hostname")


def test_without_the_library(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(BadInput, match=r"pip install 'leaven\[hub\]'"):
        hub.resolve(NAME, None)
    snapshot_of(cache, {"a.jsonl": b"{}\n"})
    assert hub.resolve(NAME, None, offline=True) == COMMIT
    assert [entry.path for entry in hub.listing(NAME, COMMIT, offline=True)] == ["a.jsonl"]


@pytest.mark.parametrize("name", ["stories", "a/b/c", "../b", "a/..", "a b/c", "", "https://x/y", "a--b/c"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(BadInput, match="not the name of a data set"):
        hub.resolve(name, "main")


def test_an_address_is_read_as_it_is_written() -> None:
    address = Address(NAME, COMMIT, "data/a b#c%20é?.parquet")
    assert Address.parse(str(address)) == address
    for bad in (
        "hf://datasets/a/b@main/x",
        f"hf://datasets/a/b@{COMMIT}/../x",
        f"hf://a/b@{COMMIT}/x",
        "x",
        f"{address}"[5:],
    ):
        with pytest.raises(BadInput):
            Address.parse(bad)
