"""The next token of each row, from the logits that follow what it has.

Shapes: R rows, V vocabulary.
Invariant: a row's token depends on its own logits and draw alone; equal likelihoods go to the lowest token id.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

Kind = Literal["greedy", "sampled", "nucleus"]
"""What a program can draw: the likeliest token; any token; any token of a row's nucleus. Compiled apart, because random
numbers for a whole vocabulary cost more than a step of a small model."""


class Draws(NamedTuple):
    """How the rows draw; arrays of any kind, all [R] but the keys.

    Args:
        keys: the two words of each row's 64-bit key, [R, 2] uint32.
        counts: the number of the token drawn next in its row's continuation.
        temperatures: above 0 unless the program is greedy.
        tops: share of the probability that the nucleus holds.
    """

    keys: Any
    counts: Any
    temperatures: Any
    tops: Any


def choose(logits_RV: jax.Array, draws: Draws, kind: Kind, words: int) -> jax.Array:
    """Token ids [R] below `words`, the tokenizer's size: the likeliest, or drawn from softmax(logits / temperature).

    The random numbers of a token follow from its row's key and count alone. They are added to the logits (Gumbel's
    trick, as `jax.random.categorical` does it), so a nucleus of everything draws as no nucleus does.
    """
    V = logits_RV.shape[1]
    if words < V:
        logits_RV = jnp.where(jnp.arange(V) < words, logits_RV, -jnp.inf)
    if kind == "greedy":
        return likeliest(logits_RV)
    scores_RV = logits_RV / jnp.maximum(draws.temperatures, 1e-6)[:, None]
    if kind == "nucleus":
        scores_RV = jnp.where(nucleus(scores_RV, draws.tops), scores_RV, -jnp.inf)

    def noise(key: jax.Array, count: jax.Array) -> jax.Array:
        key = jax.random.fold_in(jax.random.wrap_key_data(key, impl="threefry2x32"), count)
        return jax.random.gumbel(key, (V,))

    return likeliest(jax.vmap(noise)(draws.keys, draws.counts) + scores_RV)


def likeliest(scores_RV: jax.Array) -> jax.Array:
    """Arg max of each row, the lowest of equals; 0 where the scores are not numbers.

    Two plain reductions: the library's arg max carries pairs and takes fifteen times as long on a CPU.
    """
    V = scores_RV.shape[1]
    best_RV = scores_RV == scores_RV.max(-1, keepdims=True)
    found_R = jnp.where(best_RV, jnp.arange(V, dtype=jnp.int32), V).min(-1)
    return jnp.where(found_R < V, found_R, 0)


def nucleus(scores_RV: jax.Array, tops_R: jax.Array) -> jax.Array:
    """Which tokens [R, V] are drawn from (arXiv 1904.09751): the fewest whose probability is together at least `tops`.

    Tokens come in the order of their probability, equals in that of their ids, so a token is in the nucleus when those
    before it have together less than `tops`; the first one always is. Probabilities are softmax(scores) and their sums
    float32. With `tops` of 1 or more every token is in.

    The last token's score is found by halving, on the bits of the floats: 32 sums over the vocabulary take a hundredth
    of the time that sorting it takes on a CPU.
    """
    p_RV = jax.nn.softmax(scores_RV, axis=-1)
    ranks_RV = _ranks(scores_RV)
    tops_R1 = tops_R[:, None]

    def above(least_R1: jax.Array) -> jax.Array:
        return jnp.where(ranks_RV >= least_R1, p_RV, 0.0).sum(-1, keepdims=True)

    def halve(_: int, span: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        low, high = span  # enough is at or above low; not at or above high
        middle = (low >> 1) + (high >> 1) + (low & high & 1)
        enough = above(middle) >= tops_R1
        return jnp.where(enough, middle, low), jnp.where(enough, high, middle)

    lowest = jnp.full_like(tops_R1, -(1 << 31), jnp.int32)
    last_R1, _ = jax.lax.fori_loop(0, 32, halve, (lowest, ~lowest))
    # At `lowest`, where rounding leaves even the sum of all below `tops`, every token is likelier than the last.
    likelier_RV, equal_RV = ranks_RV > last_R1, ranks_RV == last_R1
    before_RV = above(last_R1 + 1) + (jnp.cumsum(equal_RV, -1) - 1) * p_RV
    kept_RV: jax.Array = likelier_RV | (equal_RV & (before_RV < tops_R1)) | (tops_R1 >= 1.0)
    return kept_RV


def _ranks(scores_RV: jax.Array) -> jax.Array:
    """Integers in the order of the floats (IEEE 754: the bits of those below zero run backwards)."""
    bits = jax.lax.bitcast_convert_type(scores_RV + 0.0, jnp.int32)
    return jnp.where(bits < 0, bits ^ jnp.int32(0x7FFFFFFF), bits)
