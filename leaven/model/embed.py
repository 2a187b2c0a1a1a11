"""The embedding lookup, with a gradient that is summed in float32.

What: rows of the table. Why not plain indexing: its gradient is a sum over every occurrence of a token, which must not
be formed in bfloat16, and on a mesh each device sums its own tokens before the sums are spread out over the devices.
Shapes: V vocabulary, D width, B sequences, T positions.
Invariant: value and gradient equal those of `w[tokens]` up to rounding of the value to the type of activations.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec

from leaven.model.execution import DATA, MODEL, Execution


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def embed(w_VD: jax.Array, tokens_BT: jax.Array, how: Execution) -> jax.Array:
    """The rows of `w_VD` (float32) that belong to the tokens: [B, T, D] in `how.dtype`."""
    return head(w_VD, how)[tokens_BT]


def head(w_VD: jax.Array, how: Execution) -> jax.Array:
    """The table as it is used, in `how.dtype`: on a mesh gathered over `data`, spread over `model` by vocabulary."""
    return how.place(w_VD.astype(how.dtype), MODEL if how.model_parts > 1 else None, None)


def _forward(w_VD: jax.Array, tokens_BT: jax.Array, how: Execution) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return embed(w_VD, tokens_BT, how), (w_VD, tokens_BT)


def _backward(how: Execution, kept: tuple[jax.Array, jax.Array], g_BTD: jax.Array) -> tuple[jax.Array, None]:
    w_VD, tokens_BT = kept
    if how.mesh is None:
        return _summed(tokens_BT, g_BTD, w_VD.shape[0]), None
    V, D = w_VD.shape
    parts = how.data_parts
    rows = V // how.model_parts
    scatter = 0 if rows % parts == 0 else 1 if D % parts == 0 else None

    def local(tokens_bT: jax.Array, g_bTD: jax.Array) -> jax.Array:
        mine = tokens_bT - jax.lax.axis_index(MODEL) * rows
        # Rows of other devices' vocabulary are sent past the end, where nothing is added.
        sums = _summed(jnp.where((mine >= 0) & (mine < rows), mine, rows), g_bTD, rows)
        if scatter is None:
            added: jax.Array = jax.lax.psum(sums, DATA)
        else:
            added = jax.lax.psum_scatter(sums, DATA, scatter_dimension=scatter, tiled=True)
        return added

    spread_out = {0: PartitionSpec((MODEL, DATA), None), 1: PartitionSpec(MODEL, DATA), None: PartitionSpec(MODEL)}
    table = jax.shard_map(
        local,
        mesh=how.mesh,
        in_specs=(PartitionSpec(DATA), PartitionSpec(DATA)),
        out_specs=spread_out[scatter],
        check_vma=False,
    )(tokens_BT, g_BTD)
    return table, None


def _summed(tokens_BT: jax.Array, g_BTD: jax.Array, rows: int) -> jax.Array:
    """Σ of the rows of g by token, float32 [rows, D]."""
    sums = jnp.zeros((rows, g_BTD.shape[-1]), jnp.float32)
    return sums.at[tokens_BT].add(g_BTD.astype(jnp.float32), mode="drop")


embed.defvjp(_forward, _backward)
