"""A forward pass over rows that fork: a trunk, and branches that each continue it and know nothing of one another.

What: a row holds the trunk first and then its branches, one after the other. A branch's positions go on from the
trunk's end, and attention shows it the trunk and itself. Every position's state is what a row with the trunk and that
branch alone would have there. Why: four continuations of one context cost one context instead of four.
Shapes: B rows, H query heads, K key heads, G = H / K, T places, d channels, D width; n queries of a block, S keys.
Invariant: equals one plain forward pass for each branch up to rounding (`leaven.model.transformer.hidden`).
Branch 0 is the trunk: everybody sees it. Forward only; nothing here is differentiated.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from leaven.model.attention import attend, rope_angles, rope_halves
from leaven.model.blocked import MASKED, Span, spans
from leaven.model.config import ModelConfig
from leaven.model.execution import Execution
from leaven.model.init import Params
from leaven.model.transformer import enter, layer_norm, leave, pack

BLOCK, UNROLLED = 128, 512
"""Queries of a block, and the longest row whose blocks are not looped over."""


def branched_attention_reference(
    q_BHTd: jax.Array, k_BKTd: jax.Array, v_BKTd: jax.Array, branches_BT: jax.Array
) -> jax.Array:
    """softmax(q kᵀ / √d, keys at or before the query, of the trunk or of its branch) v, as the formula is, in float32.

    Returns [B, H, T, d] in the type of `q_BHTd`.
    """
    H, T, d = q_BHTd.shape[1:]
    q, k, v = (x.astype(jnp.float32) for x in (q_BHTd, k_BKTd, v_BKTd))
    k, v = (jnp.repeat(x, H // k_BKTd.shape[1], axis=1) for x in (k, v))
    scores = jnp.einsum("bhtd,bhsd->bhts", q, k) * d**-0.5
    seen_BTT = jnp.tril(jnp.ones((T, T), bool)) & _related(branches_BT, branches_BT)
    weights = jax.nn.softmax(jnp.where(seen_BTT[:, None], scores, -jnp.inf), axis=-1)
    return jnp.einsum("bhts,bhsd->bhtd", weights, v).astype(q_BHTd.dtype)


def branched_attention(q_BHTd: jax.Array, k_BKTd: jax.Array, v_BKTd: jax.Array, branches_BT: jax.Array) -> jax.Array:
    """The same as the reference, block by block of queries, so that T×T scores never exist.

    Scores, softmax and sums are float32.
    """
    B, H, T, d = q_BHTd.shape
    K = k_BKTd.shape[1]
    q_BKGTd = q_BHTd.reshape(B, K, H // K, T, d)

    def block(span: Span, start: int | jax.Array) -> jax.Array:
        """[B, H, n, d] of the queries from `start` on."""
        n, S = span.block, span.stop
        q = jax.lax.dynamic_slice_in_dim(q_BKGTd, start, n, axis=3).reshape(B, K, H // K * n, d)
        mine = jax.lax.dynamic_slice_in_dim(branches_BT, start, n, axis=1)
        scores = jnp.einsum("bkrd,bksd->bkrs", q, k_BKTd[:, :, :S], preferred_element_type=jnp.float32) * d**-0.5
        seen_BnS = ((start + jnp.arange(n))[:, None] >= jnp.arange(S)[None]) & _related(mine, branches_BT[:, :S])
        grouped = scores.reshape(B, K, H // K, n, S)
        scores = jnp.where(seen_BnS[:, None, None], grouped, MASKED).reshape(B, K, H // K * n, S)
        p = jnp.exp(scores - scores.max(axis=-1, keepdims=True))
        total = p.sum(axis=-1, keepdims=True)
        v = v_BKTd[:, :, :S]
        out = jnp.einsum("bkrs,bksd->bkrd", p.astype(v.dtype), v, preferred_element_type=jnp.float32) / total
        return out.astype(q_BHTd.dtype).reshape(B, H, n, d)

    outs = []
    for span in _spans(T):
        starts = range(span.start, span.stop, span.block)
        if len(starts) == 1:
            outs.append(block(span, span.start))
        else:
            found_NBHnd = jax.lax.map(lambda start, span=span: block(span, start), jnp.array(starts))
            outs.append(jnp.moveaxis(found_NBHnd, 0, 2).reshape(B, H, -1, d))
    return jnp.concatenate(outs, axis=2)


def _spans(T: int) -> list[Span]:
    """The queries in blocks: up to `UNROLLED` places of 128 one by one, beyond as `leaven.model.blocked` cuts them.

    Its blocks of 64 would take a tenth less time in short rows, and two to five times as long to compile.
    """
    if T > UNROLLED:
        return spans(T)
    return [Span(start, min(start + BLOCK, T), min(BLOCK, T - start)) for start in range(0, T, BLOCK)]


def _related(mine_Bn: jax.Array, theirs_BS: jax.Array) -> jax.Array:
    """Whether a key is of the trunk or of the query's own branch: [B, n, S]."""
    return (theirs_BS[:, None, :] == 0) | (mine_Bn[:, :, None] == theirs_BS[:, None, :])


def prepare(params: Params, config: ModelConfig, how: Execution) -> Params:
    """Weights as the forward pass uses them, in `how.dtype`, rearranged once and not once a batch."""
    return {
        "embedding": params["embedding"].astype(how.dtype),
        "layers": pack(params["layers"], config, how),
        "norm": params["norm"],
    }


def states(
    prepared: Params,
    config: ModelConfig,
    tokens_BT: jax.Array,
    how: Execution,
    positions_BT: jax.Array | None = None,
    branches_BT: jax.Array | None = None,
) -> jax.Array:
    """The final normed states [B, T, D], in `how.dtype`, on one device, of what `prepare` made of the weights.

    Args:
        positions_BT: where each token stands in its own text, below `config.sequence`.
        branches_BT: 0 for the trunk, otherwise the number of the branch. Without it rows are plain text and their
            positions are 0, 1, 2, …
    """
    angles = rope_angles(jnp.arange(max(config.sequence, tokens_BT.shape[1])), config.head, config.rope_theta)
    cos, sin = jnp.cos(angles).astype(how.dtype), jnp.sin(angles).astype(how.dtype)
    if positions_BT is None:
        cos, sin = cos[: tokens_BT.shape[1]], sin[: tokens_BT.shape[1]]
    else:
        cos, sin = cos[positions_BT][:, None], sin[positions_BT][:, None]

    def block(x: jax.Array, layer: Params) -> tuple[jax.Array, None]:
        q, k, v, fed = enter(x, layer, config)
        q, k = rope_halves(q, cos, sin), rope_halves(k, cos, sin)
        mixed = attend(q, k, v, how) if branches_BT is None else branched_attention(q, k, v, branches_BT)
        return leave(x, mixed, fed, layer), None

    x_BTD, _ = jax.lax.scan(block, prepared["embedding"][tokens_BT], prepared["layers"])
    return layer_norm(x_BTD, prepared["norm"], config.norm_eps)
