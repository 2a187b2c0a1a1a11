"""The Cohere block: attention and SwiGLU side by side on one bias-free LayerNorm, stacked and scanned over layers.

Shapes: B sequences, T positions, D width, H heads, d channels of a head, V vocabulary.
Invariants: pure; float32 norms; weights have the meaning of Hugging Face `CohereForCausalLM` (transposed, renamed), so
rotary pairs are interleaved. Inside, projections of one input are one product and rotary channels are sorted: both
rearrange weights once per call, not the model.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from leaven.model.attention import causal_attention_blocked, even_first, rope_angles, rope_halves
from leaven.model.config import ModelConfig
from leaven.model.init import Params
from leaven.model.project import project

UNROLLED_LAYERS = 4
"""Up to this many layers the scan is unrolled: measured faster on CPU at 3 layers (docs/notebook.md)."""


def layer_norm(x: jax.Array, weight: jax.Array, eps: float) -> jax.Array:
    """(x − mean) / √(variance + eps) · weight over the last axis, in float32, without bias."""
    centred = x.astype(jnp.float32) - x.astype(jnp.float32).mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    return (centred * jax.lax.rsqrt(variance + eps) * weight).astype(x.dtype)


def pack(layers: Params, config: ModelConfig) -> Params:
    """Layer weights as the block uses them: `norm`, `enter` [L, D, (H+2K)d + 2·ffn], `leave` [L, D + ffn, D]."""
    query = even_first(layers["query"], config.heads)
    key = even_first(layers["key"], config.kv_heads)
    enter = jnp.concatenate([query, key, layers["value"], layers["gate"], layers["up"]], axis=-1)
    return {
        "norm": layers["norm"],
        "enter": enter,
        "leave": jnp.concatenate([layers["output"], layers["down"]], axis=1),
    }


def enter(x_BTD: jax.Array, layer: Params, config: ModelConfig) -> tuple[jax.Array, ...]:
    """Norm and its projections: q [B, H, T, d], k, v [B, K, T, d] (not rotated), SwiGLU [B, T, ffn]."""
    normed = layer_norm(x_BTD, layer["norm"], config.norm_eps)
    keys = config.kv_heads * config.head
    edges = [config.width, config.width + keys, config.width + 2 * keys, config.width + 2 * keys + config.ffn]
    q, k, v, gate, up = jnp.split(project(normed, layer["enter"]), edges, axis=-1)
    return split_heads(q, config), split_heads(k, config), split_heads(v, config), jax.nn.silu(gate) * up


def leave(x_BTD: jax.Array, mixed_BHTd: jax.Array, fed_BTF: jax.Array, layer: Params) -> jax.Array:
    """The residual stream plus attention's and the feed-forward's outputs, both projected by one product."""
    B, H, T, d = mixed_BHTd.shape
    mixed = mixed_BHTd.transpose(0, 2, 1, 3).reshape(B, T, H * d)
    return x_BTD + project(jnp.concatenate([mixed, fed_BTF], axis=-1), layer["leave"])


def split_heads(x: jax.Array, config: ModelConfig) -> jax.Array:
    """[B, T, heads·d] → [B, heads, T, d]."""
    return x.reshape(*x.shape[:2], -1, config.head).transpose(0, 2, 1, 3)


def spread(x_BKTd: jax.Array, config: ModelConfig) -> jax.Array:
    """Keys or values, each repeated for the query heads that share it."""
    return x_BKTd if config.kv_heads == config.heads else jnp.repeat(x_BKTd, config.heads // config.kv_heads, axis=1)


def hidden(params: Params, config: ModelConfig, tokens_BT: jax.Array) -> jax.Array:
    """The final normed states [B, T, D] of tokens [B, T] (any integer type)."""
    angles = rope_angles(jnp.arange(tokens_BT.shape[1]), config.head, config.rope_theta)
    cos, sin = jnp.cos(angles), jnp.sin(angles)

    def block(x: jax.Array, layer: Params) -> tuple[jax.Array, None]:
        q, k, v, fed = enter(x, layer, config)
        q, k = rope_halves(q, cos, sin), rope_halves(k, cos, sin)
        return leave(x, causal_attention_blocked(q, spread(k, config), spread(v, config)), fed, layer), None

    unroll = config.layers if config.layers <= UNROLLED_LAYERS else 1
    x_BTD, _ = jax.lax.scan(block, params["embedding"][tokens_BT], pack(params["layers"], config), unroll=unroll)
    return layer_norm(x_BTD, params["norm"], config.norm_eps)


def logits(params: Params, config: ModelConfig, h: jax.Array) -> jax.Array:
    """[..., D] → [..., V]. Only for a few positions at a time; losses go through `leaven.model.loss`."""
    embedding: jax.Array = params["embedding"]
    return (h @ embedding.T) * config.logit_scale
