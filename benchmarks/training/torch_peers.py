"""The torch sides: Hugging Face's Cohere and a hand-written one, each eager or compiled, in float32 or bfloat16.

Usage (in .venv-peers): python torch_peers.py CONTENDER SHAPE BATCH STEPS [--threads 2]
CONTENDER is one of `hf`, `hand`, with any of `-compile`, `-bf16` appended. Prints one line of JSON: losses of the first
steps, seconds of every step after `WARM`, seconds of the first step (compilation is in it), and the versions.

The hand-written model is what one would write for speed: one product for query, key, value, gate and up, one for both
outputs, fused attention, rotary channels sorted once at loading, fused AdamW. bfloat16 rows use autocast and keep
float32 weights.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any, ClassVar

import numpy as np
import torch
from shapes import (
    B1,
    B2,
    CLIP,
    EPS,
    LEARNING_RATE,
    NORM_EPS,
    ROPE_THETA,
    SEQUENCE,
    SHAPES,
    WARM,
    WEIGHT_DECAY,
    Shape,
    batches,
    weights,
)
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (as everybody calls it)


def even_first(w: Any, heads: int) -> Any:
    """Output channels [in, out] of each head sorted, even ones first, so that halves are rotated and not pairs."""
    return w.reshape(w.shape[0], heads, -1, 2).swapaxes(-1, -2).reshape(w.shape)


class Block(nn.Module):
    """Attention and SwiGLU side by side on one LayerNorm."""

    def __init__(self, shape: Shape, w: dict[str, Any], layer: int) -> None:
        super().__init__()
        self.shape = shape
        part = {name.removeprefix("layers."): value[layer] for name, value in w.items() if name.startswith("layers.")}
        query, key = even_first(part["query"], shape.heads), even_first(part["key"], shape.heads)
        enter = np.concatenate([query, key, part["value"], part["gate"], part["up"]], axis=1)
        leave = np.concatenate([part["output"], part["down"]], axis=0)
        self.norm = nn.Parameter(torch.tensor(part["norm"]))
        self.enter = nn.Parameter(torch.tensor(np.ascontiguousarray(enter.T)))
        self.leave = nn.Parameter(torch.tensor(np.ascontiguousarray(leave.T)))

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        s, (B, T, D) = self.shape, x.shape
        normed = F.layer_norm(x, (D,), self.norm, None, NORM_EPS)
        qkv, gate, up = F.linear(normed, self.enter).split([3 * D, s.ffn, s.ffn], dim=-1)
        q, k, v = qkv.view(B, T, 3, s.heads, s.head).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True)
        fed = F.silu(gate) * up
        return x + F.linear(torch.cat([mixed.transpose(1, 2).reshape(B, T, D), fed], dim=-1), self.leave)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions, channel i with channel i + d/2."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


class Hand(nn.Module):
    """The model as one would write it for speed; logits [N, V] of tokens [B, T]."""

    def __init__(self, shape: Shape, w: dict[str, Any]) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.tensor(w["embedding"]))
        self.blocks = nn.ModuleList(Block(shape, w, layer) for layer in range(shape.layers))
        self.norm = nn.Parameter(torch.tensor(w["norm"]))
        rates = ROPE_THETA ** (-torch.arange(0, shape.head, 2, dtype=torch.float64) / shape.head)
        angles = torch.arange(SEQUENCE)[:, None] * rates
        self.register_buffer("cos", angles.cos().float())
        self.register_buffer("sin", angles.sin().float())

    def forward(self, tokens: Tensor) -> Tensor:
        x = F.embedding(tokens, self.embedding)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        x = F.layer_norm(x, x.shape[-1:], self.norm, None, NORM_EPS)
        return F.linear(x, self.embedding).flatten(0, 1)


class HuggingFace(nn.Module):
    """`transformers`' CohereForCausalLM with the same weights."""

    THEIRS: ClassVar[dict[str, str]] = {
        "query": "self_attn.q_proj",
        "key": "self_attn.k_proj",
        "value": "self_attn.v_proj",
        "output": "self_attn.o_proj",
        "gate": "mlp.gate_proj",
        "up": "mlp.up_proj",
        "down": "mlp.down_proj",
        "norm": "input_layernorm",
    }

    def __init__(self, shape: Shape, w: dict[str, Any]) -> None:
        super().__init__()
        from transformers import CohereConfig, CohereForCausalLM

        config = CohereConfig(
            vocab_size=shape.vocab,
            hidden_size=shape.width,
            intermediate_size=shape.ffn,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            max_position_embeddings=SEQUENCE,
            layer_norm_eps=NORM_EPS,
            logit_scale=1.0,
            pad_token_id=None,
            tie_word_embeddings=True,
            use_cache=False,
            rope_parameters={"rope_type": "default", "rope_theta": ROPE_THETA},
            attn_implementation="sdpa",
        )
        self.model = CohereForCausalLM(config).train()
        named = {"model.embed_tokens.weight": w["embedding"], "model.norm.weight": w["norm"]}
        for ours, theirs in self.THEIRS.items():
            for layer, value in enumerate(w[f"layers.{ours}"]):
                named[f"model.layers.{layer}.{theirs}.weight"] = value.T
        left = self.model.load_state_dict({k: torch.tensor(np.ascontiguousarray(v)) for k, v in named.items()}, False)
        assert left.missing_keys == ["lm_head.weight"], left
        assert not left.unexpected_keys, left

    def forward(self, tokens: Tensor) -> Tensor:
        return self.model(input_ids=tokens, use_cache=False).logits.flatten(0, 1)


def optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """Fused AdamW; matrices decay, norms and the embedding do not."""
    named = list(model.named_parameters())
    decayed = [p for name, p in named if p.dim() == 2 and "embed" not in name]
    kept = [p for name, p in named if p.dim() < 2 or "embed" in name]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": kept, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(B1, B2), eps=EPS, fused=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("contender")
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("batch", type=int)
    parser.add_argument("steps", type=int)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    kind, *how = args.contender.split("-")
    torch.set_num_threads(args.threads)
    shape = SHAPES[args.shape]
    begin = time.perf_counter()
    model = {"hand": Hand, "hf": HuggingFace}[kind](shape, weights(shape))
    adamw = optimizer(model)
    parameters = list(model.parameters())
    assert sum(p.numel() for p in parameters) == shape.parameters

    def loss_of(tokens: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled="bf16" in how):
            return F.cross_entropy(model(tokens[:, :-1]).float(), tokens[:, 1:].flatten())

    if "compile" in how:
        loss_of = torch.compile(loss_of)
    losses, seconds = [], []
    for tokens in torch.from_numpy(batches(shape, args.batch, args.steps)).long():
        start = time.perf_counter()
        loss = loss_of(tokens)
        adamw.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        adamw.step()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
    print(
        json.dumps(
            {
                "losses": losses[:6],
                "first": seconds[0],
                "seconds": seconds[WARM:],
                "total": time.perf_counter() - begin,
                "versions": {"torch": torch.__version__},
            }
        )
    )


if __name__ == "__main__":
    main()
