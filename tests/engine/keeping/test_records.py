"""Every set of steps that a study was run with is kept until it is forgotten; what cannot be read stops everything."""

from __future__ import annotations

import json

import pytest

from leaven.engine.keeping.records import chosen, forget, records, remember
from leaven.ground.errors import BadInput


def test_a_study_run_with_other_settings_keeps_both_sets(shop):
    shop.study(corpus=1)
    shop.study(corpus=2)
    shop.study(corpus=1)
    known = records(shop.store)
    assert [record.name for record in known] == ["micro", "micro"]
    assert len({record.set for record in known}) == 2
    assert len(list((shop.store.root / "kept").iterdir())) == 2


def test_a_record_comes_back_as_it_was_written(shop):
    graph = shop.study("über.1@x")
    record = remember(shop.store, "corpora/über", graph.steps.values(), {"question": "→?"})
    assert (shop.store.root / "kept" / f"corpora%2F%C3%BCber@{record.set}.json").is_file()
    assert record in records(shop.store)
    assert list(record.steps) == list(graph.steps)


@pytest.mark.parametrize("name", ["micro.", "corpora/.hidden ", "corpora/a\tb@c", "corpora/" + "語" * 20])
def test_whatever_names_a_folder_names_a_record(shop, name):
    remember(shop.store, name, [], {})
    assert [record.name for record in records(shop.store)] == [name]
    assert forget(shop.store, name)


def test_forgetting_one_set_or_all(shop):
    shop.study(corpus=1)
    shop.study(corpus=2)
    shop.study("other")
    one = chosen(records(shop.store), "micro")[0]
    assert [record.label for record in forget(shop.store, one.label)] == [one.label]
    assert len(forget(shop.store, "micro")) == 1
    assert [record.name for record in records(shop.store)] == ["other"]
    with pytest.raises(BadInput, match='no study "micrs" is kept in this store; known: other'):
        forget(shop.store, "micrs")


@pytest.mark.parametrize(
    "change",
    [
        lambda told: "{",
        lambda told: "[1]",
        lambda told: json.dumps(told | {"kept": 2}),
        lambda told: json.dumps(told | {"name": "../out"}),
        lambda told: json.dumps(told | {"name": "another"}),
        lambda told: json.dumps(told | {"steps": told["steps"][:-1]}),
        lambda told: json.dumps(told | {"steps": [["x" * 32, "stage", "a"]]}),
        lambda told: json.dumps({key: told[key] for key in told if key != "about"}),
        lambda told: "[" * 100_000,
    ],
)
def test_a_record_that_is_not_what_was_written_stops_who_asks(shop, change):
    shop.study()
    path = next((shop.store.root / "kept").iterdir())
    path.write_text(change(json.loads(path.read_text())))
    with pytest.raises(BadInput, match="this record of what is kept cannot be read"):
        records(shop.store)
