"""How much depends on a step: the seconds from its start to the end of the longest path below it.

No stage starts before every source is tokenized, because only then is it known that budgets fit them. So each of a
study's `shards` steps stands before each of its stages here, whether or not that stage reads it. Ranking by the longest
path is the rule of T. C. Hu (Operations Research 9, 1961) and of HEFT's upward ranks where all processors are alike.
"""

from __future__ import annotations

from collections.abc import Mapping

from leaven.study.step import Graph

BEFORE, AFTER = "shards", "stage"
"""Kinds of which all of the first end before any of the second starts."""


def children_of(graph: Graph) -> dict[str, list[str]]:
    """The steps that read each step's results, in the graph's order."""
    children: dict[str, list[str]] = {step_id: [] for step_id in graph.steps}
    for step_id, step in graph.steps.items():
        for parent in dict.fromkeys(step.inputs.values()):
            children[parent].append(step_id)
    return children


def ranks(graph: Graph, seconds: Mapping[str, float], children: Mapping[str, list[str]]) -> dict[str, float]:
    """For each step that is left the seconds from its start to the end of the longest path below it.

    Args:
        seconds: of each step that is left. One that exists ends every path: who reads it waits for nobody before it.
        children: from `children_of`.
    """
    without = _ranks(graph, seconds, children, 0.0)
    gate = max((without[step.identity] for step in graph.of_kind(AFTER) if step.identity in seconds), default=0.0)
    return _ranks(graph, seconds, children, gate)


def _ranks(
    graph: Graph, seconds: Mapping[str, float], children: Mapping[str, list[str]], gate: float
) -> dict[str, float]:
    found: dict[str, float] = {}
    for step_id in reversed(graph.steps):
        if step_id in seconds:
            least = gate if graph.steps[step_id].kind == BEFORE else 0.0
            below = max((found.get(child, 0.0) for child in children[step_id]), default=0.0)
            found[step_id] = seconds[step_id] + max(below, least)
    return found


def critical_path(graph: Graph, seconds: Mapping[str, float]) -> list[str]:
    """The longest path through the steps that are left, first step first; of equal ones the first in the graph."""
    children = children_of(graph)
    rank = ranks(graph, seconds, children)
    stages = [step.identity for step in graph.of_kind(AFTER)]
    path: list[str] = []
    following = list(graph.steps)
    while left := [step_id for step_id in following if step_id in rank]:
        path.append(max(left, key=rank.__getitem__))
        gated = stages if graph.steps[path[-1]].kind == BEFORE else []
        following = [*children[path[-1]], *gated]
    return path
