from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from leaven.model.config import ModelConfig
from leaven.model.decode import Cache, bucket, empty, generate, prefill, prepare, resize, step
from leaven.model.execution import Execution
from leaven.model.init import init
from leaven.model.transformer import hidden, logits

CONFIG = ModelConfig(width=16, layers=2, heads=4, kv_heads=2, ffn=24, vocab=31, sequence=64)
PARAMS = jax.tree.map(lambda x: 3 * x, init(CONFIG, 4))
PROMPTS = [[5, 6, 7], [1], [9, 8, 7, 6, 5, 4, 3, 2], [30] * 5]


@jax.jit
def full(tokens_BT: jax.Array) -> jax.Array:
    return logits(PARAMS, CONFIG, hidden(PARAMS, CONFIG, tokens_BT))


def test_prefill_and_steps_equal_the_full_forward_pass() -> None:
    tokens = np.random.default_rng(0).integers(0, 31, (3, 80)).astype(np.int32)
    lengths = np.array([3, 10, 60], np.int32)
    weights = prepare(PARAMS, CONFIG)
    prompts = np.where(np.arange(64) < lengths[:, None], tokens[:, :64], 0)
    caches, after = jax.jit(prefill, static_argnums=1)(weights, CONFIG, prompts, lengths)
    caches = resize(caches, size=128)
    wanted = full(tokens)
    one = jax.jit(step, static_argnums=1)
    rows = jnp.arange(3)
    for i in range(12):  # the last row goes from one block of positions to the next
        np.testing.assert_allclose(after, wanted[rows, lengths + i - 1], rtol=1e-4, atol=1e-4)
        caches, after = one(weights, CONFIG, caches, tokens[rows, lengths + i], lengths + i)


def test_positions_that_a_row_does_not_see_change_no_bit() -> None:
    """Neither how many they are nor what stands there, nor where in the batch the row is."""
    weights = prepare(PARAMS, CONFIG)
    draw = np.random.default_rng(0)
    positions = np.array([0, 63, 64, 100, 31], np.int32)
    tokens = np.arange(5, dtype=np.int32)
    one = jax.jit(step, static_argnums=1)
    shape = (5, CONFIG.kv_heads, 512, CONFIG.head)
    whole = tuple(Cache(*(draw.normal(size=shape).astype(np.float32) for _ in range(2))) for _ in range(CONFIG.layers))
    _, wanted = one(weights, CONFIG, whole, tokens, positions)
    for size in (128, 256):
        _, found = one(weights, CONFIG, resize(whole, size=size), tokens, positions)
        np.testing.assert_array_equal(found, wanted)
    turned = jax.tree.map(lambda x: x[::-1] + (np.arange(512) > 110)[:, None] * np.float32(7), whole)
    _, found = one(weights, CONFIG, turned, tokens[::-1].copy(), positions[::-1].copy())
    np.testing.assert_array_equal(found, wanted[::-1])


def test_a_cache_that_grows_and_shrinks_keeps_its_positions() -> None:
    caches = empty(config=CONFIG, rows=2, size=64, dtype=jnp.bfloat16)
    assert {x.dtype for x in jax.tree.leaves(caches)} == {jnp.dtype(jnp.bfloat16)}
    filled = jax.tree.map(lambda x: x + jnp.arange(64, dtype=x.dtype)[:, None], caches)
    grown = resize(filled, size=256)
    assert grown[0].key.shape == (2, CONFIG.kv_heads, 256, CONFIG.head)
    jax.tree.map(np.testing.assert_array_equal, resize(grown, size=64), filled)


def test_bfloat16_stays_near_float32() -> None:
    tokens = np.random.default_rng(1).integers(0, 31, (2, 32)).astype(np.int32)
    lengths = np.array([31, 8], np.int32)
    half = prepare(PARAMS, CONFIG, Execution(compute="bfloat16"))
    read, one = jax.jit(prefill, static_argnums=1), jax.jit(step, static_argnums=1)
    caches, after = read(half, CONFIG, tokens, lengths)
    assert after.dtype == jnp.float32
    assert {x.dtype for x in jax.tree.leaves(caches)} == {jnp.dtype(jnp.bfloat16)}
    _, more = one(half, CONFIG, resize(caches, size=64), tokens[:, 0], lengths)
    whole = prepare(PARAMS, CONFIG)
    caches, exact = read(whole, CONFIG, tokens, lengths)
    _, exactly = one(whole, CONFIG, resize(caches, size=64), tokens[:, 0], lengths)
    for found, wanted in ((after, exact), (more, exactly)):
        assert float(jnp.abs(found - wanted).max()) < 0.1 * float(jnp.abs(wanted).max())


def test_greedy_continuations_are_the_arg_max_of_the_full_pass() -> None:
    found = generate(PARAMS, CONFIG, PROMPTS, 20, stop=0)
    for prompt, continuation in zip(PROMPTS, found, strict=True):
        tokens = list(prompt)
        while len(tokens) < len(prompt) + 20:
            row = np.zeros((1, 40), np.int32)
            row[0, : len(tokens)] = tokens
            best = int(full(row)[0, len(tokens) - 1].argmax())
            if best == 0:
                break
            tokens.append(best)
        assert continuation == tokens[len(prompt) :]


def test_draws_depend_on_the_own_key_only() -> None:
    keys = [2**63 + 5, 2, 3, 4]
    together = generate(PARAMS, CONFIG, PROMPTS, 10, stop=0, temperature=1.0, keys=keys)
    assert together == generate(PARAMS, CONFIG, PROMPTS, 10, stop=0, temperature=1.0, keys=keys)
    turned = generate(PARAMS, CONFIG, PROMPTS[::-1], 10, stop=0, temperature=1.0, keys=keys[::-1])
    assert turned == together[::-1]
    others = generate(PARAMS, CONFIG, PROMPTS, 10, stop=0, temperature=1.0, keys=[5, 6, 7, 8])
    assert others != together


def test_a_continuation_ends_before_the_stop_token() -> None:
    greedy = generate(PARAMS, CONFIG, PROMPTS, 10, stop=0)
    stop = greedy[0][2]
    assert generate(PARAMS, CONFIG, PROMPTS, 10, stop=stop)[0] == greedy[0][: greedy[0].index(stop)]
    assert generate(PARAMS, CONFIG, [], 10, stop=0) == []


@pytest.mark.parametrize(("length", "compiled"), [(1, 32), (32, 32), (33, 64), (100, 128)])
def test_lengths_are_rounded_up_to_powers_of_two(length: int, compiled: int) -> None:
    assert bucket(length) == compiled
