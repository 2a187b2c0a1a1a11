"""The compiled step: several optimizer steps in one call, one program for all stages of one shape.

The number of steps and their learning rates are traced, so neither a schedule nor a shorter last chunk compiles again.
Invariants: a step's result does not depend on which chunk it falls into, because every chunk runs the same program; how
it is computed (`Execution`) changes rounding only; the state is given up to the call, so it is never held twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from leaven.model.config import ModelConfig
from leaven.model.execution import DATA, Execution
from leaven.model.init import Params, flatten, nest
from leaven.model.loss import next_token_loss
from leaven.model.sharding import spec_of
from leaven.train import optimizer as adamw
from leaven.train import watch as watching
from leaven.train.optimizer import OptimizerConfig, OptimizerState
from leaven.train.watch import Spike, Watch

VERSION = "step/2"


@dataclass(frozen=True)
class Recipe:
    """What one update is, apart from its data and learning rate: static, an argument of compiled functions.

    Args:
        optimizer: AdamW's fields.
        z_loss: weight of the mean squared logsumexp of the logits in the objective (arXiv 2204.02311, §5).
        end: id of the token that ends a document, where attention is masked to documents; None: it is not.
        spike: what is out of the ordinary, and what follows.
    """

    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    z_loss: float = 0.0
    end: int | None = None
    spike: Spike = field(default_factory=Spike)


class TrainState(NamedTuple):
    """All that training changes."""

    params: Params
    optimizer: OptimizerState
    watch: Watch


class Measured(NamedTuple):
    """Of each step [K]: mean `nats` per token before its update, `norms` of its gradient, its `kinds` (see `watch`).

    Entries beyond the steps that were made are zero.
    """

    nats: jax.Array
    norms: jax.Array
    kinds: jax.Array


def start(params: Params, recipe: Recipe) -> TrainState:
    """The state before the first update of fresh weights."""
    return TrainState(params, adamw.start(params), watching.start(recipe.spike))


def chunk_length(batch: int, sequence: int) -> int:
    """Steps of one call: about 65,536 tokens, a second or two of one core at the smallest size; 1 to 64 steps."""
    return max(1, min(64, 65_536 // (batch * sequence)))


def gradients(
    params: Params, config: ModelConfig, recipe: Recipe, how: Execution, tokens_BT1: jax.Array
) -> tuple[jax.Array, Params]:
    """(mean nats per token, gradient of the objective in float32), micro-batch by micro-batch where `how` says so."""

    def objective(params: Params, tokens_bT1: jax.Array) -> tuple[jax.Array, jax.Array]:
        return next_token_loss(params, config, tokens_bT1, how, z_loss=recipe.z_loss, end=recipe.end)

    differentiate = jax.value_and_grad(objective, has_aux=True)
    if how.accumulate == 1:
        (_, nats), grads = differentiate(params, tokens_BT1)
        return nats, _at_home(grads, how)
    # Micro-batch a takes sequences a, a + A, …: on a mesh each device then cuts only what it has.
    B, T1 = tokens_BT1.shape
    tokens_AbT1 = jnp.swapaxes(tokens_BT1.reshape(B // how.accumulate, how.accumulate, T1), 0, 1)
    tokens_AbT1 = how.place(tokens_AbT1, None, DATA, None)

    def add(carry: tuple[jax.Array, Params], tokens_bT1: jax.Array) -> tuple[tuple[jax.Array, Params], None]:
        (_, nats), grads = differentiate(params, tokens_bT1)
        return (carry[0] + nats, _at_home(jax.tree.map(jnp.add, carry[1], grads), how)), None

    zero = (jnp.zeros((), jnp.float32), _at_home(jax.tree.map(jnp.zeros_like, params), how))
    (nats, grads), _ = jax.lax.scan(add, zero, tokens_AbT1)
    share = 1.0 / how.accumulate
    return nats * share, jax.tree.map(lambda g: g * share, grads)


def _at_home(weights: Params, how: Execution) -> Params:
    """Weights, moments or gradients, spread over the mesh as they are kept."""
    if how.mesh is None:
        return weights
    flat = flatten(weights)
    return nest({name: how.place(w, *spec_of(name, w.shape, how.mesh)) for name, w in flat.items()})


def one_step(
    config: ModelConfig,
    recipe: Recipe,
    how: Execution,
    state: TrainState,
    tokens_BT1: jax.Array,
    learning_rate: jax.Array,
) -> tuple[TrainState, Measured]:
    """One update. Returns the new state and what was measured, each entry a scalar."""
    nats, grads = gradients(state.params, config, recipe, how, tokens_BT1)
    norm = optax.tree.norm(grads)
    watch, kind = watching.look(recipe.spike, state.watch, nats, norm)
    params, moments = adamw.update(recipe.optimizer, state.params, grads, norm, state.optimizer, learning_rate)
    if recipe.spike.policy == "skip":
        params, moments = jax.tree.map(
            lambda new, old: jnp.where(kind == watching.ORDINARY, new, old),
            (params, moments),
            (state.params, state.optimizer),
        )
    params, moments = _at_home(params, how), _moments_at_home(moments, how)
    return TrainState(params, moments, watch), Measured(nats, norm, kind)


def _moments_at_home(moments: OptimizerState, how: Execution) -> OptimizerState:
    return OptimizerState(moments.updates, _at_home(moments.mu, how), _at_home(moments.nu, how))


@partial(jax.jit, static_argnums=(0, 1, 2), donate_argnums=(3,))
def train_chunk(
    config: ModelConfig,
    recipe: Recipe,
    how: Execution,
    state: TrainState,
    tokens_KBT1: jax.Array,
    learning_rates_K: jax.Array,
    n: jax.Array,
) -> tuple[TrainState, Measured]:
    """Train on the first n ≤ K of the batches [K, B, T + 1] (int32). Returns the state and what was measured [K].

    `state` is given up to the call.
    """
    state, measured = steps(partial(one_step, config, recipe, how), state, tokens_KBT1, learning_rates_K, n)
    return state, jax.tree.map(lambda column: how.place(column, None), measured)


def steps(
    step: Any, state: TrainState, tokens_KBT1: jax.Array, learning_rates_K: jax.Array, n: jax.Array
) -> tuple[TrainState, Measured]:
    """The first n steps of a chunk, in order; what was measured has the shape of the learning rates."""

    def one(i: jax.Array, carry: tuple[TrainState, Measured]) -> tuple[TrainState, Measured]:
        state, measured = carry
        state, row = step(state, tokens_KBT1[i], learning_rates_K[i])
        return state, jax.tree.map(lambda column, value: column.at[i].set(value), measured, row)

    zeros = jnp.zeros_like(learning_rates_K)
    nothing = Measured(zeros, zeros, zeros.astype(jnp.int32))
    result: tuple[TrainState, Measured] = jax.lax.fori_loop(0, n, one, (state, nothing))
    return result
