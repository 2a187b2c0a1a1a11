from __future__ import annotations

import hashlib
import json
import random
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.corpus import hub
from leaven.corpus.hub.listing import RemoteEntry, is_data, translate
from leaven.ground.errors import BadInput

from .conftest import COMMIT, OLDER, Hub, snapshot_of

NAME = "people/stories"
FILES = {
    "README.md": b"about",
    ".gitattributes": b"x",
    "stories.py": b"raise SystemExit",
    "dataset_infos.json": b"{}",
    "data/en/train-0.parquet": b"PAR1" * 5,
    "data/en/train-1.parquet": b"PAR1" * 7,
    "data/fr/train-0.jsonl.zst": b"zst",
    "data/fr/deep/er/x.jsonl.gz": b"gz",
    "valid.txt": b"text",
}


def test_only_files_of_data(fake: Hub) -> None:
    fake.files = FILES
    found = hub.listing(NAME, COMMIT)
    assert [entry.path for entry in found] == sorted(path for path in FILES if is_data(path))
    assert len(found) == 5
    first = found[0]
    assert first == RemoteEntry(
        "data/en/train-0.parquet", 20, "sha256:" + hashlib.sha256(FILES["data/en/train-0.parquet"]).hexdigest()
    )
    assert sum("/tree/" in path for path, _ in fake.asked) == 3, "three pages"


@pytest.mark.parametrize(
    ("patterns", "count"),
    [
        (["data/en"], 2),
        (["data/*/train-0*"], 2),
        (["data/**/*.gz"], 1),
        (["data/**"], 4),
        (["*.txt", "data/fr/**"], 3),
        (["valid.txt"], 1),
        (["README.md"], 1),
        (["**"], 8),
        (["data/?r/*.zst"], 1),
    ],
)
def test_patterns_and_never_code(fake: Hub, cache: Path, patterns: list[str], count: int) -> None:
    fake.files = FILES
    found = hub.listing(NAME, COMMIT, patterns)
    assert len(found) == count
    assert not any(entry.path.endswith(".py") for entry in found)
    snapshot_of(cache, FILES)
    assert hub.listing(NAME, COMMIT, patterns, offline=True) == found


def test_only_the_shared_folder_is_asked_for(fake: Hub) -> None:
    fake.files = FILES
    hub.listing(NAME, COMMIT, ["data/en/*.parquet", "data/en/train-1*"])
    assert all(f"/tree/{COMMIT}/data/en" in unquote(path) for path, _ in fake.asked)


def test_nothing_matches(fake: Hub) -> None:
    fake.files = {"stories.py": b"", "README.md": b""}
    with pytest.raises(BadInput, match="no data file of a form that can be read"):
        hub.listing(NAME, COMMIT)
    with pytest.raises(BadInput, match="has not got a folder data"):
        hub.listing(NAME, COMMIT, ["data/*"])
    with pytest.raises(BadInput, match="no such revision"):
        hub.listing(NAME, OLDER)


def test_a_snapshot_is_the_same_source(fake: Hub, cache: Path) -> None:
    fake.files = FILES
    online = hub.listing(NAME, COMMIT)
    snapshot_of(cache, FILES, links=False)
    offline = hub.listing(NAME, COMMIT, offline=True)
    assert hub.fingerprint(NAME, COMMIT, online) == hub.fingerprint(NAME, COMMIT, reversed(offline))
    assert hub.fingerprint(NAME, COMMIT, online) != hub.fingerprint(NAME, COMMIT, online[1:])
    assert hub.fingerprint(NAME, COMMIT, online) != hub.fingerprint(NAME, OLDER, online)


def test_part_of_a_snapshot_with_the_commits_own_listing(cache: Path) -> None:
    here = {"data/en/train-0.parquet": FILES["data/en/train-0.parquet"]}
    storage = snapshot_of(cache, here)
    rows = {path: {"size": len(data), "blob_id": "c" * 40} for path, data in FILES.items()}
    (storage / "trees").mkdir()
    (storage / "trees" / f"{COMMIT}.json").write_text(json.dumps({"format_version": 1, "files": rows}))
    found = hub.listing(NAME, COMMIT, ["data/en"], offline=True)
    assert [entry.path for entry in found] == ["data/en/train-0.parquet", "data/en/train-1.parquet"]
    hub.require_local(NAME, COMMIT, ["data/en/train-0.parquet"])
    with pytest.raises(BadInput, match=r"one file of .* data/en/train-1\.parquet(.|\n)*--revision " + COMMIT):
        hub.require_local(NAME, COMMIT, [entry.path for entry in found])
    (storage / "trees" / f"{COMMIT}.json").write_text('{"format_version": 1, "files": [1]}')
    assert len(hub.listing(NAME, COMMIT, ["data/en"], offline=True)) == 1


def test_links_that_lead_out_of_the_cache_are_not_followed(cache: Path, tmp_path: Path) -> None:
    storage = snapshot_of(cache, {"a.jsonl": b"{}\n"})
    (tmp_path / "secret.jsonl").write_text("{}")
    (storage / "snapshots" / COMMIT / "b.jsonl").symlink_to(tmp_path / "secret.jsonl")
    (storage / "snapshots" / COMMIT / "c.jsonl").symlink_to("c.jsonl")
    assert [entry.path for entry in hub.listing(NAME, COMMIT, offline=True)] == ["a.jsonl"]


def test_blobs_that_several_data_sets_share(cache: Path) -> None:
    storage = snapshot_of(cache, {"a.parquet": b"PAR1"})
    blob = next((storage / "blobs").iterdir())
    (cache / "blobs" / "ab").mkdir(parents=True)
    blob.rename(cache / "blobs" / "ab" / "xet")
    blob.symlink_to("../../blobs/ab/xet")
    [entry] = hub.listing(NAME, COMMIT, offline=True)
    assert (entry.size, entry.digest) == (4, "sha256:" + hashlib.sha256(b"PAR1").hexdigest())


def test_no_snapshot(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "YES")
    with pytest.raises(BadInput, match=f"no snapshot {COMMIT}"):
        hub.listing(NAME, COMMIT)


@given(st.from_regex(r"[ab/*?.]{0,12}", fullmatch=True), st.from_regex(r"[ab.]{1,3}(/[ab.]{1,3}){0,3}", fullmatch=True))
def test_patterns_by_a_plain_reference(pattern: str, path: str) -> None:
    assert (re.match(translate(pattern), path) is not None) == matches(pattern.strip("/"), path)


def matches(pattern: str, path: str) -> bool:
    """Character by character, as the docstring says it."""
    if not any(sign in pattern for sign in "*?"):
        return path == pattern or path.startswith(f"{pattern}/")

    def rest(p: str, s: str) -> bool:
        if p.startswith("**/"):
            return rest(p[3:], s) or any(rest(p[3:], s[i + 1 :]) for i in range(1, len(s)) if s[i] == "/" and ok(s[:i]))
        if p.startswith("**"):
            return any(rest(p[2:], s[i:]) for i in range(len(s) + 1))
        if p.startswith("*"):
            return any(rest(p[1:], s[i:]) for i in range(len(s) + 1) if "/" not in s[:i])
        if not p:
            return not s
        return bool(s) and (p[0] == s[0] or (p[0] == "?" and s[0] != "/")) and rest(p[1:], s[1:])

    def ok(folders: str) -> bool:
        return all(folders.split("/"))

    return rest(pattern, path)


def test_the_choice_is_a_function_of_seed_and_paths() -> None:
    entries = [RemoteEntry(f"part-{n}.parquet", 10 + n) for n in range(40)]
    shuffled = entries.copy()
    random.Random(1).shuffle(shuffled)
    some = hub.choose(shuffled, 200, seed=3)
    assert some == hub.choose(entries, 200, seed=3)
    assert sum(entry.size for entry in some) >= 200 > sum(entry.size for entry in some[:-1])
    assert hub.choose(entries, 400, seed=3)[: len(some)] == some
    assert hub.choose(entries, 200, seed=4) != some
    assert len(hub.choose(entries, 0, seed=3)) == 1
    assert hub.choose([], 10, seed=3) == []
    assert sorted(hub.choose(entries, 10**9, seed=0)) == sorted(entries)
