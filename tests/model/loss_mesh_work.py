"""Run by test_loss_mesh.py in a process with eight simulated devices: prints what the loss does on meshes, as JSON."""

from __future__ import annotations

import json
import math
import re
import sys
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from leaven.model.config import ModelConfig
from leaven.model.cross_entropy import cross_entropy_tiled, score_tokens
from leaven.model.execution import HERE, Execution
from leaven.model.init import flatten, init, nest
from leaven.model.loss import next_token_loss, token_scores
from leaven.model.sharding import spec_of

N = 1024
TABLES = {"vocabulary": (192, 16), "width": (76, 16), "neither": (76, 15)}
"""What of the embedding `data` can spread on a mesh of 4 × 2: [V, D]."""


@partial(jax.jit, static_argnums=0)
def loss(how: Execution, h: jax.Array, w: jax.Array, y: jax.Array) -> Any:
    objective = partial(cross_entropy_tiled, how=how, scale=0.5, z_loss=1e-2)
    return jax.value_and_grad(objective, argnums=(0, 1), has_aux=True)(h, w, y)


@partial(jax.jit, static_argnums=(0, 1))
def model_loss(config: ModelConfig, how: Execution, params: Any, tokens: jax.Array) -> Any:
    return jax.value_and_grad(next_token_loss, has_aux=True)(params, config, tokens, how, z_loss=1e-2)


def difference(got: Any, want: Any) -> float:
    """The greatest of all leaves, each relative to its largest entry."""
    parts = zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True)
    return max(float(np.abs(np.asarray(a, np.float64) - np.asarray(b)).max() / np.abs(b).max()) for a, b in parts)


def largest(text: str) -> int:
    """Elements of the largest array in a compiled program."""
    return max(math.prod(map(int, found.split(","))) for found in re.findall(r"\b\w+\[([\d,]+)\]", text))


def table(mesh: jax.sharding.Mesh, V: int, D: int, compute: str) -> dict[str, Any]:
    random = np.random.default_rng(V)
    h, w = (random.normal(size=size).astype(np.float32) for size in ((N, D), (V, D)))
    h, y = jnp.asarray(h, compute), random.integers(0, V, N).astype(np.int32)
    how = Execution(tile=16, mesh=mesh, compute=compute)
    spec = spec_of("embedding", (V, D), mesh)
    places = [NamedSharding(mesh, place) for place in (P("data"), spec, P("data"))]
    args = [jax.device_put(x, place) for x, place in zip((h, w, y), places, strict=True)]
    compiled = loss.lower(how, *args).compile()
    values, (dh, dw) = compiled(*args)
    text = compiled.as_text()
    alone = Execution(tile=16, compute=compute)
    want = loss(alone, h, w, y)
    score = jax.jit(score_tokens, static_argnums=(3, 4))
    return {
        "difference": difference((values, (dh, dw)), want),
        "scores": difference(score(*args, how, 0.5), score(h, w, y, alone, 0.5)),
        "placed": dh.sharding == places[0] and dw.sharding.is_equivalent_to(places[1], 2),
        "largest": largest(text),
        "logits": N // how.data_parts * V // how.model_parts,
        "reduced": largest("".join(re.findall(r"= (.*) all-reduce\(", text))),
        "table": V // how.model_parts * D,
        "scatters": "reduce-scatter(" in text,
    }


def model(mesh: jax.sharding.Mesh) -> dict[str, Any]:
    config = ModelConfig(width=16, layers=2, heads=4, ffn=24, vocab=64, sequence=16)
    params = init(config, 1)
    tokens = np.random.default_rng(0).integers(0, 64, (8, 17)).astype(np.int32)
    how = Execution(tile=16, mesh=mesh)
    spread = {
        name: jax.device_put(value, NamedSharding(mesh, spec_of(name, value.shape, mesh)))
        for name, value in flatten(params).items()
    }
    scores = jax.jit(token_scores, static_argnums=(1, 3))
    return {
        "difference": difference(
            model_loss(config, how, nest(spread), tokens), model_loss(config, HERE, params, tokens)
        ),
        "scores": difference(scores(nest(spread), config, tokens, how)[0], scores(params, config, tokens, HERE)[0]),
    }


def main() -> None:
    jax.config.update("jax_disable_most_optimizations", True)
    found: dict[str, Any] = {}
    for shape in ((8, 1), (4, 2), (2, 4)):
        mesh = jax.make_mesh(shape, ("data", "model"), axis_types=(AxisType.Auto, AxisType.Auto))
        at = found["x".join(map(str, shape))] = {"model": model(mesh)}
        at["vocabulary"] = table(mesh, *TABLES["vocabulary"], "float32")
        if shape == (4, 2):
            at["width"] = table(mesh, *TABLES["width"], "float32")
            at["neither"] = table(mesh, *TABLES["neither"], "float32")
            at["bfloat16"] = table(mesh, *TABLES["vocabulary"], "bfloat16")
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
