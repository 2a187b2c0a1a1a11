"""A disk that is full, or does not take what it is given: the last checkpoint stays as it was."""

from __future__ import annotations

import errno
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.train.behind import Saver
from leaven.train.checkpoint import Checkpoint, Pace, latest_good, save

from .checkpoints_work import arrays_of, check, largest_file, state_of

PROGRAM = str(Path(__file__).with_name("checkpoints_work.py"))
TEMPORARY = 'mount -t tmpfs -o size=64k tmpfs "$1" && exec "$2" "$3" fill "$1"'


def make(step: int) -> Checkpoint:
    return Checkpoint(step, arrays_of(step), state_of(step))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    for step in (10, 20):
        save(folder, make(step))
    return folder


@contextmanager
def room(size: int) -> Iterator[None]:
    """The disk takes `size` bytes more, and then none."""
    left = [size]
    really = Path.open

    class File(io.FileIO):
        def write(self, data: Any) -> int:
            data = memoryview(data).cast("B")
            fits = data[: left[0]]
            left[0] -= super().write(fits)
            if len(fits) < len(data):
                raise OSError(errno.ENOSPC, "No space left on device")
            return len(data)

    def opened(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        return File(path, "w") if mode == "wb" else really(path, mode, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", opened)
        yield


def settled(saver: Saver) -> None:
    while True:
        saver.settle()


def needed(folder: Path) -> int:
    """Bytes that a save writes."""
    return sum((folder / f"step-000000020.{suffix}").stat().st_size for suffix in ("json", "safetensors"))


@settings(deadline=None)
@given(st.data())
def test_a_disk_that_fills_up_anywhere_leaves_the_last_checkpoint(folder: Path, data: st.DataObject) -> None:
    before = contents(folder)
    size = data.draw(st.integers(0, needed(folder) - 1))
    with room(size), pytest.raises(OSError, match="No space left") as error:
        save(folder, make(30))
    assert error.value.errno == errno.ENOSPC
    assert contents(folder) == before
    assert check(latest_good(folder)) == 20


def test_the_bytes_needed_are_enough(folder: Path, tmp_path: Path) -> None:
    with room(needed(folder)):
        save(tmp_path, make(20))
    assert contents(tmp_path) == {name: data for name, data in contents(folder).items() if "20" in name}


@settings(deadline=None)
@given(st.data())
def test_a_file_that_may_not_grow_leaves_the_last_checkpoint(folder: Path, data: st.DataObject) -> None:
    before = contents(folder)
    size = data.draw(st.integers(0, (folder / "step-000000020.safetensors").stat().st_size - 1))
    with largest_file(size), pytest.raises(OSError, match="File too large") as error:
        save(folder, make(30))
    assert error.value.errno == errno.EFBIG
    assert contents(folder) == before


def test_a_save_behind_the_back_of_training_says_so_at_the_next_call(folder: Path) -> None:
    before = contents(folder)
    with Saver(folder, Pace(0)) as saver:
        with room(100):
            saver.save(make(30))
            with pytest.raises(OSError, match="No space left"):
                saver.save(make(40))
        assert contents(folder) == before
        with room(100):
            saver.save(make(40))
            with pytest.raises(OSError, match="No space left"):
                settled(saver)
    assert contents(folder) == before


def test_a_note_that_finds_no_room_leaves_an_equal_step_as_it_was(folder: Path) -> None:
    before = contents(folder)
    with room((folder / "step-000000020.safetensors").stat().st_size), pytest.raises(OSError, match="No space left"):
        save(folder, make(20))
    assert contents(folder) == before


def test_what_a_killed_writer_left_makes_room_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (".step-000000020.safetensors.7.part", "step-000000030.1-of-2.safetensors"):
        (tmp_path / name).write_bytes(b"x")
    really = Path.open

    def opened(path: Path, *arguments: Any, **options: Any) -> Any:
        assert list(tmp_path.iterdir()) == []
        monkeypatch.undo()
        return really(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", opened)
    save(tmp_path, make(40))
    assert check(latest_good(tmp_path)) == 40


def test_a_file_system_that_is_really_full(tmp_path: Path) -> None:
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*unshare, "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    command = [*unshare, "sh", "-c", TEMPORARY, "sh", str(tmp_path), sys.executable, PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["errors"] >= 2
