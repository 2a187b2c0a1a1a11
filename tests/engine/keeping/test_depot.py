"""Housekeeping of a store elsewhere: what other machines keep is kept, what goes is gone there, too."""

from __future__ import annotations

import shutil
import uuid

import pytest

from leaven.engine.depot.address import address
from leaven.engine.depot.mirror import Mirror
from leaven.engine.depot.patience import Patience
from leaven.engine.keeping.collect import Rule, collect, plan
from leaven.engine.keeping.export import export
from leaven.engine.keeping.importing import bring
from leaven.engine.keeping.records import records
from leaven.engine.keeping.rehash import move_aside, rehash
from leaven.engine.keeping.usage import contents, used


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
    assert move_aside(a.store, told.damage) == []
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
