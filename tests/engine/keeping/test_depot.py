"""Housekeeping of a store elsewhere: what other machines keep is kept, what goes is gone there, too."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import signal
import socket
import sys
import time
import uuid

import pytest

from leaven import cli
from leaven.engine.depot.address import address
from leaven.engine.depot.lease import held
from leaven.engine.depot.mirror import Mirror
from leaven.engine.depot.patience import Patience
from leaven.engine.depot.remote import Remote
from leaven.engine.keeping.collect import Rule, collect, plan
from leaven.engine.keeping.export import export
from leaven.engine.keeping.importing import bring
from leaven.engine.keeping.records import records, remember
from leaven.engine.keeping.rehash import move_aside, rehash
from leaven.engine.keeping.usage import contents, used
from leaven.engine.store import MANIFEST
from leaven.ground.errors import BadInput, LeavenError


@pytest.fixture
def machine(make_shop, tmp_path):
    """A machine by name; all of them have one depot in a folder."""
    url = f"file://{tmp_path}/depot"
    return lambda name: make_shop(name, Mirror(tmp_path / name / "store", address(url), Patience(5.0)))


def look(shop):
    found = contents(shop.store)
    return rehash(shop.store, found, sorted({*found.steps, *found.damaged}))


def test_every_machine_sees_steps_and_records(machine):
    graph = machine("a").study()
    there = machine("b")
    assert set(contents(there.store).steps) == set(graph.steps)
    assert [record.name for record in records(there.store)] == ["micro"]
    assert used(there.store, contents(there.store))["studies"][0]["there"] == 5
    assert not list(there.store.steps.iterdir())  # looking fetches no results


def test_what_another_machine_keeps_stays_and_what_goes_is_gone_everywhere(machine, tmp_path):
    a = machine("a")
    kept = a.study("micro", corpus=1)
    a.study("gone", corpus=2, kept=False, folder=False)
    b = machine("b")
    rule = Rule()
    went = collect(b.store, b.runs, rule, plan(b.store, b.runs, rule))
    assert sum(each.what == "step" for each in went.leaving) == 5
    left = {path.parent.name for path in (tmp_path / "depot/steps").glob("*/manifest.json")}
    assert left == set(kept.steps) == set(contents(machine("c").store).steps)


def test_forgetting_is_for_all(machine, tmp_path):
    machine("a").study(folder=False)
    b = machine("b")
    rule = Rule(forget=("micro",))
    collect(b.store, b.runs, rule, plan(b.store, b.runs, rule))
    assert not list((tmp_path / "depot/steps").glob("*/*"))
    assert records(machine("c").store) == []


def test_damage_in_the_depot_is_told_and_mended_from_a_whole_copy(machine, tmp_path):
    a = machine("a")
    graph = a.study()
    first, second, *_ = graph.steps
    for step_id in (first, second):
        (tmp_path / "depot/steps" / step_id / "told.json").write_text("[]")
    shutil.rmtree(a.store.steps / second)
    told = look(a)
    assert [(each.identity, each.file, each.there) for each in told.damage] == [
        (step_id, "told.json", True) for step_id in sorted((first, second))
    ]
    repaired = move_aside(a.store, told.damage)
    assert (len(repaired.moved), repaired.mended) == (2, (first,))
    assert (tmp_path / "depot/steps" / first / "told.json").read_text() == "{}"
    assert not (tmp_path / "depot/steps" / second).exists()
    assert not look(machine("b")).damage


def test_a_study_is_exported_from_one_depot_and_imported_into_another(machine, make_shop, tmp_path):
    machine("a").study()
    b = machine("b")
    export(b.store, b.runs, "micro", tmp_path / "micro.tar")
    url = f"memory://{uuid.uuid4().hex}"
    there = make_shop("there", Mirror(tmp_path / "there/store", address(url), Patience(5.0)))
    assert bring(there.store, there.runs, tmp_path / "micro.tar").new == 5
    other = make_shop("other", Mirror(tmp_path / "other/store", address(url), Patience(5.0)))
    found = contents(other.store)
    assert len(found.steps) == len(found.needed_by("micro")) == 5
    assert not look(other).damage


def test_trouble_with_the_depot_is_no_damage(machine, monkeypatch, tmp_path):
    machine("a").study()
    c = machine("c")
    found = contents(c.store)
    read = Remote.read

    def broken(self, name):
        if name.endswith(MANIFEST):
            raise LeavenError("reading failed 9 times")
        return read(self, name)

    monkeypatch.setattr(Remote, "read", broken)
    for fresh in (c, machine("d")):
        shutil.rmtree(fresh.store.root / "there", ignore_errors=True)
        with pytest.raises(LeavenError, match="9 times"):
            rehash(fresh.store, found, sorted(found.steps))
        with pytest.raises(LeavenError, match="9 times"):
            contents(fresh.store)
    assert len(list((tmp_path / "depot/steps").glob("*/manifest.json"))) == 5


def test_what_is_damaged_in_the_depot_and_nowhere_whole_is_moved_and_not_deleted(machine, tmp_path):
    graph = machine("a").study()
    first, *_ = graph.steps
    (tmp_path / "depot/steps" / first / "told.json").write_text("[]")
    (tmp_path / "depot/steps" / first / MANIFEST).write_text("{")
    b = machine("b")
    told = look(b)
    assert [(each.identity, each.there) for each in told.damage] == [(first, True)]
    repaired = move_aside(b.store, told.damage)
    assert (len(repaired.moved), repaired.mended) == (1, ())
    aside = tmp_path / "depot/damaged" / f"{first}.1"
    assert {path.name for path in aside.rglob("*") if path.is_file()} == {MANIFEST, "told.json", "result.bin"}
    assert not b.store.has(first)
    rule = Rule()
    collect(b.store, b.runs, rule, plan(b.store, b.runs, rule))
    assert not list((tmp_path / "depot").glob("damaged/*/*"))


def test_of_two_results_the_depots_stays_and_that_of_this_machine_is_told(machine, tmp_path):
    a, b = machine("a"), machine("b")
    graph = a.study()
    first, *_ = graph.steps
    b.store.folder(first)
    told = json.loads((b.store.steps / first / MANIFEST).read_text())
    (b.store.steps / first / "told.json").write_text("[]")
    told["files"]["told.json"] = {"sha256": hashlib.sha256(b"[]").hexdigest(), "bytes": 2}
    (b.store.steps / first / MANIFEST).write_text(json.dumps(told))
    b = machine("b")
    damage = look(b).damage
    assert [(each.identity, each.file, each.there) for each in damage] == [(first, "", False)]
    assert move_aside(b.store, damage).mended == (first,)
    assert (b.store.folder(first) / "told.json").read_text() == "{}"


def test_what_was_run_without_the_depot_is_kept_with_it(make_shop, machine):
    local = make_shop("m").study("micro", corpus=1)
    there = machine("m")
    elsewhere = there.study("micro", corpus=2)
    there = machine("m")
    assert len(records(there.store)) == len(records(make_shop("m").store)) == 2
    rule = Rule()
    assert not collect(there.store, there.runs, rule, plan(there.store, there.runs, rule)).leaving
    assert there.there() == {*local.steps, *elsewhere.steps}


def test_nothing_is_removed_while_another_machine_runs(machine, tmp_path):
    a, b = machine("a"), machine("b")
    graph = a.study("old", kept=False, folder=False)
    rule = Rule()
    with b.store.lock():
        with pytest.raises(BadInput, match=f"a run on {socket.gethostname()}"):
            collect(a.store, a.runs, rule, plan(a.store, a.runs, rule))
        remember(b.store, "new", graph.steps.values(), {})
    assert not collect(a.store, a.runs, rule, plan(a.store, a.runs, rule)).leaving
    assert not list((tmp_path / "depot/running").glob("*.json"))


def test_nobody_begins_while_steps_are_removed_and_the_killed_are_forgotten(machine, tmp_path):
    a, b = machine("a"), machine("b")
    a.study("old", kept=False, folder=False)
    with a.store.lock(removing=True), pytest.raises(BadInput, match="is removing steps on"), b.store.lock():
        pass
    dead = tmp_path / "depot/running/gone-1-a.json"
    dead.write_text('{"what": "run", "host": "gone", "process": 1, "since": "2026-01-01T00:00:00", "beat": 0}')
    rule = Rule()
    with pytest.raises(BadInput, match="a run on gone"):
        collect(a.store, a.runs, rule, plan(a.store, a.runs, rule))
    os.utime(dead, (time.time() - 1000,) * 2)
    assert collect(a.store, a.runs, rule, plan(a.store, a.runs, rule)).leaving
    assert not dead.exists()


def test_a_lease_is_written_again(machine, tmp_path):
    store = machine("a").store
    with held(store.remote, "run", beat=0.02):
        (lease,) = (tmp_path / "depot/running").glob("*.json")
        first = lease.read_text()
        until = time.monotonic() + 10
        while lease.read_text() == first:
            assert time.monotonic() < until
            time.sleep(0.01)
    assert not lease.exists()


def test_a_step_that_was_removed_meanwhile(machine):
    graph = machine("a").study(kept=False, folder=False)
    b, c = machine("b"), machine("c")
    first, *_ = graph.steps
    assert b.store.has(first)
    rule = Rule()
    collect(c.store, c.runs, rule, plan(c.store, c.runs, rule))
    with pytest.raises(LeavenError, match="was removed meanwhile"):
        b.store.folder(first)


def test_what_killed_processes_left_is_listed_and_removed_after_a_day(machine, tmp_path):
    a, b = machine("a"), machine("b")
    graph = a.study()
    for step_id in graph.steps:
        b.store.part(step_id, ["told.json", "deep/result.bin"])
    left = [
        b.store.work / ".fetched.0123.abc" / "model",
        b.store.work / ".back.abc",
        b.store.root / "importing/.part-x/file",
        b.store.root / "slurm/leaven-0123/order-0.json",
        tmp_path / "depot/steps" / ("ab" * 16) / "model.safetensors",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 1000)
    beside = used(b.store, contents(b.store))["beside"]
    assert beside["there"] > 5 * 3200
    assert beside["importing"] == beside["slurm"] == 1000
    rule = Rule()
    assert not plan(b.store, b.runs, rule).leaving  # they may be in the making
    later = time.time() + 90_000
    old = plan(b.store, b.runs, rule, later)
    assert {each.what for each in old.leaving} == {"rest", "slurm"}
    assert len(old.leaving) == 5
    for path in left:
        for each in (path, path.parent):
            os.utime(each, (1e9, 1e9))
    collect(b.store, b.runs, rule, plan(b.store, b.runs, rule))
    assert not any(path.exists() for path in left)
    forget = Rule(forget=("micro",))
    collect(b.store, b.runs, forget, plan(b.store, b.runs, forget))
    assert not [path for path in (b.store.root / "there").glob("*/steps/*") if path.is_dir()]


def test_every_command_on_a_machine_that_has_not_run(machine, tmp_path, monkeypatch, capsys):
    machine("a").study()
    url = f"file://{tmp_path}/depot"

    def leaven(*words, store=url):
        capsys.readouterr()
        runs = str(tmp_path / f"fresh{next(count)}")
        monkeypatch.setattr(sys, "argv", ["leaven", "store", *words, "--runs", runs, "--store", store])
        try:
            cli.main()
        except SystemExit as end:
            assert "Traceback" not in capsys.readouterr().err
            return end.code
        return 0

    count = itertools.count()
    before = signal.getsignal(signal.SIGTERM)
    try:
        for words in (["ls"], ["du"], ["verify"], ["verify", "--repair"], ["gc"], ["gc", "--yes"]):
            assert leaven(*words) == 0, words
        assert leaven("export", "micro", str(tmp_path / "x.tar")) == 0
        assert leaven("import", str(tmp_path / "x.tar"), store=f"file://{tmp_path}/other") == 0
        assert leaven("gc", "--forget", "micro", "--yes") == 0
        for words in (["ls"], ["du"], ["verify"], ["gc"]):
            assert leaven(*words, store=f"file://{tmp_path}/typo") == 2, words
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_one_depot_told_is_not_told_of_another(make_shop, machine, tmp_path):
    graph = machine("a").study()
    first, *_ = graph.steps
    one = machine("m").store
    assert one.manifest(first)["kind"] == "corpus"
    other = Mirror(one.root, address(f"file://{tmp_path}/other"), Patience(5.0))
    with pytest.raises(LeavenError, match="was removed meanwhile"):
        other.manifest(first)


def test_a_depot_that_was_emptied_is_there(machine):
    a = machine("a")
    a.study()
    rule = Rule(forget=("micro",))
    collect(a.store, a.runs, rule, plan(a.store, a.runs, rule))
    assert not contents(machine("a").store).steps
