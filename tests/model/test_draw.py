"""Draws: arg max as it is, random numbers as they were, the nucleus by its definition."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.model.decode import key_words
from leaven.model.draw import Draws, choose, likeliest, nucleus

KEYS = [0, 5, 2**63 + 11, 2**64 - 1]


def draws(count: int, temperature: float = 1.0, top_p: float = 1.0) -> Draws:
    rows = len(KEYS)
    filled = np.full(rows, temperature, np.float32), np.full(rows, top_p, np.float32)
    return Draws(key_words(KEYS), np.full(rows, count, np.int32), *filled)


def some_logits(vocab: int = 50, seed: int = 0) -> np.ndarray:
    return 3 * np.random.default_rng(seed).normal(size=(len(KEYS), vocab)).astype(np.float32)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("kind", ["sampled", "nucleus"])
def test_a_draw_is_the_one_that_a_seed_has_always_meant(temperature: float, kind: str) -> None:
    logits_RV = some_logits()
    for count in (0, 1, 700):
        found = choose(jnp.asarray(logits_RV), draws(count, temperature), kind, 50)  # type: ignore[arg-type]
        for row, key in enumerate(KEYS):
            words = jnp.array([key >> 32, key & 0xFFFFFFFF], jnp.uint32)
            stream = jax.random.fold_in(jax.random.wrap_key_data(words, impl="threefry2x32"), count)
            assert found[row] == jax.random.categorical(stream, logits_RV[row] / jnp.float32(temperature))


def test_the_likeliest_is_the_lowest_of_equals() -> None:
    scores = np.array([[1, 3, 2, 3], [0, 0, 0, 0], [-np.inf, -np.inf, -np.inf, -5], [np.nan, 1, 2, 3]], np.float32)
    assert likeliest(jnp.asarray(scores)).tolist() == [1, 0, 3, 0]
    wide = some_logits(5000)
    assert likeliest(jnp.asarray(wide)).tolist() == wide.argmax(-1).tolist()


def test_tokens_that_are_no_words_are_not_drawn() -> None:
    logits_RV = some_logits()
    logits_RV[:, 40:] = 100
    for kind in ("greedy", "sampled", "nucleus"):
        assert choose(jnp.asarray(logits_RV), draws(0, 1.0, 0.9), kind, 40).max() < 40  # type: ignore[arg-type]


def by_sorting(scores_V: np.ndarray, top_p: float) -> set[int]:
    """The definition, written down: in the order of probability, while those before have less than `top_p`."""
    p = np.exp(scores_V.astype(np.float64) - scores_V.max())
    p /= p.sum()
    kept, before = set(), 0.0
    for token in sorted(range(len(p)), key=lambda token: (-scores_V[token], token)):
        if kept and before >= top_p:
            break
        kept.add(token)
        before += p[token]
    return kept


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.sampled_from([-4.0, -1.5, -0.25, 0.0, 0.125, 1.0, 2.75, 6.0]), min_size=7, max_size=7),
    st.floats(0.01, 1.0),
)
def test_the_nucleus_is_the_fewest_tokens_with_the_probability(scores: list[float], top_p: float) -> None:
    scores_V = np.array(scores, np.float32)
    found = set(np.flatnonzero(np.asarray(_nucleus(scores_V[None], np.array([top_p], np.float32)))[0]))
    # sums that are within rounding of the bound may fall on either side of it
    assert found in (
        by_sorting(scores_V, top_p - 1e-6),
        by_sorting(scores_V, top_p + 1e-6),
        by_sorting(scores_V, top_p),
    )


_nucleus = jax.jit(nucleus)


def test_the_nucleus_of_a_large_vocabulary() -> None:
    scores_RV = some_logits(3000, seed=4)
    tops = np.array([0.1, 0.5, 0.9, 0.99], np.float32)
    found = np.asarray(nucleus(jnp.asarray(scores_RV), tops))
    for row in range(4):
        assert abs(int(found[row].sum()) - len(by_sorting(scores_RV[row], tops[row]))) <= 1
        assert scores_RV[row][found[row]].min() >= scores_RV[row][~found[row]].max()


def test_a_draw_from_a_nucleus_is_in_it() -> None:
    logits_RV = some_logits(6)
    inside = np.asarray(nucleus(jnp.asarray(logits_RV), np.full(4, 0.6, np.float32)))
    draw = jax.jit(choose, static_argnums=(2, 3))
    drawn = [draw(jnp.asarray(logits_RV), draws(count, 1.0, 0.6), "nucleus", 6) for count in range(60)]
    for row in range(4):
        tokens = {int(each[row]) for each in drawn}
        assert all(inside[row, token] for token in tokens)
        assert len(tokens) == inside[row].sum()
