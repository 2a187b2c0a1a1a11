"""What is kept of a graph is what was in it."""

from __future__ import annotations

from leaven.engine.watching import outline
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
    outline.keep(graph, tmp_path)
    found = outline.read(tmp_path)
    assert [step.identity for step in found.steps] == list(graph.steps)
    assert found.steps[1].names == ("a/seed-1/pretrain", "b/seed-1/pretrain")
    assert (found.steps[1].inputs, found.steps[1].tokens) == ((0,), 160)
    assert [(run.variant, run.stages, run.after) for run in found.runs] == [("a", (1,), (2,)), ("b", (1,), ())]
    assert found.places["b/seed-1/pretrain"] == 1
    assert found.below({0}) == {1, 2}
    assert found.below({2}) == set()


def test_a_disk_that_takes_nothing_stops_nothing(tmp_path):
    outline.keep(Graph(), tmp_path / "nowhere")
    assert outline.read(tmp_path / "nowhere") is None
