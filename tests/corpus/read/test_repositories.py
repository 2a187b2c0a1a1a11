"""Git repositories in every state: what is good in them is read, nothing in them is run, nothing outside is reached."""

from __future__ import annotations

import os
import shutil
import subprocess
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from leaven.corpus import git
from leaven.corpus.document import Tally
from leaven.corpus.plan import SourcePlan
from leaven.corpus.read.entries import find
from leaven.corpus.read.members import RawFile
from leaven.corpus.read.raw import raw_files
from leaven.corpus.read.repositories import ASKED, published
from leaven.corpus.read.units import units

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

WHO = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.invalid",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.invalid",
    "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
}


def run(folder: Path, *arguments: str, data: bytes = b"") -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= git.SAFE | WHO | {"GIT_ALLOW_PROTOCOL": "file"}
    done = subprocess.run(["git", "-C", str(folder), *arguments], input=data, capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


def repository(folder: Path, files: dict[str, bytes], *options: str) -> Path:
    folder.mkdir(parents=True)
    run(folder, "init", "-q", "-b", "main", *options)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    run(folder, "add", "-A", "-f")
    run(folder, "commit", "-q", "-m", "all")
    return folder


FILES = {
    "a.py": b"x = 1\n",
    "sub/deep/b.py": b"y = 2\n",
    "sub/c.py": b"z = 3\r\n",
    "LICENSE.md": b"MIT",
    "picture.png": b"\0",
    "node_modules/x.py": b"no",
    ".github/x.py": b"no",
}
READ = {"LICENSE.md": b"MIT", "a.py": b"x = 1\n", "sub/c.py": b"z = 3\r\n", "sub/deep/b.py": b"y = 2\n"}


def read(path: Path, **options: Any) -> tuple[list[RawFile], Counter[str]]:
    plan, tally = SourcePlan("s", "web_code", "path", 1 << 30, path, options=options), Tally()
    found = [raw for unit in units(plan, find(plan, tally.skipped)) for raw in raw_files(unit, plan, tally)]
    assert tally.files == len(found)
    return found, tally.skipped


@pytest.mark.parametrize("form", ["checkout", "bare", "packed", "sha256"])
def test_a_repository_is_read_at_its_commit(tmp_path: Path, form: str) -> None:
    made = repository(tmp_path / "made", FILES, *(["--object-format=sha256"] if form == "sha256" else []))
    if form == "packed":
        run(made, "gc", "-q", "--aggressive")
    path = tmp_path / "root" / "name"
    if form == "bare":
        run(tmp_path, "clone", "-q", "--bare", str(made), str(path))
    else:
        shutil.copytree(made, path)
        (path / "a.py").write_text("changed and not committed")
        (path / "untracked.py").write_text("x")
    for root, prefix in ((path, "name"), (path.parent, "name")):
        found, skipped = read(root)
        assert {raw.path: raw.data for raw in found} == {f"{prefix}/{name}": data for name, data in READ.items()}
        assert [raw.path for raw in found] == [
            "name/LICENSE.md", "name/a.py", "name/sub/c.py", "name/sub/deep/b.py"
        ]  # fmt: skip
        assert skipped == {"other kind of file": 1}
    assert len({raw.repository for raw in found}) == 1


def test_many_files_are_asked_for_in_turns(tmp_path: Path) -> None:
    files = {f"m{n:03}.py": (f"# {n}\n" * 20_000).encode() for n in range(2 * ASKED + 7)}
    found, skipped = read(repository(tmp_path / "r", files))
    assert [(raw.path, raw.data) for raw in found] == [(f"r/{name}", data) for name, data in files.items()]
    assert not skipped


def loose(folder: Path, oid: str) -> Path:
    return folder / ".git" / "objects" / oid[:2] / oid[2:]


def spoil(path: Path, how: str) -> None:
    path.chmod(0o644)
    data = path.read_bytes()
    if how == "gone":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif how == "noise":
        path.write_bytes(b"\x78\x01" + bytes(range(200)))
    else:
        path.write_bytes(zlib.compress(b"blob 6\0other!"))


@pytest.mark.parametrize("how", ["gone", "empty", "cut", "noise", "other"])
@pytest.mark.parametrize("what", ["HEAD:m1.py", "HEAD:sub"])
def test_a_damaged_object_costs_only_what_it_holds(tmp_path: Path, how: str, what: str) -> None:
    files = {f"{folder}m{n}.py": os.urandom(3000).hex().encode() for n in range(4) for folder in ("", "sub/", "tub/")}
    path = repository(tmp_path / "r", files)
    spoil(loose(path, run(path, "rev-parse", what)), how)
    found, skipped = read(path)
    lost = {name for name in files if (name == "m1.py" if what == "HEAD:m1.py" else name.startswith("sub/"))}
    assert {raw.path.removeprefix("r/"): raw.data for raw in found} == {
        name: data for name, data in files.items() if name not in lost
    }
    assert skipped == {"damaged git object": 1}


@pytest.mark.parametrize("what", ["HEAD", "HEAD^{tree}"])
def test_without_a_commit_a_checkout_is_read_as_it_lies(tmp_path: Path, what: str) -> None:
    path = repository(tmp_path / "r", {"a.py": b"x = 1\n"})
    loose(path, run(path, "rev-parse", what)).unlink()
    found, skipped = read(path)
    assert [(raw.path, raw.data) for raw in found] == [("a.py", b"x = 1\n")]
    assert skipped == {"git repository without a readable commit": 1}
    empty = tmp_path / "empty"
    empty.mkdir()
    run(empty, "init", "-q")
    (empty / "b.py").write_bytes(b"y = 1\n")
    assert [raw.path for raw in read(empty)[0]] == ["b.py"]


def test_submodules_links_and_pointers_are_counted(tmp_path: Path) -> None:
    inner = repository(tmp_path / "inner", {"secret.py": b"x"})
    path = repository(tmp_path / "r", {"a.py": b"x = 1\n"})
    run(path, "update-index", "--add", "--cacheinfo", f"160000,{run(inner, 'rev-parse', 'HEAD')},module.py")
    target = run(path, "hash-object", "-w", "--stdin", data=b"/etc/passwd")
    run(path, "update-index", "--add", "--cacheinfo", f"120000,{target},link.py")
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    stored = run(path, "hash-object", "-w", "--stdin", data=pointer)
    run(path, "update-index", "--add", "--cacheinfo", f"100644,{stored},big.py")
    huge = run(path, "hash-object", "-w", "--stdin", data=b"a" * (4 * 1024 * 1024 + 1))
    run(path, "update-index", "--add", "--cacheinfo", f"100644,{huge},huge.py")
    run(path, "commit", "-q", "-m", "more")
    found, skipped = read(path)
    assert [raw.path for raw in found] == ["r/a.py"]
    assert skipped == {
        "submodule": 1,
        "symbolic link": 1,
        "pointer to a large file store": 1,
        "larger than 4 MiB": 1,
    }


def tree(path: Path, rows: list[tuple[str, bytes, str]]) -> str:
    data = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in rows)
    return run(path, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", data=data)


def at(path: Path, tree: str) -> None:
    run(path, "update-ref", "HEAD", run(path, "commit-tree", tree, "-m", "x"))


def test_names_in_a_tree_that_lead_out(tmp_path: Path) -> None:
    path = repository(tmp_path / "r", {"a.py": b"x = 1\n"})
    blob = run(path, "rev-parse", "HEAD:a.py")
    names = (b"..", b"../up.py", b"a/b.py", b"/etc/x.py", b"bad\xff.py", b"good.py")
    at(path, tree(path, [("100644", name, blob) for name in names]))
    found, skipped = read(path)
    assert [raw.path for raw in found] == ["r/good.py"]
    assert skipped == {
        "path leads out of its archive": 1,
        "damaged git object": 3,
        "file name is not UTF-8": 1,
    }


def test_a_tree_that_repeats_itself_without_end_stops(tmp_path: Path, monkeypatch: Any) -> None:
    path = repository(tmp_path / "r", {"a.py": b"x = 1\n"})
    oid, mode = run(path, "rev-parse", "HEAD:a.py"), "100644"
    for _ in range(8):
        oid, mode = tree(path, [(mode, b"%d.py" % n, oid) for n in range(10)]), "40000"
    at(path, oid)
    from leaven.corpus.read import forms

    table = forms.limits() | {"members": 1000}
    monkeypatch.setattr("leaven.corpus.read.members.limits", lambda: table)
    found, skipped = read(path)
    assert 0 < len(found) < 1000
    assert skipped == {"git repository: more than 1000 files": 1}


def test_nothing_that_a_repository_names_is_run(tmp_path: Path) -> None:
    path = repository(tmp_path / "r", {"a.py": b"x = 1\n", ".gitattributes": b"* filter=x diff=x\n"})
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    program.chmod(0o755)
    config = (
        f"[core]\n fsmonitor = {program}\n pager = {program}\n sshCommand = {program}\n hooksPath = {tmp_path}\n"
        f'[filter "x"]\n smudge = {program}\n clean = {program}\n process = {program}\n'
        f'[diff "x"]\n command = {program}\n textconv = {program}\n[credential]\n helper = !{program}\n'
        f'[remote "origin"]\n url = ext::{program} owner/name\n promisor = true\n partialclonefilter = blob:none\n'
        f"[gpg]\n program = {program}\n[uploadpack]\n packObjectsHook = {program}\n[alias]\n cat-file = !{program}\n"
    )
    with (path / ".git" / "config").open("a") as file:
        file.write(config)
    loose(path, run(path, "rev-parse", "HEAD:.gitattributes")).unlink()
    found, _ = read(path)
    assert [raw.path for raw in found] == ["r/a.py"]
    assert not ran.exists()


@pytest.mark.parametrize("form", ["file", "link", "alternates", "commondir", "broken"])
def test_a_repository_that_reaches_out_is_read_as_it_lies(tmp_path: Path, form: str) -> None:
    other = repository(tmp_path / "other", {"secret.py": b"secret"})
    root = tmp_path / "root"
    folder = root / "sub"
    if form == "alternates":
        run(tmp_path, "clone", "-q", "--shared", str(other), str(folder))
        (folder / "secret.py").unlink()
    else:
        folder.mkdir(parents=True)
    (folder / "a.py").write_bytes(b"x = 1\n")
    if form == "file":
        (folder / ".git").write_text(f"gitdir: {other / '.git'}\n")
    elif form == "link":
        (folder / ".git").symlink_to(other / ".git")
    elif form == "commondir":
        run(folder, "init", "-q")
        (folder / ".git" / "commondir").write_text(f"{other / '.git'}\n")
    elif form == "broken":
        # git would take the next repository above, which is not the user's to give.
        run(tmp_path, "init", "-q")
        (folder / ".git").mkdir()
    found, skipped = read(root)
    assert [(raw.path, raw.data) for raw in found] == [("sub/a.py", b"x = 1\n")]
    assert len(skipped) == 1
    assert read(folder)[0][0].data == b"x = 1\n"


def test_where_a_repository_is_published(tmp_path: Path) -> None:
    path = repository(tmp_path / "r", {"a.py": b"x = 1\n"})
    assert published(path) == ""
    for url, name in (
        ("https://user:token@host.example/owner/name.git", "owner/name"),
        ("git@host.example:owner/some.name", "owner/some.name"),
        ("https://host.example/deep/group/name/", "group/name"),
        ("nonsense", ""),
    ):
        run(path, "config", "remote.origin.url", url)
        assert published(path) == name
    run(path, "config", "remote.origin.url", "https://user:token@host.example/owner/name.git")
    assert {raw.repository for raw in read(path)[0]} == {"owner/name"}


def test_a_folder_of_repositories(tmp_path: Path) -> None:
    repository(tmp_path / "one", {"a.py": b"x = 1\n"})
    repository(tmp_path / "deep" / "two", {"b.py": b"y = 1\n"})
    run(tmp_path, "clone", "-q", "--bare", str(tmp_path / "one"), str(tmp_path / "three.git"))
    (tmp_path / "broken.git" / "objects").mkdir(parents=True)
    (tmp_path / "broken.git" / "refs").mkdir()
    (tmp_path / "broken.git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / "plain.py").write_bytes(b"z = 1\n")
    found, skipped = read(tmp_path)
    assert [raw.path for raw in found] == ["deep/two/b.py", "one/a.py", "plain.py", "three.git/a.py"]
    assert [raw.repository for raw in found[:3]] == ["deep/two", "one", ""]
    assert skipped == {"git repository without a readable commit": 1}


def test_a_clone_of_a_data_set_is_a_folder(tmp_path: Path) -> None:
    path = repository(tmp_path / "set", {"rows.jsonl": b'{"text": "x"}\n'})
    for given in ({"kind": "text"}, {"kind": "web_code", "shape": "stack1"}):
        plan = SourcePlan("s", origin="path", max_bytes=9, path=path, **given)  # type: ignore[arg-type]
        assert [entry.path for entry in find(plan, Counter())] == ["rows.jsonl"]
