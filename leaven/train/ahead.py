"""Compile the training step for accelerators that are not here, and read off what it would take there.

What: the true `train_chunk` of one optimizer step, lowered from shapes alone and compiled by the TPU compiler for a
topology such as `v5e:8x8`. Why: whether a size fits, and what chips send each other, is known before a pod is rented.
`libtpu` from the package index holds that compiler; it needs no TPU. No array is made, nothing runs.

What the figures are: bytes are the compiler's own account of one chip. FLOPs are by our formula, recomputation not
counted; the compiler's figure stands beside it, but it counts the body of a loop once (layers, micro-batches and tiles
are loops), so it is far too low and serves only to compare two programs of equal loops. Bytes sent are read from the
program, loops multiplied in (`leaven.train.collectives`).
"""

from __future__ import annotations

import importlib.util
import os
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import topologies
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from leaven.ground.errors import BadInput, LeavenError
from leaven.model.config import ModelConfig, flops_per_token
from leaven.model.execution import DATA, Execution
from leaven.model.init import Params, nest, shapes
from leaven.train.collectives import traffic
from leaven.train.memory import choose
from leaven.train.mesh import make_mesh, shardings
from leaven.train.peaks import CHIPS
from leaven.train.place import kernel_of
from leaven.train.step import Recipe, TrainState, start, train_chunk

SETTINGS = {
    # The compiler's library asks the cloud who and where it is, unless it is told; and admits one process at a time.
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_ACCELERATOR_TYPE": "v5litepod-8",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
    "TPU_LOG_DIR": "disabled",
    "TPU_MIN_LOG_LEVEL": "3",
}
"""Environment variables under which `libtpu` compiles without a TPU; those that are set already stay."""

OPTIONS: Mapping[str, Mapping[str, Any]] = {"v4": {"chip_config_name": "megacore"}}
"""What a topology needs besides its name: the two cores of a v4 chip are one device."""


@dataclass(frozen=True)
class Ahead:
    """One optimizer step, compiled for `chips` chips. Bytes and `sent` are of one chip, `flops` of all together.

    `arguments` are weights, moments and tokens; `outputs` not counting what takes an argument's place (`aliased`);
    `temporaries` at their peak; `code` the program. `estimate` is what `leaven.train.memory` expects in their place.
    """

    topology: str
    chips: int
    memory: int
    model_parts: int
    batch: int
    sequence: int
    compute: str
    attention: str
    remat: str
    accumulate: int
    tile: int
    arguments: int
    outputs: int
    aliased: int
    temporaries: int
    code: int
    estimate: int
    flops: float
    compiler_flops: float
    sent: dict[str, int]
    unknown_loops: tuple[str, ...]
    lower_seconds: float
    compile_seconds: float

    @property
    def bytes(self) -> int:
        """What the step takes of a chip's memory."""
        return self.arguments + self.outputs - self.aliased + self.temporaries + self.code

    def data(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self) | {"bytes": self.bytes}


def devices_of(topology: str) -> list[Any]:
    """The devices of a topology such as `v5e:8x8`, known by their compiler only.

    Raises BadInput for a topology there is none of, LeavenError where the compiler is not installed.
    """
    if importlib.util.find_spec("libtpu") is None:
        raise LeavenError("the TPU compiler is not installed\n  pip install libtpu: it runs on any Linux machine")
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    kind = topology.partition(":")[0]
    try:
        found = topologies.get_topology_desc(topology, platform="tpu", **OPTIONS.get(kind, {}))
    except jax.errors.JaxRuntimeError as error:
        known = ", ".join(name for name in CHIPS if name.startswith("v"))
        raise BadInput(
            f'no topology "{topology}": {str(error).splitlines()[0]}',
            fix=f"a kind of chip and their arrangement, such as v5e:8x8 or v5p:4x4x4; kinds: {known}",
        ) from error
    return list(found.devices)


def compile_ahead(
    config: ModelConfig,
    recipe: Recipe,
    batch: int,
    topology: str,
    *,
    model_parts: int = 1,
    compute: str = "bfloat16",
    **fixed: Any,
) -> Ahead:
    """Compile one step of `batch` sequences of `config.sequence` tokens for `topology`.

    `fixed`: fields of `Execution` (`remat`, `accumulate`, `tile`, `attention`) that shall not be chosen by memory.
    Raises BadInput where no choice fits, LeavenError where the compiler says so.
    """
    devices = devices_of(topology)
    mesh = make_mesh(devices, model_parts)
    memory = memory_of(topology)
    data = len(devices) // model_parts
    fitting = choose(
        config,
        batch,
        config.sequence,
        data=data,
        model=model_parts,
        memory_bytes=memory,
        platform="tpu",
        compute=compute,
        **{name: value for name, value in fixed.items() if name != "attention"},
    )
    how = Execution(
        attention=fixed.get("attention", kernel_of("tpu", compute)),
        compute=compute,
        tile=fitting.tile,
        remat=fitting.remat,
        accumulate=fitting.accumulate,
        mesh=mesh,
    )
    began = time.monotonic()
    with jax.default_matmul_precision("highest"):  # as training does: see `mean_float32`
        lowered = train_chunk.lower(config, recipe, how, *arguments(config, recipe, batch, mesh))
    between = time.monotonic()
    try:
        compiled = lowered.compile()
    except jax.errors.JaxRuntimeError as error:
        raise _too_much(error, topology, how, fitting.bytes) from error
    ended = time.monotonic()
    taken: Any = compiled.memory_analysis()
    costs: Any = compiled.cost_analysis()
    seen = traffic(compiled.as_text() or "")
    return Ahead(
        topology=topology,
        chips=len(devices),
        memory=memory,
        model_parts=model_parts,
        batch=batch,
        sequence=config.sequence,
        compute=compute,
        attention=how.attention,
        remat=how.remat,
        accumulate=how.accumulate,
        tile=how.tile,
        arguments=taken.argument_size_in_bytes,
        outputs=taken.output_size_in_bytes,
        aliased=taken.alias_size_in_bytes,
        temporaries=taken.temp_size_in_bytes,
        code=taken.generated_code_size_in_bytes,
        estimate=fitting.bytes,
        flops=flops_per_token(config) * batch * config.sequence,
        compiler_flops=float(costs.get("flops", 0.0)),
        sent=seen.sent(),
        # The loop over the steps of a call turns as often as it is told to; here that is once.
        unknown_loops=seen.unknown[1:],
        lower_seconds=between - began,
        compile_seconds=ended - between,
    )


def memory_of(topology: str) -> int:
    """Bytes of one chip. Raises BadInput for a kind that is not in the table."""
    kind = topology.partition(":")[0]
    if kind not in CHIPS:
        raise BadInput(f'no chip "{kind}" is known', field="topology", fix=f"known: {', '.join(CHIPS)}")
    return CHIPS[kind].memory


def arguments(config: ModelConfig, recipe: Recipe, batch: int, mesh: Mesh) -> tuple[Any, ...]:
    """Shapes and places of what `train_chunk` is called with, for one step."""
    where = shardings(shapes(config), mesh)
    weights = {
        name: jax.ShapeDtypeStruct(shape, jnp.float32, sharding=where[name]) for name, shape in shapes(config).items()
    }

    def begin(params: Params) -> TrainState:
        return start(params, recipe)

    state = jax.eval_shape(begin, nest(weights))
    everywhere = NamedSharding(mesh, PartitionSpec())  # type: ignore[no-untyped-call]

    def whole(x: jax.ShapeDtypeStruct) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=everywhere)

    moments = state.optimizer._replace(updates=whole(state.optimizer.updates), mu=nest(weights), nu=nest(weights))
    state = TrainState(nest(weights), moments, jax.tree.map(whole, state.watch))
    rows = NamedSharding(mesh, PartitionSpec(None, DATA, None))  # type: ignore[no-untyped-call]
    tokens = jax.ShapeDtypeStruct((1, batch, config.sequence + 1), jnp.int32, sharding=rows)
    rates = jax.ShapeDtypeStruct((1,), jnp.float32, sharding=everywhere)
    return state, tokens, rates, jax.ShapeDtypeStruct((), jnp.int32, sharding=everywhere)


def _too_much(error: Exception, topology: str, how: Execution, expected: int) -> LeavenError:
    """The compiler's refusal in words."""
    first = str(error).splitlines()[0]
    if "RESOURCE_EXHAUSTED" not in first:
        return LeavenError(f"the compiler for {topology} failed: {first}")
    needed = re.search(r"\(([\d.]+[KMG]) *\) exceeds available HBM \(([\d.]+[KMG])\)", first)
    told = f"needs {needed[1]} of {needed[2]}" if needed else first
    return LeavenError(
        f"the step does not fit on {topology}: it {told}, where {expected / 2**30:.1f}G were expected "
        f"(recomputing: {how.remat}, micro-batches: {how.accumulate}, tile: {how.tile})\n"
        f"  Chips along a model axis, more chips, or a smaller batch each take less."
    )
