"""What a model is trained on and measured by: mean nats per predicted token, and every token's log-likelihood.

Both go through the tiled cross-entropy, so the logits of all tokens never exist.
Shapes: B sequences, T positions, D width. Invariant: `token_scores` of a window average to its `next_token_loss`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from leaven.model.config import ModelConfig
from leaven.model.cross_entropy import cross_entropy_tiled, score_tokens
from leaven.model.execution import HERE, Execution
from leaven.model.init import Params
from leaven.model.transformer import hidden

CPU_TILE = 128
"""Tokens of a tile on CPUs, as measured: at V = 2,048 64 to 256 are alike, at V = 32,768 128 to 256."""

MEMORY = {"gpu": 80 * 10**9, "tpu": 16 * 10**9}
"""Bytes of one accelerator, where its own figure is not known: H100 and TPU v5e."""


def next_token_loss(
    params: Params,
    config: ModelConfig,
    tokens_BT1: jax.Array,
    how: Execution = HERE,
    *,
    z_loss: float = 0.0,
    end: int | None = None,
) -> tuple[jax.Array, jax.Array]:
    """(objective, mean nats per predicted token) of windows [B, T + 1]: position t predicts token t + 1.

    `end`: the end-of-document token; where given, attention stays within a document. None: no masking.
    """
    inputs_BT, targets_BT = tokens_BT1[:, :-1], tokens_BT1[:, 1:]
    h_BTD = hidden(params, config, inputs_BT, how, None if end is None else segments(inputs_BT, end))
    h_ND, y_N = h_BTD.reshape(-1, config.width), targets_BT.reshape(-1)
    return cross_entropy_tiled(h_ND, params["embedding"], y_N, how, scale=config.logit_scale, z_loss=z_loss)


def segments(tokens_BT: jax.Array, end: int) -> jax.Array:
    """The document of each position, i32 [B, T]: the number of `end` tokens strictly before it."""
    ends = (tokens_BT == end).astype(jnp.int32)
    return jnp.cumsum(ends, axis=1) - ends


def token_scores(
    params: Params, config: ModelConfig, tokens_BT: jax.Array, how: Execution = HERE, end: int | None = None
) -> tuple[jax.Array, jax.Array]:
    """Of tokens [B, T], forward only: (log-likelihood in nats f32 [B, T-1], is it the arg-max bool [B, T-1]).

    Entry t is about token t + 1 given tokens 0…t, or those of its document where `end` is given. Padding after a
    sequence's end cannot change earlier entries.
    """
    B, T = tokens_BT.shape
    inputs_BT = tokens_BT[:, :-1]
    h_BTD = hidden(params, config, inputs_BT, how, None if end is None else segments(inputs_BT, end))
    h_ND = h_BTD.reshape(-1, config.width)
    scores = score_tokens(h_ND, params["embedding"], tokens_BT[:, 1:].reshape(-1), how, config.logit_scale)
    return (scores.picked - scores.lse).reshape(B, T - 1), (scores.picked >= scores.top).reshape(B, T - 1)


def token_log_likelihoods(
    params: Params, config: ModelConfig, tokens_BT: jax.Array, how: Execution = HERE, end: int | None = None
) -> jax.Array:
    """log p(token t+1 | tokens 0…t) in nats, float32 [B, T-1]."""
    return token_scores(params, config, tokens_BT, how, end)[0]


def tile_of(tokens: int, vocab: int, platform: str, memory: int | None = None) -> int:
    """Tokens of one tile of the loss.

    On accelerators a fifth of the `memory` (bytes of one device) may hold a tile's logits three times over in float32:
    they, their exponentials and their gradient. Tiles are then evened out, so that the last one is not mostly padding.

    Args:
        tokens: of one micro-batch on one device. vocab: entries on one device.
    """
    if platform == "cpu":
        return min(CPU_TILE, tokens)
    most = max(128, (memory or MEMORY[platform]) // 5 // (12 * vocab) // 128 * 128)
    count = -(-tokens // most)
    return min(tokens, -(-tokens // count // 128) * 128)
