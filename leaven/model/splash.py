"""Causal attention on TPU: JAX's Splash kernels (sparse flash attention), which skip the blocks that causality empties.

Shapes: B sequences, H query heads, K key heads, T positions, d channels.
Invariants: equals `causal_attention_reference` up to the rounding of the inputs' type; T×T scores never leave the chip.
T that is no multiple of 128 is padded at its end, which no real query sees.
Why a gradient rule of our own: where float32 is to mean float32 (`leaven.train.compile`), the kernels would ask for
float32 products of bfloat16 inputs, which the TPU compiler refuses, forward and backward.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from leaven.model.blocked import KEPT

LANES = 128
"""Blocks are multiples of this; so is the padded number of positions."""

LARGEST_BLOCK = 1024
"""Of queries or keys: the scores of a block of 1024 × 1024 are 4 MiB of the 16 MiB that a v5e kernel may hold."""


def block_of(T: int) -> int:
    """The largest power of two, up to `LARGEST_BLOCK`, that divides T (a multiple of 128)."""
    return min(T & -T, LARGEST_BLOCK)


def causal_attention_splash(
    q_BHTd: jax.Array,
    k_BKTd: jax.Array,
    v_BKTd: jax.Array,
    segments_BT: jax.Array | None = None,
    *,
    interpret: bool = False,
) -> jax.Array:
    """The same as `causal_attention_reference`, on one device. Returns [B, H, T, d] in the type of `q_BHTd`.

    `interpret` runs the kernels in Pallas' interpreter, on any device.
    """
    out_BHTd: jax.Array = _attention(interpret, q_BHTd, k_BKTd, v_BKTd, segments_BT)
    return out_BHTd


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _attention(
    interpret: bool, q_BHTd: jax.Array, k_BKTd: jax.Array, v_BKTd: jax.Array, segments_BT: jax.Array | None
) -> jax.Array:
    with _precision(q_BHTd):
        return _kernel(interpret, segments_BT, q_BHTd, k_BKTd, v_BKTd)


def _forward(
    interpret: bool, q_BHTd: jax.Array, k_BKTd: jax.Array, v_BKTd: jax.Array, segments_BT: jax.Array | None
) -> tuple[jax.Array, Any]:
    with _precision(q_BHTd):
        out, pull = jax.vjp(partial(_kernel, interpret, segments_BT), q_BHTd, k_BKTd, v_BKTd)
    return out, pull


def _backward(
    interpret: bool, pull: Callable[[jax.Array], tuple[jax.Array, jax.Array, jax.Array]], g_BHTd: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array, None]:
    with _precision(g_BHTd):
        return (*pull(g_BHTd), None)


_attention.defvjp(_forward, _backward)


def _precision(x: jax.Array) -> AbstractContextManager[Any]:
    """Of the kernels' products: for short types the one there is; for float32 what is in force."""
    return nullcontext() if x.dtype == jnp.float32 else jax.default_matmul_precision("default")


def _kernel(
    interpret: bool, segments_BT: jax.Array | None, q_BHTd: jax.Array, k_BKTd: jax.Array, v_BKTd: jax.Array
) -> jax.Array:
    # Pallas takes half a second to import; only TPUs need it.
    from jax.experimental.pallas.ops.tpu.splash_attention import splash_attention_kernel as splash
    from jax.experimental.pallas.ops.tpu.splash_attention import splash_attention_mask as masks

    H, T = q_BHTd.shape[1:3]
    room = -T % LANES
    ready = [jnp.pad(x, [(0, 0), (0, 0), (0, room), (0, 0)]) for x in (_scaled(q_BHTd), k_BKTd, v_BKTd)]
    size = block_of(T + room)
    kernel = splash.make_splash_mha(
        masks.MultiHeadMask([masks.CausalMask((T + room, T + room))] * H),
        block_sizes=splash.BlockSizes(
            block_q=size,
            block_kv=size,
            block_kv_compute=min(size, 512),
            block_q_dkv=size,
            block_kv_dkv=size,
            block_kv_dkv_compute=min(size, 512),
            block_q_dq=size,
            block_kv_dq=size,
        ),
        head_shards=1,
        q_seq_shards=1,
        residual_checkpoint_name=KEPT,
        interpret=interpret,
    )
    segments = None
    if segments_BT is not None:
        padded = jnp.pad(segments_BT, [(0, 0), (0, room)])
        segments = splash.SegmentIds(q=padded, kv=padded)
    out_BHTd: jax.Array = jax.vmap(kernel)(*ready, segments)[:, :, :T]
    return out_BHTd


def _scaled(q_BHTd: jax.Array) -> jax.Array:
    """q / √d: the kernels do not scale. Multiplied in float32 and rounded once."""
    scaled: jax.Array = q_BHTd.astype(jnp.float32) * q_BHTd.shape[3] ** -0.5
    return scaled.astype(q_BHTd.dtype)
