"""The learning rate of a step, as a pure function of the schedule's fields, the stage's length and the step.

Kinds: `constant`; `linear` and `cosine` fall from `peak` to `final`, met exactly on the last step; `wsd`
(warmup-stable-decay) stays at `peak` and falls linearly to `final` over its last part. All rise linearly over `warmup`
steps first; a warmup as long as the stage leaves no step to fall.
The paper pre-trains with a cosine and 1325 steps of warmup and cools down linearly to 1e-6 (PAPER §2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from leaven.ground.errors import BadInput, did_you_mean

KINDS = ("constant", "cosine", "linear", "wsd")
FIELDS = {"kind": "cosine", "peak": None, "final": 0.0, "warmup": 0, "decay": 0.1}


def check_schedule(schedule: Mapping[str, Any], steps: int) -> None:
    """Raise BadInput unless `schedule` is {kind, peak, final, warmup in steps, decay: wsd's falling share of steps}."""
    for name in schedule:
        if name not in FIELDS:
            raise BadInput(f'unknown field "{name}"{did_you_mean(name, FIELDS)}', field=f"schedule.{name}")
    kind = schedule.get("kind", FIELDS["kind"])
    if kind not in KINDS:
        raise BadInput(f'no schedule "{kind}"{did_you_mean(str(kind), KINDS)}', field="schedule.kind")
    peak, final = schedule.get("peak"), schedule.get("final", 0.0)
    if not isinstance(peak, int | float) or not 0 < peak < math.inf:
        raise BadInput("must be a number above 0", field="schedule.peak")
    if not 0 <= final <= peak:
        raise BadInput("must lie between 0 and the peak", field="schedule.final")
    if not 0 <= schedule.get("warmup", 0) <= steps:
        raise BadInput(f"must lie between 0 and the {steps} steps of the stage", field="schedule.warmup")
    if not 0 < schedule.get("decay", 0.1) <= 1:
        raise BadInput("must be a share of the steps, above 0 and at most 1", field="schedule.decay")


def learning_rate(schedule: Mapping[str, Any], steps: int, step: int) -> float:
    """The learning rate of update `step` (from 0) of a stage of `steps` updates."""
    kind = schedule.get("kind", FIELDS["kind"])
    peak, final = float(schedule["peak"]), float(schedule.get("final", 0.0))
    warmup = int(schedule.get("warmup", 0))
    if step < warmup:
        return peak * ((step + 1) / warmup)
    if kind == "constant":
        return peak
    first = warmup
    if kind == "wsd":
        first = max(warmup, steps - 1 - math.ceil(steps * float(schedule.get("decay", 0.1))))
    if step <= first and first < steps - 1:
        return peak
    share = (step - first) / (steps - 1 - first) if steps - 1 > first else 1.0
    if kind == "cosine":
        share = 0.5 * (1 - math.cos(math.pi * share))
    return max(final, peak + (final - peak) * share) if share < 1 else final
