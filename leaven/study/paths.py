"""The runs of a study at one size of its model: every variant × seed is a path through the graph.

What does not depend on the seed is worked out once for each stage of each variant, and what two paths have in common
is one step whoever adds it first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from leaven.ground.errors import BadInput
from leaven.study.corpus_graph import Survey
from leaven.study.judging import is_file
from leaven.study.mixtures import flatten, without
from leaven.study.spec import Study
from leaven.study.stages import Schedule, Stage
from leaven.study.step import Graph, Run
from leaven.study.surveyed import JUDGE, PROMPTS, executed, start_key
from leaven.study.template import Template, Written, written

VALIDATION_ROWS = 32
"""Held-out sequences of each validation source behind one point of a curve."""
REFERENCE = "reference/pretrain"
"""Name of the stage that trains the judge's reference model. No variant's can be: theirs hold `/seed-`."""


@dataclass(frozen=True)
class Ground:
    """What every path stands on, at whatever size."""

    graph: Graph
    surveys: Mapping[str, Survey]
    shards: Mapping[str, str]
    absent: frozenset[str]
    corpus: str
    suite: str
    tokenizer: str
    execute: bool
    frame_ends: tuple[str, ...]


@dataclass(frozen=True)
class Judging:
    """What completions are written of, and the reference model that compares them, where there is one."""

    prompts: str
    reference: str | None


@dataclass(frozen=True)
class Shared:
    """What the steps of every run have in common at one size."""

    evaluating: Written
    evaluated: Template
    rules: Template
    """How completions are written, but for their seed."""
    completed: Template
    asking: Written
    judged: Template
    execution: Mapping[str, Any]
    """Of every judge step."""


@dataclass(frozen=True)
class Paths:
    """One size of a study on its ground.

    Attributes:
        study: a view of the study (`leaven.study.sizes.views`), settled.
        model: the resolved shape.
        mark: stands behind the name of a variant in the names of steps: empty at the first size, else `@2.8b`.
    """

    study: Study
    ground: Ground
    model: Mapping[str, Any]
    mark: str = ""
    _templates: dict[tuple[str, str], tuple[Template, Template | Written]] = field(default_factory=dict)

    @cached_property
    def _execution(self) -> dict[str, Any]:
        """Of every stage: what does not decide its results."""
        return {"repeat": self.study.training.repeat}

    def judging(self) -> Judging:
        """The steps that judging needs once for all sizes."""
        judge = self.study.judge
        reference = self._reference() if judge.kind == "reference-likelihood" else None
        return Judging(self.ground.suite if judge.kind == "none" or judge.heldout else self._prompts(), reference)

    def runs(self, judging: Judging) -> list[Run]:
        """Add every variant with every seed, the baseline first."""
        study, shared, found = self.study, self._shared(judging), []
        order = [study.baseline, *(name for name in study.variants if name != study.baseline)]
        for seed in study.seeds:
            chains = {name: self._chain(name, stages, seed) for name, stages in study.variants.items()}
            points = {name: self._points(name, chains[name], seed, shared) for name in order}
            texts: dict[str, str] = {}
            if study.judge.kind != "none":
                rules = shared.rules.filled(seed)
                for name in order:
                    at = self._compared(name, chains[name])
                    texts[name] = self._add("complete", name, seed, "complete", rules, shared.completed.filled(at))
            for name in order:
                met = self._met(name, order) if texts else []
                votes = {other: self._judge(name, other, seed, texts, shared) for other in met}
                chain, at_size = tuple(chains[name]), study.model.size
                found.append(Run(name, seed, chain, points[name], texts.get(name), votes, at_size))
        return found

    def _shared(self, judging: Judging) -> Shared:
        judge, ground = self.study.judge, self.ground
        stop, paragraph = judge.ends(ground.frame_ends)
        rules = {"tokens": judge.longest, "temperature": judge.temperature, "top_p": judge.top_p}
        weights = ground.surveys[JUDGE].fingerprint if JUDGE in ground.surveys else ""
        reading = {"tokenizer": ground.tokenizer}
        without_tasks = [] if ground.execute else executed(self.study.evaluate, ground.surveys)
        return Shared(
            written({"without": without_tasks}),
            Template({**reading, "suite": ground.suite}, "stage"),
            Template({**rules, "stop": list(stop), "paragraph": paragraph}, "seed"),
            Template({**reading, "prompts": judging.prompts}, "stage"),
            written(judge.identity(weights)),
            Template({**reading, **({"reference": judging.reference} if judging.reference else {})}, "a", "b"),
            {**judge.execution(), "scope": self.study.study},
        )

    def _add(
        self,
        kind: str,
        variant: str,
        seed: int,
        end: str,
        fields: Written,
        inputs: Written,
        execution: Mapping[str, Any] | None = None,
    ) -> str:
        return self.ground.graph.add(kind, self._name(variant, seed, end), fields, inputs, execution)

    def _name(self, variant: str, seed: int, step: str) -> str:
        return f"{variant}{self.mark}/seed-{seed}/{step}"

    def _cooled(self, variant: str) -> bool:
        return self.study.variants[variant][-1].kind == "cooldown"

    def _compared(self, variant: str, chain: list[str]) -> str:
        """The stage that the study's comparisons are about."""
        return chain[-2] if self.study.compare == "before cooldown" and self._cooled(variant) else chain[-1]

    def _points(self, variant: str, chain: list[str], seed: int, shared: Shared) -> dict[str, str]:
        """Evaluate steps by point. Where verdicts are about the point before the cooldown, a chain without one has
        that point too: its end."""
        fields, inputs = shared.evaluating, shared.evaluated
        points = {"final": self._add("evaluate", variant, seed, "evaluate", fields, inputs.filled(chain[-1]))}
        if self._cooled(variant):
            end = "evaluate-before-cooldown"
            points["before cooldown"] = self._add("evaluate", variant, seed, end, fields, inputs.filled(chain[-2]))
        elif self.study.compare == "before cooldown":
            points["before cooldown"] = points["final"]
        return points

    def _met(self, variant: str, order: list[str]) -> list[str]:
        """The arms that a variant's completions are judged against: what it is compared with, or all of them."""
        study = self.study
        if study.judge.pairs == "baseline":
            return study.against_of(variant)
        before = order[: order.index(variant)]
        ours = [other for other in before if variant not in study.against_of(other)]
        return [*ours, *(other for other in study.against_of(variant) if other not in ours)]

    def _chain(self, variant: str, stages: list[Stage], seed: int) -> list[str]:
        graph = self.ground.graph
        chain: list[str] = []
        for index, stage in enumerate(stages):
            parent = chain[-1] if chain else None
            if stage.start is not None:
                parent = self._import(self._name(variant, seed, "start"), stage.start)
            step = label(stages, index)
            chain.append(self._stage(self._name(variant, seed, step), (variant, step), stage, seed, parent))
            graph.unshared_tokens += graph.steps[chain[-1]].tokens
        return chain

    def _import(self, name: str, path: str) -> str:
        """Weights trained elsewhere, as a step: read once, checked against the study's model and tokenizer."""
        fields = {"fingerprint": self.ground.surveys[start_key(path)].fingerprint, "model": dict(self.model)}
        return self.ground.graph.add("import", name, fields, {"tokenizer": self.ground.tokenizer}, {"path": path})

    def _stage(self, name: str, among: tuple[str, str], stage: Stage, seed: int, parent: str | None) -> str:
        """Add a stage. What decides its results is in its fields; devices, micro-batches, recomputation and the
        implementation of attention are not. `among`: those it differs from in seed and parent only."""
        if among not in self._templates:
            self._templates[among] = self._template(name, stage, parent)
        fields, inputs = self._templates[among]
        read = inputs if isinstance(inputs, Written) else inputs.filled(parent)
        return self.ground.graph.add("stage", name, fields.filled(seed), read, self._execution)

    def _template(self, name: str, stage: Stage, parent: str | None) -> tuple[Template, Template | Written]:
        """The fields of a stage but for its seed, and its inputs but for its parent."""
        training, study, schedule = self.study.training, self.study, self.study.schedule_of(stage)
        mixture = without(flatten(stage.mixture, study.mixtures, study.corpus.sources), self.ground.absent)
        if not mixture:
            raise BadInput(
                f"nothing of mixture {stage.mixture} was found on this computer",
                field=f"mixtures.{stage.mixture}",
            )
        if schedule.peak == "parent" and (parent is None or stage.start is not None):
            raise ValueError(f"{name} has no parent that states a learning rate")
        shards = self.ground.shards
        validation = [s for s in shards if study.corpus.sources[s].kind in ("text", "web_code")]
        fields = {
            "kind": stage.kind,
            "model": dict(self.model),
            "mixture": mixture,
            "steps": stage.tokens // (study.batch * study.sequence),
            "batch": study.batch,
            "sequence": study.sequence,
            "precision": training.precision,
            "schedule": {
                "kind": schedule.schedule,
                "peak": schedule.peak,
                # A constant schedule never arrives at it.
                "final": schedule.final if schedule.final is not None and schedule.schedule != "constant" else 0.0,
                "warmup": schedule.warmup,
                "decay": schedule.decay,
            },
            "optimizer": training.optimizer.model_dump(),
            "z_loss": training.z_loss,
            "document_mask": training.document_mask,
            "spike": training.spike.model_dump(),
            **_carried(schedule, parent, stage.start),
            "curve": {"every": training.curve, "rows": dict.fromkeys(validation, VALIDATION_ROWS)},
        }
        inputs = {f"shards:{source}": shards[source] for source in dict.fromkeys([*mixture, *validation])}
        inputs["tokenizer"] = self.ground.tokenizer
        return Template(fields, "seed"), Template(inputs, "parent") if parent else written(inputs)

    def _reference(self) -> str:
        """The judge's reference model: one run of its own, seed 0."""
        graph = self.ground.graph
        step = self._stage(REFERENCE, (REFERENCE, ""), self.study.reference_stage(), 0, None)
        graph.unshared_tokens += graph.steps[step].tokens
        return step

    def _judge(self, variant: str, other: str, seed: int, texts: Mapping[str, str], shared: Shared) -> str:
        end = "judge" if other == self.study.baseline else f"judge-against-{other}"
        inputs = shared.judged.filled(texts[variant], texts[other])
        return self._add("judge", variant, seed, end, shared.asking, inputs, shared.execution)

    def _prompts(self) -> str:
        """The step of the prompts, where they are not held-out beginnings: read, framed, and sought in the corpus."""
        asked, surveyed = self.study.judge.prompts, self.ground.surveys[PROMPTS]
        sources = self.study.corpus.sources
        fields = {
            "set": "" if is_file(asked.set) else asked.set,
            "where": {name: list(values) for name, values in asked.where.items()},
            "limit": asked.limit,
            "frame": asked.frame,
            "overlapping": asked.overlapping,
            "fingerprint": surveyed.fingerprint,
            "kinds": {name: sources[name].kind for name in self.ground.shards},
        }
        execution = {"data": list(self.study.data), "set": asked.set}
        return self.ground.graph.add("prompts", "prompts", fields, {"corpus": self.ground.corpus}, execution)


def label(stages: list[Stage], index: int) -> str:
    """A stage in the names of steps: its kind, and which of its kind where the chain has several."""
    same = sum(other.kind == stages[index].kind for other in stages[:index])
    return stages[index].kind if not same else f"{stages[index].kind}-{same + 1}"


def _carried(schedule: Schedule, parent: str | None, start: str | None) -> dict[str, Any]:
    """What a stage takes from the step before it: weights trained elsewhere come alone."""
    if start is not None:
        return {"carry": "weights", "cursor": "restart"}
    return {"carry": schedule.carry, "cursor": schedule.cursor} if parent else {"carry": None, "cursor": None}
