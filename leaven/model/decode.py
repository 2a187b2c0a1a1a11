"""Text from a model: keys and values are kept, so each new token costs one position.

Shapes: B sequences, P prompt positions (padded on the right), S cached positions, L layers, K key heads, d channels.
Invariants: a continuation equals what the full forward pass would choose; a sequence's draws depend only on its own
key and its own tokens, not on its neighbours in the batch. Shapes are static and bucketed, so few programs compile.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from leaven.model.attention import MASKED, causal_attention_blocked, rope_angles, rope_halves
from leaven.model.config import ModelConfig
from leaven.model.init import Params
from leaven.model.transformer import enter, layer_norm, leave, logits, pack

BUCKET = 32
"""Prompt lengths and numbers of new tokens are rounded up to 32, 64, 128, …"""


class Cache(NamedTuple):
    """Rotated keys and values of every layer, each [L, B, K, S, d]."""

    key: jax.Array
    value: jax.Array


def prefill(
    params: Params, config: ModelConfig, tokens_BP: jax.Array, lengths_B: jax.Array, size: int
) -> tuple[Cache, jax.Array]:
    """Read prompts that start at position 0 and are padded on the right to P ≤ `size`.

    Returns the cache of `size` positions and the logits [B, V] after each prompt's last token. Entries of the cache at
    and beyond a prompt's length are meaningless; `step` overwrites them before it looks at them.
    """
    P = tokens_BP.shape[1]
    angles = rope_angles(jnp.arange(P), config.head, config.rope_theta)
    cos, sin = jnp.cos(angles), jnp.sin(angles)

    def block(x: jax.Array, layer: Params) -> tuple[jax.Array, Cache]:
        q, k, v, fed = enter(x, layer, config)
        q, k = rope_halves(q, cos, sin), rope_halves(k, cos, sin)
        mixed = causal_attention_blocked(q, k, v)
        room = [(0, 0), (0, 0), (0, size - P), (0, 0)]
        return leave(x, mixed, fed, layer), Cache(jnp.pad(k, room), jnp.pad(v, room))

    x_BPD, cache = jax.lax.scan(block, params["embedding"][tokens_BP], pack(params["layers"], config))
    last_BD = jnp.take_along_axis(x_BPD, (lengths_B - 1)[:, None, None], axis=1)[:, 0]
    return cache, logits(params, config, layer_norm(last_BD, params["norm"], config.norm_eps))


def step(
    params: Params, config: ModelConfig, cache: Cache, tokens_B: jax.Array, positions_B: jax.Array
) -> tuple[Cache, jax.Array]:
    """One token per sequence, at its own position. Returns the cache with it and the logits [B, V] that follow it."""
    angles = rope_angles(positions_B, config.head, config.rope_theta)[:, None, None]
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    seen = (jnp.arange(cache.key.shape[3]) <= positions_B[:, None])[:, None, None]

    def block(x_B1D: jax.Array, layer_cache: tuple[Params, Cache]) -> tuple[jax.Array, Cache]:
        layer, old = layer_cache
        q, k, v, fed = enter(x_B1D, layer, config)
        q, k = rope_halves(q, cos, sin), rope_halves(k, cos, sin)
        new = Cache(_place(old.key, k, positions_B), _place(old.value, v, positions_B))
        scores = jnp.einsum("bhtd,bhsd->bhts", q * config.head**-0.5, _for_queries(new.key, config))
        p = jax.nn.softmax(jnp.where(seen, scores, MASKED), axis=-1)
        mixed = jnp.einsum("bhts,bhsd->bhtd", p, _for_queries(new.value, config))
        return leave(x_B1D, mixed, fed, layer), new

    x = params["embedding"][tokens_B][:, None]
    x_B1D, cache = jax.lax.scan(block, x, (pack(params["layers"], config), cache))
    return cache, logits(params, config, layer_norm(x_B1D[:, 0], params["norm"], config.norm_eps))


def _for_queries(x_BKTd: jax.Array, config: ModelConfig) -> jax.Array:
    """Keys or values, each repeated for the query heads that share it."""
    return x_BKTd if config.kv_heads == config.heads else jnp.repeat(x_BKTd, config.heads // config.kv_heads, axis=1)


def _place(old_BKSd: jax.Array, new_BK1d: jax.Array, positions_B: jax.Array) -> jax.Array:
    return jax.vmap(lambda o, n, p: jax.lax.dynamic_update_slice(o, n, (0, p, 0)))(old_BKSd, new_BK1d, positions_B)


def choose(logits_BV: jax.Array, keys_B2: jax.Array, i: jax.Array, temperature: jax.Array) -> jax.Array:
    """Token i of each continuation: the most likely at temperature 0, else drawn from softmax(logits / temperature)."""

    def draw(key: jax.Array, row_V: jax.Array) -> jax.Array:
        key = jax.random.fold_in(jax.random.wrap_key_data(key, impl="threefry2x32"), i)
        return jax.random.categorical(key, row_V / jnp.maximum(temperature, 1e-6))

    drawn = jax.vmap(draw)(keys_B2, logits_BV)
    return jnp.where(temperature > 0, drawn, logits_BV.argmax(axis=-1)).astype(jnp.int32)


@partial(jax.jit, static_argnums=(1, 7))
def _continue(
    params: Params,
    config: ModelConfig,
    tokens_BP: jax.Array,
    lengths_B: jax.Array,
    keys_B2: jax.Array,
    temperature: jax.Array,
    stop_B: jax.Array,
    new: int,
) -> jax.Array:
    """Up to `new` tokens [B, new] after each prompt; ends early once every sequence has met its stop token."""
    B, P = tokens_BP.shape
    cache, after = prefill(params, config, tokens_BP, lengths_B, P + new)
    State = tuple[jax.Array, Cache, jax.Array, jax.Array, jax.Array]

    def going(state: State) -> jax.Array:
        i, _, _, _, ended_B = state
        return (i < new) & ~ended_B.all()

    def one(state: State) -> State:
        i, cache, after, out_BN, ended_B = state
        token_B = choose(after, keys_B2, i, temperature)
        out_BN = out_BN.at[:, i].set(token_B)
        cache, after = step(params, config, cache, token_B, lengths_B + i)
        return i + 1, cache, after, out_BN, ended_B | (token_B == stop_B)

    out = jnp.broadcast_to(stop_B[:, None], (B, new)).astype(jnp.int32)
    start = (jnp.zeros((), jnp.int32), cache, after, out, jnp.zeros(B, bool))
    return jax.lax.while_loop(going, one, start)[3]


def bucket(length: int) -> int:
    """The length that is compiled for `length`: the next power of two, at least `BUCKET`."""
    return max(BUCKET, 1 << (length - 1).bit_length())


def generate(
    params: Params,
    config: ModelConfig,
    prompts: Sequence[Sequence[int]],
    new: int,
    *,
    stop: int,
    temperature: float = 0.0,
    keys: Sequence[int] = (),
) -> list[list[int]]:
    """Continue each prompt (token ids, at least one) by at most `new` tokens, ending before the token `stop`.

    `keys` are 64-bit integers, one per prompt, needed where temperature > 0. The prompts of one call form one batch;
    callers keep batches of equal size and similar lengths, since each bucket of shapes compiles once.
    """
    if not prompts:
        return []
    lengths = np.array([len(prompt) for prompt in prompts], np.int32)
    tokens = np.full((len(prompts), bucket(int(lengths.max()))), stop, np.int32)
    for row, prompt in zip(tokens, prompts, strict=True):
        row[: len(prompt)] = prompt
    words = np.array([[key >> 32, key & 0xFFFFFFFF] for key in keys or [0] * len(prompts)], np.uint32)
    stops = np.full(len(prompts), stop, np.int32)
    heat = np.float32(temperature)
    out = np.asarray(_continue(params, config, tokens, lengths, words, heat, stops, bucket(new)))
    return [_until(row[:new].tolist(), stop) for row in out]


def _until(tokens: list[int], stop: int) -> list[int]:
    return tokens[: tokens.index(stop)] if stop in tokens else tokens
