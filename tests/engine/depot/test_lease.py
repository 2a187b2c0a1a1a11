"""What machines tell each other of themselves, and what is set aside, on every kind of depot."""

from __future__ import annotations

import json
import time

import pytest

from leaven.engine.depot import lease
from leaven.engine.depot.digest import found
from leaven.engine.keeping.shelf import left_there
from leaven.engine.store import MANIFEST
from leaven.ground.errors import BadInput


def what_holds_on_any_depot(machine, make):
    """Also called with a bucket (`test_s3`)."""
    one, other = machine("one"), machine("other")
    made = make(one)
    with one.lock():
        (seen,) = lease.at_work(other.remote)
        assert (seen.what, -5 < seen.age < 60) == ("run", True)
        with pytest.raises(BadInput, match="another machine is using this store"), other.lock(removing=True):
            pass
    with other.lock(removing=True), pytest.raises(BadInput, match="is removing steps"), one.lock():
        pass
    assert not one.remote.files(lease.FOLDER)

    half = "ab" * 16
    one.remote.write(f"steps/{half}/model", b"12345")
    assert left_there(other, time.time(), 3600) == {}
    assert left_there(other, time.time() + 7200, 3600) == {half: 5}

    assert other.set_aside_there(made.identity).endswith(f"/damaged/{made.identity}.1")
    assert not machine("third").has(made.identity)
    aside = {name.partition("/")[2] for name in one.remote.files("damaged")}
    assert aside == {
        MANIFEST,
        "a.txt",
        "deep/b.bin",
        "empty",
    }
    one.remote.move(f"damaged/{made.identity}.1/a.txt", f"damaged/{made.identity}.2/a.txt")
    one.remote.move(f"damaged/{made.identity}.1/a.txt", f"damaged/{made.identity}.2/a.txt")  # an answer was lost
    with pytest.raises(FileNotFoundError):
        one.remote.move("damaged/nothing", "damaged/something")


def test_of_folders_and_memory(machine, make):
    what_holds_on_any_depot(machine, make)


def test_ages_are_those_of_the_clock_there_or_else_of_the_machines(machine):
    store = machine("one")
    told = {"what": "run", "host": "far", "process": 7, "since": "2026-01-01T00:00:00", "beat": time.time() - 500}
    store.remote.write("running/far.json", json.dumps(told).encode())
    assert 495 < lease.at_work(store.remote)[0].age < 560
    store.remote.write("running/mine.json", b"{}")
    assert -5 < lease.at_work(store.remote, "mine.json")[0].age < 60
    store.remote.write("running/far.json", b"[]")
    (unknown,) = lease.at_work(store.remote, "mine.json")
    assert unknown.host == "unknown"


@pytest.mark.parametrize(
    ("info", "modified"),
    [
        ({}, 0.0),
        ({"mtime": 5.5}, 5.5),
        ({"updated": "1970-01-01T00:00:07Z"}, 7.0),
        ({"LastModified": "yesterday"}, 0.0),
    ],
)
def test_when_a_file_was_written(info, modified):
    assert found({"size": 1, **info}).modified == modified
