"""The Cohere block: attention and SwiGLU side by side on one bias-free LayerNorm, stacked and scanned over layers.

Shapes: B sequences, T positions, D width, H heads, K key heads, d channels of a head, V vocabulary.
Invariants: pure; float32 norms; weights have the meaning of Hugging Face `CohereForCausalLM` (transposed, renamed), so
rotary pairs are interleaved. Inside, projections of one input are one product and rotary channels are sorted: both
rearrange weights once per call, not the model. On a mesh a layer's weights are gathered, in the type they are used in,
when the scan reaches the layer, and never all layers at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from leaven.model.attention import attend, even_first, keeps, rope_angles, rope_halves
from leaven.model.config import ModelConfig
from leaven.model.embed import embed
from leaven.model.execution import DATA, HERE, MODEL, Execution
from leaven.model.init import Params
from leaven.model.project import project

UNROLLED_LAYERS = 4
"""Up to this many layers the scan is unrolled: measured faster on CPU at 3 layers (docs/notebook.md)."""

WIDENING = ("query", "key", "value", "gate", "up")
NARROWING = ("output", "down")
"""Projections from, and back to, the residual stream."""

Block = Callable[[jax.Array, Params], tuple[jax.Array, None]]


def layer_norm(x: jax.Array, weight: jax.Array, eps: float) -> jax.Array:
    """(x − mean) / √(variance + eps) · weight over the last axis, in float32, without bias."""
    centred = x.astype(jnp.float32) - x.astype(jnp.float32).mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    return (centred * jax.lax.rsqrt(variance + eps) * weight).astype(x.dtype)


def pack(layers: Params, config: ModelConfig, how: Execution = HERE) -> Params:
    """Layer weights as the block uses them: `norm`, `enter` [L, D, (H+2K)d + 2·ffn], `leave` [L, D + ffn, D].

    Where heads and channels are spread over devices each projection stays by itself, as the pieces of a device would
    otherwise have to change hands.
    """
    ready = {name: layers[name].astype(how.dtype) for name in (*WIDENING, *NARROWING)}
    ready["query"] = even_first(ready["query"], config.heads)
    ready["key"] = even_first(ready["key"], config.kv_heads)
    if how.model_parts > 1:
        return {"norm": layers["norm"], **ready}
    return {
        "norm": layers["norm"],
        "enter": jnp.concatenate([ready[name] for name in WIDENING], axis=-1),
        "leave": jnp.concatenate([ready[name] for name in NARROWING], axis=1),
    }


def gathered(layer: Params, how: Execution) -> Params:
    """One layer's weights, not spread over `data`."""
    if how.mesh is None:
        return layer
    widening, narrowing = {"enter", *WIDENING}, {"leave", *NARROWING}
    model = MODEL if how.model_parts > 1 else None
    axes = {name: (None, model) if name in widening else (model, None) for name in widening | narrowing}
    return {name: how.place(w, *axes[name]) if name in axes else w for name, w in layer.items()}


def enter(x_BTD: jax.Array, layer: Params, config: ModelConfig) -> tuple[jax.Array, ...]:
    """Norm and its projections: q [B, H, T, d], k, v [B, K, T, d] (not rotated), SwiGLU [B, T, ffn]."""
    normed = layer_norm(x_BTD, layer["norm"], config.norm_eps)
    keys = config.kv_heads * config.head
    edges = [config.width, config.width + keys, config.width + 2 * keys, config.width + 2 * keys + config.ffn]
    if "enter" in layer:
        q, k, v, gate, up = jnp.split(_product(normed, layer["enter"]), edges, axis=-1)
    else:
        q, k, v, gate, up = (_product(normed, layer[name]) for name in WIDENING)
    return split_heads(q, config), split_heads(k, config), split_heads(v, config), jax.nn.silu(gate) * up


def leave(x_BTD: jax.Array, mixed_BHTd: jax.Array, fed_BTF: jax.Array, layer: Params) -> jax.Array:
    """The residual stream plus attention's and the feed-forward's outputs, both projected by one product."""
    B, H, T, d = mixed_BHTd.shape
    mixed = mixed_BHTd.transpose(0, 2, 1, 3).reshape(B, T, H * d)
    if "leave" in layer:
        return x_BTD + _product(jnp.concatenate([mixed, fed_BTF], axis=-1), layer["leave"])
    return x_BTD + (_product(mixed, layer["output"]) + _product(fed_BTF, layer["down"]))


def _product(x: jax.Array, w: jax.Array) -> jax.Array:
    """x w. The order of `project` is what CPUs are fast at, and CPUs compute in float32."""
    return project(x, w) if w.dtype == jnp.float32 else x @ w


def split_heads(x: jax.Array, config: ModelConfig) -> jax.Array:
    """[B, T, heads·d] → [B, heads, T, d]."""
    return x.reshape(*x.shape[:2], -1, config.head).transpose(0, 2, 1, 3)


def _all_but_gathered(primitive: Any, *_: Any, **__: Any) -> bool:
    """A policy that keeps every value but what a sharding constraint made: the value it was made of is kept."""
    return primitive.name not in ("sharding_constraint", "name")


def remembering(block: Block, how: Execution) -> Block:
    """`block`, recomputed in the backward pass as far as `how.remat` says."""
    policies = jax.checkpoint_policies
    if how.remat == "none":
        if how.mesh is None:
            return block
        # Keeping the gathered weights of all layers would undo that they are spread out.
        return jax.checkpoint(block, policy=_all_but_gathered, prevent_cse=False)
    kept = keeps
    if how.remat == "projections":
        kept = policies.save_from_both_policies(keeps, policies.dots_with_no_batch_dims_saveable)
    # The scan already keeps forward and backward apart, so nothing can merge what is computed twice.
    return jax.checkpoint(block, policy=kept, prevent_cse=False)


def hidden(
    params: Params,
    config: ModelConfig,
    tokens_BT: jax.Array,
    how: Execution = HERE,
    segments_BT: jax.Array | None = None,
) -> jax.Array:
    """The final normed states [B, T, D], in `how.dtype`, of tokens [B, T] (any integer type).

    `segments_BT`: document of each position; attention stays within a document. Rotary positions need no restart at a
    document's beginning, because only their differences enter.
    """
    angles = rope_angles(jnp.arange(tokens_BT.shape[1]), config.head, config.rope_theta)
    cos, sin = jnp.cos(angles).astype(how.dtype), jnp.sin(angles).astype(how.dtype)

    def block(x: jax.Array, layer: Params) -> tuple[jax.Array, None]:
        layer = gathered(layer, how)
        q, k, v, fed = enter(x, layer, config)
        q, k = rope_halves(q, cos, sin), rope_halves(k, cos, sin)
        x = leave(x, attend(q, k, v, how, segments_BT), fed, layer)
        return how.place(x, DATA, None, None), None

    unroll = config.layers if config.layers <= UNROLLED_LAYERS else 1
    x_BTD = how.place(embed(params["embedding"], tokens_BT, how), DATA, None, None)
    x_BTD, _ = jax.lax.scan(remembering(block, how), x_BTD, pack(params["layers"], config, how), unroll=unroll)
    return layer_norm(x_BTD, params["norm"], config.norm_eps)


def logits(params: Params, config: ModelConfig, h: jax.Array) -> jax.Array:
    """[..., D] → float32 [..., V]. Only for a few positions at a time; losses go through `leaven.model.loss`."""
    embedding: jax.Array = params["embedding"]
    product = jnp.matmul(h, embedding.astype(h.dtype).T, preferred_element_type=jnp.float32)
    return product * config.logit_scale
