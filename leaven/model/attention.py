"""Causal attention and rotary positions: a plain reference of each, and the form that training runs.

Shapes: B sequences, H heads, T positions, d channels of a head, block of queries q.
Invariants: the blocked form equals the reference in value and gradients up to rounding, and never holds T×T scores, in
neither direction: the backward pass rebuilds a block's probabilities from the row's log-sum-exp. Its loop over query
blocks is unrolled, so a block touches only the keys at or before it and causality saves half of the operations.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from leaven.model.execution import Execution

MASKED = float(np.finfo(np.float32).min)
"""The score of a key after the query: finite, so that no difference of two is not a number."""

MOST_BLOCKS = 16
"""Query blocks in one unrolled program; more only costs compile time, as 16 already skip 47 % of the scores."""


def rope_angles(positions: jax.Array, head: int, theta: float) -> jax.Array:
    """Angles of the rotation: positions [...] → [..., head / 2], position · theta^(-2i/head) (arXiv 2104.09864)."""
    wavelengths = theta ** (-np.arange(0, head, 2, dtype=np.float64) / head)
    return positions[..., None].astype(jnp.float32) * wavelengths.astype(np.float32)


def rope_interleaved(x: jax.Array, angles: jax.Array) -> jax.Array:
    """Reference: rotate the pairs (0, 1), (2, 3), … of the last axis, as Cohere does."""
    even, odd = x[..., 0::2], x[..., 1::2]
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    return jnp.stack([even * cos - odd * sin, odd * cos + even * sin], axis=-1).reshape(x.shape)


def rope_halves(x: jax.Array, cos: jax.Array, sin: jax.Array) -> jax.Array:
    """Rotate channel i with channel i + d/2: the same rotation for channels sorted by `even_first`."""
    first, second = jnp.split(x, 2, axis=-1)
    return jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def even_first(w: jax.Array, heads: int) -> jax.Array:
    """Sort the output channels of each head, even ones first: [..., in, heads·d] of a query or key projection.

    q·k does not change when both are sorted alike, and rotating halves needs no strided access.
    """
    *front, width = w.shape
    pairs = w.reshape(*front, heads, width // heads // 2, 2)
    return jnp.swapaxes(pairs, -1, -2).reshape(w.shape)


def causal_attention_reference(q_BHTd: jax.Array, k_BHTd: jax.Array, v_BHTd: jax.Array) -> jax.Array:
    """softmax(q kᵀ / √d, keys at or before the query) v, written as the formula is. Returns [B, H, T, d]."""
    T, d = q_BHTd.shape[-2:]
    scores = jnp.einsum("bhtd,bhsd->bhts", q_BHTd, k_BHTd) * d**-0.5
    scores = jnp.where(jnp.tril(jnp.ones((T, T), bool)), scores, -jnp.inf)
    return jnp.einsum("bhts,bhsd->bhtd", jax.nn.softmax(scores, axis=-1), v_BHTd)


def block_of(T: int) -> int:
    """Queries of one block: 32 (measured), larger where that would unroll more than `MOST_BLOCKS`."""
    return max(32, -(-T // MOST_BLOCKS))


@jax.custom_vjp
def causal_attention_blocked(q_BHTd: jax.Array, k_BHTd: jax.Array, v_BHTd: jax.Array) -> jax.Array:
    """The same as `causal_attention_reference`, block by block of queries. Returns [B, H, T, d]."""
    return _forward(q_BHTd, k_BHTd, v_BHTd)[0]


def _scores(q: jax.Array, k: jax.Array, start: int, stop: int) -> jax.Array:
    """Scaled, masked scores of queries [start, stop) with keys [0, stop)."""
    scores = jnp.einsum("bhtd,bhsd->bhts", q[:, :, start:stop] * q.shape[-1] ** -0.5, k[:, :, :stop])
    seen = np.arange(start, stop)[:, None] >= np.arange(stop)[None]
    return jnp.where(seen, scores, MASKED)


def _forward(q: jax.Array, k: jax.Array, v: jax.Array) -> tuple[jax.Array, tuple[jax.Array, ...]]:
    T = q.shape[2]
    outs, sums = [], []
    for start in range(0, T, block_of(T)):
        stop = min(start + block_of(T), T)
        scores = _scores(q, k, start, stop)
        top = scores.max(axis=-1, keepdims=True)
        p = jnp.exp(scores - top)
        total = p.sum(axis=-1, keepdims=True)
        outs.append(jnp.einsum("bhts,bhsd->bhtd", p, v[:, :, :stop]) / total)
        sums.append(top + jnp.log(total))
    out = jnp.concatenate(outs, axis=2)
    return out, (q, k, v, out, jnp.concatenate(sums, axis=2))


def _backward(kept: tuple[jax.Array, ...], g: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    q, k, v, out, logsumexp = kept
    T, scale = q.shape[2], q.shape[3] ** -0.5
    inner = (g * out).sum(axis=-1, keepdims=True)
    dq, dk, dv = [], jnp.zeros_like(k), jnp.zeros_like(v)
    for start in range(0, T, block_of(T)):
        stop = min(start + block_of(T), T)
        rows = slice(start, stop)
        p = jnp.exp(_scores(q, k, start, stop) - logsumexp[:, :, rows])
        dp = jnp.einsum("bhtd,bhsd->bhts", g[:, :, rows], v[:, :, :stop])
        ds = p * (dp - inner[:, :, rows]) * scale
        dq.append(jnp.einsum("bhts,bhsd->bhtd", ds, k[:, :, :stop]))
        dk = dk.at[:, :, :stop].add(jnp.einsum("bhts,bhtd->bhsd", ds, q[:, :, rows]))
        dv = dv.at[:, :, :stop].add(jnp.einsum("bhts,bhtd->bhsd", p, g[:, :, rows]))
    return jnp.concatenate(dq, axis=2), dk, dv


causal_attention_blocked.defvjp(_forward, _backward)


def attend(
    q_BHTd: jax.Array,
    k_BKTd: jax.Array,
    v_BKTd: jax.Array,
    how: Execution,
    segments_BT: jax.Array | None = None,
) -> jax.Array:
    """Causal attention as `how` says. Returns [B, H, T, d]."""
    groups = q_BHTd.shape[1] // k_BKTd.shape[1]
    if groups > 1:
        k_BKTd, v_BKTd = (jnp.repeat(x, groups, axis=1) for x in (k_BKTd, v_BKTd))
    return causal_attention_blocked(q_BHTd, k_BKTd, v_BKTd)
