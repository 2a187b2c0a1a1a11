"""What a study would do here, before it does it: steps, shared ancestors, tokens, FLOPs, time, power."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from leaven.analyze.power import power_before
from leaven.engine import hardware, judging_plan, packing
from leaven.engine.devices import PROCESSOR, Device
from leaven.engine.estimate import largest, measured, wall_seconds
from leaven.engine.packing import Figures
from leaven.engine.prepare import Prepared
from leaven.engine.schedule import steps_at_once
from leaven.engine.store import Store
from leaven.study.amounts import short
from leaven.study.expand import REFERENCE


@dataclass(frozen=True, repr=False)
class Plan:
    """Figures of a study on this computer; nothing was executed for them."""

    study: str
    question: str
    corpus: str
    sources: dict[str, dict[str, Any]]
    steps: dict[str, int]
    existing: dict[str, int]
    tree: list[dict[str, Any]]
    variants: int
    seeds: int
    shared_stages: int
    tokens: int
    tokens_without_sharing: int
    tokens_to_train: int
    flops: float
    seconds: float
    steps_at_once: int
    memory_needed: int
    """Bytes of this computer's memory that the largest missing step may need."""
    memory_free: int
    hardware: str
    device: Device
    packing: list[dict[str, Any]]
    isolation: str
    power: list[dict[str, Any]]
    judging: dict[str, Any]
    left_out: list[str]

    @property
    def saved(self) -> float:
        """Share of the tokens that shared ancestors save."""
        return 1 - self.tokens / self.tokens_without_sharing if self.tokens_without_sharing else 0.0

    def data(self) -> dict[str, Any]:
        return asdict(self) | {"saved": self.saved}

    def __str__(self) -> str:
        return "\n".join([*self.lines(), *self.tree_lines()])

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return "```\n" + "\n".join(self.lines()) + "\n```"

    def lines(self) -> list[str]:
        """One screen of text."""
        total, done = sum(self.steps.values()), sum(self.existing.values())
        names = {
            "text": "prose",
            "web_code": "source files",
            "markup": "markup",
            "adjacent": "notebooks and commits",
        }
        found = ", ".join(
            f"{row['bytes'] / 1e6:.0f} MB of {names.get(row['kind'], row['kind'])}"
            for row in self.sources.values()
            if row["bytes"]
        )
        lines = [
            f"corpus    {self.corpus}: {found}",
            f"plan      {self.variants} variants × {self.seeds} seeds · {self.steps.get('stage', 0)} stages"
            f" ({self.shared_stages} shared, {self.saved:.0%} of the tokens saved)"
            f" · {short(self.tokens)} tokens, {self.flops:.2g} FLOPs",
        ]
        if done:
            left = total - done
            lines.append(
                f"          {done} of {total} steps exist already · {left} to run"
                if left
                else "          everything exists already"
            )
        if total > done:
            at_once = f"{self.steps_at_once} step{'s' if self.steps_at_once > 1 else ''} at once"
            lines.append(f"time      about {lasting(self.seconds)} here, {at_once} ({self.hardware})")
            if self.memory_needed > self.memory_free:
                needed, free = self.memory_needed / 1e9, self.memory_free / 1e9
                lines.append(
                    f"memory    too little: the largest step may need {needed:,.1f} GB, {free:,.1f} GB are free"
                )
        lines.append(f"device    {self.device.words()}")
        lines.extend(f"packing   {words}" for words in dict.fromkeys(row["words"] for row in self.packing))
        for row in self.power:
            smallest = row["smallest_effect"]
            told = f"{smallest:.2g} {row['unit']}" if smallest is not None else "none, however large"
            lines.append(f"power     {row['measure']}: smallest effect this study resolves 4 times in 5: {told}")
        lines.extend(judging_plan.lines(self.judging))
        lines.append(f"isolation {self.isolation}")
        lines.extend(f"left out  {sentence}" for sentence in self.left_out)
        return lines

    def tree_lines(self) -> list[str]:
        """The tree of stages, one seed, with tokens on each branch."""
        lines: list[str] = []
        children: dict[str | None, list[dict[str, Any]]] = {}
        for node in self.tree:
            children.setdefault(node["parent"], []).append(node)

        def walk(parent: str | None, indent: str) -> None:
            nodes = children.get(parent, [])
            for index, node in enumerate(nodes):
                last = index == len(nodes) - 1
                mark = "exists" if node["exists"] else f"{short(node['tokens'])} tokens"
                lines.append(
                    f"{indent}{'└─' if last else '├─'} {node['label']}  [{mark}]  {', '.join(node['variants'])}"
                )
                walk(node["identity"], indent + ("   " if last else "│  "))

        walk(None, "  ")
        return lines


def lasting(seconds: float) -> str:
    """A length of time in one unit: `58 s`, `7 min`, `31 h`, `12 days`, `3 years`."""
    for unit, size in (("years", 365 * 86400.0), ("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= (1.5 if unit == "min" else 2) * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.0f} s"


def plan(
    prepared: Prepared,
    store: Store,
    *,
    jobs: int | None = None,
    device: Device = PROCESSOR,
    pack: int | None = None,
) -> Plan:
    """Work out the plan. Reads manifests of the store for what exists and for measured speeds.

    Args:
        jobs, device, pack: as of `leaven.engine.schedule.run`.
    """
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
    return Plan(
        study=study.study,
        question=study.question,
        corpus=study.corpus.corpus,
        sources={
            name: {"kind": study.corpus.sources[name].kind, "files": survey.files, "bytes": survey.bytes}
            for name, survey in prepared.surveys.items()
        },
        steps=dict(Counter(step.kind for step in graph.steps.values())),
        existing=dict(Counter(graph.steps[step_id].kind for step_id in existing)),
        tree=_tree(prepared, existing),
        variants=len(study.variants),
        seeds=len(study.seeds),
        shared_stages=sum(1 for count in users.values() if count > 1),
        tokens=tokens,
        tokens_without_sharing=graph.unshared_tokens,
        tokens_to_train=sum(step.tokens for step in stages if step.identity not in existing),
        flops=tokens * prepared.flops_per_token,
        seconds=wall_seconds(graph, missing, rates, at_once, device),
        steps_at_once=at_once,
        memory_needed=needed,
        memory_free=hardware.memory(),
        hardware=f"{hardware.processor()}, {len(hardware.cores())} cores",
        device=device,
        packing=_packing(prepared, missing, device, pack, figures),
        isolation=f"{prepared.isolation.label}: {prepared.isolation.reason}"
        if prepared.isolation.reason
        else prepared.isolation.label,
        power=_power(prepared),
        judging=judging_plan.judging(prepared, existing),
        left_out=list(graph.left_out),
    )


def _packing(
    prepared: Prepared, missing: Collection[str], device: Device, pack: int | None, figures: Figures
) -> list[dict[str, Any]]:
    """For each shape among the missing stages, how many are trained in one program and why."""
    graph, size = prepared.graph, prepared.study.model.size
    shapes = {packing.shape_of(step): step for step in graph.of_kind("stage") if step.identity in missing}
    rows = []
    for shape, step in shapes.items():
        ready = packing.width(graph, missing, shape)
        choice = packing.decide(pack, step.fields, ready, device, figures, size)
        about = {name: step.fields[name] for name in ("steps", "batch", "sequence")}
        rows.append({"size": size, **about, "ready": ready, "together": choice.size, **asdict(choice)})
    return rows


def _power(prepared: Prepared) -> list[dict[str, Any]]:
    """Smallest effect of each primary measure that the seeds and items resolve with 80 % power, from pilot noise."""
    study = prepared.study
    primary = {name: measure for name, measure in study.evaluate.measures.items() if measure.primary and measure.pilot}
    units = {"relative": "%", "points": "points", "difference": "bits per byte"}
    noise = {
        name: {"seed_sd": measure.pilot.seed_sd, "item_sd": measure.pilot.item_sd, "unit": units[measure.effect]}
        for name, measure in primary.items()
        if measure.pilot
    }
    clusters = {name: measure.pilot.clusters for name, measure in primary.items() if measure.pilot}
    family = sum(m.primary for m in study.evaluate.measures.values()) * (len(study.variants) - 1)
    return power_before(noise, len(study.seeds), clusters, comparisons=family)


def _tree(prepared: Prepared, existing: set[str]) -> list[dict[str, Any]]:
    """Stages of the first seed as nodes with their parents, and of the judge's reference model."""
    graph = prepared.graph
    first = prepared.study.seeds[0]
    nodes: dict[str, dict[str, Any]] = {}
    for run in graph.runs:
        if run.seed != first:
            continue
        parent = None
        for step_id in run.stages:
            step = graph.steps[step_id]
            node = nodes.setdefault(
                step_id,
                {
                    "identity": step_id,
                    "parent": parent,
                    "label": prepared.label(step_id),
                    "tokens": step.tokens,
                    "exists": step_id in existing,
                    "variants": [],
                },
            )
            node["variants"].append(run.variant)
            parent = step_id
    for step in graph.of_kind("stage"):
        if step.name == REFERENCE:
            nodes[step.identity] = {
                "identity": step.identity,
                "parent": None,
                "label": f"pretrain {short(step.tokens)} {prepared.study.judge.mixture}",
                "tokens": step.tokens,
                "exists": step.identity in existing,
                "variants": ["judge's reference model"],
            }
    return list(nodes.values())
