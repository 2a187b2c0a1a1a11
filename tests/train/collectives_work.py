"""Programs with collectives, compiled for 8 devices in a process of its own: `python collectives_work.py`.

Prints JSON: name → optimized text. The mesh has 4 devices along `data` and 2 along `model`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import AxisType, PartitionSpec

PARTS = {"data": 4, "model": 2}
LOOPS = [(1, 1), (2, 3), (5, 2), (7, 4)]
"""Turns of an outer and an inner loop."""


def text_of(body: Callable[..., Any], *arguments: Any) -> str:
    """Of `body` run on every device with its whole arguments."""
    mesh = jax.make_mesh(tuple(PARTS.values()), tuple(PARTS), axis_types=(AxisType.Auto, AxisType.Auto))
    specs = tuple(PartitionSpec() for _ in arguments)
    spread = jax.shard_map(body, mesh=mesh, in_specs=specs, out_specs=PartitionSpec(), check_vma=False)
    return jax.jit(spread).lower(*arguments).compile().as_text()


def each_kind(x: jax.Array) -> Any:
    """Of x, f32 [8, 16]: 512 bytes."""
    return (
        lax.all_gather(x, "data", tiled=True),
        lax.psum_scatter(x, "data", tiled=True),
        lax.psum(x, "model"),
        lax.all_to_all(x, "data", 0, 0, tiled=True),
        lax.ppermute(x, "model", [(0, 1), (1, 0)]),
    )


def nested(outer: int, inner: int) -> Callable[[jax.Array], jax.Array]:
    def turn(x: jax.Array, _: None) -> tuple[jax.Array, None]:
        x, _ = lax.scan(lambda x, _: (lax.psum(x, "data") * 0.25, None), x, None, length=inner)
        return lax.ppermute(x, "model", [(0, 1), (1, 0)]) + 1, None

    return lambda x: lax.scan(turn, x, None, length=outer)[0]


def uneven(x: jax.Array) -> jax.Array:
    """A loop that counts 3, 5, … below 12."""

    def turn(state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        return state[0] + 2, lax.psum(state[1], "data") * 0.25

    return lax.while_loop(lambda state: state[0] < 12, turn, (jnp.int32(3), x))[1]


def told(x: jax.Array, n: jax.Array) -> jax.Array:
    """A loop that turns as often as it is told to when it runs."""
    return lax.fori_loop(0, n, lambda i, x: lax.psum(x, "data") * 0.25, x)


def either(x: jax.Array, n: jax.Array) -> jax.Array:
    return lax.cond(n > 0, lambda x: lax.psum(x, "data"), lambda x: x * 2, x)


def bfloat16(x: jax.Array) -> jax.Array:
    return lax.all_gather(x.astype(jnp.bfloat16), "data", tiled=True)


if __name__ == "__main__":
    x, n = jnp.ones((8, 16)), jnp.int32(3)
    texts = {f"nested {a} {b}": text_of(nested(a, b), x) for a, b in LOOPS}
    texts |= {body.__name__: text_of(body, x) for body in (each_kind, uneven, bfloat16)}
    texts |= {body.__name__: text_of(body, x, n) for body in (told, either)}
    print(json.dumps(texts))
