"""A reader sees the old file or the new one, never a part, and a failure leaves the old one and no litter."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from leaven.ground.files import read_json, sha256_file, sync_folder, write_bytes, write_json, write_text


def test_what_is_written_is_read(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": ["→"]})
    assert read_json(tmp_path / "a.json") == {"a": ["→"], "b": 1}
    assert (tmp_path / "a.json").read_text(encoding="utf-8").index('"a"') < 10  # keys sorted
    write_text(tmp_path / "größe.txt", "é")
    assert (tmp_path / "größe.txt").read_bytes() == "é".encode()
    assert sha256_file(tmp_path / "größe.txt") == hashlib.sha256("é".encode()).hexdigest()
    sync_folder(tmp_path)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "result"
    write_bytes(path, b"old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_bytes(path, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["result"]
    assert path.read_bytes() == b"old"


def test_numbers_that_json_cannot_hold_write_nothing(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", float("nan"))
    assert list(tmp_path.iterdir()) == []


def test_readers_never_see_a_part(tmp_path):
    path = tmp_path / "shared"
    write_bytes(path, b"0" * 100_000)
    stop, seen = threading.Event(), set()

    def read():
        while not stop.is_set():
            data = path.read_bytes()
            seen.add((len(data), len(set(data))))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(30):
        write_bytes(path, str(number % 10).encode() * 100_000)
    stop.set()
    reader.join()
    assert seen == {(100_000, 1)}


def test_a_killed_writer_leaves_a_whole_file(tmp_path):
    path = tmp_path / "file"
    code = (
        "import sys; from pathlib import Path; from leaven.ground.files import write_bytes\n"
        "n = 0\nwhile True:\n    n += 1; write_bytes(Path(sys.argv[1]), str(n % 10).encode() * 300_000)"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(path)])
    deadline = time.monotonic() + 30
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    data = path.read_bytes()
    assert (len(data), len(set(data))) == (300_000, 1)
