"""Our transformer against Hugging Face's Cohere: the same weights give the same logits and likelihoods.

The mapping is the one that exports go through (`leaven.model.cohere`); here it is held against their classes in memory,
in `test_huggingface` against their files.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from leaven.model.cohere import HEAD, places, take, to_config
from leaven.model.config import ModelConfig
from leaven.model.init import Params, flatten, init, nest
from leaven.model.loss import token_log_likelihoods
from leaven.model.transformer import hidden, logits

pytestmark = pytest.mark.peer

torch = pytest.importorskip("torch", reason="the peer environment holds torch: make test-peers")
transformers = pytest.importorskip("transformers", reason="the peer environment holds transformers: make test-peers")

SHAPES = {
    "plain": ModelConfig(width=64, layers=3, heads=4, ffn=96, vocab=211, sequence=70),
    "grouped keys, scaled logits": ModelConfig(
        width=96, layers=2, heads=6, kv_heads=2, ffn=80, vocab=130, sequence=45, logit_scale=0.0625
    ),
    "other base and epsilon": ModelConfig(
        width=32, layers=2, heads=2, ffn=48, vocab=67, sequence=33, rope_theta=500.0, norm_eps=1e-2, logit_scale=0.5
    ),
}


def drawn(config: ModelConfig) -> Params:
    """Weights that hide nothing: norms far from one, and matrices large enough that attention is not flat."""
    rng = np.random.default_rng(5)

    def weight(name: str, value: Any) -> Any:
        if name.endswith("norm"):
            return rng.uniform(0.3, 1.7, value.shape).astype(np.float32)
        return 2 * np.asarray(value)

    return nest({name: weight(name, value) for name, value in flatten(init(config, 1)).items()})


def peer(config: ModelConfig, params: Params) -> Any:
    """The same model in their classes."""
    theirs = transformers.CohereConfig(**to_config(config, "float32", 0), attn_implementation="eager")
    assert theirs.rope_parameters["rope_theta"] == config.rope_theta
    model = transformers.CohereForCausalLM(theirs).eval()
    tensors = {place.name: torch.from_numpy(np.array(take(params, place), np.float32)) for place in places(config)}
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    assert not unexpected
    assert set(missing) <= {HEAD}  # tied to the embedding
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
    return model.float()


@pytest.mark.parametrize("shape", SHAPES)
def test_logits_equal_those_of_hugging_face_cohere(shape: str) -> None:
    config = SHAPES[shape]
    params = drawn(config)
    tokens = np.random.default_rng(2).integers(0, config.vocab, (3, config.sequence))
    with torch.no_grad():
        expected = peer(config, params)(torch.from_numpy(tokens)).logits.numpy()
    ours = jax.jit(lambda p, t: logits(p, config, hidden(p, config, t)))(params, tokens)
    assert expected.std() > 0.1
    np.testing.assert_allclose(np.asarray(ours), expected, atol=1e-4, rtol=1e-4)


def test_likelihoods_equal_those_of_hugging_face_cohere() -> None:
    """The same through the tiled path that evaluation takes: 2 · 44 positions are no multiple of a tile."""
    config = SHAPES["grouped keys, scaled logits"]
    params = drawn(config)
    tokens = np.random.default_rng(3).integers(0, config.vocab, (2, config.sequence))
    with torch.no_grad():
        scores = torch.log_softmax(peer(config, params)(torch.from_numpy(tokens)).logits, -1)
    expected = torch.gather(scores[:, :-1], 2, torch.from_numpy(tokens[:, 1:, None]))[..., 0].numpy()
    ours = jax.jit(lambda p, t: token_log_likelihoods(p, config, t))(params, tokens)
    np.testing.assert_allclose(np.asarray(ours), expected, atol=1e-4, rtol=1e-4)
