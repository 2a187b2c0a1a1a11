"""How long a step takes here, before it runs: a rate times an amount, by this store's own past where it has one.

Used for the order of steps, the remaining time and the plan; never part of a result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from leaven.study.step import Graph, Step

FLOPS_PER_SECOND = 4.5e10
"""Training speed of one core where nothing has been measured yet: float32, a 0.3M model on a 2020s server core."""
READ_BYTES_PER_SECOND = 3e6
"""Bytes kept of a source for each second of reading, where it reads several times what it keeps."""
SECONDS = {
    "source": 0.5,
    "corpus": 4.0,
    "tokenizer": 4.0,
    "shards": 2.0,
    "suite": 2.0,
    "evaluate": 6.0,
    "complete": 2.0,
    "judge": 2.0,
    "verdict": 5.0,
}
"""Of one step of each kind at pocket size."""


def seconds_of(step: Step, rates: Mapping[str, float] | None = None) -> float:
    """Seconds of one step on one core. `rates`: from `measured`."""
    if step.kind == "stage":
        rate = (rates or {}).get(_shape(step.fields), 0.0)
        return step.tokens / rate if rate else step.tokens * flops_per_token(step.fields) / FLOPS_PER_SECOND
    if step.kind == "read":  # sources differ by orders of magnitude: the largest goes first
        return 1.0 + float(step.fields["max"]) / READ_BYTES_PER_SECOND
    return (rates or {}).get(step.kind, SECONDS[step.kind])


def flops_per_token(fields: Mapping[str, Any]) -> float:
    return float(fields["model"].get("flops_per_token", 0.0) or 1.7e6)


def measured(manifests: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """From finished steps: tokens per second by model shape for stages, seconds for other kinds (medians)."""
    seen: dict[str, list[float]] = {}
    for manifest in manifests:
        seconds = max(float(manifest["made"]["seconds"]), 1e-3)
        fields = manifest["fields"]
        if manifest["kind"] == "stage":
            seen.setdefault(_shape(fields), []).append(fields["steps"] * fields["batch"] * fields["sequence"] / seconds)
        else:
            seen.setdefault(manifest["kind"], []).append(seconds)
    return {key: median(values) for key, values in seen.items()}


def _shape(fields: Mapping[str, Any]) -> str:
    return f"stage {sorted(fields['model'].items())} {fields['batch']}"


def wall_seconds(graph: Graph, missing: Iterable[str], rates: Mapping[str, float], at_once: int) -> float:
    """Makespan of the missing steps: the larger of the work divided by the cores and the longest path."""
    todo = set(missing)
    ends: dict[str, float] = {}
    total = 0.0
    for step_id, step in graph.steps.items():
        own = seconds_of(step, rates) if step_id in todo else 0.0
        ends[step_id] = own + max((ends[parent] for parent in step.inputs.values()), default=0.0)
        total += own
    return max(total / at_once, max(ends.values(), default=0.0))
