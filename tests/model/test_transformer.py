from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from leaven.model.attention import causal_attention_reference, rope_angles, rope_interleaved
from leaven.model.config import ModelConfig
from leaven.model.init import Params, flatten, init, nest, shapes
from leaven.model.project import project
from leaven.model.transformer import hidden, logits

CONFIG = ModelConfig(width=24, layers=2, heads=3, ffn=40, vocab=50, sequence=40, logit_scale=0.5)
SHARED = ModelConfig(width=32, layers=5, heads=4, kv_heads=2, ffn=24, vocab=50, sequence=40)


def plain(params: Params, config: ModelConfig, tokens: jax.Array) -> jax.Array:
    """The block as its definition reads: separate projections, interleaved pairs, a Python loop over layers."""

    def norm(x: jax.Array, weight: jax.Array) -> jax.Array:
        return (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + config.norm_eps) * weight

    def heads(x: jax.Array) -> jax.Array:
        return x.reshape(*x.shape[:2], -1, config.head).transpose(0, 2, 1, 3)

    x = params["embedding"][tokens]
    angles = rope_angles(jnp.arange(tokens.shape[1]), config.head, config.rope_theta)
    for i in range(config.layers):
        w = {name: stack[i] for name, stack in params["layers"].items()}
        h = norm(x, w["norm"])
        q, k, v = (heads(h @ w[name]) for name in ("query", "key", "value"))
        q, k = rope_interleaved(q, angles), rope_interleaved(k, angles)
        k, v = (jnp.repeat(y, config.heads // config.kv_heads, axis=1) for y in (k, v))
        mixed = causal_attention_reference(q, k, v).transpose(0, 2, 1, 3).reshape(x.shape)
        x = x + mixed @ w["output"] + (jax.nn.silu(h @ w["gate"]) * (h @ w["up"])) @ w["down"]
    return norm(x, params["norm"])


@pytest.mark.parametrize("config", [CONFIG, SHARED])
def test_the_packed_scanned_blocks_equal_the_plain_definition(config: ModelConfig) -> None:
    params = init(config, 1)
    tokens = jnp.asarray(np.random.default_rng(0).integers(0, 50, (2, 40)), jnp.int32)
    got = jax.jit(jax.value_and_grad(lambda p: (hidden(p, config, tokens) ** 3).sum()))(params)
    want = jax.jit(jax.value_and_grad(lambda p: (plain(p, config, tokens) ** 3).sum()))(params)
    np.testing.assert_allclose(got[0], want[0], rtol=1e-4)
    for a, b in zip(jax.tree.leaves(got[1]), jax.tree.leaves(want[1]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-2, atol=1e-4 * float(jnp.abs(b).max()))


def test_a_state_sees_only_tokens_at_or_before_it() -> None:
    params = init(CONFIG, 1)
    tokens = np.random.default_rng(0).integers(0, 50, (1, 40)).astype(np.int32)
    other = tokens.copy()
    other[0, 25:] += 1
    states = jax.jit(hidden, static_argnums=1)
    a, b = states(params, CONFIG, tokens), states(params, CONFIG, other % 50)
    np.testing.assert_array_equal(a[:, :25], b[:, :25])
    assert not np.allclose(a[:, 25:], b[:, 25:])


def test_logits_are_scaled() -> None:
    params = init(CONFIG, 1)
    h = jnp.ones((2, 24))
    np.testing.assert_allclose(logits(params, CONFIG, h), 0.5 * h @ params["embedding"].T, rtol=1e-5)


@pytest.mark.parametrize("width", [3, 30])
def test_project_is_a_matrix_product(width: int) -> None:
    draw = np.random.default_rng(0)
    x, w = jnp.asarray(draw.normal(size=(2, 5, 8)), jnp.float32), jnp.asarray(draw.normal(size=(8, width)), jnp.float32)
    got = jax.value_and_grad(lambda x, w: (project(x, w) ** 2).sum(), argnums=(0, 1))(x, w)
    want = jax.value_and_grad(lambda x, w: ((x @ w) ** 2).sum(), argnums=(0, 1))(x, w)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), got, want)


def test_initial_weights_are_glorot_and_follow_from_the_seed_alone() -> None:
    config = ModelConfig(width=128, layers=2, heads=4, ffn=256, vocab=512, sequence=8)
    first, again, other = (flatten(init(config, seed)) for seed in (0, 0, 1))
    for name, shape in shapes(config).items():
        np.testing.assert_array_equal(first[name], again[name])
        if name.endswith("norm"):
            np.testing.assert_array_equal(first[name], np.ones(shape))
        else:
            assert not np.array_equal(first[name], other[name])
            assert float(first[name].std()) == pytest.approx((2 / (shape[-1] + shape[-2])) ** 0.5, rel=0.03)
    assert not np.array_equal(first["layers.query"][0], first["layers.query"][1])


def test_nesting_and_flattening_are_inverses() -> None:
    flat = {name: i for i, name in enumerate(sorted(shapes(CONFIG)))}
    assert flatten(nest(flat)) == flat
