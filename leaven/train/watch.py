"""What is looked at while a stage trains: is a step's loss a number, and is it, or its gradient, out of the ordinary?

A step is *out of the ordinary* where its loss or its gradient's norm exceeds mean + sigma · sd of the last `window`
steps (once there are that many), after the rule of OLMo-core's SkipStepOptimizer (window 128, sigma 6). It is *broken*
where either is not a number. What is then done is the stage's policy:

* `record`: nothing; the step is listed in the stage's results. A broken step stops the stage.
* `skip`: weights and moments stay as they were, and the step is listed; broken steps too. More than `patience` skipped
  steps in a row stop the stage.
* `stop`: the stage stops, and what depends on it does not run.

Every step enters the window, skipped or not (a broken one does not): a lasting change of level thus ends by itself.
The window is part of the state that a checkpoint holds, so a resumed stage judges as the uninterrupted one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from leaven.ground.errors import BadInput

VERSION = "spike/1"
POLICIES = ("record", "skip", "stop")

ORDINARY, SPIKE, BROKEN = 0, 1, 2
"""What a step can be."""


@dataclass(frozen=True)
class Spike:
    """Steps of the window, standard deviations above its mean, what follows, and skipped steps in a row at most."""

    window: int = 128
    sigma: float = 6.0
    policy: str = "record"
    patience: int = 10

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise BadInput(f'"{self.policy}" is not one of {", ".join(POLICIES)}', field="spike.policy")
        if self.window < 2:
            raise BadInput("must be at least 2", field="spike.window")
        if not self.sigma > 0:
            raise BadInput("must be above 0", field="spike.sigma")
        if self.patience < 0:
            raise BadInput("must be at least 0", field="spike.patience")


class Watch(NamedTuple):
    """`seen` steps (i32), and the `losses` and gradient `norms` f32 [window] of the last ones, in no order."""

    seen: jax.Array
    losses: jax.Array
    norms: jax.Array


def start(spike: Spike) -> Watch:
    """Before the first step."""
    return Watch(jnp.zeros((), jnp.int32), jnp.zeros(spike.window, jnp.float32), jnp.zeros(spike.window, jnp.float32))


def look(spike: Spike, watch: Watch, loss: jax.Array, norm: jax.Array) -> tuple[Watch, jax.Array]:
    """The window with this step in it, and what the step is (i32)."""
    whole = jnp.isfinite(loss) & jnp.isfinite(norm)
    high = (loss > _limit(spike, watch.losses)) | (norm > _limit(spike, watch.norms))
    kind = jnp.where(whole, jnp.where((watch.seen >= spike.window) & high, SPIKE, ORDINARY), BROKEN)
    at = watch.seen % spike.window
    entered = Watch(watch.seen + 1, watch.losses.at[at].set(loss), watch.norms.at[at].set(norm))
    watch = jax.tree.map(lambda new, old: jnp.where(whole, new, old), entered, watch)
    return watch, kind.astype(jnp.int32)


def _limit(spike: Spike, values: jax.Array) -> jax.Array:
    return values.mean() + spike.sigma * values.std(ddof=1)
