from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from leaven.model.attention import (
    block_of,
    causal_attention_blocked,
    causal_attention_reference,
    even_first,
    rope_angles,
    rope_halves,
    rope_interleaved,
)


def normal(*shape: int, seed: int = 0) -> jax.Array:
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


# 32 queries a block up to 512 positions; at 529, 34 a block and 19 in the last.
@pytest.mark.parametrize("T", [1, 7, 32, 33, 100, 529])
def test_blocked_equals_the_reference_in_value_and_gradients(T: int) -> None:
    q, k, v, weight = (normal(2, 3, T, 8, seed=s) for s in range(4))

    def total(attend: object) -> object:
        return jax.jit(jax.value_and_grad(lambda q, k, v: (attend(q, k, v) * weight).sum(), argnums=(0, 1, 2)))

    value, grads = total(causal_attention_blocked)(q, k, v)
    wanted, wanted_grads = total(causal_attention_reference)(q, k, v)
    np.testing.assert_allclose(value, wanted, rtol=1e-4)
    for got, want in zip(grads, wanted_grads, strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-5)


def test_no_square_of_scores_exists_in_either_direction() -> None:
    T = 256
    q = normal(1, 1, T, 8)
    text = jax.jit(jax.grad(lambda q: causal_attention_blocked(q, q, q).sum())).lower(q).compile().as_text()
    assert f"{T},{T}]" not in text
    assert f"{block_of(T)},{T}]" in text


def test_large_scores_do_not_overflow() -> None:
    q = 100 * normal(1, 1, 40, 8)
    assert bool(jnp.isfinite(jax.jit(jax.grad(lambda q: causal_attention_blocked(q, q, q).sum()))(q)).all())


def test_rotating_sorted_halves_gives_the_same_products_as_interleaved_pairs() -> None:
    B, T, D, H = 2, 9, 24, 3
    x, wq, wk = normal(B, T, D), normal(D, D, seed=1), normal(D, D, seed=2)
    angles = rope_angles(jnp.arange(T), D // H, 10000.0)
    heads = lambda y: y.reshape(B, T, H, -1).transpose(0, 2, 1, 3)  # noqa: E731
    q, k = (rope_interleaved(heads(x @ w), angles) for w in (wq, wk))
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    q2, k2 = (rope_halves(heads(x @ even_first(w, H)), cos, sin) for w in (wq, wk))
    product = lambda q, k: jnp.einsum("bhtd,bhsd->bhts", q, k)  # noqa: E731
    np.testing.assert_allclose(product(q, k), product(q2, k2), rtol=2e-4, atol=2e-4)


def test_rotation_depends_on_distance_only() -> None:
    q, k = normal(16), normal(16, seed=1)
    turn = lambda x, p: rope_interleaved(x, rope_angles(jnp.asarray(p), 16, 10000.0))  # noqa: E731
    near, far = turn(q, 7) @ turn(k, 3), turn(q, 57) @ turn(k, 53)
    np.testing.assert_allclose(near, far, rtol=1e-3, atol=1e-4)
