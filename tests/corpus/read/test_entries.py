"""What is found below a path: every form by its name, nothing by way of a link."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from leaven.corpus.document import Tally
from leaven.corpus.plan import Kind, SourcePlan
from leaven.corpus.read.entries import find
from leaven.corpus.read.forms import form, is_licence, named_form, reads
from leaven.corpus.read.passages import passages
from leaven.corpus.read.raw import holds_repositories, licence_files, raw_files
from leaven.corpus.read.records import records
from leaven.corpus.read.units import WHOLE, Unit, units
from leaven.corpus.tree import Entry
from leaven.ground.errors import BadInput


def plan(path: Path, kind: Kind = "text", **more: Any) -> SourcePlan:
    return SourcePlan("s", kind, "path", more.pop("max_bytes", 1 << 30), path, **more)


def found(path: Path, kind: Kind = "text", **more: Any) -> tuple[list[str], Counter[str]]:
    skipped: Counter[str] = Counter()
    return [entry.path for entry in find(plan(path, kind, **more), skipped)], skipped


def fill(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


FORMS = {
    "a.jsonl": "lines", "A.JSONL": "lines", "a.jsonl.gz": "lines", "a.jsonl.zst": "lines", "a.json.gz": "lines",
    "a.json": "json", "a.parquet": "parquet", "a.arrow": "arrow", "a.feather": "arrow", "a.tar": "tar",
    "a.tar.gz": "tar", "a.tgz": "tar", "a.tar.zst": "tar", "a.tar.bz2": "tar", "a.tar.xz": "tar", "a.zip": "zip",
    "a.whl": "zip", "a.txt": "plain", "a.gz": "plain", "tar": "plain", "jsonl": "plain",
}  # fmt: skip


@pytest.mark.parametrize(("name", "expected"), FORMS.items())
def test_forms(name: str, expected: str) -> None:
    assert named_form(name) == expected


def test_json_is_what_the_source_means(tmp_path: Path) -> None:
    assert form("a.json", plan(tmp_path)) == form("a.json", plan(tmp_path, "instruct")) == "json"
    assert form("a.json", plan(tmp_path, "markup")) == "plain"
    assert form("a.json", plan(tmp_path, "markup", fields={"text": "body"})) == "json"


def test_everything_below_a_folder_sorted_by_path(tmp_path: Path) -> None:
    names = ["b.jsonl.zst", "a/x.parquet", "a/y.tar.gz", "c.txt", "z/z.zip", "pic.png", ".hidden.txt", "code.py"]
    fill(tmp_path, *names)
    assert found(tmp_path) == (
        ["a/x.parquet", "a/y.tar.gz", "b.jsonl.zst", "c.txt", "z/z.zip"],
        Counter({"other kind of file": 2}),
    )
    assert found(tmp_path, "web_code")[0] == ["a/x.parquet", "a/y.tar.gz", "b.jsonl.zst", "code.py", "z/z.zip"]


@pytest.mark.parametrize(
    ("kind", "read", "left"),
    [
        ("text", ["a.txt", "README.md", "a.rst"], ["a.py", "Makefile", "a.html"]),
        ("web_code", ["a.py", "a.h", "a.m", "Makefile", "script", "a.d.ts"], ["a.csv", "a.png", "a.md", "a.unknown"]),
        ("markup", ["a.md", "a.css", "a.json", "a.yml"], ["a.py", "a.png"]),
        ("adjacent", ["a.ipynb", "Posts.xml"], ["a.py"]),
    ],
)
def test_plain_files_of_a_kind(tmp_path: Path, kind: Kind, read: list[str], left: list[str]) -> None:
    may = reads(plan(tmp_path, kind))
    assert [name for name in read + left if may(f"folder/{name}")] == read


def test_links_pipes_and_loops_are_counted(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    root = tmp_path / "root"
    fill(outside, "secret.jsonl", "sub/secret.txt")
    fill(root, "good.jsonl", os.fsdecode(b"bad\xff.txt"))
    (root / "file.jsonl").symlink_to(outside / "secret.jsonl")
    (root / "sub").symlink_to(outside / "sub")
    (root / "loop").symlink_to(root)
    (root / "self.txt").symlink_to(root / "self.txt")
    os.mkfifo(root / "pipe.txt")
    assert found(root) == (
        ["good.jsonl"],
        Counter({"symbolic link": 4, "not a regular file": 1, "file name is not UTF-8": 1}),
    )


def hub_cache(tmp_path: Path) -> Path:
    folder = tmp_path / "hub" / "datasets--owner--name"
    snapshot = folder / "snapshots" / "abc123"
    (snapshot / "data").mkdir(parents=True)
    (folder / "blobs").mkdir()
    (folder / "blobs" / "f00").write_bytes(b'{"text": "one"}\n')
    (snapshot / "data" / "part.jsonl").symlink_to("../../../blobs/f00")
    (snapshot / "lone.jsonl").symlink_to("../../blobs/f00")
    return folder


def test_a_snapshot_of_the_hub_is_read_through_its_links(tmp_path: Path) -> None:
    folder = hub_cache(tmp_path)
    snapshot = folder / "snapshots" / "abc123"
    fill(tmp_path, "secret.jsonl")
    (snapshot / "out.jsonl").symlink_to(tmp_path / "secret.jsonl")
    (snapshot / "refs.jsonl").symlink_to("../../refs")
    (snapshot / "sub").symlink_to("../../blobs")
    (snapshot / "gone.jsonl").symlink_to("../../blobs/gone")
    paths, skipped = found(snapshot)
    assert paths == ["data/part.jsonl", "lone.jsonl"]
    assert skipped == {"symbolic link": 2, "unreadable": 1} or skipped == {"symbolic link": 3, "unreadable": 1}
    given = plan(snapshot)
    rows = [row for unit in units(given, find(given, Counter())) for _, row in records(unit, Counter())]
    assert rows == [{"text": "one"}] * 2
    assert found(snapshot / "lone.jsonl")[0] == ["lone.jsonl"]
    assert found(snapshot / "data")[0] == ["part.jsonl"]


def test_a_data_set_of_the_hub_given_as_a_whole(tmp_path: Path) -> None:
    folder = hub_cache(tmp_path)
    assert found(folder)[0] == ["data/part.jsonl", "lone.jsonl"]
    other = folder / "snapshots" / "def456"
    other.mkdir()
    (other / "new.jsonl").symlink_to("../../blobs/f00")
    with pytest.raises(BadInput, match="2 revisions"):
        found(folder)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("def456")
    assert found(folder)[0] == ["new.jsonl"]


@pytest.mark.parametrize("make", ["missing", "empty", "other", "form", "pipe"])
def test_a_path_that_cannot_be_used_names_itself_and_what_is_accepted(tmp_path: Path, make: str) -> None:
    path = tmp_path / "given"
    if make == "empty":
        path.mkdir()
    elif make == "other":
        fill(path, "a.png")
    elif make == "form":
        path = tmp_path / "given.docx"
        path.write_text("x")
    elif make == "pipe":
        os.mkfifo(path)
    with pytest.raises(BadInput) as caught:
        found(path)
    assert str(path) in str(caught.value)
    assert ".jsonl.zst" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_large_directory_is_sampled_not_read_whole(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"{number:03}.txt").write_text("a" * 1000)
    paths, _ = found(tmp_path, max_bytes=10_000)
    assert 20 <= len(paths) <= 21
    assert paths == sorted(paths)
    assert paths == found(tmp_path, max_bytes=10_000)[0]


def test_units(tmp_path: Path) -> None:
    entry = Entry("a.jsonl", "", 100, 0, 0)
    split = units(plan(tmp_path), [entry, Entry("b.jsonl.zst", "", 900, 0, 0), Entry("c.jsonl", "", 0, 0, 0)], 40)
    assert split == [
        Unit(entry, 0, 40, 40),
        Unit(entry, 40, 80, 40),
        Unit(entry, 80, 100, 20),
        Unit(Entry("b.jsonl.zst", "", 900, 0, 0), 0, WHOLE, 900),
        Unit(Entry("c.jsonl", "", 0, 0, 0), 0, 0, 0),
    ]


def test_repositories_are_told_by_their_licences(tmp_path: Path) -> None:
    fill(tmp_path, "one/LICENSE", "one/a.py", "one/sub/COPYING", "two/Licence.md", "two/b.py")
    given = plan(tmp_path, "web_code")
    assert holds_repositories(given)
    assert {name: [e.path for e in entries] for name, entries in licence_files(given).items()} == {
        "one": ["LICENSE"],
        "two": ["Licence.md"],
    }
    tally = Tally()
    read = [raw for unit in units(given, find(given, Counter())) for raw in raw_files(unit, given, tally)]
    assert {raw.path: raw.repository for raw in read if raw.path.endswith(".py")} == {
        "one/a.py": "one",
        "two/b.py": "two",
    }
    other = tmp_path / "other"
    fill(other, "one/LICENSE", "two/b.py")
    assert not holds_repositories(plan(other, "web_code"))
    assert holds_repositories(plan(other, "web_code", options={"repositories": True}))
    assert not holds_repositories(plan(tmp_path, "web_code", options={"repositories": False}))


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("LICENSE", True), ("a/Copying.txt", True), ("license.py", False), ("LICENSE-MIT", True), ("licenses.md", False)],
)
def test_names_of_licences(name: str, is_one: bool) -> None:
    assert is_licence(name) is is_one


def test_plain_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "huge.py").write_bytes(b"a" * (4 * 1024 * 1024 + 1))
    given, tally = plan(tmp_path, "web_code"), Tally()
    for name in ("huge.py", "gone.py"):
        unit = Unit(Entry(name, str(tmp_path / name), 1, 0, 0), 0, WHOLE, 1)
        assert list(raw_files(unit, given, tally)) == []
    assert tally.skipped == {"larger than 4 MiB": 1, "unreadable": 1}


def test_one_large_text_is_read_in_passages(tmp_path: Path) -> None:
    text = "\n\n".join(f"Paragraph {n} is here é. " * (n % 9 + 1) for n in range(60_000))
    path = tmp_path / "book.txt"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    skipped: Counter[str] = Counter()
    [unit] = units(plan(path), find(plan(path), skipped))
    read = list(passages(unit, skipped))
    assert len(read) > 300
    assert max(len(d.text) for d in read) <= 20_000
    assert "".join("".join(d.text for d in read).split()) == "".join(text.split())
    assert len({d.group for d in read}) == len(read)
    path.write_bytes(b"Good beginning.\n" * 9 + b"\xff\xff")
    list(passages(unit, skipped))
    assert skipped == {"invalid UTF-8": 1}
    path.write_bytes(b"Good beginning.\n\0")
    assert list(passages(unit, skipped)) == []
