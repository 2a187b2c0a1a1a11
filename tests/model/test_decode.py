from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from leaven.model.config import ModelConfig
from leaven.model.decode import bucket, generate, prefill, step
from leaven.model.init import init
from leaven.model.transformer import hidden, logits

CONFIG = ModelConfig(width=16, layers=2, heads=4, kv_heads=2, ffn=24, vocab=31, sequence=64)
PARAMS = jax.tree.map(lambda x: 3 * x, init(CONFIG, 4))
PROMPTS = [[5, 6, 7], [1], [9, 8, 7, 6, 5, 4, 3, 2], [30] * 5]


@jax.jit
def full(tokens_BT: jax.Array) -> jax.Array:
    return logits(PARAMS, CONFIG, hidden(PARAMS, CONFIG, tokens_BT))


def test_prefill_and_steps_equal_the_full_forward_pass() -> None:
    tokens = np.random.default_rng(0).integers(0, 31, (3, 24)).astype(np.int32)
    lengths = np.array([3, 10, 7], np.int32)
    cache, after = jax.jit(prefill, static_argnums=(1, 4))(PARAMS, CONFIG, tokens[:, :10], lengths, 24)
    wanted = full(tokens)
    one = jax.jit(step, static_argnums=1)
    rows = jnp.arange(3)
    for i in range(12):
        np.testing.assert_allclose(after, wanted[rows, lengths + i - 1], rtol=1e-4, atol=1e-4)
        cache, after = one(PARAMS, CONFIG, cache, tokens[rows, lengths + i], lengths + i)


def test_greedy_continuations_are_the_arg_max_of_the_full_pass() -> None:
    found = generate(PARAMS, CONFIG, PROMPTS, 12, stop=0)
    for prompt, continuation in zip(PROMPTS, found, strict=True):
        tokens = list(prompt)
        while len(tokens) < len(prompt) + 12:
            row = np.zeros((1, 24), np.int32)
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
