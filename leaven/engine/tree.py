"""The tree of a study's stages: which stage follows which, what each trains on, and which variants end where."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from leaven.engine.prepare import Prepared
from leaven.study.amounts import short
from leaven.study.expand import REFERENCE
from leaven.study.sizes import views

WIDE = 118
"""Columns of a line; names of variants that go beyond are counted."""


def tree(prepared: Prepared, existing: Collection[str]) -> list[dict[str, Any]]:
    """Stages of the first seed of each size as nodes with their parents, and of the judge's reference model.

    Each node: `identity`, `parent`, `size`, `label`, `tokens`, `exists`, the `variants` that pass it, and those of them
    that end there (`ends`).
    """
    graph = prepared.graph
    first = {view.model.size: view.seeds[0] for view in views(prepared.study)}
    own = prepared.study.model.size
    nodes: dict[str, dict[str, Any]] = {}
    for run in graph.runs:
        size = run.size or own
        if run.seed != first[size]:
            continue
        parent = None
        for step_id in run.stages:
            node = nodes.setdefault(step_id, _node(prepared, step_id, parent, size, existing))
            node["variants"].append(run.variant)
            parent = step_id
        nodes[run.stages[-1]]["ends"].append(run.variant)
    for step in graph.of_kind("stage"):
        if step.name == REFERENCE:
            node = _node(prepared, step.identity, None, own, existing)
            node["label"] = f"pretrain {short(step.tokens)} {prepared.study.judge.mixture}"
            node["variants"], node["ends"] = ["judge's reference model"], ["judge's reference model"]
            nodes[step.identity] = node
    return list(nodes.values())


def _node(prepared: Prepared, step_id: str, parent: str | None, size: str, existing: Collection[str]) -> dict[str, Any]:
    return {
        "identity": step_id,
        "parent": parent,
        "size": size,
        "label": prepared.label(step_id),
        "tokens": prepared.graph.steps[step_id].tokens,
        "exists": step_id in existing,
        "variants": [],
        "ends": [],
    }


def lines(nodes: Sequence[Mapping[str, Any]]) -> list[str]:
    """The tree in text, one seed, a part for each size: stages that follow one another alone share a line, and a
    variant stands where it ends."""
    sizes = list(dict.fromkeys(node["size"] for node in nodes))
    children: dict[tuple[str, str | None], list[Mapping[str, Any]]] = {}
    for node in nodes:
        children.setdefault((node["size"], node["parent"]), []).append(node)
    said: list[str] = []

    def walk(size: str, parent: str | None, indent: str) -> None:
        below = children.get((size, parent), [])
        for index, node in enumerate(below):
            last = index == len(below) - 1
            chain = [node]
            while not chain[-1]["ends"] and len(following := children.get((size, chain[-1]["identity"]), [])) == 1:
                chain.append(following[0])
            said.append(_line(f"{indent}{'└─' if last else '├─'} ", chain))
            walk(size, chain[-1]["identity"], indent + ("   " if last else "│  "))

    for size in sizes:
        if len(sizes) > 1:
            whole = sum(node["tokens"] for node in nodes if node["size"] == size)
            said.append(f"  {size}: {short(whole)} tokens")
        walk(size, None, "  ")
    return said


def _mark(node: Mapping[str, Any]) -> str:
    """Whether a stage exists; the tokens it trains on where whole batches make them others than its label says."""
    tokens = short(node["tokens"])
    return " [exists]" if node["exists"] else "" if f" {tokens} " in node["label"] else f" [{tokens}]"


def _line(head: str, chain: Sequence[Mapping[str, Any]]) -> str:
    stages = " → ".join(f"{node['label']}{_mark(node)}" for node in chain)
    said, names = f"{head}{stages}", list(chain[-1]["ends"])
    if not names:
        return said
    shown = [names[0]]
    for name in names[1:]:
        if len(f"{said}  {', '.join([*shown, name])} and 99 more") > WIDE:
            break
        shown.append(name)
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"{said}  {', '.join(shown)}{more}"
