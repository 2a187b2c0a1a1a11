"""The compiled step: several optimizer steps in one call, one program for all stages of one shape.

The number of steps and their learning rates are traced, so neither a schedule nor a shorter last chunk compiles again.
Invariant: a step's result does not depend on which chunk it falls into, because every chunk runs the same program.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from leaven.model.config import ModelConfig
from leaven.model.init import Params
from leaven.model.loss import next_token_loss
from leaven.train.optimizer import OptimizerConfig, OptimizerState, update

VERSION = "step/1"


def chunk_length(batch: int, sequence: int) -> int:
    """Steps of one call: about 65,536 tokens, a second or two of one core at the smallest size; 1 to 64 steps."""
    return max(1, min(64, 65_536 // (batch * sequence)))


@partial(jax.jit, static_argnums=(0, 1), donate_argnums=(2, 3))
def train_chunk(
    config: ModelConfig,
    optimizer: OptimizerConfig,
    params: Params,
    state: OptimizerState,
    tokens_KBT: jax.Array,
    learning_rates_K: jax.Array,
    n: jax.Array,
) -> tuple[Params, OptimizerState, jax.Array]:
    """Train on the first n ≤ K of the batches [K, B, T + 1] (int32). Returns (params, state, losses f32 [K]).

    `params` and `state` are given up to the call. A loss is the batch's mean nats per token before its update; the
    entries from n on are zero.
    """

    def one(i: jax.Array, carry: tuple[Params, OptimizerState, jax.Array]) -> tuple[Params, OptimizerState, jax.Array]:
        params, state, losses = carry
        loss, gradients = jax.value_and_grad(next_token_loss)(params, config, tokens_KBT[i])
        params, state = update(optimizer, params, gradients, state, learning_rates_K[i])
        return params, state, losses.at[i].set(loss)

    losses = jnp.zeros(learning_rates_K.shape[0], jnp.float32)
    params, state, losses = jax.lax.fori_loop(0, n, one, (params, state, losses))
    return params, state, losses
