"""Commits of a checkout: read as whole files, whatever the repository holds, and rendered in both published forms."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from leaven.corpus.adjacent import commits, thresholds
from leaven.corpus.adjacent.commits import documents, from_record, one_per_file
from leaven.corpus.document import Document, Tally
from leaven.corpus.git import head
from leaven.corpus.plan import SourcePlan
from leaven.corpus.survey import survey
from leaven.ground.errors import BadInput

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
NUMBERS = "".join(f"x{n} = {n}\n" for n in range(40))


def plan(form: str = "commits", **options: object) -> SourcePlan:
    return SourcePlan("repo", "adjacent", "path", 1 << 20, form=form, options=options)


def git(folder: Path, *arguments: str) -> None:
    environment = os.environ | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_DATE": "2020-01-01T00:00:00Z",
        "GIT_COMMITTER_DATE": "2020-01-01T00:00:00Z",
    }
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, env=environment)


Commit = Callable[..., None]


@pytest.fixture
def keep_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every draw keeps, and every commit shows its range."""
    table = thresholds.table()
    sure = dict.fromkeys(("small_keep", "large_keep", "short_keep", "data_keep"), 1.0) | {"whole_files": 0.0}
    changed = table | {"commit": table["commit"] | sure | {"window": 4}}
    for module in ("commits", "commit_rules", "git_commits"):
        monkeypatch.setattr(f"leaven.corpus.adjacent.{module}.table", lambda: changed)


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

    commit("Add the table of numbers at last", a__py=NUMBERS)
    commit("Change one number of the table", a__py=NUMBERS.replace("x20 = 20", "x20 = 21\nnew = 1"))
    commit("update", a__py=NUMBERS)
    commit("Two files at once in here", a__py=NUMBERS + "y = 1\n", b__py="z = 1\n")
    commit("Add a picture to look at", c__png=b"\0\1")
    commit("Add something that is not in UTF-8", d__py=b"x = '\xff'\n")
    commit("Add a file that holds a NUL", e__py=b"x = '\0'\n")
    return folder


def read(folder: Path, **options: object) -> tuple[list[Document], Tally]:
    tally = Tally()
    return list(documents(folder, plan(**options), tally)), tally


@needs_git
@pytest.mark.usefixtures("keep_all")
def test_documents(checkout: Path) -> None:
    found, tally = read(checkout)
    assert len(found) == 1
    before, _, rest = found[0].text.partition("<commit_msg>")
    subject, _, after = rest.partition("<commit_after>")
    assert subject == "Change one number of the table"
    before = before.removeprefix("<commit_before>")
    assert "x20 = 20" in before
    assert before.replace("x20 = 20", "x20 = 21\nnew = 1") == after
    assert 1 <= len(before.split("\n")) <= 7
    assert found[0].group == found[0].path == "repo/a.py"
    assert found[0].language == "python"
    assert tally.files == 7
    assert tally.dropped == {
        "commit: empty subject": 1,
        "commit: file seen before": 1,
        "commit: not one file": 1,
        "commit: not a source file": 1,
    }
    assert tally.skipped == {"invalid UTF-8": 1, "binary": 1}
    assert read(checkout, max_commits=1)[1].files == 1


@needs_git
@pytest.mark.usefixtures("keep_all")
def test_a_bare_clone_gives_the_same(checkout: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(checkout), "bare.git")
    assert read(tmp_path / "bare.git")[0] == read(checkout)[0]


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
@pytest.mark.usefixtures("keep_all")
def test_damaged_objects_cost_only_themselves(checkout: Path) -> None:
    wanted = read(checkout)[0]
    git(checkout, "checkout", "-q", "--orphan", "other")
    (checkout / "f.py").write_text("broken = 1\n")
    git(checkout, "add", "f.py")
    git(checkout, "commit", "-q", "-m", "Add the file that will be damaged", "--", "f.py")
    git(checkout, "checkout", "-q", "-f", "main")
    (checkout / "f.py").write_text("broken = 1\n")
    git(checkout, "add", "f.py")
    git(checkout, "commit", "-q", "-m", "Add the file that will be damaged")
    blob = subprocess.run(
        ["git", "-C", str(checkout), "rev-parse", "HEAD:f.py"], capture_output=True, text=True, check=True
    ).stdout.strip()
    stored = checkout / ".git" / "objects" / blob[:2] / blob[2:]
    stored.chmod(0o644)
    stored.write_bytes(b"\x78\x01 nothing that inflates")
    found, tally = read(checkout)
    assert found == wanted
    assert tally.skipped["git: damaged object"] + tally.skipped["git: missing object"] == 1
    stored.unlink()
    found, tally = read(checkout)
    assert found == wanted
    assert tally.skipped["git: missing object"] == 1


@needs_git
@pytest.mark.usefixtures("keep_all")
def test_submodules_links_modes_merges_and_odd_names(checkout: Path) -> None:
    git(checkout, "update-index", "--add", "--cacheinfo", f"160000,{head(checkout)},module.py")
    git(checkout, "commit", "-q", "-m", "Add a submodule to the tree")
    (checkout / "link.py").symlink_to("a.py")
    git(checkout, "add", "link.py")
    git(checkout, "commit", "-q", "-m", "Add a link to the tree")
    (checkout / 'quo"ted.py').write_text("a = 1\n")
    git(checkout, "add", 'quo"ted.py')
    git(checkout, "commit", "-q", "-m", "Add a name that needs quotes")
    git(checkout, "rm", "-q", "d.py")
    git(checkout, "commit", "-q", "-m", "Remove a file from the tree")
    git(checkout, "update-index", "--chmod=+x", "b.py")
    git(checkout, "commit", "-q", "-m", "Make a file of the tree executable")
    _, tally = read(checkout)
    assert tally.dropped["commit: submodule"] == 1
    assert tally.dropped["commit: not a source file"] == 2
    assert tally.skipped["commit: odd path"] == 1
    assert tally.dropped["commit: nothing left"] == 1
    assert tally.dropped["commit: nothing changed"] == 1


@needs_git
@pytest.mark.usefixtures("keep_all")
def test_large_files_and_large_commits(checkout: Path, tmp_path: Path) -> None:
    limit = thresholds.table()["commit"]["max_blob"]
    (checkout / "large.py").write_bytes(b"a = 1\n" * (limit // 6 + 1))
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", "Add a file far too large")
    for number in range(300):
        (checkout / f"many{number}.py").write_text(f"{number}\n")
    git(checkout, "add", "-A")
    (tmp_path / "message").write_text("Add three hundred files " + "and more " * 20_000)
    git(checkout, "commit", "-q", "-F", str(tmp_path / "message"))
    found, tally = read(checkout)
    assert len(found) == 1
    assert tally.skipped["commit: file too large"] == 1
    assert tally.dropped["commit: not one file"] == 2


@needs_git
@pytest.mark.usefixtures("keep_all")
def test_hostile_configuration_is_inert(checkout: Path, tmp_path: Path) -> None:
    wanted = read(checkout)[0]
    witness = tmp_path / "witness"
    for name, value in {
        "core.fsmonitor": f"touch {witness}",
        "core.pager": f"touch {witness}",
        "diff.external": f"touch {witness}",
        "gpg.program": f"touch {witness}",
        "log.showSignature": "true",
        "log.showRoot": "false",
        "diff.noprefix": "true",
        "diff.renames": "copies",
        "core.quotePath": "true",
        "core.abbrev": "7",
        "alias.log": f"!touch {witness}",
        "format.pretty": "oneline",
    }.items():
        git(checkout, "config", name, value)
    assert read(checkout)[0] == wanted
    assert not witness.exists()


@needs_git
def test_the_survey_sees_a_new_commit(checkout: Path) -> None:
    source = SourcePlan("adjacent", "adjacent", "path", 1 << 20, checkout)
    before = survey(source)
    git(checkout, "commit", "-q", "--allow-empty", "-m", "Say nothing more")
    assert survey(source).fingerprint != before.fingerprint


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
@pytest.mark.usefixtures("keep_all")
def test_a_hook_of_another_repository(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = head(checkout)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert before
    assert head(checkout) == before
    assert read(checkout)[0]


def record(**fields: object) -> dict[str, object]:
    return {
        "commit": "c0ffee",
        "old_file": "src/sum.py",
        "new_file": "src/sum.py",
        "old_contents": NUMBERS,
        "new_contents": NUMBERS.replace("x20 = 20", "x20 = 21\nnew = 1"),
        "subject": "Raise one number of the table",
        "message": "Raise one number of the table\n\nBecause.\n",
        "lang": "Python",
        "license": "mit",
        "repos": "some/thing,another/thing",
    } | fields


@pytest.mark.usefixtures("keep_all")
def test_a_record() -> None:
    found = from_record(record(), plan(), Tally())
    assert found is not None
    assert found.language == "python"
    assert found.licence == "mit"
    assert found.repository == "some/thing,another/thing"
    assert found.group == "some/thing,another/thing/src/sum.py"
    assert found.text.startswith("<commit_before>x1")
    assert "<commit_msg>Raise one number of the table<commit_after>" in found.text


@pytest.mark.usefixtures("keep_all")
def test_the_published_range_begins_at_the_first_line() -> None:
    faithful = from_record(record(), plan(range="faithful"), Tally())
    fixed = from_record(record(), plan(range="fixed"), Tally())
    assert faithful is not None
    assert fixed is not None
    assert faithful.text.startswith("<commit_before>x0 = 0\nx1 = 1\n")
    assert len(fixed.text) < len(faithful.text)


def test_whole_files_are_shown_as_often_as_the_table_says() -> None:
    whole = shown = 0
    for number in range(600):
        found = from_record(record(commit=str(number)), plan(range="faithful"), Tally())
        assert found is not None
        shown += 1
        whole += found.text.startswith(f"<commit_before>{NUMBERS}<commit_msg>")
    assert 0.15 < whole / shown < 0.26


def test_commitpack_shows_whole_files_and_cleans_the_subject() -> None:
    subject = "[core] Raise one number of the table [ci skip]"
    found = from_record(record(subject=subject), plan("commitpack"), Tally())
    assert found is not None
    new = NUMBERS.replace("x20 = 20", "x20 = 21\nnew = 1")
    assert found.text == f"<commit_before>{NUMBERS}<commit_msg>Raise one number of the table<commit_after>{new}"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"old_file": None, "new_file": None}, "record without old_file"),
        ({"new_contents": 3}, "record: new_contents is not text"),
        ({"new_contents": None}, "record without new_contents"),
        ({"old_contents": "a\0b"}, "binary"),
        ({"new_contents": "\ud800"}, "invalid Unicode"),
        ({"subject": ["a"]}, "record: subject is not text"),
    ],
)
def test_records_that_cannot_be_read(fields: dict[str, object], reason: str) -> None:
    tally = Tally()
    assert from_record(record(**fields), plan(), tally) is None
    assert tally.skipped == {reason: 1}
    assert tally.files == 1


def test_one_per_file() -> None:
    tally = Tally()
    group = [Document(str(n), "t", "p", f"group{n % 2}") for n in range(5)]
    assert [d.id for d in one_per_file(group, tally)] == ["0", "1"]
    assert tally.dropped == {"commit: file seen before": 3}


def test_an_unknown_range() -> None:
    with pytest.raises(BadInput, match='unknown range "fixd"; did you mean "fixed"'):
        from_record(record(), plan(range="fixd"), Tally())


def test_equal_records_give_equal_documents() -> None:
    assert from_record(record(), plan(), Tally()) == from_record(record(), plan(), Tally())
    assert commits.VERSION == "commits/1"
