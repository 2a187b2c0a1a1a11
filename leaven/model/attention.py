"""Causal attention: the formula as a reference, and the form that the device at hand computes.

Shapes: B sequences, H query heads, K key heads (K divides H; key head i serves the H/K query heads from i·H/K), T
positions, d channels of a head.
Invariants: every form equals the reference in value and gradients up to rounding; only the reference holds T×T scores.
A query sees the keys at or before it that are of its own segment. On a mesh each device computes its own sequences and
heads, and nothing is exchanged.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec

from leaven.ground.errors import BadInput
from leaven.model.blocked import KEPT, MASKED, causal_attention_blocked
from leaven.model.execution import DATA, MODEL, Execution
from leaven.model.flash import FORWARD, causal_attention_cudnn
from leaven.model.rope import even_first, rope_angles, rope_halves, rope_interleaved
from leaven.model.splash import causal_attention_splash

__all__ = [
    "KEPT",
    "MASKED",
    "attend",
    "causal_attention_blocked",
    "causal_attention_reference",
    "even_first",
    "keeps",
    "rope_angles",
    "rope_halves",
    "rope_interleaved",
]

_NAMED = jax.checkpoint_policies.save_only_these_names(KEPT)


def causal_attention_reference(
    q_BHTd: jax.Array, k_BKTd: jax.Array, v_BKTd: jax.Array, segments_BT: jax.Array | None = None
) -> jax.Array:
    """softmax(q kᵀ / √d, keys at or before the query and of its segment) v, written as the formula is, in float32.

    Returns [B, H, T, d] in the type of `q_BHTd`.
    """
    H, T, d = q_BHTd.shape[1:]
    q, k, v = (x.astype(jnp.float32) for x in (q_BHTd, k_BKTd, v_BKTd))
    k, v = (jnp.repeat(x, H // k_BKTd.shape[1], axis=1) for x in (k, v))
    scores = jnp.einsum("bhtd,bhsd->bhts", q, k) * d**-0.5
    seen = jnp.tril(jnp.ones((T, T), bool))
    if segments_BT is not None:
        seen = (seen & (segments_BT[:, :, None] == segments_BT[:, None, :]))[:, None]
    weights = jax.nn.softmax(jnp.where(seen, scores, -jnp.inf), axis=-1)
    return jnp.einsum("bhts,bhsd->bhtd", weights, v).astype(q_BHTd.dtype)


def attend(
    q_BHTd: jax.Array,
    k_BKTd: jax.Array,
    v_BKTd: jax.Array,
    how: Execution,
    segments_BT: jax.Array | None = None,
) -> jax.Array:
    """Causal attention as `how` says. Returns [B, H, T, d] in the type of `q_BHTd`.

    Args:
        segments_BT: document number (an integer) of each position; None: each sequence is one document.

    Raises:
        BadInput: heads or sequences that the mesh, or types that the kernel, cannot take.
    """
    H, K = q_BHTd.shape[1], k_BKTd.shape[1]
    if H % K:
        raise BadInput(f"{K} key heads do not divide {H} query heads", field="kv_heads")
    if how.mesh is None:
        return _local(how, q_BHTd, k_BKTd, v_BKTd, segments_BT)
    _check_divisible(q_BHTd, how)
    if K % how.model_parts:  # no device could hold a part of a key head: each gets its query heads' copies
        k_BKTd, v_BKTd = (jnp.repeat(x, H // K, axis=1) for x in (k_BKTd, v_BKTd))
    heads = PartitionSpec(DATA, MODEL, None, None)  # type: ignore[no-untyped-call]
    rows = PartitionSpec(DATA, None)  # type: ignore[no-untyped-call]
    # Kernels do not say over which axes their results vary, so that is not checked.
    spread = jax.shard_map(
        lambda q, k, v, segments: _local(how, q, k, v, segments),
        mesh=how.mesh,
        in_specs=(heads, heads, heads, None if segments_BT is None else rows),
        out_specs=heads,
        check_vma=False,
    )
    out_BHTd: jax.Array = spread(q_BHTd, k_BKTd, v_BKTd, segments_BT)  # type: ignore[no-untyped-call]
    return out_BHTd


def _local(how: Execution, q: jax.Array, k: jax.Array, v: jax.Array, segments: jax.Array | None) -> jax.Array:
    """Attention of the sequences and heads of one device."""
    if how.attention == "reference":
        return causal_attention_reference(q, k, v, segments)
    if how.attention == "splash":
        return causal_attention_splash(q, k, v, segments, interpret=how.interpret)
    if how.attention == "cudnn" and segments is None:  # with segments: see flash.py
        return causal_attention_cudnn(q, k, v)
    return causal_attention_blocked(q, k, v, segments)


def _check_divisible(q_BHTd: jax.Array, how: Execution) -> None:
    B, H = q_BHTd.shape[:2]
    for count, parts, what, axis in ((B, how.data_parts, "sequences", DATA), (H, how.model_parts, "heads", MODEL)):
        if count % parts:
            raise BadInput(f"{count} {what} cannot be spread over {parts} devices", where="mesh", field=axis)


def keeps(primitive: Any, *_: Any, **parameters: Any) -> bool:
    """A rematerialisation policy: keep what attention's backward pass needs of its forward pass, whatever computed it.

    Kernels of ours and Splash name it `KEPT`; of cuDNN it is the results of its primitive.
    """
    return bool(_NAMED(primitive, *_, **parameters)) or primitive.name == FORWARD
