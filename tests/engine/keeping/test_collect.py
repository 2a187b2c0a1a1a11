"""Nothing that a kept study needs ever goes; what goes is gone at once; whoever does not know removes nothing."""

from __future__ import annotations

import fcntl
import shutil
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.engine.keeping import shelf
from leaven.engine.keeping.collect import Rule, collect, plan
from leaven.engine.keeping.records import records
from leaven.engine.keeping.shelf import Lying
from leaven.ground.errors import BadInput, LeavenError

LATER = 1_800_000_000.0
"""A time in 2027."""


EVERYTHING = Rule()


def gone(shop, rule=EVERYTHING):
    return collect(shop.store, shop.runs, rule, plan(shop.store, shop.runs, rule))


def test_what_kept_studies_need_stays_and_the_rest_goes(shop):
    kept = shop.study("micro", corpus=1)
    shop.study("gone", corpus=2, kept=False, folder=False)
    went = gone(shop)
    assert shop.there() == set(kept.steps)
    assert [each.kind for each in went.leaving if each.what == "step"] == [
        "verdict",
        "stage",
        "stage",
        "tokenizer",
        "corpus",
    ]  # whatever was read goes after what read it
    assert {path.stem for path in shop.store.logs.iterdir()} == set(kept.steps)
    assert went.kept == len(kept.steps)
    assert not gone(shop).leaving


def test_shared_steps_stay_for_the_study_that_is_left(shop):
    micro, other = shop.study("micro"), shop.study("other")
    went = gone(shop, Rule(forget=("micro",)))
    assert shop.there() == set(other.steps)
    assert [each.kind for each in went.leaving if each.what == "step"] == ["verdict"]
    assert set(micro.steps) - shop.there()
    assert [record.name for record in records(shop.store)] == ["other"]


def test_inputs_stay_where_the_record_does_not_name_them(shop):
    graph = shop.study("micro")
    shelf.drop_record(shop.store, records(shop.store)[0].file)
    from leaven.engine.keeping.records import remember

    remember(shop.store, "micro", list(graph.of_kind("verdict")), {})
    assert not plan(shop.store, shop.runs, Rule()).leaving


def test_the_newest_sets(shop, monkeypatch):
    first = shop.study(corpus=1)
    monkeypatch.setattr(time, "gmtime", lambda: time.struct_time((2099, 1, 1, 0, 0, 0, 3, 1, 0)))
    second = shop.study(corpus=2)
    assert not plan(shop.store, shop.runs, Rule(newest=2)).leaving
    gone(shop, Rule(newest=1))
    assert shop.there() == set(second.steps) != set(first.steps)


def test_only_what_is_old_goes_and_what_young_steps_were_made_from_stays(shop):
    shop.study("old", corpus=1, kept=False, folder=False)
    young = shop.study("young", corpus=2, kept=False, folder=False, finished="2026-12-31T00:00:00Z")
    shop.study("mixed", corpus=3, seeds=1, kept=False, folder=False)
    mixed = shop.study("mixed", corpus=3, seeds=2, kept=False, folder=False, finished="2026-12-31T00:00:00Z")
    found = plan(shop.store, shop.runs, Rule(older_than=30 * 86_400.0), now=LATER)
    stays = shop.there() - {each.path.name for each in found.leaving if each.what == "step"}
    assert stays == {*young.steps, *mixed.steps}


def test_checkpoints_of_kept_studies_stay_and_those_of_nobody_go(shop):
    graph = shop.study()
    stage = next(graph.of_kind("stage"))
    shutil.rmtree(shop.store.folder(stage.identity))
    _, mine = shop.store.begin(stage.identity)
    _, nobodys = shop.store.begin("f" * 32)
    (nobodys / "checkpoint").write_bytes(bytes(1000))
    went = gone(shop)
    assert mine.is_dir()
    assert not nobodys.exists()
    assert [(each.what, each.bytes) for each in went.leaving] == [("work", 1000)]


def test_work_that_goes_on_for_nobody_stops_it(shop):
    shop.study("gone", kept=False, folder=False)
    shop.store.begin("f" * 32)
    with (shop.store.work / ("f" * 32) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BadInput, match="is being worked on and no kept study needs it"):
            plan(shop.store, shop.runs, Rule())
    (shop.store.work / ("f" * 32) / "job.json").write_text("{}")
    with pytest.raises(BadInput, match="is being worked on"):
        plan(shop.store, shop.runs, Rule())
    assert len(shop.there()) == 5


def test_a_run_a_record_that_cannot_be_read_and_an_unknown_study_stop_it(shop):
    shop.study("gone", corpus=2, kept=False, folder=False)
    found = plan(shop.store, shop.runs, Rule())
    with shop.store.lock(), pytest.raises(BadInput, match="another run is using this store"):
        collect(shop.store, shop.runs, Rule(), found)
    graph = shop.study("early", kept=False)  # as an earlier version left it
    with pytest.raises(BadInput, match="no record keeps early"):
        plan(shop.store, shop.runs, Rule())
    with pytest.raises(BadInput, match="no record keeps early"):
        collect(shop.store, shop.runs, Rule(), found)
    assert set(graph.steps) <= shop.there()
    (shop.runs / "early" / "data" / "stages.csv").unlink()
    with pytest.raises(BadInput, match="no record keeps early"):
        plan(shop.store, shop.runs, Rule())
    assert plan(shop.store, shop.runs, Rule(forget=("early",))).leaving
    (shop.store.root / "kept").mkdir()
    (shop.store.root / "kept" / "x.json").write_text("{")
    with pytest.raises(BadInput, match="cannot be read"):
        plan(shop.store, shop.runs, Rule(forget=("early",)))


def test_only_what_was_shown_goes(shop):
    shop.study("gone", corpus=2, kept=False, folder=False)
    found = plan(shop.store, shop.runs, Rule())
    later = shop.study("later", corpus=3, kept=False, folder=False)
    collect(shop.store, shop.runs, Rule(), found)
    assert shop.there() == set(later.steps)


def test_what_is_kept_between_the_two_looks_stays(shop):
    graph = shop.study("back", kept=False, folder=False)
    found = plan(shop.store, shop.runs, Rule())
    shop.study("back", folder=False)
    collect(shop.store, shop.runs, Rule(), found)
    assert shop.there() == set(graph.steps)


def test_the_cache_goes_when_asked_and_paid_replies_never(shop):
    (shop.store.cache / "xla").mkdir()
    (shop.store.cache / "judge").mkdir()
    assert not gone(shop).leaving
    gone(shop, Rule(cache=True))
    assert [path.name for path in shop.store.cache.iterdir()] == ["judge"]


def test_a_collection_that_is_killed_leaves_whole_steps_and_is_finished_by_the_next(shop, monkeypatch):
    shop.study("gone", kept=False, folder=False)
    removed = []

    def die(path):
        removed.append(path)
        if len(removed) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(shelf.shutil, "rmtree", die)
    with pytest.raises(KeyboardInterrupt):
        gone(shop)
    monkeypatch.undo()
    assert len(shop.there()) == 3
    shop.store.verify(sorted(shop.there()), trust_times=False)
    gone(shop)
    assert not shop.there()
    assert not list((shop.store.root / "removed").iterdir())


def test_what_cannot_be_removed_is_named(shop, monkeypatch):
    shop.study("gone", kept=False, folder=False)

    def refuse(store, path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(shelf, "remove", refuse)
    with pytest.raises(LeavenError, match="cannot remove .*: Permission denied"):
        gone(shop)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.integers(0, 11)), min_size=1, max_size=12), st.sets(st.integers(0, 11)))
def test_closures_and_orders(parents, roots):
    """Of any graph: a closure holds every input of what it holds, and an order has inputs first."""
    steps = {
        f"{place:032x}": Lying(
            f"{place:032x}", "k", ("n",), tuple(f"{each:032x}" for each in below if each < place), 0, 0, ""
        )
        for place, below in enumerate(parents)
    }
    among = {f"{each:032x}" for each in roots}
    found = shelf.closure(among, steps)
    assert among <= found
    assert all(set(steps[each].inputs) <= found for each in found if each in steps)
    order = shelf.inputs_first(steps, steps)
    assert sorted(order) == sorted(steps)
    assert all(order.index(parent) < order.index(each) for each in order for parent in steps[each].inputs)
