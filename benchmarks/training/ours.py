"""leaven's side of the CPU comparison: its compiled step, called as a stage calls it.

Usage: python ours.py CONTENDER SHAPE BATCH STEPS
CONTENDER is `leaven` (the batch spread over two devices of the CPU, a thread each), `leaven-pool` (one device and the
compiler's own pool of two threads) or `leaven-one` (one device, one thread). Prints one line of JSON like
`torch_peers.py`; `first` is the compilation, and each entry of `seconds` the mean step of one call.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from typing import Any

from shapes import (
    B1,
    B2,
    CLIP,
    EPS,
    LEARNING_RATE,
    NORM_EPS,
    ROPE_THETA,
    SEQUENCE,
    SHAPES,
    WARM,
    WEIGHT_DECAY,
    batches,
    weights,
)

CONTENDERS = {"leaven": 2, "leaven-pool": 1, "leaven-one": 1}
"""Devices that the CPU is seen as."""

CALL = 4
"""Steps of a timed call, so that there are several; a stage makes longer calls, which are no slower."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("batch", type=int)
    parser.add_argument("steps", type=int)
    args = parser.parse_args()
    os.environ["NPROC"] = "1" if args.contender == "leaven-one" else "2"
    begin = time.perf_counter()
    import jax

    jax.config.update("jax_num_cpu_devices", CONTENDERS[args.contender])
    print(json.dumps(measure(args.shape, args.batch, args.steps, begin)))


def measure(name: str, batch: int, count: int, begin: float) -> dict[str, Any]:
    """Train `count` steps, `WARM` of them not timed. See the module."""
    import jax
    import numpy as np

    from leaven.model.config import ModelConfig, count_parameters
    from leaven.model.execution import Execution
    from leaven.model.init import nest
    from leaven.model.loss import tile_of
    from leaven.train import mesh as meshes
    from leaven.train.optimizer import OptimizerConfig
    from leaven.train.step import Recipe, start, train_chunk

    shape = SHAPES[name]
    config = ModelConfig(
        width=shape.width,
        layers=shape.layers,
        heads=shape.heads,
        ffn=shape.ffn,
        vocab=shape.vocab,
        sequence=SEQUENCE,
        rope_theta=ROPE_THETA,
        norm_eps=NORM_EPS,
    )
    assert count_parameters(config) == shape.parameters
    recipe = Recipe(OptimizerConfig(b1=B1, b2=B2, eps=EPS, weight_decay=WEIGHT_DECAY, clip=CLIP))
    devices = jax.devices()
    mesh = meshes.make_mesh(devices) if len(devices) > 1 else None
    how = Execution(mesh=mesh, tile=tile_of(batch * SEQUENCE // len(devices), shape.vocab, "cpu"))
    state = meshes.spread_state(start(nest(weights(shape)), recipe), mesh)
    rates = meshes.replicated(np.full(CALL, LEARNING_RATE, np.float32), mesh)
    tokens = batches(shape, batch, CALL * -(-count // CALL))

    def call(first: int) -> tuple[Any, ...]:
        part = tokens[first : first + CALL]
        if mesh is not None:
            place = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(None, "data", None))
            part = jax.device_put(part, place)
        return config, recipe, how, state, part, rates, meshes.replicated(np.int32(CALL), mesh)

    at = time.perf_counter()
    compiled = train_chunk.lower(*call(0)).compile()
    compiling = time.perf_counter() - at
    losses, seconds = [], []
    for first in range(0, len(tokens), CALL):
        at = time.perf_counter()
        state, measured = compiled(*call(first)[3:])
        losses += np.asarray(measured.nats).tolist()
        seconds.append((time.perf_counter() - at) / CALL)
    return {
        "losses": losses[:6],
        "first": compiling,
        "seconds": seconds[WARM // CALL :],
        "steps": CALL * len(seconds[WARM // CALL :]),
        "total": time.perf_counter() - begin,
        "versions": {"jax": jax.__version__},
    }


if __name__ == "__main__":
    main()
