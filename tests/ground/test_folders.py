"""A folder of results appears whole, replaces only when told to, and is back where it was after a failure."""

from __future__ import annotations

import os

import pytest

from leaven.ground import folders
from leaven.ground.errors import LeavenError
from leaven.ground.folders import PART, STALE, appear, part


def test_what_is_made_appears_and_the_rest_goes(tmp_path):
    with part(tmp_path) as made:
        (made / "x").write_text("1")
        appear(made, tmp_path / "there" / "y")
    with part(tmp_path) as left:
        (left / "x").write_text("2")
    assert (tmp_path / "there" / "y" / "x").read_text() == "1"
    assert not list(tmp_path.glob(f"{PART}*"))


def test_what_is_there_stays_unless_told_otherwise(tmp_path):
    for text, again, stays in (("1", False, "1"), ("2", False, "1"), ("3", True, "3")):
        with part(tmp_path) as made:
            (made / "x").write_text(text)
            appear(made, tmp_path / "y", again=again)
        assert (tmp_path / "y" / "x").read_text() == stays


def test_after_a_failure_the_old_one_is_back(tmp_path, monkeypatch):
    (tmp_path / "y").mkdir()
    (tmp_path / "y" / "x").write_text("old")
    rename, seen = os.rename, []

    def fails_once(old, new):
        seen.append(new)
        if len(seen) == 2:
            raise OSError(28, "No space left on device")
        rename(old, new)

    monkeypatch.setattr(folders.os, "rename", fails_once)
    with part(tmp_path) as made, pytest.raises(LeavenError, match="No space left"):
        appear(made, tmp_path / "y", again=True)
    assert (tmp_path / "y" / "x").read_text() == "old"


def test_what_a_killed_process_left_goes_after_a_while(tmp_path):
    old, young = tmp_path / f"{PART}old", tmp_path / f"{PART}young"
    old.mkdir()
    young.mkdir()
    os.utime(old, (0, os.stat(old).st_mtime - STALE - 10))
    with part(tmp_path):
        assert not old.exists()
        assert young.exists()
