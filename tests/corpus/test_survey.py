"""The fingerprint changes exactly when what would be read changes, and its cache is only a shortcut."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from leaven.corpus import survey as module
from leaven.corpus.plan import SourcePlan
from leaven.corpus.survey import survey
from leaven.ground.errors import BadInput

PLAN = SourcePlan("code", "web_code", "workstation", 1 << 20)


def test_content_name_and_presence_count(roots: dict[str, Path]) -> None:
    first = survey(PLAN, roots)
    assert first.files > 20
    assert survey(PLAN, roots) == first
    file = roots["packages"] / "pack1" / "core.py"
    text = file.read_text()
    file.write_text(text.replace("a", "b", 1))
    assert survey(PLAN, roots).fingerprint != first.fingerprint
    file.write_text(text)
    assert survey(PLAN, roots) == first
    file.rename(file.with_name("kernel.py"))
    assert survey(PLAN, roots).fingerprint != first.fingerprint


def test_what_is_not_read_does_not_count(roots: dict[str, Path]) -> None:
    first = survey(PLAN, roots)
    (roots["packages"] / "pack1" / "note.txt").write_text("no code")
    (roots["packages"] / "leaven" / "own.py").write_text("x = 1\n")
    assert survey(PLAN, roots) == first


def test_the_place_and_the_times_do_not_count(roots: dict[str, Path], tmp_path: Path) -> None:
    copies = {label: shutil.copytree(root, tmp_path / "elsewhere" / label) for label, root in roots.items()}
    os.utime(copies["packages"] / "pack1" / "core.py", (1, 1))
    assert survey(PLAN, copies) == survey(PLAN, roots)


def test_the_cache_saves_reading_and_never_changes_the_answer(
    roots: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache" / "hashes.json"
    old = time.time() - 100
    for root in roots.values():
        for path in root.rglob("*.py"):
            os.utime(path, (old, old))
    first = survey(PLAN, roots, cache)
    assert first == survey(PLAN, roots)
    file = roots["packages"] / "pack1" / "core.py"
    file.write_text(file.read_text() + "\n")
    changed = survey(PLAN, roots)
    assert survey(PLAN, roots, cache) == changed
    os.utime(file, (old, old))
    survey(PLAN, roots, cache)

    def refuse(path: Path) -> str:
        raise AssertionError(f"{path} was read again")

    with monkeypatch.context() as patch:
        patch.setattr(module, "sha256_file", refuse)
        assert survey(PLAN, roots, cache) == changed
    cache.write_text("{damaged")
    assert survey(PLAN, roots, cache) == changed


def test_a_file_written_this_moment_is_not_cached(roots: dict[str, Path], tmp_path: Path) -> None:
    cache = tmp_path / "hashes.json"
    survey(PLAN, roots, cache)
    assert not cache.exists()


def test_a_path_and_generated_sources(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    given = SourcePlan("text", "text", "path", 1000, tmp_path)
    found = survey(given)
    assert (found.files, found.bytes) == (1, 3)
    (tmp_path / "a.txt").write_text("two")
    assert survey(given).fingerprint != found.fingerprint
    assert survey(SourcePlan("s", "synthetic", "generated", 1000)).files == 0
    with pytest.raises(BadInput, match="no such file"):
        survey(SourcePlan("text", "text", "path", 1000, tmp_path / "none"))


def test_a_file_by_itself_is_not_the_folder_that_holds_only_it(tmp_path: Path) -> None:
    """The first is cut into passages, the second is one document: two results, two fingerprints."""
    (tmp_path / "book.txt").write_text("It was a fine day in the town by the river.\n" * 50)
    one = SourcePlan("text", "text", "path", 1 << 20, path=tmp_path / "book.txt")
    other = SourcePlan("text", "text", "path", 1 << 20, path=tmp_path)
    assert survey(one).fingerprint != survey(other).fingerprint


def test_what_states_a_licence_is_part_of_what_a_folder_is(tmp_path: Path) -> None:
    """Found by review: another licence in a file that is no document served documents under the old one."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "a.py").write_text("x = 1\n" * 40)
    (tmp_path / "lib" / "package.json").write_text('{"license": "MIT"}')
    plan = SourcePlan("code", "web_code", "path", 1 << 20, tmp_path)
    before = survey(plan).fingerprint
    assert survey(plan).fingerprint == before
    (tmp_path / "lib" / "package.json").write_text('{"license": "GPL-3.0-only"}')
    assert survey(plan).fingerprint != before


def test_how_git_packs_its_objects_is_not_part_of_a_repository(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@b.c", *words], check=True)

    git("init", "-q")
    (tmp_path / "a.py").write_text("x = 1\n")
    git("add", "a.py")
    git("commit", "-q", "-m", "Add a file of one line")
    plan = SourcePlan("commits", "adjacent", "path", 1 << 20, tmp_path, form="commits")
    before = survey(plan).fingerprint
    git("gc", "-q")
    assert survey(plan).fingerprint == before
    (tmp_path / "a.py").write_text("x = 2\n")
    git("commit", "-q", "-a", "-m", "Change the only line")
    assert survey(plan).fingerprint != before
