"""A folder appears whole with its manifest or not at all, and a folder changed by hand is never served."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading

import pytest

from leaven.engine.store import Store
from leaven.ground.errors import BadInput
from leaven.study.step import Graph

MADE = {"seconds": 1.0, "finished": "2026-01-01T00:00:00Z"}


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store")
    store.prepare()
    return store


@pytest.fixture
def step():
    graph = Graph()
    return graph.steps[graph.add("tokenizer", "tokenizer", {"vocabulary": 300}, {})]


def publish(store, step, content=b"result"):
    out, _ = store.begin(step.identity)
    (out / "deep").mkdir()
    (out / "deep" / "result.bin").write_bytes(content)
    store.publish(step, MADE)


def test_published_step(store, step):
    assert not store.has(step.identity)
    publish(store, step)
    assert store.has(step.identity)
    manifest = store.manifest(step.identity)
    assert manifest["fields"] == {"vocabulary": 300}
    assert list(manifest["files"]) == ["deep/result.bin"]
    store.verify([step.identity])
    assert not (store.work / step.identity).exists()


def test_killed_step_leaves_nothing_in_the_store(store, step):
    out, state = store.begin(step.identity)
    (out / "half").write_text("…")
    (state / "checkpoint").write_text("kept")
    assert not store.has(step.identity)
    out, state = store.begin(step.identity)
    assert list(out.iterdir()) == []
    assert (state / "checkpoint").read_text() == "kept"


@pytest.mark.parametrize("trust", [True, False])
def test_a_result_changed_by_hand_is_named(store, step, trust):
    publish(store, step)
    store.verify([step.identity])
    (store.folder(step.identity) / "deep" / "result.bin").write_bytes(b"Result")
    with pytest.raises(BadInput, match=r"deep/result\.bin was changed after it was written"):
        store.verify([step.identity], trust_times=trust)


def test_a_missing_result_and_a_forged_manifest_are_named(store, step):
    publish(store, step)
    path = store.folder(step.identity) / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"fields": {"vocabulary": 301}}))
    with pytest.raises(BadInput, match="its manifest does not describe it"):
        store.verify([step.identity])
    path.write_text("{")
    with pytest.raises(BadInput, match="cannot be read"):
        store.manifest(step.identity)
    path.write_text(json.dumps(manifest))
    (store.folder(step.identity) / "deep" / "result.bin").unlink()
    with pytest.raises(BadInput, match=r"result\.bin is missing"):
        store.verify([step.identity])


def test_verify_rehashes_only_what_changed(store, step, monkeypatch):
    publish(store, step)
    store.verify([step.identity])
    monkeypatch.setattr("leaven.engine.store.sha256_file", lambda path: pytest.fail("rehashed"))
    store.verify([step.identity])


def test_one_run_at_a_time(store):
    with store.lock():
        assert store.holder() == os.getpid()
        with pytest.raises(BadInput, match="another run is using this store"), store.lock():
            pass
    assert store.holder() is None


def test_the_lock_dies_with_its_process(store):
    code = f"""
import os, signal
from pathlib import Path
from leaven.engine.store import Store
with Store(Path({str(store.root)!r})).lock():
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    with store.lock():
        pass


def test_a_store_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(BadInput, match="cannot write to the store"):
        Store(tmp_path / "file" / "store").prepare()


def test_a_full_disk_is_seen_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setattr("leaven.engine.store.LEAST_FREE", 10**18)
    with pytest.raises(BadInput, match="Nothing was run"):
        Store(tmp_path / "store").prepare()


def test_what_is_left_of_a_removed_step_does_not_stay_in_the_way(store, step):
    (store.folder(step.identity) / "deep").mkdir(parents=True)
    publish(store, step)
    assert store.has(step.identity)
    store.verify([step.identity])


@pytest.mark.parametrize("record", ["null", "[1]", '"x"', "{"])
def test_a_damaged_record_of_what_was_verified_is_no_record(store, step, record):
    publish(store, step)
    (store.root / "verified.json").write_text(record)
    store.verify([step.identity])


def test_a_result_that_cannot_be_read_is_named(store, step):
    publish(store, step)
    path = store.folder(step.identity) / "deep" / "result.bin"
    path.unlink()
    path.mkdir()
    with pytest.raises(BadInput, match=r"deep/result\.bin cannot be read"):
        store.verify([step.identity])


@pytest.mark.parametrize("made", [None, {}, {"seconds": "long", "finished": ""}, {"seconds": 1.0}])
def test_a_manifest_without_its_making_is_damaged(store, step, made):
    publish(store, step)
    path = store.folder(step.identity) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"made": made}))
    with pytest.raises(BadInput, match="cannot be read"):
        store.manifest(step.identity)
    assert list(store.manifests()) == []


def test_who_looks_at_the_lock_does_not_turn_a_run_away(store):
    (store.root / "lock").touch()
    with (store.root / "lock").open() as look:
        fcntl.flock(look, fcntl.LOCK_SH)
        threading.Timer(0.1, fcntl.flock, (look, fcntl.LOCK_UN)).start()
        with store.lock():
            assert store.holder() == os.getpid()
    assert store.holder() is None


def test_a_step_that_a_network_disk_shows_late_appears(store, step, monkeypatch):
    """As a disk does that remembers that nothing was there until the folder is listed."""
    publish(store, step)
    listed = []
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder: listed.append(folder) or listdir(folder))
    monkeypatch.setattr(type(store), "has", lambda self, step_id: len(listed) > 1)
    assert not store.arrived(step.identity)
    assert store.appears(step.identity)
    assert listed == [store.steps] * 2
    monkeypatch.setattr(type(store), "has", lambda self, step_id: False)
    assert not store.appears(step.identity, 0.0)
