"""How fast a shape trains on the devices at hand: the true step, fed by the true loader, timed call by call.

What: weights and moments of their true sizes, the program that `run_stage` (or, for many models, `run_pack`) calls, and
its reader one call ahead of it, on a file, so that waiting for input is real waiting.
Invariants: compiling and the first two calls are in no rate; every call is waited for; the state is given up to each.
"""

from __future__ import annotations

import math
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from leaven.ground.errors import BadInput
from leaven.ground.progress import Progress, silent
from leaven.mixture.ahead import ReadAhead
from leaven.model.config import count_parameters, flops_per_token
from leaven.model.execution import Execution
from leaven.train import mesh
from leaven.train.cost import device_bytes, process_bytes
from leaven.train.packed import train_pack
from leaven.train.peaks import chip_of
from leaven.train.place import here, side_by_side
from leaven.train.plan import StagePlan
from leaven.train.speed import FORMULA, Speed, numbers
from leaven.train.stage import tokens_of
from leaven.train.step import chunk_length, train_chunk
from leaven.train.training import Training
from leaven.train.wanted import RATE, Wanted, plan_of

PLATFORMS = {"cudnn": "gpu", "splash": "tpu"}
"""Kernels of attention that run on one kind of device only."""
UNTIMED, FEWEST, MOST = 2, 3, 50
"""Calls before the timed ones; the fewest and most of those where their number is not given."""
LONGEST = 3.0
"""Seconds of a call: where a full call would take longer, it makes fewer steps, in the same program."""


@dataclass
class Calls:
    """Calls of one program in order, the untimed ones first: their steps (one more than were made, being read ahead),
    seconds, and seconds without input. `most`: steps of a full call. `wanted`: number of timed calls."""

    most: int
    wanted: int | None
    seconds_wanted: float
    steps: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def ranges(self) -> Iterator[tuple[int, int]]:
        """(first step, steps) of each call; those of a timed one are asked for when two were made."""
        first = 0
        for call in range(UNTIMED + (self.wanted or MOST)):
            n = 1
            if call >= UNTIMED:
                quickest = min(s / k for s, k in zip(self.seconds, self.steps, strict=False))
                n = max(1, min(self.most, int(LONGEST / quickest)))
            self.steps.append(n)
            yield first, n
            first += n

    @property
    def enough(self) -> bool:
        timed = self.seconds[UNTIMED:]
        if self.wanted:
            return len(timed) == self.wanted
        return len(timed) == MOST or (len(timed) >= FEWEST and sum(timed) >= self.seconds_wanted)

    @property
    def timed(self) -> list[tuple[int, float]]:
        """(steps, seconds) of the timed calls."""
        return list(zip(self.steps, self.seconds, strict=False))[UNTIMED:]


@dataclass(frozen=True)
class Compiled:
    """What is known of a program before it runs; see `Speed`."""

    trace_seconds: float
    compile_seconds: float
    bytes: int | None
    kernels: tuple[str, ...]


def measure(asked: Wanted, progress: Progress = silent) -> Speed:
    """Compile the step, make two untimed calls of one step each, then the timed ones. `progress` is told of each.

    Raises BadInput for shapes that do not fit each other, the devices, or their memory.
    """
    how: Execution | None = None
    try:
        with tempfile.TemporaryDirectory(prefix="leaven-bench-") as scratch:
            steps = chunk_length(asked.batch, asked.model.sequence) * (UNTIMED + (asked.calls or MOST))
            plan = plan_of(asked, steps, Path(scratch))
            how = executed(asked, plan)
            return _measure(asked, plan, how, Path(scratch), progress)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        said = str(error)
    # Outside of the handler, so that what the failed call held is let go.
    raise out_of_memory(asked, how or Execution(), said)


def executed(asked: Wanted, plan: StagePlan) -> Execution:
    """How the step is computed: as training would choose here, but for what is fixed. Raises BadInput."""
    if asked.models == 1:
        how = here(plan, asked.model_parts, **asked.fixed)
    else:
        how = replace(side_by_side(plan, asked.models), **asked.fixed)
    platform = jax.devices()[0].platform
    if PLATFORMS.get(how.attention, platform) != platform:
        raise BadInput(
            f"{how.attention} does not run on a {platform}", field="--attention", fix="blocked runs anywhere"
        )
    parts = how.accumulate * how.data_parts
    if plan.batch % parts:
        devices = f" on each of {how.data_parts} devices" if how.data_parts > 1 else ""
        raise BadInput(
            f"{plan.batch} sequences cannot be cut into {how.accumulate} equal micro-batches{devices}",
            field="--batch",
            fix=f"A multiple of {parts}, such as {max(1, round(plan.batch / parts)) * parts}.",
        )
    return how


def out_of_memory(asked: Wanted, how: Execution, said: str) -> BadInput:
    """What the device said, in words, and what would take less."""
    more = re.search(r"allocat\w* ([\d.]+ ?[KMGT]iB|[\d,]+ ?(?:bytes|B)\b)", said)
    ways = ["--remat block"] if how.remat != "block" else []
    if asked.batch % (2 * how.accumulate * how.data_parts) == 0:
        ways.append(f"--accumulate {2 * how.accumulate}")
    ways.append(f"--batch {asked.batch // 2}" if asked.batch > 1 else "a shorter --sequence")
    if asked.models > 1:
        ways.append(f"--models {asked.models // 2}")
    return BadInput(
        f"{asked.batch:,} sequences of {asked.model.sequence:,} tokens do not fit into the memory of "
        f"{jax.devices()[0].device_kind}" + (f", which was asked for {more[1]} more than it has" if more else ""),
        fix=f"Try {', '.join(ways[:-1])}{' or ' if ways[:-1] else ''}{ways[-1]}.",
    )


def _measure(asked: Wanted, plan: StagePlan, how: Execution, scratch: Path, progress: Progress) -> Speed:
    M, K = asked.models, chunk_length(plan.batch, plan.sequence)
    crew = [Training.open(replace(plan, seed=seed), scratch / "work") for seed in range(M)]
    recipe = crew[0].settled.recipe
    train: Callable[..., Any] = train_chunk if M == 1 else train_pack
    progress(0, 0, "making weights")
    if M == 1:
        state = mesh.spread_state(crew[0].begin(), how.mesh)
    else:
        state = jax.tree.map(lambda *each: jnp.stack(each), *[training.begin() for training in crew])
    rates = mesh.replicated(np.full((K,) if M == 1 else (K, M), RATE, np.float32), how.mesh)
    calls = Calls(K, asked.calls, asked.seconds)

    def fetch(call: tuple[int, int]) -> Any:
        tokens = [tokens_of(training, call, K, how) for training in crew]
        return tokens[0] if M == 1 else np.stack(tokens, axis=1)

    with ReadAhead(fetch, calls.ranges()) as ahead:
        program: Compiled | None = None
        while not calls.enough:
            made = len(calls.seconds)
            progress(max(0, made - UNTIMED), asked.calls or 0, "timing" if made >= UNTIMED else "warming up")
            began = time.perf_counter()
            tokens, waited = ahead.get()
            n = calls.steps[made]
            count = mesh.replicated(np.int32(n), how.mesh)
            arguments = (plan.model, recipe, how, state, tokens, rates, count)
            if program is None:
                progress(0, 0, "compiling")
                program = _compile(train, arguments)
                began = time.perf_counter()
            state, measured = train(*arguments)
            jax.block_until_ready((state, measured))
            calls.seconds.append(time.perf_counter() - began)
            calls.waits.append(waited)
            del arguments, tokens
    assert program is not None
    loss = float(np.mean(np.asarray(measured.nats)[n - 1]))
    return _speed(asked, plan, how, calls, program, loss)


def _compile(train: Any, arguments: tuple[Any, ...]) -> Compiled:
    """Compile what the call with these arguments will run."""
    began = time.perf_counter()
    lowered = train.lower(*arguments)
    between = time.perf_counter()
    compiled = lowered.compile()
    ended = time.perf_counter()
    taken = compiled.memory_analysis()
    kernels = set(re.findall(r'custom_call_target="([^"]+)"', compiled.as_text() or ""))
    size = None
    if taken is not None:
        size = taken.argument_size_in_bytes + taken.output_size_in_bytes - taken.alias_size_in_bytes
        size += taken.temp_size_in_bytes + taken.generated_code_size_in_bytes
    return Compiled(between - began, ended - between, size, tuple(sorted(kernels)))


def _speed(asked: Wanted, plan: StagePlan, how: Execution, calls: Calls, program: Compiled, loss: float) -> Speed:
    flops, step = flops_per_token(plan.model), plan.batch * plan.sequence * asked.models
    per_step = median(seconds / n for n, seconds in calls.timed)
    rates = [n * step / seconds for n, seconds in calls.timed]
    devices = 1 if how.mesh is None else how.mesh.size
    device = jax.devices()[0]
    chip = chip_of(device.device_kind)
    peak = device_bytes()
    rate = step / per_step
    return Speed(
        parameters=count_parameters(plan.model),
        vocabulary=plan.model.vocab,
        models=asked.models,
        batch=plan.batch,
        sequence=plan.sequence,
        precision=plan.precision,
        attention=how.attention,
        remat=how.remat,
        accumulate=how.accumulate,
        tile=how.tile,
        platform=device.platform,
        device=device.device_kind,
        devices=devices,
        model_parts=how.model_parts,
        threads=threads() if device.platform == "cpu" else None,
        calls=len(calls.timed),
        steps=sum(n for n, _ in calls.timed),
        seconds_per_step=per_step,
        tokens_per_second=rate,
        slowest=min(rates),
        fastest=max(rates),
        flops_per_token=flops,
        flops_formula=FORMULA,
        flops_numbers=numbers(plan.model),
        flops_per_second=rate * flops,
        peak_flops=chip.flops * devices if chip else None,
        mfu=rate * flops / (chip.flops * devices) if chip else None,
        peak_bytes=process_bytes() if peak is None else peak,
        peak_of="process" if peak is None else "device",
        program_bytes=program.bytes,
        trace_seconds=program.trace_seconds,
        compile_seconds=program.compile_seconds,
        input_wait=sum(calls.waits[UNTIMED:]) / sum(seconds for _, seconds in calls.timed),
        loss=loss if math.isfinite(loss) else None,
        kernels=program.kernels,
    )


def threads() -> int:
    """Of a processor that XLA computes with."""
    told = os.environ.get("NPROC", "")
    return int(told) if told.isdigit() else len(os.sched_getaffinity(0))
