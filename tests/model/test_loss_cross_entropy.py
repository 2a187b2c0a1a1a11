from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.model.cross_entropy import cross_entropy_reference, cross_entropy_tiled, score_tokens
from leaven.model.execution import HERE, Execution

TILE = 8


def reference(h: jax.Array, w: jax.Array, y: jax.Array, how: Execution, *, scale: float, z_loss: float) -> Any:
    return cross_entropy_reference(h, w, y, scale, z_loss)


@partial(jax.jit, static_argnums=(0, 4, 5, 6))
def values_and_gradients(
    loss: Callable[..., Any], h: jax.Array, w: jax.Array, y: jax.Array, how: Execution, scale: float, z_loss: float
) -> Any:
    def three_times(h: jax.Array, w: jax.Array) -> Any:
        objective, nats = loss(h, w, y, how, scale=scale, z_loss=z_loss)
        return 3 * objective, (objective, nats)

    (_, values), grads = jax.value_and_grad(three_times, argnums=(0, 1), has_aux=True)(h, w)
    return values, grads


def draw(seed: int, N: int, V: int = 77, D: int = 16) -> tuple[jax.Array, jax.Array, jax.Array]:
    random = np.random.default_rng(seed)
    h, w = (jnp.asarray(random.normal(size=size), jnp.float32) for size in ((N, D), (V, D)))
    return h, w, jnp.asarray(random.integers(0, V, N), jnp.int32)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    # Each pair is one program more to compile.
    N=st.sampled_from([1, TILE, 3 * TILE - 5]),
    factors=st.sampled_from([(1.0, 0.0), (0.0625, 0.5)]),
)
def test_values_and_gradients_are_those_of_the_reference(seed: int, N: int, factors: tuple[float, float]) -> None:
    scale, z_loss = factors
    h, w, y = draw(seed, N)
    got = values_and_gradients(cross_entropy_tiled, h, w, y, Execution(tile=TILE), scale, z_loss)
    want = values_and_gradients(reference, h, w, y, HERE, scale, z_loss)
    np.testing.assert_allclose(got[0], want[0], rtol=1e-5)
    for a, b in zip(got[1], want[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-6 * float(jnp.abs(b).max()))


def test_nats_carry_no_gradient() -> None:
    h, w, y = draw(0, 20)
    dh = jax.jit(jax.grad(lambda h: cross_entropy_tiled(h, w, y, HERE, scale=1.0, z_loss=0.1)[1]))(h)
    assert not dh.any()


def test_without_a_gradient_the_values_are_the_same_and_no_gradient_is_formed() -> None:
    h, w, y = draw(0, 20)
    how = Execution(tile=TILE)
    plain = jax.jit(lambda h: cross_entropy_tiled(h, w, y, how, scale=0.5, z_loss=0.1))
    np.testing.assert_allclose(
        plain(h), values_and_gradients(cross_entropy_tiled, h, w, y, how, 0.5, 0.1)[0], rtol=1e-6
    )
    assert plain.lower(h).as_text().count("stablehlo.dot_general") == 1


@pytest.mark.parametrize("N", [3 * TILE, 2 * TILE + 3])
def test_bfloat16_products_cost_a_rounding_of_the_factors_and_not_of_the_sums(N: int) -> None:
    h, w, y = draw(1, N, D=64)
    h = h.astype(jnp.bfloat16)
    rounded = h.astype(jnp.float32), w.astype(jnp.bfloat16).astype(jnp.float32)
    how = Execution(tile=TILE, compute="bfloat16")
    values, (dh, dw) = values_and_gradients(cross_entropy_tiled, h, w, y, how, 0.125, 1e-3)
    want, (dh_want, dw_want) = values_and_gradients(reference, *rounded, y, HERE, 0.125, 1e-3)
    assert (dh.dtype, dw.dtype) == (jnp.bfloat16, jnp.float32)
    np.testing.assert_allclose(values, want, rtol=1e-6)
    for a, b in ((dh, dh_want), (dw, dw_want)):
        assert float(jnp.linalg.norm(a.astype(jnp.float32) - b) / jnp.linalg.norm(b)) < 2**-8


def test_a_confident_tokens_gradient_survives_bfloat16() -> None:
    # The target's probability is 0.999: its gradient, −0.001, is the difference of two numbers near 1.
    h, y = jnp.eye(4, dtype=jnp.bfloat16) * 8, jnp.arange(4)
    w = jnp.eye(4)
    how = Execution(compute="bfloat16")
    _, (dh, _) = values_and_gradients(cross_entropy_tiled, h, w, y, how, 1.0, 0.0)
    _, (want, _) = values_and_gradients(reference, h.astype(jnp.float32), w, y, HERE, 1.0, 0.0)
    np.testing.assert_allclose(dh.astype(jnp.float32), want, rtol=2**-7)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_weights_gradient_has_its_type(dtype: str) -> None:
    h, w, y = draw(2, 10)
    how = Execution(tile=TILE, compute="bfloat16")
    _, (_, dw) = values_and_gradients(cross_entropy_tiled, h.astype(jnp.bfloat16), w.astype(dtype), y, how, 1.0, 0.0)
    assert dw.dtype == dtype


@pytest.mark.parametrize("compute", ["float32", "bfloat16"])
def test_many_models_together_are_each_alone(compute: str) -> None:
    how = Execution(tile=TILE, compute=compute)
    parts = [draw(seed, 2 * TILE + 3) for seed in range(3)]
    parts = [(h.astype(how.dtype), w, y) for h, w, y in parts]
    one = partial(values_and_gradients, cross_entropy_tiled, how=how, scale=0.5, z_loss=1e-3)
    alone = [one(*part) for part in parts]
    together = jax.jit(jax.vmap(lambda h, w, y: one(h, w, y)))(*(jnp.stack(x) for x in zip(*parts, strict=True)))
    for i, want in enumerate(alone):
        for a, b in zip(jax.tree.leaves(together), jax.tree.leaves(want), strict=True):
            a, b = a[i].astype(jnp.float32), b.astype(jnp.float32)
            np.testing.assert_allclose(a, b, rtol=1e-5 if compute == "float32" else 2**-7, atol=1e-6)


def test_scores_are_those_of_the_full_logits() -> None:
    h, w, y = draw(4, 2 * TILE + 3)
    full = 0.5 * h @ w.T
    scores = jax.jit(lambda *x: score_tokens(*x, Execution(tile=TILE), 0.5))(h, w, y)
    np.testing.assert_allclose(scores.lse, jax.nn.logsumexp(full, axis=-1), rtol=1e-5)
    np.testing.assert_allclose(scores.picked, jnp.take_along_axis(full, y[:, None], axis=1)[:, 0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(scores.top, full.max(-1), rtol=1e-5)


def test_the_logits_of_all_tokens_never_exist() -> None:
    N, V, D = 2048, 16_384, 16
    shapes = jax.ShapeDtypeStruct((N, D), jnp.float32), jax.ShapeDtypeStruct((V, D), jnp.float32)
    targets = jax.ShapeDtypeStruct((N,), jnp.int32)
    tiled, plain = (
        values_and_gradients.lower(loss, *shapes, targets, Execution(tile=128), 1.0, 0.0).compile()
        for loss in (cross_entropy_tiled, reference)
    )
    assert f"[{N},{V}]" in plain.as_text()
    assert f"[{N},{V}]" not in tiled.as_text()
    assert f"[16,128,{V}]" not in tiled.as_text()
    logits = 4 * N * V
    assert plain.memory_analysis().temp_size_in_bytes >= logits
    assert tiled.memory_analysis().temp_size_in_bytes < logits / 4
