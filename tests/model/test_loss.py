from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from leaven.model.config import ModelConfig
from leaven.model.execution import HERE
from leaven.model.init import init
from leaven.model.loss import next_token_loss, segments, tile_of, token_log_likelihoods, token_scores
from leaven.model.transformer import hidden, logits

SCORES = jax.jit(token_scores, static_argnums=1)
LIKELIHOODS = jax.jit(token_log_likelihoods, static_argnums=1)
LOSS = jax.jit(next_token_loss, static_argnums=(1, 3), static_argnames=("z_loss", "end"))
CONFIG = ModelConfig(width=16, layers=1, heads=2, ffn=24, vocab=61, sequence=32)
TOKENS = np.random.default_rng(0).integers(0, 61, (5, 32)).astype(np.int32)


def test_token_scores_are_those_of_the_full_logits() -> None:
    params = init(CONFIG, 3)
    full = jax.jit(lambda p, t: jax.nn.log_softmax(logits(p, CONFIG, hidden(p, CONFIG, t))))(params, TOKENS[:, :-1])
    want = jnp.take_along_axis(full, TOKENS[:, 1:, None], axis=-1)[..., 0]
    scores, greedy = SCORES(params, CONFIG, TOKENS)
    np.testing.assert_allclose(scores, want, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(greedy, full.argmax(-1) == TOKENS[:, 1:])
    objective, nats = LOSS(params, CONFIG, TOKENS, HERE)
    assert objective == nats
    np.testing.assert_allclose(-LIKELIHOODS(params, CONFIG, TOKENS).mean(), nats, rtol=1e-5)


def test_z_loss_is_in_the_objective_and_not_in_the_nats() -> None:
    params = init(CONFIG, 3)
    full = jax.jit(lambda p, t: logits(p, CONFIG, hidden(p, CONFIG, t)))(params, TOKENS[:, :-1])
    objective, nats = LOSS(params, CONFIG, TOKENS, HERE, z_loss=0.1)
    np.testing.assert_allclose(nats, LOSS(params, CONFIG, TOKENS, HERE)[1], rtol=1e-6)
    np.testing.assert_allclose(objective - nats, 0.1 * (jax.nn.logsumexp(full, axis=-1) ** 2).mean(), rtol=1e-5)


def test_padding_after_the_end_changes_nothing_before_it() -> None:
    params = init(CONFIG, 3)
    padded = np.concatenate([TOKENS[:2, :20], np.zeros((2, 12), np.int32)], axis=1)
    np.testing.assert_allclose(
        LIKELIHOODS(params, CONFIG, padded)[:, :19], LIKELIHOODS(params, CONFIG, TOKENS[:2, :20]), atol=1e-5
    )


def test_an_end_token_belongs_to_the_document_that_it_ends() -> None:
    tokens = np.array([[5, 0, 7, 8, 0, 0, 9], [0, 1, 2, 3, 4, 5, 0]], np.int32)
    want = [[0, 0, 1, 1, 1, 2, 3], [0, 1, 1, 1, 1, 1, 1]]
    got = segments(tokens, 0)
    assert got.dtype == jnp.int32
    np.testing.assert_array_equal(got, want)


def test_with_an_end_token_a_document_does_not_see_the_one_before_it() -> None:
    params = init(CONFIG, 3)
    first, second = TOKENS[:1, :16] % 60 + 1, TOKENS[1:2, :17] % 60 + 1
    first[:, -1] = 0
    both = np.concatenate([first, second], axis=1)
    masked, open_ = (float(LOSS(params, CONFIG, both, HERE, end=end)[1]) for end in (0, None))
    # 15 predictions within the first document, one from its end token, which sees the first, 16 within the second.
    alone = [float(LOSS(params, CONFIG, part, HERE)[1]) * n for part, n in ((both[:, :17], 16), (second, 16))]
    np.testing.assert_allclose(masked, sum(alone) / 32, rtol=1e-5)
    assert abs(masked - open_) > 1e-4


@pytest.mark.parametrize(
    ("vocab", "memory", "least", "most"), [(256_000, 140 * 10**9, 4096, 8192), (256_000, 16 * 10**9, 1024, 2048)]
)
def test_a_tile_fits_the_memory(vocab: int, memory: int, least: int, most: int) -> None:
    assert least <= tile_of(65_536, vocab, "gpu", memory) <= most


def test_tiles_are_even_and_no_longer_than_the_tokens() -> None:
    assert tile_of(100, 256_000, "tpu") == 100
    assert tile_of(1024 + 128, 256_000, "tpu") == 640
    assert tile_of(10, 2048, "cpu") == 10
    assert tile_of(4096, 2048, "cpu") == HERE.tile


def test_scores_within_documents_are_those_of_the_documents_alone() -> None:
    """With the end's id given, what stands before a document in the window does not change its scores."""
    config = ModelConfig(width=16, layers=2, heads=2, ffn=24, vocab=12, sequence=16)
    params = init(config, 3)
    window = np.array([[5, 7, 3, 0, 4, 9, 2, 8]], np.int32)
    masked = token_scores(params, config, window, end=0)[0]
    alone = token_scores(params, config, window[:, 4:])[0]
    np.testing.assert_allclose(masked[:, 4:], alone, atol=1e-5)
    assert not np.allclose(token_scores(params, config, window)[0][:, 4:], alone, atol=1e-3)
