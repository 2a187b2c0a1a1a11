"""Causal attention block by block of queries: the form that runs anywhere.

Shapes: B sequences, H query heads, K key heads, G = H / K queries per key head, T positions, d channels; R rows of a
block, the G·n queries that meet one key head; S keys that a block may see.
Invariants: equals `causal_attention_reference` in value and gradients up to rounding; never holds T×T scores, in
neither direction: the backward pass rebuilds a block's probabilities from the rows' log-sum-exp (arXiv 2205.14135).
Scores, softmax and sums are float32 whatever the inputs are.
Why spans: unrolled blocks see only the keys at or before them, so causality saves operations, but the compiler keeps
the scores of all unrolled blocks at once. So what is longer than a few blocks is cut into a few unrolled spans, each of
which loops over its blocks: at T = 1024 that takes a tenth of the memory and less than half of the time.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.ad_checkpoint import checkpoint_name

from leaven.model.project import keep

MASKED = float(np.finfo(np.float32).min)
"""The score of a key that is not seen: finite, so that no difference of two is not a number."""

UNROLLED = 256
"""Up to this many positions no block is looped over: a fifth faster, and its scores still fit the caches."""

SPANS = 8
"""Unrolled spans at most. 8 leave 1/16 of the scores to compute in vain; more cost compile time and memory."""

KEPT = "attention"
"""Name of the outputs and log-sum-exps, for rematerialisation policies that keep them."""


class Span(NamedTuple):
    """Queries [start, stop), in blocks of `block`, which divides their number; they see the keys [0, stop)."""

    start: int
    stop: int
    block: int


def spans(T: int) -> list[Span]:
    """The queries of T positions: blocks of 64 up to T = 1024, of 128 beyond."""
    block = 64 if T <= 1024 else 128
    blocks = 1 if T <= UNROLLED else max(2, -(-T // (SPANS * block)))
    whole = T - T % block
    cut = [Span(start, min(start + blocks * block, whole), block) for start in range(0, whole, blocks * block)]
    return [*cut, Span(whole, T, T - whole)] if whole < T else cut


def _rows(x_BHTd: jax.Array, k_BKSd: jax.Array, span: Span, start: int | jax.Array) -> jax.Array:
    """The block at `start` as [B, K, G·n, d]: query heads that share a key head are rows of one product."""
    block = jax.lax.dynamic_slice_in_dim(x_BHTd, start, span.block, axis=2)
    return block.reshape(block.shape[0], k_BKSd.shape[1], -1, block.shape[3])


def _heads(x_BKRd: jax.Array, like_BHTd: jax.Array) -> jax.Array:
    """[B, K, G·n, d] → [B, H, n, d]."""
    return x_BKRd.reshape(*like_BHTd.shape[:2], -1, x_BKRd.shape[3])


def _joined(x_NBHnd: jax.Array) -> jax.Array:
    """N blocks of n queries → [B, H, N·n, d]."""
    N, B, H, n, d = x_NBHnd.shape
    return jnp.moveaxis(x_NBHnd, 0, 2).reshape(B, H, N * n, d)


def _product(how: str, x: jax.Array, y: jax.Array) -> jax.Array:
    """Summed and returned in float32."""
    return jnp.einsum(how, x, y, preferred_element_type=jnp.float32)


def _scores(
    q_BKRd: jax.Array, k_BKSd: jax.Array, segments_BT: jax.Array | None, span: Span, start: int | jax.Array
) -> jax.Array:
    """Scaled scores of a block with the keys of its span; `MASKED` where a key is later or of another segment."""
    scale = q_BKRd.shape[3] ** -0.5
    if q_BKRd.dtype == jnp.float32:
        scores_BKRS = _product("bkrd,bksd->bkrs", q_BKRd * scale, k_BKSd)
    else:  # a scale that is no power of two would be rounded once more in a shorter type
        scores_BKRS = _product("bkrd,bksd->bkrs", q_BKRd, k_BKSd) * scale
    seen = (start + np.arange(span.block))[:, None] >= np.arange(span.stop)[None]
    if segments_BT is not None:
        mine = jax.lax.dynamic_slice_in_dim(segments_BT, start, span.block, axis=1)
        seen = (seen & (mine[:, :, None] == segments_BT[:, None, : span.stop]))[:, None]
    B, K, R, S = scores_BKRS.shape
    groups = R // span.block
    if groups > 1:
        grouped = scores_BKRS.reshape(B, K, groups, span.block, S)
        seen = seen if segments_BT is None else seen[:, :, None]
        return jnp.where(seen, grouped, MASKED).reshape(B, K, R, S)
    return jnp.where(seen, scores_BKRS, MASKED)


@jax.custom_vjp
def causal_attention_blocked(
    q_BHTd: jax.Array, k_BKTd: jax.Array, v_BKTd: jax.Array, segments_BT: jax.Array | None = None
) -> jax.Array:
    """The same as `causal_attention_reference`. Returns [B, H, T, d] in the type of `q_BHTd`."""
    return _forward(q_BHTd, k_BKTd, v_BKTd, segments_BT)[0]


Kept = tuple[jax.Array, jax.Array, jax.Array, jax.Array | None, jax.Array, jax.Array]


def _forward(
    q_BHTd: jax.Array, k_BKTd: jax.Array, v_BKTd: jax.Array, segments_BT: jax.Array | None
) -> tuple[jax.Array, Kept]:
    outs, sums = [], []

    def block(span: Span, start: int | jax.Array) -> tuple[jax.Array, jax.Array]:
        k, v = k_BKTd[:, :, : span.stop], v_BKTd[:, :, : span.stop]
        q_BKRd = _rows(q_BHTd, k, span, start)
        scores_BKRS = _scores(q_BKRd, k, segments_BT, span, start)
        top = scores_BKRS.max(axis=-1, keepdims=True)
        p_BKRS = jnp.exp(scores_BKRS - top)
        total = p_BKRS.sum(axis=-1, keepdims=True)
        out_BKRd = _product("bkrs,bksd->bkrd", p_BKRS.astype(v.dtype), v) / total
        return _heads(out_BKRd.astype(q_BHTd.dtype), q_BHTd), _heads(top + jnp.log(total), q_BHTd)

    for span in spans(q_BHTd.shape[2]):
        if span.stop - span.start == span.block:
            out, logsumexp = block(span, span.start)
        else:
            starts = jnp.arange(span.start, span.stop, span.block)
            out, logsumexp = map(_joined, jax.lax.map(partial(block, span), starts))
        outs.append(out)
        sums.append(logsumexp)
    out_BHTd = checkpoint_name(jnp.concatenate(outs, axis=2), KEPT)
    logsumexp_BHT1 = checkpoint_name(jnp.concatenate(sums, axis=2), KEPT)
    return out_BHTd, (q_BHTd, k_BKTd, v_BKTd, segments_BT, out_BHTd, logsumexp_BHT1)


def _backward(kept: Kept, g_BHTd: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, None]:
    q_BHTd, k_BKTd, v_BKTd, segments_BT, out_BHTd, logsumexp_BHT1 = kept
    scale = q_BHTd.shape[3] ** -0.5
    inner_BHT1 = (g_BHTd.astype(jnp.float32) * out_BHTd.astype(jnp.float32)).sum(axis=-1, keepdims=True)

    def block(span: Span, start: int | jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        k, v = k_BKTd[:, :, : span.stop], v_BKTd[:, :, : span.stop]
        q, g, logsumexp, inner = (_rows(x, k, span, start) for x in (q_BHTd, g_BHTd, logsumexp_BHT1, inner_BHT1))
        p = jnp.exp(_scores(q, k, segments_BT, span, start) - logsumexp)
        dp = _product("bkrd,bksd->bkrs", g, v)
        ds = (p * (dp - inner) * scale).astype(q.dtype)
        dq = _heads(_product("bkrs,bksd->bkrd", ds, k), q_BHTd)
        # Channels first: dkᵀ = qᵀ ds has a narrow left factor, and that product is 4 to 8 times as fast as dsᵀ q.
        return (
            dq.astype(q.dtype),
            _product("bkrd,bkrs->bkds", q, ds),
            _product("bkrd,bkrs->bkds", g, p.astype(g.dtype)),
        )

    B, K, T, d = k_BKTd.shape
    dqs, sums = [], (jnp.zeros((B, K, d, T), jnp.float32), jnp.zeros((B, K, d, T), jnp.float32))
    for span in spans(T):

        def add(
            sums: tuple[jax.Array, jax.Array], start: int | jax.Array, span: Span = span
        ) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
            dq, dk, dv = block(span, start)
            return (sums[0].at[..., : span.stop].add(dk), sums[1].at[..., : span.stop].add(dv)), dq

        if span.stop - span.start == span.block:
            sums, dq = add(sums, span.start)
        else:
            sums, dq = jax.lax.scan(add, sums, jnp.arange(span.start, span.stop, span.block))
            dq = _joined(dq)
        dqs.append(dq)
    dk_BKTd, dv_BKTd = (jnp.swapaxes(keep(x), 2, 3) for x in sums)
    return jnp.concatenate(dqs, axis=2), dk_BKTd.astype(k_BKTd.dtype), dv_BKTd.astype(v_BKTd.dtype), None


causal_attention_blocked.defvjp(_forward, _backward)
