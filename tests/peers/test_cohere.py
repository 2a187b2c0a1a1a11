"""Our transformer against Hugging Face's Cohere: the same weights give the same logits, gradients of no concern here.

The mapping below is the claim of `leaven.model.transformer`: transposed and renamed, every weight means the same.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from leaven.model.config import ModelConfig
from leaven.model.init import Params, flatten, init, nest
from leaven.model.loss import token_log_likelihoods
from leaven.model.transformer import hidden, logits

pytestmark = pytest.mark.peer

torch = pytest.importorskip("torch", reason="the peer environment holds torch: make test-peers")
transformers = pytest.importorskip("transformers", reason="the peer environment holds transformers: make test-peers")

IN_LAYER = {
    "query": "self_attn.q_proj",
    "key": "self_attn.k_proj",
    "value": "self_attn.v_proj",
    "output": "self_attn.o_proj",
    "gate": "mlp.gate_proj",
    "up": "mlp.up_proj",
    "down": "mlp.down_proj",
    "norm": "input_layernorm",
}
"""Our name of a layer's weight → theirs. Linear weights are [out, in] there and [in, out] here."""

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
    model = transformers.CohereForCausalLM(
        transformers.CohereConfig(
            vocab_size=config.vocab,
            hidden_size=config.width,
            intermediate_size=config.ffn,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            num_key_value_heads=config.kv_heads,
            max_position_embeddings=config.sequence,
            layer_norm_eps=config.norm_eps,
            logit_scale=config.logit_scale,
            rope_parameters={"rope_type": "default", "rope_theta": config.rope_theta},
            tie_word_embeddings=True,
            use_qk_norm=False,
            attention_bias=False,
            bos_token_id=0,
            eos_token_id=0,
            pad_token_id=0,
            attn_implementation="eager",
        )
    ).eval()
    assert model.config.rope_parameters["rope_theta"] == config.rope_theta
    weights = {"model.embed_tokens.weight": params["embedding"], "model.norm.weight": params["norm"]}
    for ours, theirs in IN_LAYER.items():
        for layer in range(config.layers):
            weights[f"model.layers.{layer}.{theirs}.weight"] = np.asarray(params["layers"][ours][layer]).T
    tensors = {name: torch.from_numpy(np.array(value, np.float32)) for name, value in weights.items()}
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    assert not unexpected
    assert set(missing) <= {"lm_head.weight"}  # tied to the embedding
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
