"""A graph of stages in which two runs share their first, and a store that holds what a test says."""

from __future__ import annotations

from pathlib import Path

import pytest

from leaven.study.step import Graph, Run

from .material import Shelf, stage


@pytest.fixture
def graph() -> Graph:
    """Two variants on one first stage, a stage beside them, a verdict."""
    graph = Graph()
    first = stage(graph, "text-only/seed-1/pretrain")
    assert stage(graph, "code→text/seed-1/pretrain") == first
    ends = [stage(graph, f"{name}/seed-1/cooldown", first, peak=i) for i, name in enumerate(("text-only", "code→text"))]
    stage(graph, "reference/pretrain", other=1)
    graph.add("verdict", "verdict", {"kind": "none"}, {"a": ends[0], "b": ends[1]})
    for name, end in zip(("text-only", "code→text"), ends, strict=True):
        graph.runs.append(Run(name, 1, (first, end), {}, size="0.3m"))
    return graph


@pytest.fixture
def store(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "store")
