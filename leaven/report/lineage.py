"""The tree of stages, seeds folded together: which variants share which stretch of training.

Stages arrive one per seed. Two stages are the same node when they do the same thing (kind, mixture, tokens) for the
same variants after the same parent node; a node therefore holds one stage per seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leaven.report.contents import Contents, Row


@dataclass(eq=False)
class Node:
    """One stretch of training. `start`: tokens its ancestors saw. `stages`: one per seed, by seed."""

    kind: str
    mixture: dict[str, float]
    label: str
    tokens: int
    start: int
    variants: tuple[str, ...]
    parent: Node | None
    stages: list[Row] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.start + self.tokens


def tree(contents: Contents) -> list[Node]:
    """The roots, in the order of the stages. A stage whose parent is unknown is a root."""
    by_name: dict[str, Row] = {}
    for stage in contents.stages:
        for key in ("identity", "name"):
            if stage.get(key):
                by_name[str(stage[key])] = stage
    nodes: dict[Any, Node] = {}
    roots: list[Node] = []

    def place(stage: Row, path: tuple[int, ...]) -> tuple[Any, Node]:
        above = by_name.get(str(stage.get("parent")))
        above_key, parent = (None, None) if above is None or id(above) in path else place(above, (*path, id(above)))
        mixture = {name: float(weight) for name, weight in sorted((stage.get("mixture") or {}).items())}
        tokens, variants = int(stage.get("tokens") or 0), tuple(stage.get("variants") or ())
        key = (above_key, stage.get("kind"), tuple(mixture.items()), tokens, variants)
        if key not in nodes:
            start = parent.end if parent else 0
            label = mixture_label(mixture, contents.study.get("mixtures") or {})
            nodes[key] = Node(str(stage.get("kind") or "stage"), mixture, label, tokens, start, variants, parent)
            (parent.children if parent else roots).append(nodes[key])
        return key, nodes[key]

    for stage in contents.stages:
        _, node = place(stage, (id(stage),))
        node.stages.append(stage)
    for node in nodes.values():
        node.stages.sort(key=lambda row: row.get("seed") or 0)
    return roots


def mixture_label(mixture: Mapping[str, float], named: Mapping[str, Mapping[str, float]]) -> str:
    """The study's name for a mixture, or its shares written out."""
    total = sum(mixture.values()) or 1.0
    if len(mixture) == 1:
        return next(iter(mixture))
    for name, weights in named.items():
        whole = sum(weights.values()) or 1.0
        if set(weights) == set(mixture) and all(
            abs(weights[key] / whole - mixture[key] / total) < 1e-9 for key in mixture
        ):
            return str(name)
    return " + ".join(f"{100 * weight / total:.0f} % {name}" for name, weight in mixture.items()) or "unnamed"


def every(roots: Sequence[Node]) -> list[Node]:
    """All nodes, parents before children, a branch at a time."""
    return [node for root in roots for node in (root, *every(root.children))]


def chain(roots: Sequence[Node], variant: str) -> list[Node]:
    """The nodes of one variant from its first stage to its last."""
    return sorted((node for node in every(roots) if variant in node.variants), key=lambda node: (node.start, node.end))


def lanes(roots: Sequence[Node], variants: Sequence[str]) -> dict[str, int]:
    """A row for each variant that has stages, so that variants sharing a stage lie next to each other."""
    order: dict[str, None] = {}

    def walk(node: Node) -> None:
        for child in node.children:
            walk(child)
        order.update(dict.fromkeys(name for name in variants if name in node.variants))

    for root in sorted(roots, key=lambda root: _first(root, variants)):
        root.children.sort(key=lambda child: _first(child, variants))
        walk(root)
    return {name: index for index, name in enumerate(order)}


def _first(node: Node, variants: Sequence[str]) -> int:
    return min((i for i, name in enumerate(variants) if name in node.variants), default=len(variants))
