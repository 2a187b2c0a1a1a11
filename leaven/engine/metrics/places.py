"""Where the rows of a stage belong in a study's curves: a curve for each variant and seed at each size, on one axis of
tokens since its first stage began.

A stage that several runs share is in the curve of each. One that is in none, such as a judge's reference model, has a
curve of its own. Invariant: the name of a curve ends with digits of the identity of its last stage, which holds those
before it. So a place where curves are kept has another one for what was trained otherwise, and what is the same goes on
where it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from leaven.ground.progress import Row
from leaven.study.step import Graph, Step

AXES = frozenset({"step", "tokens"})
"""Columns of a row that say where it was measured."""
DIGITS = 8
"""Of an identity, in names."""


@dataclass(frozen=True)
class Curve:
    """`path`: its name as folders; `about`: what it is of, for places that keep settings of a run."""

    path: tuple[str, ...]
    about: Mapping[str, str | int] = field(hash=False)

    @property
    def name(self) -> str:
        return "/".join(self.path)


@dataclass(frozen=True)
class Place:
    """In a curve: `steps` and `tokens` of training before the stage begins there."""

    curve: Curve
    steps: int
    tokens: int


class Places:
    """Of the stages of one graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._curves: dict[str, list[Curve]] = {}
        self._stages: dict[str, list[str]] = {}
        for run in graph.runs:
            size = run.size or "model"
            about: dict[str, str | int] = {"size": size, "variant": run.variant, "seed": run.seed}
            if not run.stages:
                continue
            curve = Curve((size, run.variant, f"seed-{run.seed}-{run.stages[-1][:DIGITS]}"), about)
            self._stages[curve.name] = list(run.stages)
            for stage in run.stages:
                self._curves.setdefault(stage, []).append(curve)

    def of(self, stage: Step) -> list[Place]:
        """Every place of a stage, the first run of the study first."""
        steps = tokens = 0
        parent = stage.inputs.get("parent")
        while parent is not None:
            before = self._graph.steps[parent]
            steps, tokens = steps + int(before.fields["steps"]), tokens + before.tokens
            parent = before.inputs.get("parent")
        curves = self._curves.get(stage.identity)
        if curves is None:
            path = f"{stage.name}-{stage.identity[:DIGITS]}".split("/")
            curves = [Curve(("beside", *path), {"stage": stage.name})]
        return [Place(curve, steps, tokens) for curve in curves]

    def all(self) -> list[Curve]:
        """The curves of the runs, in the order of the study."""
        return list(dict.fromkeys(curve for curves in self._curves.values() for curve in curves))

    def stages(self, curve: Curve) -> list[str]:
        """Identities of the stages of a run's curve; none for one beside the runs."""
        return self._stages.get(curve.name, [])


def values(row: Row) -> dict[str, float]:
    """The numbers of a row by name, without its axes."""
    return {name: float(value) for name, value in row.items() if value is not None and name not in AXES}
