"""Whether a machine would compute what this one does."""

from __future__ import annotations

import os
import re
import socket

import pytest

from leaven.engine import sameness
from leaven.ground.errors import BadInput


def test_a_fingerprint_shows_every_byte_of_the_code(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/one.py").write_text("x = 1\n")
    first = sameness._code(tmp_path)
    (tmp_path / "a/one.cpython-311.pyc").write_bytes(b"compiled")
    assert sameness._code(tmp_path) == first
    (tmp_path / "a/one.py").write_text("x = 2\n")
    second = sameness._code(tmp_path)
    (tmp_path / "a/one.py").rename(tmp_path / "a/two.py")
    assert len({first, second, sameness._code(tmp_path)}) == 3


def test_a_fingerprint_names_what_computes():
    ours = sameness.fingerprint()
    assert ours["leaven"]
    assert re.fullmatch(r"[0-9a-f]{16}", ours["leaven's files"])
    assert re.match(r"\d+\.\d+", ours["jaxlib"])


def test_differences_are_told_with_both_sides():
    assert sameness.differences({"jax": "1", "numpy": "2"}, {"jax": "1", "numpy": "2", "other": "3"}) == []
    assert sameness.differences({"jax": "2"}, {"jax": "1"}) == ["jax is 1 there and 2 here"]
    assert sameness.differences({"leaven's files": "ab"}, {}) == ["leaven's files are not known there and ab here"]


def test_a_machine_that_says_the_same_is_fit_and_reads_the_store(tmp_path):
    probe = tmp_path / "probe"
    said = sameness.question()(str(probe))
    assert sameness.unfit(said, sameness.fingerprint()) == ""
    assert said["host"] == socket.gethostname()
    assert said["probe"] is None
    probe.write_text("word")
    assert sameness.question()(str(probe))["probe"] == "word"
    assert sameness.question()("")["probe"] is None


def test_the_question_needs_nothing_there_but_python():
    """Its code travels; leaven is looked for only when it is put."""
    ask = sameness.question()
    assert ask.__qualname__.startswith("question.<locals>")
    assert ask.__closure__ is None
    assert set(ask.__code__.co_names) <= {
        "socket",
        "gethostname",
        "leaven.engine.sameness",
        "facts",
        "ImportError",
        "str",
    }
    missing = {"host": "far", "missing": "No module named 'leaven'"}
    assert "cannot be imported there" in sameness.unfit(missing, {})


def test_a_machine_has_a_folder_of_its_own_for_each_store(monkeypatch, tmp_path):
    monkeypatch.setenv("LEAVEN_SCRATCH", str(tmp_path))
    one, other = sameness.scratch("s3://bucket/a"), sameness.scratch("s3://bucket/b")
    assert one.parent == other.parent == tmp_path
    assert one != other


@pytest.fixture
def temporary(monkeypatch, tmp_path):
    """The folder for everybody's temporary files, and this user's in it."""
    monkeypatch.delenv("LEAVEN_SCRATCH", raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    return tmp_path / f"leaven-{os.getuid()}"


def test_nobody_else_looks_into_it(temporary):
    own = sameness.scratch("s3://bucket/a")
    assert own.parent == temporary
    for folder in (own, own.parent):
        folder.chmod(0o755)
    assert sameness.scratch("s3://bucket/a") == own
    assert {folder.stat().st_mode & 0o777 for folder in (own, own.parent)} == {0o700}


@pytest.mark.parametrize("made", ["writable", "link", "file", "another's"])
def test_a_folder_that_somebody_else_may_have_filled_is_not_used(temporary, made, monkeypatch):
    if made == "link":
        (temporary.parent / "other").mkdir(mode=0o700)
        temporary.symlink_to(temporary.parent / "other")
    elif made == "file":
        temporary.write_text("")
    else:
        temporary.mkdir()
        temporary.chmod(0o777 if made == "writable" else 0o700)
        if made == "another's":
            user = os.getuid()
            answers = iter([user])  # the name is asked for first, then who made the folder
            monkeypatch.setattr(os, "getuid", lambda: next(answers, user + 1))
    with pytest.raises(BadInput, match="LEAVEN_SCRATCH: .*not a folder of this user's alone"):
        sameness.scratch("s3://bucket/a")


def test_the_files_that_are_compared_are_the_package():
    assert sameness.PACKAGE.name == "leaven"
    assert (sameness.PACKAGE / "py.typed").is_file()
