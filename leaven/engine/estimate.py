"""How long a step takes here and what memory it needs, before it runs: a rate times an amount, by this store's own past
where it has one.

Used for the order of steps, how many run at once, the remaining time and the plan; never part of a result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from leaven.engine.devices import PROCESSOR, Device, uses_model
from leaven.model import config
from leaven.model.config import ModelConfig
from leaven.study.step import Step
from leaven.train.peaks import chip_of

FLOPS_PER_SECOND = 4.5e10
"""Training speed of one core where nothing has been measured yet: float32, a 0.3M model on a 2020s server core."""
UTILIZATION = 0.4
"""Share of an accelerator's published peak that training is expected to reach where nothing has been measured yet."""
UNKNOWN_PEAK = 5e13
"""Operations a second of an accelerator whose peak is not known."""
READ_BYTES_PER_SECOND = 3e6
"""Bytes kept of a source for each second of reading, where it reads several times what it keeps."""
SECONDS = {
    "source": 0.5,
    "corpus": 4.0,
    "tokenizer": 4.0,
    "shards": 2.0,
    "suite": 2.0,
    "import": 1.0,
    "evaluate": 6.0,
    "prompts": 2.0,
    "complete": 2.0,
    "judge": 2.0,
    "verdict": 5.0,
}
"""Of one step of each kind at pocket size."""
MEMORY = 1_000_000_000
"""Bytes that a step of a tiny model, or of none, may need."""
PROCESS = 500_000_000
"""Bytes of a process that has imported everything and compiled its programs, models not counted."""
MARGIN = 1.25
"""What a compiled program may take more than the formula says."""


def seconds_of(step: Step, rates: Mapping[str, float] | None = None, device: Device = PROCESSOR) -> float:
    """Seconds of one step on one core, or on the device if it uses one. `rates`: from `measured`."""
    kind = device.kind if uses_model(step) else PROCESSOR.kind
    if step.kind == "stage":
        rate = (rates or {}).get(rate_key(step.fields, kind), 0.0)
        return step.tokens / (rate or flops_per_second(device) / flops_per_token(step.fields))
    if step.kind == "read":  # sources differ by orders of magnitude: the largest goes first
        return 1.0 + float(step.fields["max"]) / READ_BYTES_PER_SECOND
    return (rates or {}).get(_kind(step.kind, kind), SECONDS[step.kind])


def flops_per_second(device: Device) -> float:
    """Expected speed of training where nothing has been measured: of all devices together, or of one core."""
    if not device.accelerates:
        return FLOPS_PER_SECOND
    chip = chip_of(device.kind)
    return (chip.flops if chip else UNKNOWN_PEAK) * UTILIZATION * device.count


def flops_per_token(fields: Mapping[str, Any]) -> float:
    """Of a stage with these fields."""
    return config.flops_per_token(ModelConfig(**fields["model"]))


def measured(manifests: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """From finished steps, medians by device: tokens per second of stages by shape, seconds of other kinds."""
    seen: dict[str, list[float]] = {}
    for manifest in manifests:
        made, fields = manifest["made"], manifest["fields"]
        seconds = max(float(made["seconds"]), 1e-3)
        device = made.get("device", PROCESSOR.kind)
        if manifest["kind"] != "stage":
            seen.setdefault(_kind(manifest["kind"], device), []).append(seconds)
            continue
        tokens = fields["steps"] * fields["batch"] * fields["sequence"]
        if "training" in made:  # a resumed stage's seconds are those of the tokens that were left
            training, together = made["training"], made["together"]
            tokens = training["tokens"] / together
            # Compiled once for a shape and then cached: a short stage's would be taken for slowness of a long one.
            seconds = max(seconds - training["compile_seconds"] / together, 1e-3)
        if tokens:
            seen.setdefault(rate_key(fields, device), []).append(tokens / seconds)
    return {key: median(values) for key, values in seen.items()}


def rate_key(fields: Mapping[str, Any], device: str) -> str:
    """Under which `measured` gives the tokens a second of stages with these fields on a kind of device."""
    precision = fields.get("precision", "float32")  # stages of the first version had no other
    return f"stage {sorted(fields['model'].items())} {fields['batch']} {precision} on {device}"


def _kind(kind: str, device: str) -> str:
    return f"{kind} on {device}"


def bytes_of(step: Step, device: Device = PROCESSOR, together: int = 1) -> int:
    """Memory of this computer that a step's process may need; `together`: stages in one process.

    On an accelerator the weights and moments pass through this computer's memory and the rest stays there.
    """
    if step.kind != "stage":
        return MEMORY
    model = ModelConfig(**step.fields["model"])
    own = training_bytes(step.fields) if not device.accelerates else 16 * config.count_parameters(model)
    return max(MEMORY, PROCESS + together * own)


def largest(steps: Iterable[Step], device: Device = PROCESSOR) -> int:
    """Memory of this computer that the largest of the steps may need."""
    return max((bytes_of(step, device) for step in steps), default=MEMORY)


def training_bytes(fields: Mapping[str, Any]) -> int:
    """Memory of the device that training one model takes where nothing is recomputed."""
    from leaven.train.memory import Load, estimate

    width = 2 if fields["precision"] == "bfloat16" else 4
    model = ModelConfig(**fields["model"])
    load = Load(model, fields["batch"], fields["sequence"], "none", 1, 128, width, 1, 1)
    return int(MARGIN * estimate(load).bytes)
