"""A step: a node of the expanded graph, addressed by what produced it.

Identity = hash of {kind, fields, inputs, versions}. `fields` hold every declared choice that can change the result,
`inputs` the identities of the steps it reads, `versions` the algorithms involved. Where and how a step executes (paths,
devices, worker count, isolation level) is in `execution` and is not part of identity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from leaven.ground.canonical import identity_of
from leaven.ground.canonical import text as text_of
from leaven.ground.errors import BadInput, did_you_mean
from leaven.study.template import Written, written
from leaven.study.versions import versions_of


@dataclass(frozen=True, slots=True)
class Step:
    """One node. `names` are its run paths (`balanced→text/seed-1/pretrain`); the first is the one shown."""

    kind: str
    fields: Mapping[str, Any]
    inputs: Mapping[str, str]
    identity: str
    names: tuple[str, ...]
    execution: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.names[0]

    @property
    def tokens(self) -> int:
        """Tokens this step trains on; 0 for anything but a stage."""
        return int(self.fields["steps"] * self.fields["batch"] * self.fields["sequence"]) if self.kind == "stage" else 0

    def describe(self) -> dict[str, Any]:
        """The data identity is the hash of: what a manifest keeps and `why` compares."""
        return describe(self.kind, self.fields, self.inputs)


def describe(kind: str, fields: Mapping[str, Any], inputs: Mapping[str, str]) -> dict[str, Any]:
    return {"kind": kind, "fields": dict(fields), "inputs": dict(inputs), "versions": versions_of(kind, fields)}


@dataclass(frozen=True)
class Run:
    """One variant with one seed at one size: a path through the graph, as identities."""

    variant: str
    seed: int
    stages: tuple[str, ...]
    evaluations: Mapping[str, str]
    """Point (`final`, `before cooldown`) → evaluate step."""
    completion: str | None = None
    judgements: Mapping[str, str] = field(default_factory=dict)
    """The other arm (the baseline first) → judge step."""
    size: str = ""
    """Of its model, by name."""


class Graph:
    """Steps in an order in which every step follows its inputs. An equal step added twice is one, with both names."""

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}
        self.runs: list[Run] = []
        self.left_out: list[str] = []
        self._by_name: dict[str, str] = {}
        self._tails: dict[tuple[str, Any], str] = {}
        self.unshared_tokens = 0

    def add(
        self,
        kind: str,
        name: str,
        fields: Mapping[str, Any] | Written,
        inputs: Mapping[str, str] | Written,
        execution: Mapping[str, Any] | None = None,
    ) -> str:
        """Add a step and return its identity. Inputs must have been added before; the graph keeps what it is given."""
        fields = fields if isinstance(fields, Written) else written(fields)
        inputs = inputs if isinstance(inputs, Written) else written(inputs)
        steps = self.steps
        for role, step in inputs.held.items():
            if step not in steps:
                raise ValueError(f"{name}: input {role} is not in the graph")
        step_id = identity_of(f'{{"fields":{fields.text},"inputs":{inputs.text}{self._tail(kind, fields.held)}')
        old = steps.get(step_id)
        known = self._by_name.get(name) == step_id
        names = (name,) if old is None else old.names if known else (*old.names, name)
        steps[step_id] = Step(kind, fields.held, inputs.held, step_id, names, execution or {})
        self._by_name[name] = step_id
        return step_id

    def _tail(self, kind: str, fields: Mapping[str, Any]) -> str:
        """The end of what a step's identity is the hash of (`describe`): its kind and the versions behind it."""
        among = (kind, fields.get("kind") or fields.get("transform"))
        if among not in self._tails:
            self._tails[among] = f',"kind":{text_of(kind)},"versions":{text_of(versions_of(kind, fields))}}}'
        return self._tails[among]

    def find(self, word: str) -> Step:
        """A step by run path or by at least six digits of its identity. Raises BadInput."""
        if word in self._by_name:
            return self.steps[self._by_name[word]]
        starts = [step for step_id, step in self.steps.items() if len(word) >= 6 and step_id.startswith(word)]
        if len(starts) == 1:
            return starts[0]
        if starts:
            raise BadInput(f'{len(starts)} steps begin with "{word}"; give more digits', field="STEP")
        raise BadInput(f'no step "{word}" in this study{did_you_mean(word, self._by_name)}', field="STEP")

    def names(self) -> list[str]:
        return list(self._by_name)

    def of_kind(self, kind: str) -> Iterator[Step]:
        return (step for step in self.steps.values() if step.kind == kind)

    def ancestors(self, step_id: str) -> set[str]:
        """Every step this one needs, itself left out."""
        found: set[str] = set()
        waiting = list(self.steps[step_id].inputs.values())
        while waiting:
            current = waiting.pop()
            if current not in found:
                found.add(current)
                waiting.extend(self.steps[current].inputs.values())
        return found
