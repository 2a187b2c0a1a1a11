from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.ground.errors import BadInput
from leaven.model.attention import (
    KEPT,
    attend,
    causal_attention_blocked,
    causal_attention_reference,
    even_first,
    rope_angles,
    rope_halves,
    rope_interleaved,
)
from leaven.model.blocked import Span, spans
from leaven.model.execution import Execution


def normal(*shape: int, seed: int = 0) -> jax.Array:
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def documents(B: int, T: int, seed: int = 0) -> jax.Array:
    """Segments: about every eighth position begins one."""
    return jnp.asarray(np.cumsum(np.random.default_rng(seed).random((B, T)) < 1 / 8, axis=1), jnp.int32)


def value_and_gradients(form: object, q, k, v, segments=None) -> list[np.ndarray]:
    def both(q, k, v, segments):
        out, pull = jax.vjp(lambda q, k, v: form(q, k, v, segments), q, k, v)
        return out, *pull(jnp.cos(out))

    return [np.asarray(x, np.float32) for x in jax.jit(both)(q, k, v, segments)]


# Blocks are 64: less than one, one, more, none looped over (256), looped over (257, 400), of 128 (1030).
@pytest.mark.parametrize("T", [1, 7, 64, 100, 256, 257, 400, 1030])
@pytest.mark.parametrize("masked", [False, True])
def test_blocked_equals_the_reference_in_value_and_gradients(T: int, masked: bool) -> None:
    q, k, v = normal(2, 4, T, 8), normal(2, 2, T, 8, seed=1), normal(2, 2, T, 8, seed=2)
    segments = documents(2, T) if masked else None
    wanted = value_and_gradients(causal_attention_reference, q, k, v, segments)
    for got, want in zip(value_and_gradients(causal_attention_blocked, q, k, v, segments), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-5)


@settings(max_examples=8, deadline=None)
@given(
    B=st.integers(1, 2),
    K=st.integers(1, 3),
    groups=st.integers(1, 3),
    T=st.integers(1, 70),
    d=st.sampled_from([2, 8]),
    dtype=st.sampled_from([jnp.float32, jnp.bfloat16]),
    seed=st.none() | st.integers(0, 9),
)
def test_blocked_equals_the_reference_for_any_heads_types_and_segments(B, K, groups, T, d, dtype, seed) -> None:
    q, k, v = (normal(B, n, T, d, seed=i).astype(dtype) for i, n in enumerate((K * groups, K, K)))
    segments = None if seed is None else documents(B, T, seed)
    tolerance = 2e-5 if dtype == jnp.float32 else 0.06
    wanted = value_and_gradients(causal_attention_reference, q, k, v, segments)
    for got, want in zip(value_and_gradients(causal_attention_blocked, q, k, v, segments), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * max(1, np.abs(want).max()))


def test_results_have_the_type_of_what_they_belong_to() -> None:
    q = normal(1, 2, 70, 8).astype(jnp.bfloat16)
    out, pull = jax.vjp(causal_attention_blocked, q, q[:, :1], q[:, :1])
    assert {x.dtype for x in (out, *pull(out)[:3])} == {jnp.dtype(jnp.bfloat16)}


def test_sums_of_short_types_are_of_float32() -> None:
    """1,024 equal scores: sums in bfloat16 would stop growing at 256."""
    T = 1024
    q, v = jnp.zeros((1, 1, T, 8), jnp.bfloat16), jnp.ones((1, 1, T, 8), jnp.bfloat16)
    np.testing.assert_array_equal(np.asarray(causal_attention_blocked(q, q, v), np.float32), 1)


def test_a_segment_is_attended_to_as_if_it_were_alone() -> None:
    q, k, v = (normal(1, 2, 90, 8, seed=s) for s in range(3))
    segments = jnp.asarray([[0] * 40 + [1] * 50])
    whole = causal_attention_blocked(q, k, v, segments)
    parts = [causal_attention_blocked(*(x[:, :, rows] for x in (q, k, v))) for rows in (slice(40), slice(40, 90))]
    np.testing.assert_allclose(whole, jnp.concatenate(parts, axis=2), rtol=1e-5, atol=1e-6)


@given(T=st.integers(1, 9000))
def test_spans_hold_every_query_once_in_few_unrolled_pieces(T: int) -> None:
    cut = spans(T)
    assert [span.start for span in cut] == [0, *(span.stop for span in cut[:-1])]
    assert cut[-1].stop == T
    assert all((span.stop - span.start) % span.block == 0 for span in cut)
    assert len(cut) <= 9
    assert spans(8192)[0] == Span(0, 1024, 128)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_no_square_of_scores_exists_at_8192(direction: str) -> None:
    H, T, d = 2, 8192, 64
    x = jax.ShapeDtypeStruct((1, H, T, d), jnp.float32)
    segments = jax.ShapeDtypeStruct((1, T), jnp.int32)
    forward = lambda q, k, v, s: causal_attention_blocked(q, k, v, s).sum()  # noqa: E731
    program = jax.jit(forward if direction == "forward" else jax.grad(forward, argnums=(0, 1, 2)))
    compiled = program.lower(x, x, x, segments).compile()
    square = H * T * T * 4
    assert compiled.memory_analysis().temp_size_in_bytes < square / 8
    assert f"{T},{T}]" not in compiled.as_text()


def test_large_scores_do_not_overflow() -> None:
    q = 100 * normal(1, 1, 40, 8)
    assert bool(jnp.isfinite(jax.jit(jax.grad(lambda q: causal_attention_blocked(q, q, q).sum()))(q)).all())


@pytest.mark.parametrize("T", [70, 300])
def test_many_models_in_one_program_are_each_alone(T: int) -> None:
    models = [
        (normal(2, 4, T, 8, seed=s), normal(2, 2, T, 8, seed=s + 9), normal(2, 2, T, 8, seed=s + 5)) for s in (0, 1)
    ]
    segments = jnp.stack([documents(2, T), documents(2, T, 1)])

    def both(q, k, v, segments):
        out, pull = jax.vjp(lambda q, k, v: attend(q, k, v, Execution(), segments), q, k, v)
        return out, *pull(out)

    together = jax.jit(jax.vmap(both))(*(jnp.stack(x) for x in zip(*models, strict=True)), segments)
    for i, model in enumerate(models):
        for got, want in zip(together, jax.jit(both)(*model, segments[i]), strict=True):
            np.testing.assert_allclose(got[i], want, rtol=1e-4, atol=1e-5)


def test_a_policy_that_keeps_attention_does_not_compute_it_again() -> None:
    q = normal(1, 1, 32, 8)

    def exponentials(policy: object) -> int:
        layer = jax.checkpoint(lambda q: jnp.sin(causal_attention_blocked(q, q, q)), policy=policy)
        return str(jax.make_jaxpr(jax.grad(lambda q: layer(q).sum()))(q)).count(" exp ")

    again = exponentials(jax.checkpoint_policies.nothing_saveable)
    kept = exponentials(jax.checkpoint_policies.save_only_these_names(KEPT))
    assert (again, kept) == (3, 2)  # forward, backward, and forward once more


def test_key_heads_that_do_not_divide_query_heads_are_refused() -> None:
    with pytest.raises(BadInput, match="2 key heads do not divide 3 query heads"):
        attend(normal(1, 3, 4, 8), normal(1, 2, 4, 8), normal(1, 2, 4, 8), Execution())


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
