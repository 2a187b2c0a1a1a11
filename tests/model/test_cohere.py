"""The mapping to Hugging Face Cohere: golden names and fields, there and back, and what is refused."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.ground.errors import BadInput
from leaven.model.cohere import empty, from_config, places, put, take, to_config
from leaven.model.config import ModelConfig
from leaven.model.init import flatten, init, nest, shapes

CONFIG = ModelConfig(width=8, layers=2, heads=4, kv_heads=2, ffn=12, vocab=20, sequence=16, rope_theta=500.0)


@st.composite
def configs(draw: st.DrawFn) -> ModelConfig:
    kv_heads, group, half = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    small = st.integers(1, 9)
    return ModelConfig(
        width=2 * half * kv_heads * group,
        layers=draw(st.integers(1, 4)),
        heads=kv_heads * group,
        kv_heads=kv_heads,
        ffn=draw(small),
        vocab=draw(small),
        sequence=draw(small),
        rope_theta=draw(st.floats(1.0, 1e7)),
        norm_eps=draw(st.floats(1e-12, 1e-1)),
        logit_scale=draw(st.floats(1e-3, 10.0)),
    )


def test_names_and_shapes_are_those_of_hugging_face() -> None:
    found = {place.name: place.shape for place in places(CONFIG)}
    layer = {
        "input_layernorm.weight": (8,),
        "self_attn.q_proj.weight": (8, 8),
        "self_attn.k_proj.weight": (4, 8),
        "self_attn.v_proj.weight": (4, 8),
        "self_attn.o_proj.weight": (8, 8),
        "mlp.gate_proj.weight": (12, 8),
        "mlp.up_proj.weight": (12, 8),
        "mlp.down_proj.weight": (8, 12),
    }
    assert found == {
        "model.embed_tokens.weight": (20, 8),
        **{f"model.layers.{n}.{name}": shape for n in range(2) for name, shape in layer.items()},
        "model.norm.weight": (8,),
    }


def test_a_matrix_is_transposed_and_a_square_one_too() -> None:
    params = init(CONFIG, 3)
    theirs = {place.name: take(params, place) for place in places(CONFIG)}
    np.testing.assert_array_equal(theirs["model.layers.1.self_attn.o_proj.weight"], params["layers"]["output"][1].T)
    np.testing.assert_array_equal(theirs["model.layers.0.mlp.down_proj.weight"], params["layers"]["down"][0].T)
    np.testing.assert_array_equal(theirs["model.embed_tokens.weight"], params["embedding"])


@given(configs())
def test_every_weight_has_one_place_and_comes_back_bit_for_bit(config: ModelConfig) -> None:
    sizes = {name: int(np.prod(shape)) for name, shape in shapes(config).items()}
    ends = np.cumsum(list(sizes.values()))
    # Every number of the model is a different one: nothing can be exchanged, repeated or forgotten.
    numbers = np.arange(ends[-1], dtype=np.float32)
    flat = dict(zip(sizes, np.split(numbers, ends[:-1]), strict=True))
    params = nest({name: flat[name].reshape(shape) for name, shape in shapes(config).items()})
    again = empty(config)
    told = 0
    for place in places(config):
        tensor = take(params, place)
        assert tensor.shape == place.shape
        told += tensor.size
        put(again, place, tensor)
    assert told == ends[-1]
    jax.tree.map(np.testing.assert_array_equal, again, params)
    assert {name: value.shape for name, value in flatten(again).items()} == shapes(config)


def test_fields_are_golden() -> None:
    assert to_config(CONFIG, "bfloat16", 7) == {
        "architectures": ["CohereForCausalLM"],
        "model_type": "cohere",
        "hidden_size": 8,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 12,
        "vocab_size": 20,
        "max_position_embeddings": 16,
        "layer_norm_eps": 1e-5,
        "logit_scale": 1.0,
        "rope_theta": 500.0,
        "rope_scaling": None,
        "rope_parameters": {"rope_type": "default", "rope_theta": 500.0},
        "hidden_act": "silu",
        "attention_bias": False,
        "attention_dropout": 0.0,
        "use_qk_norm": False,
        "tie_word_embeddings": True,
        "initializer_range": 0.02,
        "use_cache": True,
        "bos_token_id": 7,
        "eos_token_id": 7,
        "pad_token_id": 7,
        "dtype": "bfloat16",
        "torch_dtype": "bfloat16",
    }


@given(configs(), st.sampled_from(["float32", "bfloat16"]), st.none() | st.integers(0, 9))
def test_a_shape_comes_back(config: ModelConfig, dtype: str, end: int | None) -> None:
    assert from_config(to_config(config, dtype, end)) == config


@pytest.mark.parametrize(
    "fields", [{"rope_parameters": None}, {"rope_theta": None}, {"rope_scaling": {"type": "default"}}]
)
def test_the_forms_of_either_release_are_read(fields: dict[str, Any]) -> None:
    assert from_config({**to_config(CONFIG, "float32", 0), **fields}) == CONFIG


def test_what_their_classes_take_for_granted_is_taken() -> None:
    data = to_config(CONFIG, "float32", 0)
    for field in (
        "layer_norm_eps",
        "logit_scale",
        "tie_word_embeddings",
        "use_qk_norm",
        "attention_bias",
        "hidden_act",
    ):
        del data[field]
    data["num_key_value_heads"] = data["architectures"] = None
    config = from_config(data)
    assert (config.norm_eps, config.logit_scale, config.kv_heads) == (1e-5, 0.0625, 4)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2"}, "this is GPT2LMHeadModel"),
        ({"architectures": ["Cohere2ForCausalLM"], "model_type": "cohere2"}, "this is Cohere2ForCausalLM"),
        ({"model_type": "cohere2"}, "model_type cohere2"),
        ({"architectures": None, "model_type": "llama"}, "this is llama"),
        ({"architectures": ["CohereModel"]}, "this is CohereModel"),
        ({"architectures": "CohereForCausalLM"}, "not CohereForCausalLM"),
        ({"auto_map": {"AutoModel": "evil.Model"}}, "auto_map: this model needs code"),
        ({"quantization_config": {"bits": 4}}, "quantization_config: quantized"),
        ({"use_qk_norm": True}, "use_qk_norm: queries and keys are normed"),
        ({"attention_bias": True}, "attention_bias: attention has biases"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings: the output head is not the embedding"),
        ({"hidden_act": "gelu"}, "hidden_act: the gate is another"),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, "rope_scaling: rotary positions are scaled"),
        (
            {"rope_parameters": {"rope_type": "yarn", "rope_theta": 500.0}},
            "rope_parameters: rotary positions are scaled",
        ),
        ({"rope_parameters": {"rope_theta": 500.0, "partial_rotary_factor": 0.5}}, "scaled or partial"),
        ({"rope_parameters": "yarn"}, "scaled or partial"),
        ({"rope_theta": 1e4}, "two bases"),
        ({"rope_theta": None, "rope_parameters": None}, "rope_theta: the base of the rotary positions is missing"),
        ({"rope_theta": "big"}, "rope_theta: 'big' is not a positive number"),
        ({"head_dim": 4}, "head_dim: heads of 4 channels"),
        ({"hidden_size": None}, "hidden_size: is missing"),
        ({"hidden_size": 8.0}, "hidden_size: 8.0 is not a positive whole number"),
        ({"num_hidden_layers": -1}, "num_hidden_layers: -1"),
        ({"vocab_size": True}, "vocab_size: True"),
        ({"logit_scale": float("nan")}, "logit_scale: nan"),
        ({"layer_norm_eps": float("inf")}, "layer_norm_eps: inf"),
        ({"num_attention_heads": 3}, "width 8 over 3 heads"),
        ({"num_key_value_heads": 3}, "4 heads do not divide over 3"),
    ],
)
def test_another_model_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match="config.json") as caught:
        from_config({**to_config(CONFIG, "float32", 0), **fields})
    assert says in str(caught.value)


def test_no_object_is_refused() -> None:
    with pytest.raises(BadInput, match="not a JSON object"):
        from_config([])
