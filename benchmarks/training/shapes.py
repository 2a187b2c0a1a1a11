"""What every contender of the CPU comparison trains: shapes, hyper-parameters, initial weights and batches.

Two bodies, each with a small vocabulary and with one that makes the head dominate: at 32,768, the vocabulary of
leaven's own corpora, the head has 5.2 times the weights of the body at `1m` and 1.3 times at `7m`.
Invariant: weights and batches follow from the shape's name alone, so equal losses mean equal computations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

SEQUENCE = 256
WARM = 8
"""Steps before the timed ones; compilation is in the first."""
LEARNING_RATE = 1e-3
B1, B2, EPS, WEIGHT_DECAY, CLIP = 0.9, 0.95, 1e-8, 0.1, 1.0
NORM_EPS, ROPE_THETA = 1e-5, 10000.0


@dataclass(frozen=True)
class Shape:
    """A Cohere decoder with tied embeddings; all fields are counts."""

    width: int
    layers: int
    heads: int
    ffn: int
    vocab: int

    @property
    def head(self) -> int:
        """Channels of one head."""
        return self.width // self.heads

    @property
    def parameters(self) -> int:
        """Weights, the tied embedding once."""
        layer = 4 * self.width**2 + 3 * self.width * self.ffn + self.width
        return self.vocab * self.width + self.layers * layer + self.width


SHAPES = {
    "1m": Shape(128, 4, 4, 352, 2048),
    "1m-32k": Shape(128, 4, 4, 352, 32768),
    "7m": Shape(256, 8, 8, 704, 2048),
    "7m-32k": Shape(256, 8, 8, 704, 32768),
}


def weights(shape: Shape) -> dict[str, Any]:
    """Initial weights by leaven's flat names, matrices [in, out], layers on axis 0; float32."""
    rng = np.random.default_rng(7)
    L, D, F = shape.layers, shape.width, shape.ffn
    sizes = {
        "embedding": (shape.vocab, D),
        "layers.query": (L, D, D),
        "layers.key": (L, D, D),
        "layers.value": (L, D, D),
        "layers.output": (L, D, D),
        "layers.gate": (L, D, F),
        "layers.up": (L, D, F),
        "layers.down": (L, F, D),
    }
    drawn = {
        name: (rng.standard_normal(size) * (2.0 / (size[-2] + size[-1])) ** 0.5).astype(np.float32)
        for name, size in sizes.items()
    }
    return drawn | {"layers.norm": np.ones((L, D), np.float32), "norm": np.ones(D, np.float32)}


def batches(shape: Shape, batch: int, count: int) -> Any:
    """int32 [count, batch, SEQUENCE + 1]: a Zipf draw in which every second token repeats its neighbour's successor."""
    rng = np.random.default_rng(11)
    share = 1.0 / (np.arange(shape.vocab) + 10.0)
    tokens = rng.choice(shape.vocab, (count, batch, SEQUENCE + 1), p=share / share.sum())
    tokens[..., 1::2] = (tokens[..., 0:-1:2] + 1) % shape.vocab
    return tokens.astype(np.int32)
