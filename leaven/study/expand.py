"""From a study to its graph of steps: each variant × seed is a path, and what two paths have in common is one step.

Pure: no file is read here. What is known about the raw files (`surveys`) and the model (`model`) comes in as data.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from leaven.ground.errors import BadInput
from leaven.study.corpus_graph import Survey, add_corpus
from leaven.study.judging import is_file
from leaven.study.mixtures import flatten, without
from leaven.study.spec import Study
from leaven.study.stages import Schedule, Stage
from leaven.study.step import Graph, Run
from leaven.study.suites import Suite

VALIDATION_ROWS = 32
"""Held-out sequences of each validation source behind one point of a curve."""
REFERENCE = "reference/pretrain"
"""Name of the stage that trains the judge's reference model. No variant's can be: theirs hold `/seed-`."""


def benchmark_key(name: str) -> str:
    """Under which name the survey of a benchmark's data stands: no source can have it."""
    return f"benchmark/{name}"


PROMPTS = "prompts/set"
"""Under which name the survey of the judged prompts stands, where they are a file: no source can have it."""
JUDGE = "judge/weights"
"""Under which name the survey of a local judge's weights stands: no source can have it."""


def start_key(path: str) -> str:
    """Under which name the survey of a folder of weights stands: no source can have it."""
    return f"start/{path}"


def expand(
    study: Study,
    surveys: Mapping[str, Survey],
    model: Mapping[str, Any],
    *,
    tables: str = "",
    execute: bool = True,
    frame_ends: tuple[str, ...] = (),
) -> Graph:
    """The graph of a study.

    Args:
        study: settled: nothing is left to the size of its model.
        surveys: for every source that is not generated, and what `add_corpus` wants; for every folder of weights that
            a stage starts from, under `start_key`; for every benchmark whose data was found, under `benchmark_key`; for
            prompts that are a file under `PROMPTS`, for a local judge under `JUDGE`.
        tables: identity of the corpus room's data tables.
        model: the resolved shape (all dimensions), so that a change of the size table changes identity.
        execute: whether model-written programs can be executed here; without it those tasks are left out by name.
        frame_ends: the strings that end a completion of a framed instruction, where the study states none.

    Raises:
        BadInput: a source that holds nothing and is not optional; a mixture with nothing left.
    """
    if not study.is_settled:
        raise ValueError("the study leaves something to its model's size: settle it first")
    graph = Graph()
    steps = add_corpus(graph, study.corpus, surveys, tables, _drawn(study))
    absent, corpus = set(steps.absent), steps.corpus
    present = [n for n, source in study.corpus.sources.items() if n not in absent and source.kind != "control"]
    suite = graph.add(
        "suite",
        "suite",
        {
            "suite": study.evaluate.suite,
            "made": study.evaluate.made,
            "items": dict(study.evaluate.items),
            "passage_bytes": study.evaluate.passage_bytes,
            "prompts": study.evaluate.prompts,
            "facts": _generated(study, "facts", absent),
            "sources": {name: study.corpus.sources[name].kind for name in present},
            "benchmarks": _benchmarks(study, surveys),
            "averages": {name: list(members) for name, members in study.evaluate.averages.items()},
            "decontaminated": sorted(set(study.corpus.decontaminate) & set(study.evaluate.tasks)),
        },
        {"corpus": corpus},
        {
            "data": list(study.data),
            "include": list(study.evaluate.include),
            "tasks": {name: benchmark.task for name, benchmark in study.evaluate.tasks.items()},
        },
    )
    expansion = _Expansion(
        study,
        graph,
        surveys,
        dict(model),
        dict(steps.shards),
        absent,
        corpus,
        suite,
        steps.tokenizer,
        execute,
        frame_ends,
    )
    if not execute and (names := executed(study.evaluate, surveys)):
        graph.left_out.append(f"{', '.join(names)}: nothing here isolates model-written programs (see leaven doctor)")
    expansion.runs()
    expansion.verdict()
    return graph


def _drawn(study: Study) -> set[str]:
    """The sources that its stages draw from, at any size, and those of the judge's reference model."""
    named = {stage.mixture for stages in study.variants.values() for stage in stages}
    named |= {study.judge.mixture} if study.judge.kind == "reference-likelihood" and study.judge.mixture else set()
    return {source for name in named for source in flatten(name, study.mixtures, study.corpus.sources)}


def executed(suite: Suite, surveys: Mapping[str, Survey]) -> list[str]:
    """The tasks of a suite that execute what a model wrote."""
    made = ["programs"] if suite.made == "all" else []
    forms = {name: surveys[benchmark_key(name)].form for name in suite.tasks if benchmark_key(name) in surveys}
    return sorted([*made, *(name for name, form in forms.items() if form == "program")])


def _benchmarks(study: Study, surveys: Mapping[str, Survey]) -> dict[str, Any]:
    """What is asked of each benchmark, and the fingerprint of its task file and data; an empty one where there is
    none, so that data that turns up later is another suite. Where the files lie is no part of it."""
    return {
        name: {
            **benchmark.model_dump(exclude={"task"}),
            "data": surveys[key].fingerprint if (key := benchmark_key(name)) in surveys else "",
        }
        for name, benchmark in study.evaluate.tasks.items()
    }


def _generated(study: Study, kind: str, absent: Collection[str]) -> dict[str, Any] | None:
    for name, source in study.corpus.sources.items():
        if source.kind == kind and name not in absent:
            return {"source": name, "count": source.count, "restatements": source.restatements}
    return None


@dataclass(frozen=True)
class _Expansion:
    """What every path through the graph shares."""

    study: Study
    graph: Graph
    surveys: Mapping[str, Survey]
    model: dict[str, Any]
    shards: dict[str, str]
    absent: set[str]
    corpus: str
    suite: str
    tokenizer: str
    execute: bool
    frame_ends: tuple[str, ...]

    def runs(self) -> None:
        """Add every variant with every seed; the baseline first, because the others are judged against it."""
        study, judge = self.study, self.study.judge
        reference = self._reference() if judge.kind == "reference-likelihood" else None
        prompts = self.suite if judge.kind == "none" or judge.heldout else self._prompts()
        order = [study.baseline, *(name for name in study.variants if name != study.baseline)]
        for seed in study.seeds:
            chains = {name: self._chain(name, stages, seed) for name, stages in study.variants.items()}
            met: dict[str, str] = {}
            for variant in order:
                run = self._run(variant, seed, chains[variant], prompts, met, reference)
                if run.completion:
                    met[variant] = run.completion
                self.graph.runs.append(run)

    def _run(
        self,
        variant: str,
        seed: int,
        chain: list[str],
        prompts: str,
        met: Mapping[str, str],
        reference: str | None,
    ) -> Run:
        """What is done with a finished chain: evaluated, completed and judged against those of its seed that came
        before it (the baseline, or all of them)."""
        judge, path = self.study.judge, f"{variant}/seed-{seed}"
        points = {"final": self._evaluate(f"{path}/evaluate", chain[-1])}
        if self.study.variants[variant][-1].kind == "cooldown":
            points["before cooldown"] = self._evaluate(f"{path}/evaluate-before-cooldown", chain[-2])
        if judge.kind == "none":
            return Run(variant, seed, tuple(chain), points)
        stop, paragraph = judge.ends(self.frame_ends)
        rules = {"tokens": judge.longest, "temperature": judge.temperature, "top_p": judge.top_p}
        completion = self.graph.add(
            "complete",
            f"{path}/complete",
            {**rules, "stop": list(stop), "paragraph": paragraph, "seed": seed},
            {"stage": chain[-1], "tokenizer": self.tokenizer, "prompts": prompts},
        )
        judgements = {}
        for other, written in met.items():
            if judge.pairs == "all" or other == self.study.baseline:
                name = f"{path}/judge" if other == self.study.baseline else f"{path}/judge-against-{other}"
                judgements[other] = self._judge(name, completion, written, reference)
        return Run(variant, seed, tuple(chain), points, completion, judgements)

    def _prompts(self) -> str:
        """The step of the prompts, where they are not held-out beginnings: read, framed, and sought in the corpus."""
        asked, surveyed = self.study.judge.prompts, self.surveys[PROMPTS]
        sources = self.study.corpus.sources
        fields = {
            "set": "" if is_file(asked.set) else asked.set,
            "where": {name: list(values) for name, values in asked.where.items()},
            "limit": asked.limit,
            "frame": asked.frame,
            "overlapping": asked.overlapping,
            "fingerprint": surveyed.fingerprint,
            "kinds": {name: sources[name].kind for name in self.shards},
        }
        execution = {"data": list(self.study.data), "set": asked.set}
        return self.graph.add("prompts", "prompts", fields, {"corpus": self.corpus}, execution)

    def _chain(self, variant: str, stages: list[Stage], seed: int) -> list[str]:
        chain: list[str] = []
        for index, stage in enumerate(stages):
            same = sum(other.kind == stage.kind for other in stages[:index])
            label = stage.kind if not same else f"{stage.kind}-{same + 1}"
            parent = chain[-1] if chain else None
            if stage.start is not None:
                parent = self._import(f"{variant}/seed-{seed}/start", stage.start)
            chain.append(self._stage(f"{variant}/seed-{seed}/{label}", stage, seed, parent))
            self.graph.unshared_tokens += self.graph.steps[chain[-1]].tokens
        return chain

    def _import(self, name: str, path: str) -> str:
        """Weights trained elsewhere, as a step: read once, checked against the study's model and tokenizer."""
        fields = {"fingerprint": self.surveys[start_key(path)].fingerprint, "model": self.model}
        return self.graph.add("import", name, fields, {"tokenizer": self.tokenizer}, {"path": path})

    def _stage(self, name: str, stage: Stage, seed: int, parent: str | None) -> str:
        """Add a stage. What decides its results is in its fields; devices, micro-batches, recomputation and the
        implementation of attention are not."""
        training, study, schedule = self.study.training, self.study, self.study.schedule_of(stage)
        mixture = without(flatten(stage.mixture, study.mixtures, study.corpus.sources), self.absent)
        if not mixture:
            raise BadInput(
                f"nothing of mixture {stage.mixture} was found on this computer",
                field=f"mixtures.{stage.mixture}",
            )
        if schedule.peak == "parent" and (parent is None or stage.start is not None):
            raise ValueError(f"{name} has no parent that states a learning rate")
        validation = [s for s in self.shards if study.corpus.sources[s].kind in ("text", "web_code")]
        fields = {
            "kind": stage.kind,
            "seed": seed,
            "model": self.model,
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
        inputs = {f"shards:{source}": self.shards[source] for source in dict.fromkeys([*mixture, *validation])}
        inputs["tokenizer"] = self.tokenizer
        if parent:
            inputs["parent"] = parent
        return self.graph.add("stage", name, fields, inputs, {"repeat": training.repeat})

    def _reference(self) -> str:
        """The judge's reference model: one run of its own, seed 0."""
        step = self._stage(REFERENCE, self.study.reference_stage(), 0, None)
        self.graph.unshared_tokens += self.graph.steps[step].tokens
        return step

    def _evaluate(self, name: str, stage: str) -> str:
        fields = {"without": [] if self.execute else executed(self.study.evaluate, self.surveys)}
        return self.graph.add(
            "evaluate", name, fields, {"stage": stage, "tokenizer": self.tokenizer, "suite": self.suite}
        )

    def _judge(self, name: str, completion: str, other: str, reference: str | None) -> str:
        judge = self.study.judge
        weights = self.surveys[JUDGE].fingerprint if JUDGE in self.surveys else ""
        inputs = {"a": completion, "b": other, "tokenizer": self.tokenizer}
        if reference:
            inputs["reference"] = reference
        return self.graph.add(
            "judge", name, judge.identity(weights), inputs, {**judge.execution(), "scope": self.study.study}
        )

    def verdict(self) -> None:
        """Add the one step that reads every evaluation and every vote."""
        study, runs = self.study, self.graph.runs
        inputs = {
            f"evaluate:{run.variant}:{run.seed}:{point}": step
            for run in runs
            for point, step in run.evaluations.items()
        }
        inputs |= {
            f"judge:{run.variant}/{other}:{run.seed}": step for run in runs for other, step in run.judgements.items()
        }
        fields = {
            "study": study.study,
            "question": study.question,
            "baseline": study.baseline,
            "variants": list(study.variants),
            "seeds": list(study.seeds),
            "measures": [
                {"name": name, **measure.model_dump(exclude={"pilot"})}
                for name, measure in study.evaluate.measures.items()
            ],
            "alpha": 0.05,
            "draws": 2000,
            "proxy": study.stand_in is not False,
            "averages": {name: list(members) for name, members in study.evaluate.averages.items()},
            "scores": {name: benchmark.score for name, benchmark in study.evaluate.tasks.items()},
        }
        self.graph.add("verdict", "verdict", fields, inputs | {"suite": self.suite})


def _carried(schedule: Schedule, parent: str | None, start: str | None) -> dict[str, Any]:
    """What a stage takes from the step before it: weights trained elsewhere come alone."""
    if start is not None:
        return {"carry": "weights", "cursor": "restart"}
    return {"carry": schedule.carry, "cursor": schedule.cursor} if parent else {"carry": None, "cursor": None}


def summary(study: Study) -> dict[str, Any]:
    """The study in the words of its file, for the plan and the page."""
    mixtures = {name: flatten(name, study.mixtures, study.corpus.sources) for name in study.mixtures}
    return {
        "name": study.study,
        "question": study.question,
        "corpus": study.corpus.corpus,
        "variants": {name: [stage.words() for stage in stages] for name, stages in study.variants.items()},
        "mixtures": mixtures,
        "baseline": study.baseline,
        "seeds": list(study.seeds),
    }
