"""`leaven watch` and `leaven logs`: what they print, what they refuse, and the picture on a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

from leaven import cli

TEXT = "text-only/seed-1/pretrain"


@pytest.fixture
def leaven(monkeypatch, capsys, tmp_path):
    """The command line in this process: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LEAVEN_RUNS", raising=False)
    monkeypatch.delenv("LEAVEN_STORE", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    before = signal.getsignal(signal.SIGTERM)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["leaven", *words])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    yield call
    signal.signal(signal.SIGTERM, before)


def test_one_picture_where_there_is_no_terminal(leaven, training):
    code, out, _ = leaven("watch")
    assert code == 0
    assert "micro · running" in out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 80
    assert leaven("watch", "micro", "--once")[1].splitlines()[4:] == out.splitlines()[4:]


def test_data_for_programs(leaven, training):
    (found,) = json.loads(leaven("watch", "micro", "--json")[1])
    assert found["steps"] == {
        "all": 21, "done": 2, "running": 2, "stopped": 0, "failed": 1, "blocked": 3, "waiting": 13
    }  # fmt: skip
    assert found["failed"][0]["note"].startswith("the loss is no number")
    assert found["tokens_per_second"]["mean"] == 200.0
    assert {curve["runs"] for curve in found["curves"]} == {"text-only seed 1", "code→text seed 1"}
    assert found["curves"][0]["train_loss"][0][0] == 100


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["watch", "mikro"], 'no study "mikro" was run here; did you mean "micro"?'),
        (["watch", "nosuch.yaml"], "nosuch.yaml"),
        (["watch", "--runs", "nowhere"], "no study was run here"),
        (["logs", "nosuch"], 'no step "nosuch" of a study that was run here'),
        (["logs", "verdict"], "verdict has no log here: it has not been started"),
        (["logs", "corpus"], "corpus has no log here: it was made on another machine"),
        (["logs", "verdict", "--tail", "-1"], "--tail"),
        (["logs", "verdict", "--study", "mikro"], 'no study "mikro"'),
    ],
)
def test_mistakes_are_sentences(leaven, training, words, says):
    code, _, err = leaven(*words)
    assert code == 2
    assert says in err
    assert "Traceback" not in err


def test_the_log_of_a_step(leaven, training):
    training.store.log(training.identity(TEXT)).write_text("— started\nloss 3\nloss 2\n")
    assert leaven("logs", TEXT)[1] == "— started\nloss 3\nloss 2\n"
    assert leaven("logs", f"micro/{TEXT}", "--tail", "1")[1] == "loss 2\n"
    training.done(TEXT)
    assert leaven("logs", TEXT, "--follow")[1].endswith("loss 2\n")


def test_a_store_given_to_the_run_is_found_without_saying_it_again(leaven, training):
    training.outline["store"] = {"root": str(training.runs.parent / "kept")}
    training.plan()
    training.store.log(training.identity(TEXT)).write_text("loss 3\n")
    training.let_go()
    training.store.root.rename(training.runs.parent / "kept")
    out = leaven("watch", "--once")[1]
    assert "micro · killed" in out
    assert "leaven logs no-code/seed-1/pretrain --study micro\n" in out
    assert leaven("logs", TEXT)[1] == "loss 3\n"
    assert leaven("watch", "--store", "nowhere")[1].startswith("micro · killed")
    assert "--study micro --store nowhere\n" in leaven("watch", "--store", "nowhere")[1]
    training.runs.rename(training.runs.parent / "far")
    assert "--study micro --runs far\n" in leaven("watch", "--runs", "far")[1]


OWN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
"""A program that takes its terminal for its own and becomes another: forking with code of ours between is not safe
where JAX has threads."""


class Terminal:
    """A process on a terminal of its own."""

    def __init__(self, words, folder, size=(40, 100)):
        self.ours, theirs = pty.openpty()
        self.resize(size)
        self.seen = b""
        environment = os.environ | {"TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES", "LEAVEN_RUNS", "LEAVEN_STORE"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWN_TERMINAL, "-m", "leaven.cli", *words],
            stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)

    def resize(self, size):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))

    def until(self, words, seconds=60.0):
        """Read until something is shown that was not before."""
        end = time.monotonic() + seconds
        while words.encode() not in self.seen:
            assert time.monotonic() < end, self.seen.decode(errors="replace")
            if select.select([self.ours], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.ours, 65536)
                except OSError:  # the other side is closed
                    assert words.encode() in self.seen, self.seen.decode(errors="replace")
                    return

    def type(self, words):
        self.seen = b""
        os.write(self.ours, words)

    def end(self):
        self.process.kill()
        self.process.wait()
        os.close(self.ours)


@pytest.mark.parametrize("key", [b"q", b"\x03"])
def test_on_a_terminal(training, key):
    terminal = Terminal(["watch", "micro"], training.runs.parent)
    try:
        terminal.until("q: quit")
        terminal.until("text-only  ")
        training.done(TEXT, "code→text/seed-1/pretrain")
        terminal.seen = b""
        training.status({"text-only/seed-1/cooldown": 0.77})
        terminal.until(" 77%")
        terminal.seen = b""
        terminal.resize((20, 70))
        terminal.until("4 of 21 steps")
        terminal.type(key)
        terminal.until("4 of 21 steps")  # the last picture stays
        assert terminal.process.wait(20) == 0
    finally:
        terminal.end()
