from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from leaven.corpus import packages
from leaven.corpus.packages import Package, clients
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import sha256_file

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


def test_source_archives_arrive_whole_and_nothing_of_them_runs(
    tmp_path: Path, index: list[Package], told: Path
) -> None:
    seen: list[float] = []
    found = packages.fetch(index, tmp_path / "cache", lambda done, total, note="": seen.append(done / total))
    assert [sha256_file(found[package]) for package in index] == [package.sha256 for package in index]
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == sorted(package.file for package in index)
    assert seen[0] == 0.0
    assert seen[-1] == 1.0
    assert not told.exists()


def test_the_archives_would_tell(tmp_path: Path, index: list[Package], told: Path) -> None:
    """The check above is worth something: pip without the inert backend runs the code."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-build-isolation", "--no-binary", ":all:"]
    subprocess.run([*command, "own-backend==1.0.0"], cwd=tmp_path, capture_output=True, check=False)
    assert told.exists()


def test_what_is_there_is_not_fetched_again(
    tmp_path: Path, index: list[Package], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    found = packages.fetch(index, cache)
    monkeypatch.setattr(clients, "pip", lambda: None)
    assert packages.fetch(index, cache) == found
    damaged = found[index[0]]
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    with pytest.raises(BadInput, match=r"pip is not installed; 4 of 4 packages \(100% of the bytes\)"):
        packages.fetch(index, cache)
    monkeypatch.undo()


def test_only_what_is_missing_or_damaged_is_fetched(
    tmp_path: Path, index: list[Package], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    found = packages.fetch(index, cache)
    found[index[0]].unlink()
    found[index[1]].write_bytes(b"x" * index[1].bytes)
    asked: list[str] = []
    real = clients.download
    monkeypatch.setattr(
        clients, "download", lambda package, folder: (asked.append(package.name), real(package, folder))[1]
    )
    packages.fetch(index, cache)
    assert sorted(asked) == sorted(package.name for package in index[:2])
    assert all(sha256_file(path) == package.sha256 for package, path in found.items())


def test_another_file_under_the_same_version(tmp_path: Path, index: list[Package]) -> None:
    wrong = replace(index[0], sha256="0" * 64)
    cache = tmp_path / "cache"
    with pytest.raises(LeavenError, match=r"pypi:old-style@1\.0\.0 was not fetched") as caught:
        packages.fetch([wrong], cache)
    assert "file://" not in str(caught.value)
    assert list(cache.iterdir()) == []


def test_one_that_does_not_exist_costs_no_other(tmp_path: Path, index: list[Package]) -> None:
    absent = replace(index[0], name="leaven-no-such-thing")
    cache = tmp_path / "cache"
    with pytest.raises(LeavenError, match="leaven-no-such-thing"):
        packages.fetch([*index, absent], cache)
    assert len(packages.fetch(index, cache)) == len(index)


def test_a_pip_that_would_run_code_fetches_nothing(
    tmp_path: Path, index: list[Package], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nothing").mkdir()
    monkeypatch.setattr(clients, "INERT", tmp_path / "nothing")
    with pytest.raises(LeavenError, match="would run code of the packages"):
        packages.fetch(index, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@needs_npm
def test_tarballs_arrive_whole_and_their_scripts_do_not_run(
    tmp_path: Path, npm_registry: list[Package], told: Path
) -> None:
    found = packages.fetch(npm_registry, tmp_path / "cache")
    assert [sha256_file(found[package]) for package in npm_registry] == [package.sha256 for package in npm_registry]
    assert not told.exists()
    wrong = replace(npm_registry[0], sha256="0" * 64)
    with pytest.raises(LeavenError, match="is not the archive of the list"):
        packages.fetch([wrong], tmp_path / "cache")
    absent = replace(npm_registry[0], name="absent", sha256="1" * 64)
    with pytest.raises(LeavenError, match="npm:absent@1.0.0 was not fetched") as caught:
        packages.fetch([absent], tmp_path / "cache")
    assert "127.0.0.1" not in str(caught.value)


def test_without_npm_the_study_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "npm", lambda: None)
    monkeypatch.setattr(clients, "download", lambda package, folder: pytest.fail("something was fetched"))
    with pytest.raises(BadInput, match=r"npm is not installed; \d+ of \d+ packages \(\d+% of the bytes\)") as caught:
        packages.fetch(packages.table(), tmp_path)
    assert "packages: pypi" in str(caught.value)


@pytest.mark.long
@needs_npm
def test_three_real_packages(tmp_path: Path) -> None:
    small = [p for p in packages.table() if p.name in ("attrs", "pythonnet", "@capacitor/ios")]
    assert len(small) == 3
    found = packages.fetch(small, tmp_path)
    assert all(sha256_file(path) == package.sha256 for package, path in found.items())
