from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from leaven.model.config import ModelConfig
from leaven.model.init import init
from leaven.model.loss import (
    TILE,
    cross_entropy_reference,
    cross_entropy_tiled,
    next_token_loss,
    token_log_likelihoods,
    token_scores,
)
from leaven.model.transformer import hidden, logits

SCORES = jax.jit(token_scores, static_argnums=1)
LIKELIHOODS = jax.jit(token_log_likelihoods, static_argnums=1)
GRADS = jax.jit(
    lambda loss, h, w, y, scale: jax.value_and_grad(lambda h, w: 3 * loss(h, w, y, scale), argnums=(0, 1))(h, w),
    static_argnums=(0, 4),
)
CONFIG = ModelConfig(width=16, layers=1, heads=2, ffn=24, vocab=61, sequence=32)


@pytest.mark.parametrize("N", [1, 50, TILE, TILE + 1, 3 * TILE - 5])
@pytest.mark.parametrize("scale", [1.0, 0.0625])
def test_tiled_equals_the_reference_in_value_and_gradients(N: int, scale: float) -> None:
    draw = np.random.default_rng(N)
    h, w = (jnp.asarray(draw.normal(size=s), jnp.float32) for s in ((N, 16), (77, 16)))
    y = jnp.asarray(draw.integers(0, 77, N), jnp.int32)
    got = GRADS(cross_entropy_tiled, h, w, y, scale)
    want = GRADS(cross_entropy_reference, h, w, y, scale)
    np.testing.assert_allclose(got[0], want[0], rtol=1e-5)
    for a, b in zip(got[1], want[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_all_logits_never_exist() -> None:
    N, V = 8 * TILE, 1000
    h, w, y = jnp.ones((N, 16)), jnp.ones((V, 16)), jnp.zeros(N, jnp.int32)
    text = (
        jax.jit(jax.grad(cross_entropy_tiled, argnums=(0, 1)), static_argnums=3).lower(h, w, y, 1.0).compile().as_text()
    )
    assert f"{N},{V}]" not in text
    assert f"8,{TILE},{V}]" not in text


def test_token_scores_are_those_of_the_full_logits() -> None:
    params = init(CONFIG, 3)
    tokens = jnp.asarray(np.random.default_rng(0).integers(0, 61, (5, 32)), jnp.int32)
    full = jax.jit(lambda p, t: jax.nn.log_softmax(logits(p, CONFIG, hidden(p, CONFIG, t))))(params, tokens[:, :-1])
    want = jnp.take_along_axis(full, tokens[:, 1:, None], axis=-1)[..., 0]
    scores, greedy = SCORES(params, CONFIG, tokens)
    np.testing.assert_allclose(scores, want, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(greedy, full.argmax(-1) == tokens[:, 1:])
    loss = jax.jit(next_token_loss, static_argnums=1)(params, CONFIG, tokens)
    np.testing.assert_allclose(-LIKELIHOODS(params, CONFIG, tokens).mean(), loss, rtol=1e-5)


def test_padding_after_the_end_changes_nothing_before_it() -> None:
    params = init(CONFIG, 3)
    tokens = np.random.default_rng(0).integers(0, 61, (2, 20)).astype(np.int32)
    padded = np.concatenate([tokens, np.zeros((2, 12), np.int32)], axis=1)
    np.testing.assert_allclose(
        LIKELIHOODS(params, CONFIG, padded)[:, :19], LIKELIHOODS(params, CONFIG, tokens), atol=1e-5
    )
