"""Text from a model: keys and values are kept, so each new token costs one position.

Rows of a batch are continued together, a few tokens at a time; in between a row may be given to another prompt.
Shapes: R rows of the batch, N prompts read at once, P prompt positions (padded on the right), S cached positions (a
multiple of `BLOCK`), K key heads, G query heads per key head, d channels, V vocabulary.
Invariants: a continuation equals what the full forward pass would choose. What a row computes depends on its own
prompt, on R, and on N and P of its own prompt, never on its neighbours, its place or S: what is masked adds exact
zeros, and sums over positions run block by block. Shapes are static and bucketed, so few programs compile. On several
devices each computes its own rows with the program that one device has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from leaven.model.attention import MASKED, causal_attention_blocked, rope_angles, rope_halves
from leaven.model.config import ModelConfig
from leaven.model.draw import Draws, Kind, choose
from leaven.model.execution import DATA, HERE, Execution
from leaven.model.init import Params
from leaven.model.transformer import enter, layer_norm, leave, logits, pack

BUCKET = 32
"""Prompt lengths are rounded up to 32, 64, 128, …"""
BLOCK = 64
"""Cached positions whose values are summed at once, and the smallest cache."""
PIECE = 8
"""Tokens of a batch between two looks at it, where there is no reason for another number."""


class Cache(NamedTuple):
    """Rotated keys and values of one layer, each [R, K, S, d]."""

    key: jax.Array
    value: jax.Array


Caches = tuple[Cache, ...]


def prepare(params: Params, config: ModelConfig, how: Execution = HERE) -> Params:
    """The weights as they are decoded with, in `how.dtype`: projections of one input together, every layer by itself.

    Done once: cutting a layer out of stacked weights at each token would cost as much as multiplying with it.
    """
    packed = pack(params["layers"], config, how)
    return {
        "embedding": params["embedding"].astype(how.dtype),
        "norm": params["norm"],
        "layers": tuple({name: w[layer] for name, w in packed.items()} for layer in range(config.layers)),
    }


def prefill(weights: Params, config: ModelConfig, tokens_NP: jax.Array, lengths_N: jax.Array) -> tuple[Caches, Any]:
    """Read prompts that start at position 0 and are padded on the right.

    Returns caches of P positions, meaningless at and beyond a prompt's length, and the logits [N, V] after each
    prompt's last token.
    """
    x_NPD = weights["embedding"][tokens_NP]
    angles = rope_angles(jnp.arange(tokens_NP.shape[1]), config.head, config.rope_theta)
    cos, sin = jnp.cos(angles).astype(x_NPD.dtype), jnp.sin(angles).astype(x_NPD.dtype)
    caches = []
    for layer in weights["layers"]:
        q, k, v, fed = enter(x_NPD, layer, config)
        q, k = rope_halves(q, cos, sin), rope_halves(k, cos, sin)
        x_NPD = leave(x_NPD, causal_attention_blocked(q, k, v), fed, layer)
        caches.append(Cache(k, v))
    last_ND = jnp.take_along_axis(x_NPD, (lengths_N - 1)[:, None, None], axis=1)[:, 0]
    return tuple(caches), logits(weights, config, layer_norm(last_ND, weights["norm"], config.norm_eps))


def step(
    weights: Params, config: ModelConfig, caches: Caches, tokens_R: jax.Array, positions_R: jax.Array
) -> tuple[Caches, jax.Array]:
    """One token per row, at its own position. Returns the caches with it and the logits [R, V] that follow it.

    A position at or beyond S overwrites the last one.
    """
    x_R1D = weights["embedding"][tokens_R][:, None]
    angles = rope_angles(positions_R, config.head, config.rope_theta)[:, None, None]
    cos, sin = jnp.cos(angles).astype(x_R1D.dtype), jnp.sin(angles).astype(x_R1D.dtype)
    placed = []
    for layer, old in zip(weights["layers"], caches, strict=True):
        q, k, v, fed = enter(x_R1D, layer, config)
        q, k = rope_halves(q, cos, sin), rope_halves(k, cos, sin)
        new = Cache(_place(old.key, k, positions_R), _place(old.value, v, positions_R))
        placed.append(new)
        x_R1D = leave(x_R1D, _look_back(q, new, positions_R), fed, layer)
    return tuple(placed), logits(weights, config, layer_norm(x_R1D[:, 0], weights["norm"], config.norm_eps))


def _place(old_RKSd: jax.Array, new_RK1d: jax.Array, positions_R: jax.Array) -> jax.Array:
    return jax.vmap(lambda o, n, p: jax.lax.dynamic_update_slice(o, n, (0, p, 0)))(old_RKSd, new_RK1d, positions_R)


def _look_back(q_RH1d: jax.Array, cache: Cache, positions_R: jax.Array) -> jax.Array:
    """Attention of one query per row over the positions up to its own: [R, H, 1, d].

    Sums over positions add up whole blocks one after the other, so that blocks which a row does not see change no bit.
    """
    R, K, S, d = cache.key.shape
    n = S // BLOCK
    q_RKGd = q_RH1d.reshape(R, K, -1, d) * d**-0.5
    scores = jnp.einsum("rkgd,rksd->rkgs", q_RKGd, cache.key, preferred_element_type=jnp.float32)
    seen = (jnp.arange(S) <= positions_R[:, None])[:, None, None]
    scores = jnp.where(seen, scores, MASKED)
    p_RKGnb = jnp.exp(scores - scores.max(-1, keepdims=True)).reshape(*scores.shape[:3], n, BLOCK)
    value_RKnbd = cache.value.reshape(R, K, n, BLOCK, d)
    mixed_RKnGd = jnp.einsum(
        "rkgnb,rknbd->rkngd", p_RKGnb.astype(value_RKnbd.dtype), value_RKnbd, preferred_element_type=jnp.float32
    )
    sums, mixed = p_RKGnb[:, :, :, 0], mixed_RKnGd[:, :, 0]
    for block in range(1, n):
        sums, mixed = sums + p_RKGnb[:, :, :, block], mixed + mixed_RKnGd[:, :, block]
    total = sums.sum(-1, keepdims=True)  # of one shape whatever S is: how a sum is vectorised depends on its shape
    return (mixed / total).reshape(q_RH1d.shape).astype(q_RH1d.dtype)


@partial(jax.jit, static_argnames=("config", "rows", "size", "dtype", "mesh"))
def empty(*, config: ModelConfig, rows: int, size: int, dtype: Any, mesh: Mesh | None = None) -> Caches:
    """Caches of `size` positions for `rows` rows on each device."""

    def made() -> Caches:
        zeros = jnp.zeros((rows, config.kv_heads, size, config.head), dtype)
        return tuple(Cache(zeros, zeros) for _ in range(config.layers))

    found: Caches = _spread(made, mesh, "")()
    return found


@partial(jax.jit, static_argnames=("size", "mesh"))
def resize(caches: Caches, *, size: int, mesh: Mesh | None = None) -> Caches:
    """The caches with more positions, or with the first `size` of them only."""

    def fit(x_RKSd: jax.Array) -> jax.Array:
        S = x_RKSd.shape[2]
        return x_RKSd[:, :, :size] if size < S else jnp.pad(x_RKSd, [(0, 0), (0, 0), (0, size - S), (0, 0)])

    found: Caches = _spread(lambda caches: jax.tree.map(fit, caches), mesh, "m")(caches)
    return found


@partial(jax.jit, static_argnames=("config", "kind", "words", "mesh"))
def begin(
    weights: Params,
    prompts_NP: Any,
    lengths_N: Any,
    draws_N: Draws,
    *,
    config: ModelConfig,
    kind: Kind,
    words: int,
    mesh: Mesh | None = None,
) -> tuple[Caches, jax.Array]:
    """Read prompts: their caches, of P positions, and the first token [N] drawn after each."""

    def local(weights: Params, prompts: jax.Array, lengths: jax.Array, draws: Draws) -> tuple[Caches, jax.Array]:
        caches, after_NV = prefill(weights, config, prompts, lengths)
        return caches, choose(after_NV, draws, kind, words)

    found: tuple[Caches, jax.Array] = _spread(local, mesh, "wmmm")(weights, prompts_NP, lengths_N, draws_N)
    return found


@partial(jax.jit, static_argnames="mesh", donate_argnums=0)
def seat(caches: Caches, read: Caches, rows_N: Any, *, mesh: Mesh | None = None) -> Caches:
    """The caches with what was read of prompts, P ≤ S, in the rows `rows_N` of their device (R: in none).

    By itself, so that neither the reading nor the writing is compiled for every pair of P and S.
    """

    def local(caches: Caches, read: Caches, rows: jax.Array) -> Caches:
        seated: Caches = jax.tree.map(
            lambda old, new: old.at[rows, :, : new.shape[2]].set(new, mode="drop"), caches, read
        )
        return seated

    found: Caches = _spread(local, mesh, "mmm")(caches, read, rows_N)
    return found


@partial(jax.jit, static_argnames=("config", "kind", "words", "most", "mesh"), donate_argnames="caches")
def proceed(
    weights: Params,
    caches: Caches,
    tokens_R: Any,
    positions_R: Any,
    draws_R: Draws,
    steps: Any,
    *,
    config: ModelConfig,
    kind: Kind,
    words: int,
    most: int = PIECE,
    mesh: Mesh | None = None,
) -> tuple[Caches, jax.Array]:
    """`steps` ≤ `most` more tokens of every row, [R, most]: the first one follows `tokens_R`, which is placed at
    `positions_R`."""

    def local(weights: Params, caches: Caches, *given: Any) -> tuple[Caches, jax.Array]:
        tokens, positions, draws, steps = given

        def one(i: Any, state: tuple[Caches, jax.Array, jax.Array]) -> tuple[Caches, jax.Array, jax.Array]:
            caches, last_R, out_RC = state
            caches, after_RV = step(weights, config, caches, last_R, positions + i)
            drawn_R = choose(after_RV, draws._replace(counts=draws.counts + i), kind, words)
            return caches, drawn_R, out_RC.at[:, i].set(drawn_R)

        out = jnp.zeros((tokens.shape[0], most), jnp.int32)
        caches, _, out = jax.lax.fori_loop(0, steps, one, (caches, tokens, out))
        return caches, out

    found: tuple[Caches, jax.Array] = _spread(local, mesh, "wmmmmw")(
        weights, caches, tokens_R, positions_R, draws_R, steps
    )
    return found


def _spread(local: Callable[..., Any], mesh: Mesh | None, given: str) -> Callable[..., Any]:
    """`local` on each device by itself. A letter of `given` for each argument: w(hole) everywhere, m(ine) its rows."""
    if mesh is None:
        return local
    places = {"w": PartitionSpec(), "m": PartitionSpec(DATA)}  # type: ignore[no-untyped-call]
    spread: Callable[..., Any] = jax.shard_map(
        local, mesh=mesh, in_specs=tuple(places[letter] for letter in given), out_specs=places["m"], check_vma=False
    )
    return spread


def bucket(length: int, least: int = BUCKET) -> int:
    """The length that is compiled for `length`: the next power of two, at least `least`."""
    return max(least, 1 << (length - 1).bit_length())


def key_words(keys: Sequence[int]) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """64-bit keys as `Draws` holds them."""
    return np.array([[key >> 32, key & 0xFFFFFFFF] for key in keys], np.uint32).reshape(-1, 2)


prepared = jax.jit(prepare, static_argnums=(1, 2))


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

    `keys` are 64-bit integers, one per prompt, needed where temperature > 0. The prompts are one batch from beginning
    to end; `leaven.evaluate.generate` keeps a batch filled.
    """
    if not prompts or new < 1:
        return [[] for _ in prompts]
    B, longest = len(prompts), max(map(len, prompts))
    lengths = np.array([len(prompt) for prompt in prompts], np.int32)
    tokens = np.zeros((B, bucket(longest)), np.int32)
    for row, prompt in zip(tokens, prompts, strict=True):
        row[: len(prompt)] = prompt
    hot = np.full(B, temperature, np.float32)
    draws = Draws(key_words(keys or [0] * B), np.zeros(B, np.int32), hot, np.ones(B, np.float32))
    static: dict[str, Any] = {"kind": "sampled" if temperature > 0 else "greedy", "words": config.vocab}
    weights = prepared(params, config, HERE)
    read, first = begin(weights, tokens, lengths, draws, config=config, **static)
    caches = resize(read, size=bucket(longest + new, BLOCK))
    out = np.asarray(first)[:, None]
    while out.shape[1] < new and not (out == stop).any(axis=1).all():
        done = out.shape[1]
        steps = min(PIECE, new - done)
        draws = draws._replace(counts=np.full(B, done, np.int32))
        positions = lengths + done - 1
        caches, more = proceed(weights, caches, out[:, -1], positions, draws, steps, config=config, **static)
        out = np.concatenate([out, np.asarray(more)[:, :steps]], axis=1)
    return [_until(row.tolist(), stop) for row in out]


def _until(tokens: list[int], stop: int) -> list[int]:
    return tokens[: tokens.index(stop)] if stop in tokens else tokens
