"""What a study would do, before it does it: steps, tokens, FLOPs; time here, cost elsewhere; what it can resolve."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from leaven.engine import hardware, judging_plan, packing, plan_told, tree
from leaven.engine.costs import Assumed, Cost, costs, paper_check
from leaven.engine.devices import PROCESSOR, Device
from leaven.engine.estimate import flops_per_token, largest, measured
from leaven.engine.here import MEMORY_SHARE, steps_at_once
from leaven.engine.makespan import Forecast, forecast
from leaven.engine.packing import Figures
from leaven.engine.pilots import finder
from leaven.engine.power_plan import foresee
from leaven.engine.prepare import Prepared
from leaven.engine.store import Store
from leaven.model.config import ModelConfig
from leaven.study.sizes import views
from leaven.study.step import Graph


@dataclass(frozen=True, repr=False)
class Plan:
    """Figures of a study on this computer; nothing was executed for them."""

    study: str
    question: str
    corpus: str
    scaling: str
    """How budgets and sizes follow from the size that was asked for; empty where they are as written."""
    sources: dict[str, dict[str, Any]]
    steps: dict[str, int]
    existing: dict[str, int]
    tree: list[dict[str, Any]]
    sizes: list[dict[str, Any]]
    """`size`, `parameters`, `variants` and `seeds`, the study's own size first."""
    variants: int
    seeds: int
    shared_stages: int
    tokens: int
    tokens_without_sharing: int
    tokens_written_twice: int
    """Of those without sharing: what runs train that are the same as an earlier run of their seed."""
    tokens_to_train: int
    flops: float
    seconds: float
    """Until all that is left is done here."""
    forecast: Forecast
    steps_at_once: int
    memory_needed: int
    """Bytes of this computer's memory that the largest missing step may need."""
    memory_free: int
    hardware: str
    device: Device
    packing: list[dict[str, Any]]
    isolation: str
    costs: list[Cost]
    """The training that is left, on other hardware and here; empty where nothing is left."""
    paper: list[dict[str, Any]]
    """The paper's own chip-hours beside ours, for the sizes that are to be trained."""
    assumed: Assumed
    power: list[dict[str, Any]]
    power_unknown: list[str]
    """Primary measures of which no noise is known."""
    power_notes: list[str]
    """What else has to be known to read them, a sentence each."""
    warnings: list[str]
    """What should be known before anything is spent: a question that the study cannot answer."""
    judging: dict[str, Any]
    left_out: list[str]
    unseen: list[str]
    """What could not be looked at and was taken as the study declares it."""

    @property
    def saved(self) -> float:
        """Share of the tokens that shared ancestors save."""
        return 1 - self.tokens / self.tokens_without_sharing if self.tokens_without_sharing else 0.0

    @property
    def saved_between_different(self) -> float:
        """The same where what a study writes down twice is counted once."""
        written = self.tokens_without_sharing - self.tokens_written_twice
        return 1 - self.tokens / written if written else 0.0

    def data(self) -> dict[str, Any]:
        return asdict(self) | {"saved": self.saved, "saved_between_different": self.saved_between_different}

    def __str__(self) -> str:
        return "\n".join([*self.lines(), *self.tree_lines()])

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return "```\n" + "\n".join(self.lines()) + "\n```"

    def lines(self, on: str = "") -> list[str]:
        """One screen of text. `on`: where it is to run, if not on this computer."""
        return plan_told.lines(self, on)

    def tree_lines(self) -> list[str]:
        """The tree of stages, one seed, with tokens on each branch."""
        return tree.lines(self.tree)


def plan(
    prepared: Prepared,
    store: Store,
    *,
    jobs: int | None = None,
    device: Device = PROCESSOR,
    pack: int | None = None,
    assume: Assumed | None = None,
    pilot: str | None = None,
) -> Plan:
    """Work out the plan. Reads manifests of the store for what exists, for measured speeds, and for earlier noise.

    Args:
        jobs, device, pack: as of `leaven.engine.schedule.run`.
        assume: what to assume of hardware that is not here.
        pilot: where noise is taken from: a file of the form of `noise.csv`, or a study that was finished here.

    Raises BadInput where the pilot is neither.
    """
    assume = assume or Assumed()
    graph, study = prepared.graph, prepared.study
    existing = {step_id for step_id in graph.steps if store.has(step_id)}
    stages = list(graph.of_kind("stage"))
    users: Counter[str] = Counter()
    for run in graph.runs:
        users.update(run.stages)
    figures = Figures.of(store)
    rates = {**figures.rates(stages, device), **measured(store.manifests())}
    missing = [step_id for step_id in graph.steps if step_id not in existing]
    needed = largest((graph.steps[step_id] for step_id in missing), device)
    at_once = steps_at_once(jobs, needed)
    tokens = sum(step.tokens for step in stages)
    lasting = forecast(
        graph,
        missing,
        rates,
        at_once=steps_at_once(jobs),
        memory=int(hardware.memory() * MEMORY_SHARE),
        device=device,
    )
    foreseen = foresee(prepared, finder(store, pilot))
    elsewhere = costs(graph, missing, device=device, rates=rates, at_once=at_once, assume=assume)
    return Plan(
        study=study.study,
        question=study.question,
        corpus=study.corpus.corpus,
        scaling=prepared.loaded.scaling,
        sources={
            name: {"kind": study.corpus.sources[name].kind, "files": survey.files, "bytes": survey.bytes}
            for name, survey in prepared.surveys.items()
        },
        steps=dict(Counter(step.kind for step in graph.steps.values())),
        existing=dict(Counter(graph.steps[step_id].kind for step_id in existing)),
        tree=tree.tree(prepared, existing),
        sizes=[
            {
                "size": view.model.size,
                "parameters": prepared.parameters[view.model.size],
                "variants": len(view.variants),
                "seeds": len(view.seeds),
            }
            for view in views(study)
        ],
        variants=len(study.variants),
        seeds=len(study.seeds),
        shared_stages=sum(1 for count in users.values() if count > 1),
        tokens=tokens,
        tokens_without_sharing=graph.unshared_tokens,
        tokens_written_twice=_twice(graph),
        tokens_to_train=sum(step.tokens for step in stages if step.identity not in existing),
        flops=sum(step.tokens * flops_per_token(step.fields) for step in stages),
        seconds=lasting.seconds,
        forecast=lasting,
        steps_at_once=at_once,
        memory_needed=needed,
        memory_free=hardware.memory(),
        hardware=f"{hardware.processor()}, {len(hardware.cores())} cores",
        device=device,
        packing=_packing(prepared, missing, device, pack, figures),
        isolation=f"{prepared.isolation.label}: {prepared.isolation.reason}"
        if prepared.isolation.reason
        else prepared.isolation.label,
        costs=elsewhere,
        paper=paper_check(elsewhere, assume.mfu),
        assumed=assume,
        power=foreseen.rows,
        power_unknown=foreseen.unknown,
        power_notes=foreseen.notes,
        warnings=prepared.warnings + foreseen.warnings(),
        judging=judging_plan.judging(prepared, existing),
        left_out=list(graph.left_out),
        unseen=list(prepared.unseen),
    )


def _twice(graph: Graph) -> int:
    """Tokens of the runs whose every stage is a stage of one earlier run of the same length."""
    seen: set[tuple[str, ...]] = set()
    tokens = 0
    for run in graph.runs:
        if run.stages in seen:
            tokens += sum(graph.steps[step_id].tokens for step_id in run.stages)
        seen.add(run.stages)
    return tokens


def _packing(
    prepared: Prepared, missing: Collection[str], device: Device, pack: int | None, figures: Figures
) -> list[dict[str, Any]]:
    """For each shape among the missing stages, how many are trained in one program and why."""
    graph, sizes = prepared.graph, {model: size for size, model in prepared.models.items()}
    shapes = {packing.shape_of(step): step for step in graph.of_kind("stage") if step.identity in missing}
    rows = []
    for shape, step in shapes.items():
        ready = packing.width(graph, missing, shape)
        size = sizes[ModelConfig(**step.fields["model"])]
        choice = packing.decide(pack, step.fields, ready, device, figures, size)
        about = {name: step.fields[name] for name in ("steps", "batch", "sequence")}
        rows.append({"size": size, **about, "ready": ready, "together": choice.size, **asdict(choice)})
    return rows
