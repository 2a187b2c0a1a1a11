"""The shape of a model, the named sizes, and the two numbers that follow from a shape alone.

Invariants: `ModelConfig` is hashable (it is a static argument of compiled functions) and holds plain JSON values, so
that `dataclasses.asdict` is what a stage writes and `ModelConfig(**fields)` reads it back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from leaven.ground.errors import BadInput, did_you_mean


@dataclass(frozen=True)
class ModelConfig:
    """A Cohere-style decoder: parallel attention and SwiGLU on one LayerNorm, RoPE, tied embeddings, no biases.

    Fields are counts except `rope_theta` (base of the rotary wavelengths), `norm_eps` and `logit_scale` (logits are
    multiplied by it; the Hugging Face Cohere default is 0.0625, ours is 1 for models of small width).
    """

    width: int
    layers: int
    heads: int
    ffn: int
    vocab: int
    sequence: int
    kv_heads: int = 0
    rope_theta: float = 10000.0
    norm_eps: float = 1e-5
    logit_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.kv_heads == 0:
            object.__setattr__(self, "kv_heads", self.heads)
        for name in ("width", "layers", "heads", "kv_heads", "ffn", "vocab", "sequence"):
            if getattr(self, name) < 1:
                raise BadInput("must be at least 1", field=f"model.{name}")
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise BadInput(
                f"width {self.width} over {self.heads} heads is not an even whole number",
                field="model.heads",
                fix="rotary positions turn pairs of channels, so width / heads must be even",
            )
        if self.heads % self.kv_heads:
            raise BadInput(f"{self.heads} heads do not divide over {self.kv_heads}", field="model.kv_heads")

    @property
    def head(self) -> int:
        """Channels of one head."""
        return self.width // self.heads


def _size(
    shape: tuple[int, int, int, int], vocab: int, sequence: int, batch: int, precision: str = "float32", **more: Any
) -> dict[str, Any]:
    """`shape`: width, layers, heads, ffn."""
    dimensions = dict(zip(("width", "layers", "heads", "ffn"), shape, strict=True))
    return {**dimensions, "vocab": vocab, "sequence": sequence, "batch": batch, "precision": precision, **more}


SIZES: dict[str, dict[str, Any]] = {
    # `vocab` is the vocabulary at which the name is about right; any other may be given. `sequence`, `batch` (in
    # sequences) and `precision` are what a study gets that names none: chosen here.
    "0.3m": _size((64, 3, 2, 176), 2048, 128, 16),
    "1m": _size((128, 4, 4, 352), 2048, 256, 32),
    "3m": _size((192, 6, 6, 512), 2048, 256, 32),
    "7m": _size((256, 8, 8, 704), 2048, 512, 32),
    "30m": _size((512, 8, 8, 1408), 8192, 1024, 64),
    "100m": _size((768, 11, 6, 1920), 32768, 2048, 128, "bfloat16"),
    "150m": _size((768, 17, 6, 2176), 32768, 2048, 128, "bfloat16"),
    # The paper (arXiv 2408.10914) publishes only "470M", "2.8B", batches of 512 sequences of 8192 and the vocabulary of
    # 256,000. The shapes are inferred: chosen here to meet those parameter counts, with heads of 128 channels and the
    # logit scale of Cohere's published models. The precision is not published.
    "470m": _size((1024, 16, 8, 2816), 256000, 8192, 512, "bfloat16", logit_scale=0.0625, inferred=True),
    "2.8b": _size((2560, 26, 20, 7296), 256000, 8192, 512, "bfloat16", logit_scale=0.0625, inferred=True),
}
TRAINING = ("batch", "precision")
"""Fields of a size that are about training it and not its shape."""


def from_size(name: str, vocab: int | None = None, sequence: int | None = None, **changed: Any) -> ModelConfig:
    """The shape called `name` in `SIZES`.

    Args:
        vocab, sequence: those of the size where not given.
        changed: any other field of `ModelConfig` that shall differ from the size's.

    Raises:
        BadInput: an unknown size, or changes that make no model.
    """
    if name not in SIZES:
        raise BadInput(f'no model size "{name}"{did_you_mean(name, SIZES)}', field="model")
    fields = {key: value for key, value in SIZES[name].items() if key not in (*TRAINING, "inferred")}
    fields |= {key: value for key, value in (("vocab", vocab), ("sequence", sequence)) if value is not None}
    return ModelConfig(**{**fields, **changed})


def parameters_of_sizes(vocabulary: int | None = None) -> dict[str, int]:
    """Parameters of every size in `SIZES`, with this vocabulary or each with its own."""
    return {name: count_parameters(from_size(name, vocabulary)) for name in SIZES}


def count_parameters(config: ModelConfig) -> int:
    """Exact number of parameters: the tied embedding, seven matrices and a norm per layer, the last norm."""
    keys_values = 2 * config.width * config.kv_heads * config.head
    layer = 2 * config.width**2 + keys_values + 3 * config.width * config.ffn + config.width
    return config.vocab * config.width + config.layers * layer + config.width


def flops_per_token(config: ModelConfig) -> float:
    """Floating-point operations of training on one token, forward and backward.

    6 N + 6 · layers · width · sequence, where N counts the weights that are multiplied (the tied embedding once, as the
    output head; norms not) and the second term is causal attention: QKᵀ and PV cost 2 operations for each channel of
    each of the sequence/2 keys a query sees on average, forward, and twice that backward. Recomputation is not counted.
    """
    norms = (config.layers + 1) * config.width
    return 6.0 * (count_parameters(config) - norms) + 6.0 * config.layers * config.width * config.sequence
