"""The process that steps are forked from: long orders, lost steps, a lost nursery, a folder full of traps."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from leaven.engine.devices import PROCESSOR
from leaven.engine.nursery import Nursery
from leaven.ground.errors import LeavenError


def order(store, identity="a" * 32, kind="nothing", **more):
    member = {"identity": identity, "kind": kind, "fields": {}, "inputs": {}, "names": ["step"], "execution": {}}
    return {
        "members": [{**member, **more}],
        "store": {"root": str(store)},
        "cores": sorted(os.sched_getaffinity(0))[:1],
        "allow_unisolated": False,
        "workers": 1,
        "device": PROCESSOR.data(),
    }


@pytest.fixture
def store(tmp_path):
    for name in ("logs", "work", "steps"):
        (tmp_path / "store" / name).mkdir(parents=True)
    return tmp_path / "store"


def listen(nursery, until="exit", seconds=60):
    heard = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        heard += nursery.messages(0.2)
        if any(message["event"] == until for message in heard):
            return heard
    raise AssertionError(f"heard only {heard}")


def test_orders_and_answers_longer_than_a_socket_buffer(store):
    nursery = Nursery()
    try:
        # Sent while the nursery is still importing: more than the kernel holds for a socket.
        count = 8
        for number in range(count):
            nursery.start(order(store, identity=f"{number:032d}", fields={"long": "→" * 200_000}, kind="k" * 300_000))
        ended = []
        while len(ended) < count:
            ended += [message for message in listen(nursery) if message["event"] == "exit"]
        assert {message["code"] for message in ended} == {1}
    finally:
        nursery.close()


def test_a_folder_of_traps_is_not_imported(store, tmp_path, monkeypatch):
    for name in ("types", "token", "random", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a file of the user was imported')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    nursery = Nursery()
    try:
        nursery.start(order(store))
        failed = next(message for message in listen(nursery) if message["event"] == "failed")
        assert "KeyError" in failed["note"]  # it got as far as looking up the kind
    finally:
        nursery.close()


def test_a_library_that_cannot_be_imported_is_told(tmp_path, monkeypatch):
    (tmp_path / "optax.py").write_text("raise ImportError('libfoo.so is missing')")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    nursery = Nursery()
    try:
        with pytest.raises(LeavenError, match=r"steps cannot be started: ImportError: libfoo\.so is missing"):
            listen(nursery)
    finally:
        nursery.close()


def test_a_lost_nursery_is_an_end_of_file(store):
    nursery = Nursery()
    try:
        os.kill(nursery.process.pid, signal.SIGKILL)
        nursery.process.wait()
        with pytest.raises(EOFError):
            listen(nursery)
        with pytest.raises(EOFError):
            nursery.start(order(store))
    finally:
        nursery.close()


def test_a_step_whose_log_cannot_be_written_says_so(store):
    (store / "logs" / ("a" * 32 + ".log")).mkdir()
    nursery = Nursery()
    try:
        nursery.start(order(store))
        heard = listen(nursery)
        assert "Is a directory" in next(message for message in heard if message["event"] == "failed")["note"]
    finally:
        nursery.close()
