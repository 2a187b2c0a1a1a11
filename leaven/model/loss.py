"""Cross-entropy over a large vocabulary, tiled over tokens, and the log-likelihood of every token.

What: the tiled loss forms a tile's gradients while its logits exist, in the forward scan, and keeps only dh and dW, so
no logits are ever recomputed and at most `TILE` × vocabulary of them exist. Why tokens and not vocabulary blocks: one
full-vocabulary product per tile is the fast shape.
Shapes: N tokens, D width, V vocabulary. Invariant: value and gradients equal the reference up to rounding.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from leaven.model.config import ModelConfig
from leaven.model.init import Params
from leaven.model.project import keep
from leaven.model.transformer import hidden, logits

TILE = 128
"""Tokens of one tile. Measured at V = 2,048: 64 to 256 are alike, 512 falls out of the cache."""


def cross_entropy_reference(h_ND: jax.Array, w_VD: jax.Array, y_N: jax.Array, scale: float) -> jax.Array:
    """Mean of −log softmax(scale · h wᵀ)[y] in nats, with all logits at once."""
    logits_NV = scale * (h_ND @ w_VD.T)
    picked = jnp.take_along_axis(logits_NV, y_N[:, None], axis=1)[:, 0]
    return (jax.nn.logsumexp(logits_NV, axis=1) - picked).mean()


@partial(jax.custom_vjp, nondiff_argnums=(3,))
def cross_entropy_tiled(h_ND: jax.Array, w_VD: jax.Array, y_N: jax.Array, scale: float) -> jax.Array:
    """The same as `cross_entropy_reference`, never holding more than a tile of logits."""
    return _forward(h_ND, w_VD, y_N, scale)[0]


def _tiles(x: jax.Array) -> jax.Array:
    """[N, ...] → [tiles, tile, ...], padded with zeros."""
    tile = min(TILE, x.shape[0])
    padded = jnp.pad(x, [(0, -x.shape[0] % tile)] + [(0, 0)] * (x.ndim - 1))
    return padded.reshape(-1, tile, *x.shape[1:])


def _forward(
    h_ND: jax.Array, w_VD: jax.Array, y_N: jax.Array, scale: float
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    N, D = h_ND.shape
    real = _tiles(jnp.full(N, 1.0 / N, jnp.float32))

    def tile(
        carry: tuple[jax.Array, jax.Array], part: tuple[jax.Array, jax.Array, jax.Array]
    ) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        loss, dw_DV = carry
        h, y, share = part
        l_tV = scale * (h @ w_VD.T)
        top = l_tV.max(axis=-1, keepdims=True)
        e_tV = jnp.exp(l_tV - top)
        total = e_tV.sum(axis=-1, keepdims=True)
        picked = jnp.take_along_axis(l_tV, y[:, None], axis=1)
        loss = loss + ((jnp.log(total) + top - picked)[:, 0] * share).sum()
        hit = (jnp.arange(w_VD.shape[0], dtype=y.dtype) == y[:, None]).astype(l_tV.dtype)
        # The share of each token in the mean (0 for padding) and the scale enter the gradient here, once.
        g_tV = (e_tV / total - hit) * (share * scale)[:, None]
        # dW is summed as [D, V]: the narrow factor on the left is the fast product (see project.py).
        return (loss, dw_DV + h.T @ g_tV), g_tV @ w_VD

    start = (jnp.zeros((), jnp.float32), jnp.zeros((D, w_VD.shape[0]), jnp.float32))
    (loss, dw_DV), dh = jax.lax.scan(tile, start, (_tiles(h_ND), _tiles(y_N), real))
    return loss, (dh.reshape(-1, D)[:N], keep(dw_DV).T)


def _backward(scale: float, kept: tuple[jax.Array, jax.Array], g: jax.Array) -> tuple[jax.Array, jax.Array, None]:
    dh_ND, dw_VD = kept
    return g * dh_ND, g * dw_VD, None


cross_entropy_tiled.defvjp(_forward, _backward)


def next_token_loss(params: Params, config: ModelConfig, tokens_BT: jax.Array) -> jax.Array:
    """Mean nats per predicted token of windows [B, T + 1]: position t predicts token t + 1."""
    h_BTD = hidden(params, config, tokens_BT[:, :-1])
    y_N = tokens_BT[:, 1:].reshape(-1)
    return cross_entropy_tiled(h_BTD.reshape(-1, config.width), params["embedding"], y_N, config.logit_scale)


def token_scores(params: Params, config: ModelConfig, tokens_BT: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Of tokens [B, T], forward only and tiled: (log-likelihood in nats f32 [B, T-1], is it the arg-max bool [B, T-1]).

    Entry t is about token t + 1 given tokens 0…t. Padding after a sequence's end cannot change earlier entries.
    """
    B, T = tokens_BT.shape
    h_ND = hidden(params, config, tokens_BT[:, :-1]).reshape(-1, config.width)

    def tile(carry: None, part: tuple[jax.Array, jax.Array]) -> tuple[None, tuple[jax.Array, jax.Array]]:
        h, y = part
        l_tV = logits(params, config, h)
        picked = jnp.take_along_axis(l_tV, y[:, None], axis=1)[:, 0]
        return None, (picked - jax.nn.logsumexp(l_tV, axis=-1), picked >= l_tV.max(axis=-1))

    _, (scores, greedy) = jax.lax.scan(tile, None, (_tiles(h_ND), _tiles(tokens_BT[:, 1:].reshape(-1))))
    count = B * (T - 1)
    return scores.reshape(-1)[:count].reshape(B, T - 1), greedy.reshape(-1)[:count].reshape(B, T - 1)


def token_log_likelihoods(params: Params, config: ModelConfig, tokens_BT: jax.Array) -> jax.Array:
    """log p(token t+1 | tokens 0…t) in nats, float32 [B, T-1]."""
    return token_scores(params, config, tokens_BT)[0]
