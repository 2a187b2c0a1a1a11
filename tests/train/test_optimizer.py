from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from leaven.ground.errors import BadInput
from leaven.model.config import ModelConfig
from leaven.model.init import flatten, init, nest
from leaven.train.optimizer import OptimizerConfig, decayed, from_flat, start, to_flat, update

CONFIG = ModelConfig(width=8, layers=2, heads=2, ffn=12, vocab=20, sequence=8)


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_updates_are_those_of_adamw_written_in_numpy(clip: float) -> None:
    config = OptimizerConfig(weight_decay=0.1, clip=clip)
    params = init(CONFIG, 0)
    state = start(params)
    plain = {name: np.array(value, np.float64) for name, value in flatten(params).items()}
    mu = {name: np.zeros_like(value) for name, value in plain.items()}
    nu = {name: np.zeros_like(value) for name, value in plain.items()}
    step = jax.jit(update, static_argnums=0)
    for t in range(1, 6):
        draw = np.random.default_rng(t)
        gradients = {name: draw.normal(size=value.shape) for name, value in plain.items()}
        rate = 0.01 * t
        norm = np.sqrt(sum((g**2).sum() for g in gradients.values()))
        whole = nest({n: jnp.float32(g) for n, g in gradients.items()})
        params, state = step(config, params, whole, jnp.float32(norm), state, rate)
        scale = min(1.0, clip / norm) if clip else 1.0
        for name, g in gradients.items():
            mu[name] = 0.9 * mu[name] + 0.1 * g * scale
            nu[name] = 0.95 * nu[name] + 0.05 * (g * scale) ** 2
            move = (mu[name] / (1 - 0.9**t)) / (np.sqrt(nu[name] / (1 - 0.95**t)) + 1e-8)
            if name != "embedding" and not name.endswith("norm"):
                move = move + 0.1 * plain[name]
            plain[name] = plain[name] - rate * move
    assert int(state.updates) == 5
    for name, value in flatten(params).items():
        np.testing.assert_allclose(value, plain[name], rtol=1e-4, atol=1e-5)


def test_what_decays_is_a_choice() -> None:
    params = init(CONFIG, 0)
    names = {
        choice: {n for n, yes in flatten(decayed(OptimizerConfig(decay=choice), params)).items() if yes}
        for choice in ("matrices", "matrices+embedding", "none")
    }
    assert names["none"] == set()
    assert names["matrices+embedding"] - names["matrices"] == {"embedding"}
    assert len(names["matrices"]) == 7
    with pytest.raises(BadInput):
        OptimizerConfig(decay="norms")


def test_the_state_survives_flattening() -> None:
    state = start(init(CONFIG, 0))
    again = from_flat(to_flat(state))
    assert jax.tree.structure(again) == jax.tree.structure(state)
