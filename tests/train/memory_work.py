"""Steps compiled on 8 simulated devices in a process of its own: `python memory_work.py`.

Prints JSON: for each of `CASES`, the compiler's bytes of one device.
"""

from __future__ import annotations

import json
from typing import Any

import jax

from leaven.model.config import ModelConfig
from leaven.model.execution import Execution
from leaven.train.ahead import arguments
from leaven.train.memory import Load
from leaven.train.mesh import make_mesh
from leaven.train.step import Recipe, train_chunk

SHAPE: dict[str, Any] = {"width": 128, "layers": 6, "heads": 4, "ffn": 352, "vocab": 2048, "sequence": 256}


def load(batch: int, remat: str, accumulate: int, data: int, model: int, **shape: int) -> Load:
    config = ModelConfig(**{**SHAPE, **shape})
    return Load(config, batch, config.sequence, remat, accumulate, 128, 4, data, model)


CASES = [
    load(16, "none", 1, 1, 1),
    load(32, "projections", 2, 4, 2),
    load(32, "block", 1, 8, 1, vocab=8192),
]


def compiled_bytes(load: Load) -> int:
    """As the compiler accounts for them: arguments, results that take no argument's place, temporaries."""
    mesh = make_mesh(jax.devices()[: load.data * load.model], load.model)
    spread = mesh if mesh.size > 1 else None
    how = Execution(remat=load.remat, accumulate=load.accumulate, tile=load.tile, mesh=spread)
    what = arguments(load.config, Recipe(), load.batch, mesh)
    taken: Any = train_chunk.lower(load.config, Recipe(), how, *what).compile().memory_analysis()
    results = taken.output_size_in_bytes - taken.alias_size_in_bytes
    return int(taken.argument_size_in_bytes + results + taken.temp_size_in_bytes)


if __name__ == "__main__":
    print(json.dumps([compiled_bytes(case) for case in CASES]))
