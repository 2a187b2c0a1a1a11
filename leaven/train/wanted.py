"""What a benchmark measures: a shape, how much of it at once, and the tokens it is fed.

What: a size's own batch, sequence and precision unless told otherwise, on tokens in a file. Why less than a size's own
where a step would take minutes: the rate is what is asked for, and it hardly depends on how many micro-batches a step
has; the reader is told what was left out. Tokens are drawn by Zipf's law, because how often tokens repeat decides how
the embedding's gradient is summed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import psutil

from leaven.ground.errors import BadInput
from leaven.ground.files import write_json
from leaven.model.config import SIZES, ModelConfig, flops_per_token, from_size
from leaven.model.execution import COMPUTES
from leaven.model.loss import CPU_TILE
from leaven.train.memory import Load, estimate
from leaven.train.plan import StagePlan

CPU_FLOPS, ACCELERATOR_FLOPS = 1e12, 2e15
"""Of a step at most, on each device, where nobody named its batch: several seconds of either."""
SHORTEST = 128
"""Tokens that a sequence is not cut below."""
MOST_TOKENS = 1 << 24
"""On disk; a longer run reads them again, in another order."""
RATE = 3e-4
"""The learning rate: the loss falls at every size."""


@dataclass(frozen=True)
class Wanted:
    """What is to be measured. The length of a sequence is the model's.

    `models` of one shape are trained at once, on one device. `fixed`: fields of `Execution` that are not to be chosen
    for the devices. `calls`: timed ones; None: as many as `seconds` take. `note`: what was made smaller, in words.
    """

    model: ModelConfig
    batch: int
    precision: str
    models: int = 1
    model_parts: int = 1
    fixed: Mapping[str, Any] = field(default_factory=dict)
    calls: int | None = None
    seconds: float = 10.0
    note: str = ""

    def __post_init__(self) -> None:
        for name, option in (("batch", "batch"), ("models", "models"), ("model_parts", "model-axis")):
            if getattr(self, name) < 1:
                raise BadInput("must be at least 1", field=f"--{option}")
        for name in ("accumulate", "tile"):
            if self.fixed.get(name, 1) < 1:
                raise BadInput("must be at least 1", field=f"--{name}")
        if self.calls is not None and self.calls < 1:
            raise BadInput("must be at least 1", field="--calls")
        if self.precision not in COMPUTES:
            raise BadInput(f'"{self.precision}" is not one of {", ".join(COMPUTES)}', field="--precision")


def wanted(
    size: str,
    *,
    batch: int | None = None,
    sequence: int | None = None,
    vocabulary: int | None = None,
    precision: str | None = None,
    **more: Any,
) -> Wanted:
    """A size as it is trained, or as much of it as these devices compute in seconds.

    `more`: fields of `Wanted`. Raises BadInput for what makes no model or does not fit into a processor's memory.
    """
    model = from_size(size, vocabulary, sequence)
    asked = Wanted(model, batch or SIZES[size]["batch"], precision or SIZES[size]["precision"], **more)
    if batch is not None and batch < 1:
        raise BadInput("must be at least 1", field="--batch")
    if batch is None:
        asked = _scaled(asked, shorten=sequence is None)
    if jax.devices()[0].platform == "cpu":
        _check_memory(asked, size)
    return asked


def _scaled(asked: Wanted, shorten: bool) -> Wanted:
    """Half the batch, and on a processor then half the sequence, until a step is small enough."""
    devices = jax.devices()
    cpu = devices[0].platform == "cpu"
    spread = len(devices) // asked.model_parts if asked.models == 1 else 1
    most = CPU_FLOPS if cpu else ACCELERATOR_FLOPS * len(devices)

    def flops(model: ModelConfig, batch: int) -> float:
        return flops_per_token(model) * model.sequence * batch * asked.models

    model, batch, unit = asked.model, asked.batch, spread * asked.fixed.get("accumulate", 1)
    while flops(model, batch) > most and batch > unit:
        batch = max(unit, batch // 2 // unit * unit)
    while cpu and shorten and flops(model, batch) > most and model.sequence > SHORTEST:
        model = replace(model, sequence=max(SHORTEST, model.sequence // 2))
    if (model, batch) == (asked.model, asked.batch):
        return asked
    whole = flops(asked.model, asked.batch)
    note = (
        f"the size's own step of {asked.batch:,} × {asked.model.sequence:,} tokens is {whole:.1e} operations; measured "
        f"with {batch:,} × {model.sequence:,} (--batch {asked.batch} --sequence {asked.model.sequence} for all of it)"
    )
    return replace(asked, model=model, batch=batch, note=note)


def _check_memory(asked: Wanted, size: str) -> None:
    """A processor's memory is not refused but the process killed, so it is counted beforehand."""
    fixed, T = asked.fixed, asked.model.sequence
    load = Load(
        asked.model,
        asked.batch,
        T,
        remat=fixed.get("remat", "none"),
        accumulate=fixed.get("accumulate", 1),
        tile=fixed.get("tile", CPU_TILE),
        width=2 if asked.precision == "bfloat16" else 4,
        data=1,
        model=1,
    )
    needed, there = estimate(load).bytes * asked.models, psutil.virtual_memory().available
    if needed > there:
        raise BadInput(
            f"{size} with a step of {asked.batch:,} × {T:,} tokens needs about "
            f"{needed / 1e9:.0f} GB; {there / 1e9:.0f} GB of this computer are free",
            field="SIZE",
            fix="A smaller size, --batch, --sequence or --vocabulary, or an accelerator.",
        )


def plan_of(asked: Wanted, steps: int, scratch: Path) -> StagePlan:
    """A stage of `steps` on tokens by Zipf's law, which are written into `scratch`."""
    model, T = asked.model, asked.model.sequence
    count = max(min(MOST_TOKENS, steps * asked.batch * T), T) + 1
    # The logarithms of these are even: token r has a share close to one in proportion to 1 / (r + 10).
    even = np.random.default_rng(0).random(count, np.float32)
    tokens = np.minimum(10 * (model.vocab / 10 + 1) ** even - 10, model.vocab - 1)
    kind = np.uint16 if model.vocab <= 1 << 16 else np.uint32
    tokens.astype(kind).tofile(scratch / "train.bin")
    np.array([count], "<u8").tofile(scratch / "train.idx")
    split = {"tokens": count, "documents": 1, "bytes": count}
    write_json(scratch / "shards.json", {"source": "zipf", "dtype": kind.__name__, "splits": {"train": split}})
    return StagePlan(
        model=model,
        seed=0,
        kind="pretrain",
        mixture={"zipf": 1.0},
        shards={"zipf": scratch},
        steps=steps,
        batch=asked.batch,
        sequence=T,
        schedule={"kind": "constant", "peak": RATE},
        precision=asked.precision,
        eval_every=steps,
    )
