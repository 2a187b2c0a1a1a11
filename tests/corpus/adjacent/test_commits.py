"""Commits of a checkout: one file, a telling subject, before and after."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from leaven.corpus.adjacent import commits
from leaven.corpus.adjacent.commits import documents, refused_subject
from leaven.corpus.document import Document, Tally
from leaven.corpus.git import head
from leaven.corpus.plan import SourcePlan
from leaven.corpus.survey import survey

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *arguments: str) -> None:
    environment = os.environ | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_DATE": "2020-01-01T00:00:00Z",
        "GIT_COMMITTER_DATE": "2020-01-01T00:00:00Z",
    }
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, env=environment)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")

    def commit(subject: str, **files: str | bytes) -> None:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (folder / name.replace("__", ".")).write_bytes(data)
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", subject)

    numbers = "".join(f"x{n} = {n}\n" for n in range(40))
    commit("Add the table of numbers", a__py=numbers)
    commit("Change one number of the table", a__py=numbers.replace("x20 = 20", "x20 = 21"))
    commit("update", a__py=numbers)
    commit("Two files at once here", a__py=numbers + "y = 1\n", b__py="z = 1\n")
    commit("Add a picture to look at", c__png=b"\0\1")
    commit("Add something not in UTF-8", d__py=b"x = '\xff'\n")
    return folder


def read(folder: Path, most: int = 100) -> tuple[list[Document], Tally]:
    tally = Tally()
    return list(documents(folder, "repo", most, tally)), tally


@needs_git
def test_documents(checkout: Path) -> None:
    found, tally = read(checkout)
    assert len(found) == 2
    change, first = found
    context = [f"x{n} = {n}" for n in range(12, 29)]
    after = [line.replace("= 20", "= 21") for line in context]
    assert change.text == "<commit_before>{}<commit_msg>Change one number of the table<commit_after>{}".format(
        "\n".join(context), "\n".join(after)
    )
    assert first.text.startswith("<commit_before><commit_msg>Add the table of numbers<commit_after>x0 = 0\n")
    assert change.group == first.group == "repo/a.py"
    assert change.language == "python"
    assert tally.dropped == {"commit: short subject": 1, "commit: not one file": 1, "commit: not a source file": 1}
    assert tally.skipped == {"invalid UTF-8": 1}
    assert len(read(checkout, 1)[0]) == 0


@needs_git
def test_a_repository_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, tally = read(tmp_path)
    assert found == []
    assert tally.skipped == {"git could not read the repository": 1}
    monkeypatch.setenv("PATH", str(tmp_path))
    found, tally = read(tmp_path)
    assert tally.skipped == {"git is not installed": 1}
    assert head(tmp_path) == ""


@needs_git
def test_a_commit_too_large_is_counted(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "LARGEST", 300)
    found, tally = read(checkout)
    assert found == []
    assert tally.dropped["commit: too large"] == 4


@needs_git
def test_the_survey_sees_a_new_commit(checkout: Path) -> None:
    plan = SourcePlan("adjacent", "adjacent", "path", 1 << 20, checkout)
    before = survey(plan)
    git(checkout, "commit", "-q", "--allow-empty", "-m", "Say nothing more")
    assert survey(plan).fingerprint != before.fingerprint


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("Add the table of numbers", None),
        ("", "commit: short subject"),
        ("v1.2.3", "commit: short subject"),
        ("Update README.md", "commit: empty subject"),
        ("An auto commit again", "commit: empty subject"),
        ("a" * 60 + " b", "commit: words too long"),
    ],
)
def test_subjects(subject: str, reason: str | None) -> None:
    assert refused_subject(subject) == reason


@needs_git
def test_a_partial_clone_fetches_nothing(checkout: Path, tmp_path: Path) -> None:
    """What the history lacks would be fetched by a command out of the checkout's own configuration."""
    git(checkout, "config", "extensions.partialClone", "origin")
    git(checkout, "config", "remote.origin.promisor", "true")
    git(checkout, "config", "remote.origin.url", str(tmp_path / "elsewhere"))
    git(checkout, "config", "remote.origin.uploadpack", f"touch {tmp_path / 'executed'};")
    git(tmp_path, "init", "-q", "--bare", "elsewhere")
    for blob in sorted((checkout / ".git" / "objects").glob("??/*"))[:6]:
        blob.unlink()
    read(checkout)
    assert not (tmp_path / "executed").exists()


@needs_git
def test_a_hook_of_another_repository(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = head(checkout)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert before
    assert head(checkout) == before
    assert read(checkout)[0]
