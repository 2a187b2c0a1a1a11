"""Splash in Pallas' interpreter; cuDNN as far as its call can be compiled without a GPU, and run where there is one."""

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax._src.cudnn import fused_attention_stablehlo

from leaven.ground.errors import BadInput
from leaven.model.attention import attend, causal_attention_reference, keeps
from leaven.model.execution import Execution
from leaven.model.splash import LARGEST_BLOCK, block_of

SPLASH = Execution(attention="splash", interpret=True)
CUDNN = Execution(attention="cudnn", compute="bfloat16")


def normal(*shape: int, seed: int = 0, dtype: object = jnp.float32) -> jax.Array:
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), dtype)


def value_and_gradients(form: object, q, k, v) -> list[np.ndarray]:
    def both(q, k, v):
        out, pull = jax.vjp(form, q, k, v)
        return out, *pull(jnp.cos(out))

    return [np.asarray(x, np.float32) for x in jax.jit(both)(q, k, v)]


# 128: one block; 200: padded; 384: three blocks of 128.
@pytest.mark.parametrize(
    ("T", "K", "d", "masked"), [(128, 2, 64, True), (200, 1, 128, True), (384, 2, 128, False), (200, 2, 16, False)]
)
def test_splash_equals_the_reference_in_value_and_gradients(T: int, K: int, d: int, masked: bool) -> None:
    q, k, v = normal(2, 2, T, d), normal(2, K, T, d, seed=1), normal(2, K, T, d, seed=2)
    segments = jnp.asarray(np.cumsum(np.random.default_rng(3).random((2, T)) < 0.05, axis=1), jnp.int32)
    segments = segments if masked else None
    wanted = value_and_gradients(lambda q, k, v: causal_attention_reference(q, k, v, segments), q, k, v)
    got = value_and_gradients(lambda q, k, v: attend(q, k, v, SPLASH, segments), q, k, v)
    for one, want in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, want, rtol=2e-4, atol=2e-5)


def test_splash_of_short_types_is_near_the_reference_and_of_their_type() -> None:
    q, k, v = (normal(1, 1, 128, 128, seed=s, dtype=jnp.bfloat16) for s in range(3))
    got = attend(q, k, v, SPLASH)
    assert got.dtype == jnp.bfloat16
    want = causal_attention_reference(q, k, v)
    np.testing.assert_allclose(np.asarray(got, np.float32), np.asarray(want, np.float32), atol=0.03)


def products_of_splash(dtype: object) -> str:
    """The kernels, forward and backward, as they are traced where float32 is to mean float32."""
    q, k, v = (normal(1, 1, 128, 128, seed=s, dtype=dtype) for s in range(3))
    with jax.default_matmul_precision("highest"):
        return str(jax.make_jaxpr(jax.grad(lambda *qkv: attend(*qkv, SPLASH).sum(), argnums=(0, 1, 2)))(q, k, v))


def test_splash_asks_for_no_float32_products_of_short_types() -> None:
    """The TPU compiler refuses them ("Bad lhs type"); the interpreter would not notice."""
    assert "HIGHEST" not in products_of_splash(jnp.bfloat16)
    assert "HIGHEST" in products_of_splash(jnp.float32)


def test_a_policy_that_keeps_attention_does_not_call_splash_again() -> None:
    q, k, v = (normal(1, 1, 128, 128, seed=s) for s in range(3))

    def calls(policy: object) -> int:
        form = jax.checkpoint(lambda q, k, v: jnp.sin(attend(q * 2, k, v, SPLASH)).sum(), policy=policy)
        return str(jax.make_jaxpr(jax.grad(form, argnums=(0, 1, 2)))(q, k, v)).count("pallas_call")

    assert calls(keeps) == calls(None) - 1


@pytest.mark.parametrize("T", [128, 384, 1024, 1152, 8192])
def test_blocks_of_splash_divide_the_positions(T: int) -> None:
    assert T % block_of(T) == 0
    assert 128 <= block_of(T) <= LARGEST_BLOCK
    assert block_of(8192) == LARGEST_BLOCK


@pytest.fixture
def cudnn(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAX asks the installed cuDNN for its version before it makes the call; the call can be made without."""
    monkeypatch.setattr(fused_attention_stablehlo, "check_cudnn_version", lambda: 91000)


def for_cuda(form: object, H: int, K: int, T: int, d: int, models: tuple[int, ...] = ()) -> str:
    """The program of `form`'s gradients as an NVIDIA GPU would get it."""
    q, k = (jax.ShapeDtypeStruct((*models, 1, heads, T, d), jnp.bfloat16) for heads in (H, K))
    gradients = jax.grad(lambda q, k, v: jnp.sin(form(q, k, v).astype(jnp.float32)).sum(), argnums=(0, 1, 2))
    program = jax.vmap(gradients) if models else gradients
    return jax.jit(program).trace(q, k, k).lower(lowering_platforms=("cuda",)).as_text()


def calls(text: str) -> list[str]:
    return re.findall(r"__cudnn\$\w+", text)


@pytest.mark.usefixtures("cudnn")
@pytest.mark.parametrize(
    ("H", "K", "T", "d", "models"), [(2, 2, 8192, 128, ()), (4, 2, 8192, 64, ()), (4, 2, 256, 32, (3,))]
)
def test_cudnn_is_called_and_no_square_of_scores_exists(
    H: int, K: int, T: int, d: int, models: tuple[int, ...]
) -> None:
    text = for_cuda(lambda q, k, v: attend(q, k, v, CUDNN), H, K, T, d, models)
    assert calls(text) == ["__cudnn$fmhaSoftmax", "__cudnn$fmhaSoftmaxBackward"]
    assert f"{T}x{T}" not in text


@pytest.mark.usefixtures("cudnn")
def test_a_policy_that_keeps_attention_does_not_call_cudnn_again() -> None:
    def forward_calls(policy: object) -> int:
        form = jax.checkpoint(lambda q, k, v: attend(q, k, v, CUDNN), policy=policy)
        return calls(for_cuda(form, 2, 2, 256, 64)).count("__cudnn$fmhaSoftmax")

    assert (forward_calls(None), forward_calls(keeps)) == (2, 1)


@pytest.mark.usefixtures("cudnn")
def test_documents_are_kept_apart_by_the_blocked_form_and_not_by_cudnn() -> None:
    segments = jnp.zeros((1, 512), jnp.int32)
    text = for_cuda(lambda q, k, v: attend(q, k, v, CUDNN, segments), 2, 2, 512, 64)
    assert calls(text) == []
    assert "512x512" not in text


def test_cudnn_refuses_float32_and_says_what_to_do() -> None:
    x = normal(1, 1, 8, 8)
    with pytest.raises(BadInput, match="not in float32\n  compute in bfloat16"):
        attend(x, x, x, CUDNN)


@pytest.mark.skipif(jax.default_backend() != "gpu", reason="needs an NVIDIA GPU")
@pytest.mark.parametrize("K", [4, 2])
def test_cudnn_equals_the_reference_in_value_and_gradients(K: int) -> None:
    T, d = 300, 64
    q = normal(2, 4, T, d, dtype=jnp.bfloat16)
    k, v = (normal(2, K, T, d, seed=s, dtype=jnp.bfloat16) for s in (1, 2))
    wanted = value_and_gradients(causal_attention_reference, q, k, v)
    for got, want in zip(value_and_gradients(lambda q, k, v: attend(q, k, v, CUDNN), q, k, v), wanted, strict=True):
        np.testing.assert_allclose(got, want, atol=0.03 * max(1, np.abs(want).max()))
