"""What each of our weights and fields is called in Hugging Face's `CohereForCausalLM`: a pure mapping, both ways.

Linear weights are [out, in] there and [in, out] here, and layers are apart there and stacked here; nothing else
differs: rotary pairs are interleaved in both (`leaven.model.transformer`). No file is touched here.
Invariants: `put` undoes `take` bit for bit; `from_config` undoes `to_config`; a configuration that means something our
model does not compute is refused and never approximated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from leaven.ground.errors import BadInput
from leaven.model.config import ModelConfig
from leaven.model.init import Params, nest, shapes

ARCHITECTURE = "CohereForCausalLM"
HEAD = "lm_head.weight"
"""The output head, where a file has it in spite of its being the embedding."""

IN_LAYER = {
    "norm": "input_layernorm",
    "query": "self_attn.q_proj",
    "key": "self_attn.k_proj",
    "value": "self_attn.v_proj",
    "output": "self_attn.o_proj",
    "gate": "mlp.gate_proj",
    "up": "mlp.up_proj",
    "down": "mlp.down_proj",
}
"""Our name of a layer's weight → theirs, in the order of files."""

TENSORS_OF_A_LAYER = len(IN_LAYER)
TENSORS_APART = 2
"""The embedding and the last norm."""

SAME = {
    "hidden_size": "width",
    "num_hidden_layers": "layers",
    "num_attention_heads": "heads",
    "num_key_value_heads": "kv_heads",
    "intermediate_size": "ffn",
    "vocab_size": "vocab",
    "max_position_embeddings": "sequence",
    "layer_norm_eps": "norm_eps",
    "logit_scale": "logit_scale",
}
"""Their field → ours, where the value is the same."""

DEFAULTS = {"layer_norm_eps": 1e-5, "logit_scale": 0.0625}
"""What their classes take for a field that is not there, in every release; other fields must be there."""


@dataclass(frozen=True)
class Place:
    """Where one of their tensors is among our weights.

    Args:
        name: theirs, e.g. `model.layers.3.mlp.up_proj.weight`. `shape`: theirs.
        ours: top-level name, or the name within `layers`; `layer`: which one, None outside the layers.
    """

    name: str
    shape: tuple[int, ...]
    ours: str
    layer: int | None

    @property
    def transposed(self) -> bool:
        return self.layer is not None and len(self.shape) == 2


def places(config: ModelConfig) -> Iterator[Place]:
    """Every tensor of a model, layer by layer, in the order in which a forward pass meets them."""
    ours = shapes(config)
    yield Place("model.embed_tokens.weight", ours["embedding"], "embedding", None)
    for layer in range(config.layers):
        for name, theirs in IN_LAYER.items():
            shape = ours[f"layers.{name}"][1:]
            yield Place(f"model.layers.{layer}.{theirs}.weight", shape[::-1], name, layer)
    yield Place("model.norm.weight", ours["norm"], "norm", None)


def take(params: Params, place: Place) -> npt.NDArray[Any]:
    """Their tensor out of our weights, in our type. Leaves of `params` are arrays of any kind that `[i]` cuts."""
    if place.layer is None:
        return np.asarray(params[place.ours])
    tensor = np.asarray(params["layers"][place.ours][place.layer])
    return tensor.T if place.transposed else tensor


def empty(config: ModelConfig) -> Params:
    """Room for all weights in float32, for `put` to fill."""
    return nest({name: np.empty(shape, np.float32) for name, shape in shapes(config).items()})


def put(params: Params, place: Place, tensor: npt.NDArray[Any]) -> None:
    """Write their tensor, of any floating type, to its place in what `empty` made."""
    if place.layer is None:
        params[place.ours][...] = tensor
    else:
        params["layers"][place.ours][place.layer] = tensor.T if place.transposed else tensor


def to_config(config: ModelConfig, dtype: str, end: int | None) -> dict[str, Any]:
    """Their `config.json` for this shape.

    The rotary base and the type are each written twice: `rope_parameters` and `dtype` for transformers 5,
    `rope_theta` and `torch_dtype` for transformers 4.

    Args:
        dtype: `float32` or `bfloat16`, of the weights in the files.
        end: id of the token that ends, begins and pads a text; None: there is none.
    """
    return {
        "architectures": [ARCHITECTURE],
        "model_type": "cohere",
        **{theirs: getattr(config, ours) for theirs, ours in SAME.items()},
        "rope_theta": config.rope_theta,
        "rope_scaling": None,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_theta},
        "hidden_act": "silu",
        "attention_bias": False,
        "attention_dropout": 0.0,
        "use_qk_norm": False,
        "tie_word_embeddings": True,
        "initializer_range": 0.02,
        "use_cache": True,
        "bos_token_id": end,
        "eos_token_id": end,
        "pad_token_id": end,
        "dtype": dtype,
        "torch_dtype": dtype,
    }


def from_config(data: Any, where: str = "config.json") -> ModelConfig:
    """The shape that their `config.json` says. Raises BadInput for anything that our model does not compute."""
    if not isinstance(data, Mapping):
        raise BadInput("this is no model configuration: not a JSON object", where=where)
    _check_architecture(data, where)
    _check_block(data, where)
    fields: dict[str, Any] = {}
    for theirs, ours in SAME.items():
        value = data.get(theirs, DEFAULTS.get(theirs))
        if theirs == "num_key_value_heads" and value is None:
            value = data.get("num_attention_heads")
        fields[ours] = _number(value, theirs, where, whole=theirs not in DEFAULTS)
    fields["rope_theta"] = _rotary_base(data, where)
    try:
        config = ModelConfig(**fields)
    except BadInput as error:
        raise BadInput(error.what, where=where, field=error.field, fix=error.fix) from None
    if data.get("head_dim") not in (None, config.head):
        raise BadInput(
            f"heads of {data['head_dim']} channels, not of width / heads = {config.head}", where=where, field="head_dim"
        )
    return config


def _check_architecture(data: Mapping[str, Any], where: str) -> None:
    kind = data.get("model_type")
    # A configuration saved without its model names no architecture; the type then says which one is meant.
    named = data.get("architectures") or [ARCHITECTURE if kind == "cohere" else kind]
    if named != [ARCHITECTURE] or kind != "cohere":
        shown = ", ".join(map(str, named)) if isinstance(named, list) else str(named)
        raise BadInput(
            f"this is {shown} (model_type {kind}), not {ARCHITECTURE}",
            where=where,
            field="architectures",
            fix=f"Only {ARCHITECTURE} (model_type cohere) is the model that leaven computes.",
        )
    if data.get("auto_map"):
        raise BadInput("this model needs code that comes with it, which is never run", where=where, field="auto_map")
    if data.get("quantization_config"):
        raise BadInput("quantized weights are not read", where=where, field="quantization_config")


def _check_block(data: Mapping[str, Any], where: str) -> None:
    """Switches of their block that ours does not have, with the values that it computes."""
    switches: tuple[tuple[str, Any, str], ...] = (
        ("use_qk_norm", False, "queries and keys are normed there, not here"),
        ("attention_bias", False, "attention has biases there, none here"),
        ("tie_word_embeddings", True, "the output head is not the embedding there; here it is"),
        ("hidden_act", "silu", "the gate is another function than silu"),
    )
    for field, ours, why in switches:
        if (data.get(field) if data.get(field) is not None else ours) != ours:
            raise BadInput(why, where=where, field=field)


def _rotary_base(data: Mapping[str, Any], where: str) -> float:
    """The one base that the forms of transformers 4 and 5 give, unscaled."""
    found = {}
    if data.get("rope_theta") is not None:
        found["rope_theta"] = data["rope_theta"]
    for field in ("rope_scaling", "rope_parameters"):
        given = data.get(field)
        if given is None:
            continue
        kind = given.get("rope_type", given.get("type", "default")) if isinstance(given, Mapping) else given
        if kind != "default" or not isinstance(given, Mapping) or given.get("partial_rotary_factor", 1.0) != 1.0:
            raise BadInput(
                f"rotary positions are scaled or partial there ({kind}), plain here", where=where, field=field
            )
        if given.get("rope_theta") is not None:
            found[f"{field}.rope_theta"] = given["rope_theta"]
    if not found:
        raise BadInput(
            "the base of the rotary positions is missing",
            where=where,
            field="rope_theta",
            fix="Releases of transformers take different defaults; write the one the model was trained with.",
        )
    bases = {name: _number(value, name, where, whole=False) for name, value in found.items()}
    if len(set(bases.values())) > 1:
        raise BadInput(f"two bases of the rotary positions: {bases}", where=where, field="rope_theta")
    return float(next(iter(bases.values())))


def _number(value: Any, field: str, where: str, *, whole: bool) -> Any:
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not 0 < value < math.inf:
        said = "is missing" if value is None else f"{value!r} is not a positive {'whole ' if whole else ''}number"
        raise BadInput(said, where=where, field=field)
    return value if whole else float(value)
