from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from leaven.engine.metrics import events
from leaven.engine.metrics.events import Log, read


def never(text: str) -> None:
    raise AssertionError(text)


def test_what_was_written_is_read_and_the_reader_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert read(path) == ([], 0)
    log = Log(path, 3, never)
    told = log.add("measured", step="code→text/seed-1/pretrain", row={"step": 5, "train_loss": None})
    rows, offset = read(path)
    assert rows == [told]
    assert told["run"] == 3
    assert told["time"].endswith("Z")
    log.add("run_finished")
    log.close()
    more, end = read(path, offset)
    assert [row["event"] for row in more] == ["run_finished"]
    assert read(path, end) == ([], end)
    assert path.read_bytes().count(b"\n") == 2


def test_a_line_being_written_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"event": "a"}\n{"event": ')
    rows, offset = read(path)
    assert [row["event"] for row in rows] == ["a"]
    with path.open("ab") as file:
        file.write(b'"b"}\n')
    assert [row["event"] for row in read(path, offset)[0]] == ["b"]


def test_what_is_no_event_is_left_out_and_a_new_file_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'nothing\n[1]\n{"other": 1}\n\xff\xfe\n{"event": "a"}\n')
    rows, offset = read(path)
    assert [row["event"] for row in rows] == ["a"]
    path.write_bytes(b'{"event": "b"}\n')
    assert [row["event"] for row in read(path, offset)[0]] == ["b"]


@pytest.mark.parametrize("torn", [b'{"event": "to', b"x" * (3 * events.BLOCK)])
def test_a_torn_line_is_cut_off_by_the_next_run(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"event": "a"}\n' + torn)
    log = Log(path, 2, never)
    log.add("b")
    log.close()
    lines = path.read_bytes().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["a", "b"]


def test_only_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"x" * (events.BLOCK + 1))
    Log(path, 1, never).close()
    assert path.read_bytes() == b""


def test_a_full_disk_is_said_once_and_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, said = tmp_path / "events.jsonl", []
    log = Log(path, 1, said.append)
    log.add("a")
    write = os.write
    monkeypatch.setattr(events.os, "write", lambda file, data: write(file, data[:7]))
    log.add("lost")
    log.add("lost too")
    monkeypatch.undo()
    log.add("b")
    log.close()
    assert [row["event"] for row in read(path)[0]] == ["a", "b"]
    assert len(path.read_bytes().splitlines()) == 2
    assert len(said) == 1


def test_a_place_that_cannot_be_written_is_said_and_nothing_more(tmp_path: Path) -> None:
    said: list[str] = []
    log = Log(tmp_path / "no folder" / "events.jsonl", 1, said.append)
    assert log.add("a")["event"] == "a"
    log.close()
    assert len(said) == 1


def test_what_a_killed_writer_wrote_is_there(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    code = (
        "import sys, pathlib; from leaven.engine.metrics.events import Log\n"
        "log = Log(pathlib.Path(sys.argv[1]), 1, print)\n"
        "for n in range(10**9): log.add('measured', n=n); print(n, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        heard = [int(process.stdout.readline()) for _ in range(50)]
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    rows, _ = read(path)
    assert [row["n"] for row in rows[:50]] == heard
