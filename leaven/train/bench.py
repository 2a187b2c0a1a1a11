"""How fast a size trains on the devices at hand: the true step, fed by the true loader, timed call by call.

The tokens are random and lie in a file, so that waiting for input is real waiting. Compilation is not in the rates.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import jax
import numpy as np

from leaven.ground.files import write_json
from leaven.mixture.ahead import ReadAhead
from leaven.model.config import ModelConfig, count_parameters, flops_per_token
from leaven.model.execution import Execution
from leaven.model.init import init
from leaven.train import mesh, step
from leaven.train.cost import Clock
from leaven.train.packed import train_pack
from leaven.train.peaks import chip_of
from leaven.train.place import here
from leaven.train.plan import StagePlan
from leaven.train.stage import tokens_of
from leaven.train.step import Recipe, chunk_length, train_chunk
from leaven.train.training import Training

FORMULA = "6 × (parameters − norms) + 6 × layers × width × sequence, per token; nothing for recomputation"
"""What `leaven.model.config.flops_per_token` computes, in words."""
MOST_TOKENS = 1 << 24
"""Random tokens on disk at most; a longer run reads them again."""


@dataclass(frozen=True)
class Speed:
    """Of `models` models of one shape trained at once on `devices` devices.

    Seconds are of the wall. `tokens_per_second` is of all models on all devices together, from the median call;
    `slowest` and `fastest` are those of the slowest and the fastest call. `mfu` is a share of the devices' published
    peak, None where that is not known.
    """

    parameters: int
    models: int
    batch: int
    sequence: int
    precision: str
    attention: str
    remat: str
    accumulate: int
    tile: int
    device: str
    devices: int
    steps: int
    seconds_per_step: float
    tokens_per_second: float
    slowest: float
    fastest: float
    flops_per_token: float
    flops_formula: str
    mfu: float | None
    device_bytes: int | None
    compile_seconds: float
    input_wait: float

    def data(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def measure(
    model: ModelConfig,
    batch: int,
    sequence: int,
    precision: str,
    *,
    calls: int = 10,
    models: int = 1,
    model_parts: int = 1,
    how: Execution | None = None,
) -> Speed:
    """Time `calls` calls of the compiled step after one that compiles. Raises BadInput for shapes that do not fit."""
    with tempfile.TemporaryDirectory(prefix="leaven-bench-") as scratch:
        return _measure(_plan(model, batch, sequence, precision, calls, Path(scratch)), calls, models, model_parts, how)


def _plan(model: ModelConfig, batch: int, sequence: int, precision: str, calls: int, scratch: Path) -> StagePlan:
    """A stage on random tokens, as long as the timed calls."""
    steps = chunk_length(batch, sequence) * (calls + 1)
    count = max(min(MOST_TOKENS, steps * batch * sequence), sequence) + 1
    kind = np.uint16 if model.vocab <= 1 << 16 else np.uint32
    draw = np.random.default_rng(0)
    draw.integers(0, model.vocab, count, dtype=kind).tofile(scratch / "train.bin")
    np.array([count], "<u8").tofile(scratch / "train.idx")
    split = {"tokens": count, "documents": 1, "bytes": count}
    write_json(scratch / "shards.json", {"source": "random", "dtype": kind.__name__, "splits": {"train": split}})
    return StagePlan(
        model=replace(model, sequence=sequence),
        seed=0,
        kind="pretrain",
        mixture={"random": 1.0},
        shards={"random": scratch},
        steps=steps,
        batch=batch,
        sequence=sequence,
        schedule={"kind": "constant", "peak": 1e-3},
        precision=precision,
        eval_every=steps,
    )


def _measure(plan: StagePlan, calls: int, models: int, model_parts: int, how: Execution | None) -> Speed:
    how = how or (here(plan, model_parts) if models == 1 else Execution(compute=plan.precision))
    clock = Clock()
    training = Training.open(plan, Path())
    recipe: Recipe = training.settled.recipe
    K = chunk_length(plan.batch, plan.sequence)
    state = mesh.spread_state(step.start(init(plan.model, plan.seed), recipe), how.mesh)
    if models > 1:
        state = jax.tree.map(lambda x: jax.numpy.repeat(x[None], models, axis=0), state)
    rates = np.full(K if models == 1 else (K, models), 1e-3, np.float32)
    seconds: list[float] = []
    waits = 0.0

    def fetch(call: tuple[int, int]) -> Any:
        tokens = tokens_of(training, call, K, how)
        return tokens if models == 1 else np.repeat(tokens[:, None], models, axis=1)

    ranges = [(call * K, K) for call in range(calls + 1)]
    with ReadAhead(fetch, ranges) as ahead:
        for call in range(calls + 1):
            began = time.perf_counter()
            tokens, waited = ahead.get()
            train = train_chunk if models == 1 else train_pack
            count = mesh.replicated(np.int32(K), how.mesh)
            state, measured = train(plan.model, recipe, how, state, tokens, mesh.replicated(rates, how.mesh), count)
            jax.block_until_ready((state, measured))
            if call:  # the first one compiles
                seconds.append(time.perf_counter() - began)
                waits += waited
    return _speed(plan, how, K, models, seconds, waits, clock)


def _speed(
    plan: StagePlan, how: Execution, K: int, models: int, seconds: list[float], waits: float, clock: Clock
) -> Speed:
    cost = clock.cost()
    tokens, flops = K * plan.batch * plan.sequence * models, flops_per_token(plan.model)
    rate = tokens / median(seconds)
    devices = cost.devices if how.mesh is not None else 1
    chip = chip_of(cost.device)
    return Speed(
        parameters=count_parameters(plan.model),
        models=models,
        batch=plan.batch,
        sequence=plan.sequence,
        precision=plan.precision,
        attention=how.attention,
        remat=how.remat,
        accumulate=how.accumulate,
        tile=how.tile,
        device=cost.device,
        devices=devices,
        steps=K * len(seconds),
        seconds_per_step=median(seconds) / K,
        tokens_per_second=rate,
        slowest=tokens / max(seconds),
        fastest=tokens / min(seconds),
        flops_per_token=flops,
        flops_formula=FORMULA,
        mfu=rate * flops / (chip.flops * devices) if chip else None,
        device_bytes=cost.device_bytes,
        compile_seconds=cost.compile_seconds,
        input_wait=waits / sum(seconds),
    )
