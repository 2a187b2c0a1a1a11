"""Initial weights: Glorot normal (the paper's choice, §2.3), a pure function of the shape and a seed.

Each weight has its own key made from (algorithm, seed, name), so no weight depends on the order or number of others.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from leaven.ground.canonical import key64
from leaven.model.config import ModelConfig

Params = dict[str, Any]
"""`embedding` [vocab, width], `norm` [width], and `layers`, a dict of arrays stacked over layers on axis 0."""

VERSION = "init/1"


def shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Flat dotted name → shape of every weight. Matrices are [in, out]; `layers.*` have the layer first."""
    width, ffn, count = config.width, config.ffn, config.layers
    keys = config.kv_heads * config.head
    return {
        "embedding": (config.vocab, width),
        "layers.down": (count, ffn, width),
        "layers.gate": (count, width, ffn),
        "layers.key": (count, width, keys),
        "layers.norm": (count, width),
        "layers.output": (count, width, width),
        "layers.query": (count, width, width),
        "layers.up": (count, width, ffn),
        "layers.value": (count, width, keys),
        "norm": (width,),
    }


def nest(flat: dict[str, Any]) -> Params:
    """Flat dotted names to the nested pytree."""
    nested: Params = {}
    for name, value in sorted(flat.items()):
        *folders, leaf = name.split(".")
        place = nested
        for folder in folders:
            place = place.setdefault(folder, {})
        place[leaf] = value
    return nested


def flatten(nested: Params, prefix: str = "") -> dict[str, Any]:
    """The inverse of `nest`."""
    flat: dict[str, Any] = {}
    for name, value in sorted(nested.items()):
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def init(config: ModelConfig, seed: int) -> Params:
    """Glorot-normal weights in float32 (standard deviation √(2 / (in + out)) of each matrix) and norms of one."""
    keys = {name: np.array(_words(key64(VERSION, seed, name)), np.uint32) for name in shapes(config)}
    return dict(_draw(config, keys))


def _words(key: int) -> tuple[int, int]:
    return key >> 32, key & 0xFFFFFFFF


@partial(jax.jit, static_argnums=0)
def _draw(config: ModelConfig, keys: dict[str, jax.Array]) -> Params:
    def weight(name: str, shape: tuple[int, ...]) -> Any:
        if name.endswith("norm"):
            return jnp.ones(shape, jnp.float32)
        key = jax.random.wrap_key_data(keys[name], impl="threefry2x32")
        return jax.random.normal(key, shape, jnp.float32) * (2.0 / (shape[-2] + shape[-1])) ** 0.5

    return nest({name: weight(name, shape) for name, shape in shapes(config).items()})
