"""AdamW (arXiv 1711.05101) out of optax pieces, with clipping by global norm and the learning rate as an argument.

The learning rate is not part of the state, so a branch cannot inherit a stale counter and stages share one program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from leaven.ground.errors import BadInput
from leaven.model.init import Params, flatten, nest

DECAYED = ("matrices", "matrices+embedding", "none")


@dataclass(frozen=True)
class OptimizerConfig:
    """Moments' decay rates, epsilon, decoupled weight decay, largest gradient norm (0: no clipping), what is decayed.

    The paper publishes none of these (PAPER §2); the defaults are those common to open models of its size. Norms are
    never decayed. By default neither is the embedding: a row that no batch contains has no gradient to hold it up.
    """

    b1: float = 0.9
    b2: float = 0.95
    eps: float = 1e-8
    weight_decay: float = 0.1
    clip: float = 1.0
    decay: str = "matrices"

    def __post_init__(self) -> None:
        if self.decay not in DECAYED:
            raise BadInput(f'"{self.decay}" is not one of {", ".join(DECAYED)}', field="optimizer.decay")


class OptimizerState(NamedTuple):
    """`updates` made (i32) and the moments `mu` and `nu`, pytrees like the parameters."""

    updates: jax.Array
    mu: Params
    nu: Params


def start(params: Params) -> OptimizerState:
    """The state before the first update."""
    zeros = jax.tree.map(jnp.zeros_like, params)
    return OptimizerState(jnp.zeros((), jnp.int32), zeros, jax.tree.map(jnp.zeros_like, params))


def update(
    config: OptimizerConfig,
    params: Params,
    gradients: Params,
    norm: jax.Array,
    state: OptimizerState,
    learning_rate: jax.Array,
) -> tuple[Params, OptimizerState]:
    """One AdamW update: p ← p − η (m̂ / (√v̂ + ε) + λ p), gradients of global `norm` first scaled to the largest."""
    if config.clip > 0:
        scale = jnp.where(norm < config.clip, 1.0, config.clip / norm)
        gradients = jax.tree.map(lambda g: g * scale, gradients)
    adam = optax.scale_by_adam(b1=config.b1, b2=config.b2, eps=config.eps)
    steps, moments = adam.update(gradients, optax.ScaleByAdamState(*state), params)
    decays = optax.add_decayed_weights(config.weight_decay, mask=decayed(config, params))
    steps, _ = decays.update(steps, decays.init(params), params)
    return jax.tree.map(lambda p, u: p - learning_rate * u, params, steps), OptimizerState(*moments)


def decayed(config: OptimizerConfig, params: Params) -> Params:
    """A pytree of bools: which weights decay."""
    kept = {"matrices": ("norm", "embedding"), "matrices+embedding": ("norm",), "none": ("",)}[config.decay]
    return nest({name: not name.endswith(kept) for name in flatten(params)})


def to_flat(state: OptimizerState) -> dict[str, Any]:
    """Arrays by flat dotted name, as they are saved."""
    return {"updates": state.updates, **flatten({"mu": state.mu, "nu": state.nu})}


def from_flat(flat: dict[str, Any]) -> OptimizerState:
    """The inverse of `to_flat`."""
    tree = nest(dict(flat))
    return OptimizerState(tree["updates"], tree["mu"], tree["nu"])
