"""What is kept of a graph is what was in it."""

from __future__ import annotations

import pytest

from leaven.engine.depot.address import address
from leaven.engine.depot.mirror import Mirror
from leaven.engine.store import Store
from leaven.engine.watching import outline
from leaven.engine.watching.follow import kept_in, options_of
from leaven.study.step import Graph, Run


def test_a_graph_comes_back(tmp_path):
    graph = Graph()
    shards = graph.add("shards", "shards/text", {"kind": "text"}, {})
    shape = {"steps": 10, "batch": 2, "sequence": 8}
    stages = [
        graph.add("stage", f"{variant}/seed-1/pretrain", shape, {"shards:text": shards}) for variant in ("a", "b")
    ]
    scored = graph.add("evaluate", "a/seed-1/evaluate", {}, {"model": stages[0]})
    graph.runs = [Run("a", 1, (stages[0],), {"final": scored}), Run("b", 1, (stages[1],), {})]
    outline.keep(graph, tmp_path, Store(tmp_path / "store"))
    found = outline.read(tmp_path)
    assert [step.identity for step in found.steps] == list(graph.steps)
    assert found.steps[1].names == ("a/seed-1/pretrain", "b/seed-1/pretrain")
    assert (found.steps[1].inputs, found.steps[1].tokens) == ((0,), 160)
    assert [(run.variant, run.stages, run.after) for run in found.runs] == [("a", (1,), (2,)), ("b", (1,), ())]
    assert found.places["b/seed-1/pretrain"] == 1
    assert found.below({0}) == {1, 2}
    assert found.below({2}) == set()


def test_a_disk_that_takes_nothing_stops_nothing(tmp_path):
    outline.keep(Graph(), tmp_path / "nowhere", Store(tmp_path / "store"))
    assert outline.read(tmp_path / "nowhere") is None


def test_the_store_of_the_run_is_found_again(tmp_path):
    runs = tmp_path / "runs"
    folder = runs / "micro"
    folder.mkdir(parents=True)
    for store, place, root in (
        (Store(runs / "store"), None, runs / "store"),
        (Store(tmp_path / "kept"), str(tmp_path / "kept"), tmp_path / "kept"),
        (Mirror(runs / "store", address("memory://bucket/x")), "memory://bucket/x", runs / "store"),
    ):
        outline.keep(Graph(), folder, store)
        found = outline.read(folder)
        assert (found.store, found.root) == (place, root)
        assert kept_in(folder, runs, None).where() == store.where()
        assert options_of(folder, runs, place) == ["--runs", str(runs)]
        assert options_of(folder, runs, "/other")[2:] == ["--store", "/other"]
    outline.keep(Graph(), folder, Store(runs / "store"))
    runs.rename(tmp_path / "moved")
    assert outline.read(tmp_path / "moved" / "micro").root == tmp_path / "moved" / "store"


@pytest.mark.parametrize("told", [None, [], "x"])
def test_an_outline_without_a_store(tmp_path, told):
    found = outline.outline({"steps": [], "runs": [], "store": told}, tmp_path)
    assert (found.store, found.root) == (None, None)
