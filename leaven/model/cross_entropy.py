"""Cross-entropy over a large vocabulary, tiled over tokens: the logits of all tokens never exist.

What: a tile's gradients are formed while its logits exist, in the forward scan, and only dh and dW are kept, so no
logits are recomputed and the backward pass only scales. Why tokens and not vocabulary blocks: one full-vocabulary
product per tile is the fast shape. On a mesh each device scans its own tokens against its own part of the vocabulary.
Shapes: N tokens, D width, V vocabulary, t tokens of a tile; lower-case n, v: of one device.
Invariant: value and gradients equal the reference up to rounding, on any mesh.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from leaven.model.execution import Execution
from leaven.model.project import keep
from leaven.model.vocabulary import TOKENS, Part

Values = tuple[jax.Array, jax.Array]
"""(objective, nats), float32 scalars."""


def cross_entropy_reference(
    h_ND: jax.Array, w_VD: jax.Array, y_N: jax.Array, scale: float, z_loss: float = 0.0
) -> Values:
    """(objective, nats) with all logits at once: nats = mean of −log softmax(scale · h wᵀ)[y], and objective = nats +
    z_loss · mean of logsumexp² (the auxiliary loss of PaLM, arXiv 2204.02311)."""
    logits_NV = scale * (h_ND @ w_VD.T)
    lse_N = jax.nn.logsumexp(logits_NV, axis=1)
    picked_N = jnp.take_along_axis(logits_NV, y_N[:, None], axis=1)[:, 0]
    nats = (lse_N - picked_N).mean()
    return nats + z_loss * (lse_N**2).mean(), nats


def cross_entropy_tiled(
    h_ND: jax.Array, w_VD: jax.Array, y_N: jax.Array, how: Execution, *, scale: float, z_loss: float = 0.0
) -> Values:
    """The same as `cross_entropy_reference`, a tile of logits at a time; only the objective has a gradient.

    Args:
        h_ND: final states, in `how.dtype`. y_N: targets, any integer type.
        w_VD: the tied embedding, in float32 or `how.dtype`; its gradient is summed in float32 and returned in its type.
        how: products are in `how.dtype` with float32 sums, softmax in float32. On a mesh N is spread over `data` and w
            as `spec_of` says.

    Raises BadInput where N does not divide over `data` or V over `model`.
    """
    return _tiled(how, scale, z_loss, h_ND, w_VD, y_N)


class PerToken(NamedTuple):
    """Float32 [N] each, over the whole vocabulary: `lse` the logits' log-sum-exp, `picked` the target's logit, `top`
    the greatest."""

    lse: jax.Array
    picked: jax.Array
    top: jax.Array


def score_tokens(h_ND: jax.Array, w_VD: jax.Array, y_N: jax.Array, how: Execution, scale: float) -> PerToken:
    """Forward only, tiled. Arguments and errors are those of `cross_entropy_tiled`."""
    part = Part.of(how, len(y_N), w_VD.shape)

    def scan(h_nD: jax.Array, w: jax.Array, y_n: jax.Array) -> PerToken:
        w_vD = part.gather(w.astype(how.dtype))

        def tile(_: None, tokens: tuple[jax.Array, jax.Array]) -> tuple[None, PerToken]:
            h, y = tokens
            return None, _softmax(h, w_vD, y, scale, part)[2]

        y_n = part.local(y_n, len(w_vD))
        _, found = jax.lax.scan(tile, None, (_tiles(h_nD, how.tile), _tiles(y_n, how.tile)))
        return PerToken(*(_untiled(x, len(y_n)) for x in found))

    scores: PerToken = part.run(scan, TOKENS, h_ND, w_VD, y_N)
    return scores


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _tiled(how: Execution, scale: float, z_loss: float, h_ND: jax.Array, w_VD: jax.Array, y_N: jax.Array) -> Values:
    return _values(score_tokens(h_ND, w_VD, y_N, how, scale), z_loss)


def _values(tokens: PerToken, z_loss: float) -> Values:
    nats = (tokens.lse - tokens.picked).mean()
    return nats + z_loss * (tokens.lse**2).mean(), nats


def _forward(
    how: Execution, scale: float, z_loss: float, h_ND: jax.Array, w_VD: jax.Array, y_N: jax.Array
) -> tuple[Values, tuple[jax.Array, jax.Array]]:
    part = Part.of(how, len(y_N), w_VD.shape)
    narrow_first = how.dtype == jnp.float32

    def scan(h_nD: jax.Array, w: jax.Array, y_n: jax.Array) -> tuple[PerToken, jax.Array, jax.Array]:
        w_vD = part.gather(w.astype(how.dtype))
        y_n = part.local(y_n, len(w_vD))
        # Of each token the share in the mean, times the factor between logits and products; 0 for padding.
        share_n = jnp.full(len(y_n), scale / len(y_N), jnp.float32)

        def tile(dw: jax.Array, tokens: tuple[jax.Array, ...]) -> tuple[jax.Array, tuple[PerToken, jax.Array]]:
            h, y, share = tokens
            e_tv, total, scores = _softmax(h, w_vD, y, scale, part)
            # dObjective / d(h wᵀ) = weight · e − share · onehot(y).
            weight = (share * (1 + 2 * z_loss * scores.lse) / total)[:, None]
            products = _products_float32 if narrow_first else _products_mixed
            dh, left, right = products(e_tv, weight, share[:, None], h, w_vD, y)
            return dw + jnp.matmul(left.T, right, preferred_element_type=jnp.float32), (
                scores,
                part.sum(dh).astype(h.dtype),
            )

        D, v = h_nD.shape[1], len(w_vD)
        start = part.zeros((D, v) if narrow_first else (v, D))
        tokens = tuple(_tiles(x, how.tile) for x in (h_nD, y_n, share_n))
        dw, (scores, dh) = jax.lax.scan(tile, start, tokens)
        if narrow_first:
            dw = keep(dw).T.at[y_n].add(-share_n[:, None] * h_nD, mode="drop")
        scores = PerToken(*(_untiled(x, len(y_n)) for x in scores))
        return scores, _untiled(dh, len(y_n)), part.scatter(dw).astype(w.dtype)

    scores, dh_ND, dw_VD = part.run(scan, (TOKENS, TOKENS, part.table), h_ND, w_VD, y_N)
    return _values(scores, z_loss), (dh_ND, dw_VD)


def _backward(
    how: Execution, scale: float, z_loss: float, kept: tuple[jax.Array, jax.Array], g: Values
) -> tuple[jax.Array, jax.Array, None]:
    dh_ND, dw_VD = kept
    return (g[0] * dh_ND).astype(dh_ND.dtype), (g[0] * dw_VD).astype(dw_VD.dtype), None


_tiled.defvjp(_forward, _backward)


def _softmax(
    h_tD: jax.Array, w_vD: jax.Array, y_t: jax.Array, scale: float, part: Part
) -> tuple[jax.Array, jax.Array, PerToken]:
    """exp(logits − top) [t, v], its sum over the whole vocabulary [t], and the scores."""
    l_tv = scale * jnp.matmul(h_tD, w_vD.T, preferred_element_type=jnp.float32)
    picked = part.sum(jnp.take_along_axis(l_tv, y_t[:, None], axis=1, mode="fill", fill_value=0)[:, 0])
    top = part.max(l_tv.max(axis=-1))
    e_tv = jnp.exp(l_tv - top[:, None])
    total = part.sum(e_tv.sum(axis=-1))
    return e_tv, total, PerToken(top + jnp.log(total), picked, top)


Products = tuple[jax.Array, jax.Array, jax.Array]
"""(dh [t, D] in float32, and two factors whose product leftᵀ right is the tile's part of dW)."""


def _products_float32(
    e_tv: jax.Array, weight: jax.Array, share: jax.Array, h: jax.Array, w_vD: jax.Array, y: jax.Array
) -> Products:
    """For CPUs: dW is summed as [D, v], the narrow factor first (see project.py); the factors of each token go to the
    narrow matrices and its target is subtracted from the products, so e is neither rescaled nor compared with y. The
    targets' part of dW is left to the end of the scan."""
    return weight * (e_tv @ w_vD) - share * w_vD.at[y].get(mode="fill", fill_value=0), weight * h, e_tv


def _products_mixed(
    e_tv: jax.Array, weight: jax.Array, share: jax.Array, h: jax.Array, w_vD: jax.Array, y: jax.Array
) -> Products:
    """For accelerators: the gradient of the logits is formed in float32, where a confident token's e and target all but
    cancel, and only then rounded."""
    hit_tv = jnp.arange(len(w_vD), dtype=y.dtype) == y[:, None]
    g_tv = (weight * e_tv - jnp.where(hit_tv, share, 0)).astype(w_vD.dtype)
    return jnp.matmul(g_tv, w_vD, preferred_element_type=jnp.float32), g_tv, h


def _tiles(x: jax.Array, tile: int) -> jax.Array:
    """[n, ...] → [tiles, t, ...], padded with zeros; t = min(tile, n)."""
    tile = min(tile, x.shape[0])
    padded = jnp.pad(x, [(0, -x.shape[0] % tile)] + [(0, 0)] * (x.ndim - 1))
    return padded.reshape(-1, tile, *x.shape[1:])


def _untiled(x: jax.Array, n: int) -> jax.Array:
    """The inverse of `_tiles`."""
    return x.reshape(-1, *x.shape[2:])[:n]
