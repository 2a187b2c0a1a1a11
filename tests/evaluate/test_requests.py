"""Kept answers: whole or not at all, of one model only, through kills, damage and several processes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys

import pytest

from leaven.evaluate.requests import RequestCache, key_of
from leaven.ground.errors import BadInput, LeavenError


def open_warned(folder, identity="model"):
    told = []
    return RequestCache.open(folder, identity, told.append), told


def test_round_trip(tmp_path):
    answers = {key_of("loglikelihood", [["a", "b"]]): [[-1.25e-17, True]], key_of("generate", ["p", 3]): "tëxt\n\u2028"}
    with RequestCache(tmp_path / "new" / "folder", "model") as cache:
        assert cache.get(answers) == {}
        cache.put(answers)
        assert cache.get([*answers, *answers]) == answers
    with RequestCache(tmp_path / "new" / "folder", "model") as cache:
        assert cache.get([*answers, "unknown"]) == answers


def test_a_key_is_of_kind_and_arguments():
    keys = [key_of(*given) for given in (("a", ["x"]), ("b", ["x"]), ("a", ["y"]), ("a", ["x", ""]), ("a", "x"))]
    assert len(set(keys)) == len(keys)


def test_more_keys_than_one_statement_takes(tmp_path):
    answers = {f"{number:064}": number for number in range(1203)}
    with RequestCache(tmp_path, "model") as cache:
        cache.put(answers)
        assert cache.get(answers) == answers


def test_another_model_never_gets_these_answers(tmp_path):
    with RequestCache(tmp_path, "one") as cache:
        cache.put({"key": 1})
    with RequestCache(tmp_path, "two") as cache:
        assert cache.get(["key"]) == {}
    (tmp_path / "one.sqlite3").rename(tmp_path / "two.sqlite3")
    with pytest.raises(BadInput, match="these are the answers of the model one"):
        RequestCache(tmp_path, "two")
    assert RequestCache(tmp_path, "one").get(["key"]) == {}


def damaged_by_a_changed_value(path):
    with sqlite3.connect(path) as database:
        database.execute("UPDATE answers SET value = '2' WHERE key = 'key'")


def damaged_in_its_header(path):
    path.write_bytes(b"no database at all" * 100)


def damaged_in_its_pages(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 3 :] = b"\x5a" * (len(data) - len(data) // 3)
    path.write_bytes(bytes(data))


def damaged_by_another_form(path):
    with sqlite3.connect(path) as database:
        database.execute("UPDATE about SET value = 'requests/0' WHERE name = 'version'")


@pytest.mark.parametrize(
    "damage",
    [damaged_by_a_changed_value, damaged_in_its_header, damaged_in_its_pages, damaged_by_another_form],
)
def test_a_damaged_file_is_set_aside_and_begun_anew(tmp_path, damage):
    with RequestCache(tmp_path, "model") as cache:
        cache.put({"key": 1} | {f"{number:064}": "x" * 100 for number in range(200)})
    path = tmp_path / "model.sqlite3"
    damage(path)
    broken = path.read_bytes()
    cache, told = open_warned(tmp_path)
    with cache:
        assert cache.get(["key"]) == {}
        assert (tmp_path / "model.sqlite3.damaged-1").read_bytes() == broken
        assert len(told) == 1
        assert "model.sqlite3 was damaged" in told[0]
        assert "\n" not in told[0]
        cache.put({"key": 3})
    cache, told = open_warned(tmp_path)
    assert cache.get(["key"]) == {"key": 3}
    assert told == []


def test_two_processes_that_find_the_damage_set_it_aside_once(tmp_path):
    with RequestCache(tmp_path, "model") as cache:
        cache.put({"key": 1})
    (first, told_first), (second, told_second) = open_warned(tmp_path), open_warned(tmp_path)
    damaged_by_a_changed_value(tmp_path / "model.sqlite3")
    assert first.get(["key"]) == {}
    first.put({"key": 3})
    # the second still has the old file open, finds the damage there, and takes up the new one
    assert second.get(["key"]) == {"key": 3}
    assert (len(told_first), len(told_second)) == (1, 0)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="the request cache cannot be opened"):
        RequestCache(tmp_path / "file", "model")


def test_a_file_that_stays_locked_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("leaven.evaluate.requests.WAIT_SECONDS", 0.05)
    with RequestCache(tmp_path, "model") as cache:
        other = sqlite3.connect(tmp_path / "model.sqlite3", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LeavenError, match="cannot be written: database is locked"):
            cache.put({"key": 1})
        other.execute("ROLLBACK")
        other.close()
        cache.put({"key": 1})
        assert cache.get(["key"]) == {"key": 1}


WRITER = """
import sys
from pathlib import Path
from leaven.evaluate.requests import RequestCache
first = int(sys.argv[2])
with RequestCache(Path(sys.argv[1]), "model") as cache:
    for start in range(first, first + 400, 10):
        cache.put({str(number): number for number in range(start, start + 10)})
"""


def test_several_processes_at_once(tmp_path):
    # the ranges overlap: equal requests have equal answers
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(first)], stderr=subprocess.PIPE)
        for first in (0, 200, 400)
    ]
    assert [(writer.communicate()[1], writer.returncode) for writer in writers] == [(b"", 0)] * 3
    with RequestCache(tmp_path, "model") as cache:
        assert cache.get(map(str, range(900))) == {str(number): number for number in range(800)}


EVALUATED = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from conftest import Bytes
from types import SimpleNamespace
from leaven.evaluate import forward
from leaven.evaluate.adapter import Adapter
from leaven.evaluate.native import Native
from leaven.evaluate.requests import RequestCache
from leaven.evaluate.subject import Subject
from leaven.model.config import ModelConfig
from leaven.model.init import init

forward.CPU_TOKENS = 64
config = ModelConfig(width=16, layers=1, heads=2, ffn=32, vocab=256, sequence=64)
model = Native(Subject(init(config, 0), config, Bytes()))
asked, slow = [], sys.argv[2] == "slow"
answer = model.answer


def counted(groups, progress, keep=None):
    asked.extend(groups)
    return answer(groups, progress, keep)


def progress(done, total, note=""):
    print("answered", flush=True)
    if slow:
        time.sleep(0.2)


model.answer = counted
requests = [
    SimpleNamespace(args=(f"Question {{i}}: why?", f" because {{j}} {{'x' * (i % 4)}}"))
    for i in range(24) for j in range(3)
]
with RequestCache(Path(sys.argv[1]), model.identity) as cache:
    found = Adapter(model, progress, cache).loglikelihood(requests)
print(json.dumps([found, len(asked)]))
"""


def test_a_killed_evaluation_goes_on_where_it_was(tmp_path):
    script = EVALUATED.format(tests=os.path.dirname(__file__))

    def command(folder, pace):
        return [sys.executable, "-c", script, str(tmp_path / folder), pace]

    whole = subprocess.run(command("whole", "fast"), capture_output=True, text=True, check=True).stdout
    killed = subprocess.Popen(command("killed", "slow"), stdout=subprocess.PIPE, text=True)
    for _ in range(5):
        assert killed.stdout.readline() == "answered\n"
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    again = subprocess.run(command("killed", "fast"), capture_output=True, text=True, check=True).stdout
    expected, everything = whole.splitlines()[-1].rsplit(",", 1)
    found, rest = again.splitlines()[-1].rsplit(",", 1)
    assert found == expected  # equal bytes
    assert everything == " 24]"
    assert 0 < int(rest[:-1]) <= 24 - 5
