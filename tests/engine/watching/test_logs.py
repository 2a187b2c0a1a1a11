"""Which step is meant, which of its lines are shown, and when following ends."""

from __future__ import annotations

import threading
import time

import pytest

from leaven.engine.watching import logs
from leaven.ground.errors import BadInput
from leaven.ground.files import write_json

TEXT = "text-only/seed-1/pretrain"


def test_found_by_name_by_study_and_by_digits(training):
    def identity(word, **more):
        return logs.find(word, training.runs, training.store, **more).identity

    wanted = training.identity("verdict")
    assert identity("verdict") == identity("micro/verdict") == wanted
    assert identity("verdict", study=training.folder) == wanted
    assert identity(wanted) == identity(wanted[:60]) == wanted


@pytest.mark.parametrize("word", ["nosuch", "micro/nosuch", "other/verdict", "abc", "abcdef", "", "../micro"])
def test_no_such_step(training, word):
    with pytest.raises(BadInput, match="no step"):
        logs.find(word, training.runs, training.store)


def test_a_name_that_is_nearly_right(training):
    with pytest.raises(BadInput, match='did you mean "text-only/seed-1/pretrain"'):
        logs.find("text-only/seed-1/pretrian", training.runs, training.store)


def test_a_name_that_means_two_steps(training):
    other = training.runs / "other"
    other.mkdir()
    (other / "study.yaml").write_text("study: other\n")
    steps = [dict(step, identity=f"f{step['identity'][1:]}") for step in training.outline["steps"]]
    write_json(other / "steps.json", {**training.outline, "steps": steps})
    with pytest.raises(BadInput, match=r"may be .* of micro or .* of other"):
        logs.find("verdict", training.runs, training.store)
    assert logs.find("other/verdict", training.runs, training.store).folder == other
    assert logs.find("verdict", training.runs, training.store, other).folder == other


def test_a_step_that_no_study_here_knows_is_found_by_its_log(training):
    training.store.log("abcdef" + "0" * 58).write_text("x\n")
    assert logs.find("abcdef", training.runs, training.store).identity == "abcdef" + "0" * 58


@pytest.mark.parametrize("text", ["", "one", "one\n", "one\ntwo", "one\ntwo\nthree\n", "\n\n\n", "é\n" * 9])
@pytest.mark.parametrize("tail", [0, 1, 2, 5, None])
@pytest.mark.parametrize("block", [1, 3, 1 << 16])
def test_the_last_lines(tmp_path, monkeypatch, text, tail, block):
    monkeypatch.setattr(logs, "BLOCK", block)
    path = tmp_path / "log"
    path.write_text(text)
    said = text.splitlines()
    wanted = said if tail is None else said[max(len(said) - tail, 0) :]
    assert list(logs.follow(lambda: path, logs.start_of(path, tail), lambda: True)) == wanted


def test_nothing_in_a_log_steers_the_terminal(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"a\x1b[2J\xff\r\n" + b"x" * 100_000 + b"\n")
    shown = list(logs.follow(lambda: path, 0, lambda: True))
    assert shown[0] == "a\\x1b[2J\ufffd"
    assert len(shown[1]) <= logs.LONGEST


def test_following_until_the_step_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "LOOK_EVERY", 0.01)
    path, end = tmp_path / "log", threading.Event()
    seen: list[str] = []
    reader = threading.Thread(target=lambda: seen.extend(logs.follow(lambda: path, 0, end.is_set)))
    reader.start()
    with path.open("w") as file:
        for part in ("one\ntw", "o\n", "three"):
            file.write(part)
            file.flush()
            time.sleep(0.05)
    end.set()
    reader.join(5)
    assert seen == ["one", "two", "three"]


def test_when_a_step_has_ended(training):
    meant = logs.find(TEXT, training.runs, training.store)
    failed = logs.find("no-code/seed-1/pretrain", training.runs, training.store)
    assert not logs.ended(meant, training.store)
    assert logs.ended(failed, training.store)
    training.done(TEXT)
    assert logs.ended(meant, training.store)
    waiting = logs.find("verdict", training.runs, training.store)
    assert not logs.ended(waiting, training.store)
    training.let_go()
    assert logs.ended(waiting, training.store)
