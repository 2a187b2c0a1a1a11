"""What a training step takes of a device's memory, in closed form, and the cheapest way to compute it that fits.

Why a formula: the choice must be made before anything is compiled, on any machine, for devices that may not be here. It
is held against the compilers' own accounts (docs/benchmarks.md).
Terms, for N parameters spread over n devices, m of them along the model axis, t tokens of a micro-batch on a device, a
vocabulary of V, D channels, and activations of c bytes:

* kept: weights and two moments, 12 N / n bytes; gradients, 4 N / n, twice where micro-batches are summed;
* ready: the layers' weights in the type they are used in, and their gradient, 2 c N' / n;
* saved: what the forward pass leaves for the backward pass, by `remat` (see `saved_per_token`), times t and layers;
* then the largest of three moments of a micro-batch. The loss: two tables of c V D / m (the lookup's, the head's), its
  gradient of 4 V D / m, a tile's logits and their gradient. The backward pass of a layer: a table, the head's gradient,
  the layer's weights, their gradient, and the layer's activations once more. The end: the gradients of head and
  lookup, and their sum, each of 4 V D / m.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from leaven.ground.errors import BadInput
from leaven.model.config import ModelConfig, count_parameters
from leaven.model.execution import REMATS
from leaven.model.loss import tile_of

SHARE = 0.9
"""Of a device's memory that a step may be expected to take."""

FEWEST_TOKENS = 4096
"""Of a micro-batch on one device, where there is a choice. Each micro-batch gathers every weight and sends every
gradient; below this a device would rather recompute than send more often."""


@dataclass(frozen=True)
class Load:
    """A step on one device: `batch` sequences spread over `data` × `model` devices.

    `width` is the bytes of an activation, 2 or 4.
    """

    config: ModelConfig
    batch: int
    sequence: int
    remat: str
    accumulate: int
    tile: int
    width: int
    data: int
    model: int

    @property
    def tokens(self) -> int:
        """Of a micro-batch on one device."""
        return self.batch // (self.accumulate * self.data) * self.sequence


@dataclass(frozen=True)
class Memory:
    """Bytes of one device: what lies there throughout, and the three moments, each with what was saved."""

    kept: int
    ready: int
    loss: int
    backward: int
    end: int

    @property
    def bytes(self) -> int:
        """At the peak."""
        return self.kept + self.ready + max(self.loss, self.backward, self.end)


@dataclass(frozen=True)
class Fitting:
    """A way to compute a step, and what it is expected to take."""

    remat: str
    accumulate: int
    tile: int
    memory: Memory

    @property
    def bytes(self) -> int:
        """Expected at the peak, on each device."""
        return self.memory.bytes


def estimate(load: Load) -> Memory:
    """The terms of the module's formula."""
    config, t, c, m = load.config, load.tokens, load.width, load.model
    devices = load.data * m
    parameters = count_parameters(config)
    table = config.vocab * config.width
    layers = parameters - table
    layer = c * layers // config.layers // m
    head = c * table // m if devices > 1 or c < 4 else 0
    gradient = 4 * table // m
    saved = config.layers * t * saved_per_token(load)
    # Activations of one layer, and their gradients. Without a model axis the projections of one input are one product,
    # whose gradient is put together from theirs; with one each goes by itself and is done with sooner.
    D, F = config.width, config.ffn // m
    channels = 2 * _entering(load) + 3 * F + 6 * D if m == 1 else _entering(load) + F + 5 * D
    working = c * t * channels + 3 * layer
    again = head if load.accumulate > 1 else 0
    logits = (4 + c) * load.tile * config.vocab // m
    return Memory(
        kept=(16 + (4 if load.accumulate > 1 else 0)) * parameters // devices,
        ready=2 * c * layers // devices,
        loss=saved + again + head + gradient + logits + 3 * c * t * D,
        backward=saved + again + gradient + working,
        end=again + 3 * gradient + c * t * D,
    )


def saved_per_token(load: Load) -> int:
    """Bytes that one layer's forward pass leaves of each token.

    `block`: the layer's input, attention's output and its log-sum-exp. `projections`: the widening product as well.
    `none`: input and normed input, the norm's two float32 steps, q, k, v, attention's output, the five factors of
    SwiGLU's gradient, and what the narrowing product takes.
    """
    config, c = load.config, load.width
    D, F, heads = config.width, config.ffn // load.model, config.heads // load.model
    mixed = heads * config.head
    block = c * (D + mixed) + 4 * heads
    if load.remat == "block":
        return block
    if load.remat == "projections":
        return block + c * _entering(load)
    return c * (D + _entering(load) - 2 * F + mixed + 5 * F + mixed + F) + 8 * D


def _entering(load: Load) -> int:
    """Channels of the widening product on one device: queries, keys, values, gate, up."""
    config = load.config
    return (config.width + 2 * config.kv_heads * config.head + 2 * config.ffn) // load.model


def choose(
    config: ModelConfig,
    batch: int,
    sequence: int,
    *,
    data: int,
    model: int,
    memory_bytes: int,
    platform: str,
    compute: str,
    remat: str | None = None,
    accumulate: int | None = None,
    tile: int | None = None,
) -> Fitting:
    """The least recomputation that fits, with the fewest micro-batches it fits with.

    Args:
        data, model: devices along either axis. memory_bytes: of one of them. platform: `cpu`, `gpu`, `tpu`.
        remat, accumulate, tile: not chosen where given, and then not required to fit if nothing is left to choose.

    Raises:
        BadInput: the batch does not spread over the devices or micro-batches, or nothing fits; then with what would.
    """
    if batch % data:
        raise BadInput(
            f"a batch of {batch} sequences does not spread over {data} devices",
            field="training.batch",
            fix=f"a multiple of {data}, or devices along a model axis, which share their sequences",
        )
    if accumulate and batch % (accumulate * data):
        raise BadInput(
            f"{batch} sequences cannot be cut into {accumulate} equal micro-batches on each of {data} devices",
            field="--accumulate",
            fix=f"A number that divides {batch // data}.",
        )
    width = 2 if compute == "bfloat16" else 4
    first = Load(config, batch, sequence, "block", 1, 1, width, data, model)
    loads = [
        replace(load, tile=tile or tile_of(load.tokens, config.vocab // model, platform, memory_bytes))
        for load in _ways(first, remat, accumulate)
    ]
    for load in loads:
        if (remat and accumulate) or estimate(load).bytes <= SHARE * memory_bytes:
            return Fitting(load.remat, load.accumulate, load.tile, estimate(load))
    least = min(loads, key=lambda load: estimate(load).bytes)
    needed, there = estimate(least).bytes / 1e9, memory_bytes / 1e9
    raise BadInput(
        f"a step of {batch} × {sequence} tokens does not fit: at least {needed:.1f} GB are expected on each of "
        f"{data * model} devices of {there:.1f} GB",
        fix=_remedy(least, memory_bytes),
    )


def _ways(load: Load, remat: str | None, accumulate: int | None) -> Iterator[Load]:
    """Ways to compute a step, the cheapest first: less recomputation before fewer micro-batches, as long as those are
    not too small; then micro-batches as small as can be."""
    counts = [a for a in range(1, load.batch + 1) if load.batch % (a * load.data) == 0]
    for policy in [remat] if remat else REMATS:
        for count in [accumulate] if accumulate else counts:
            way = replace(load, remat=policy, accumulate=count)
            if count == 1 or accumulate or way.tokens >= FEWEST_TOKENS:
                yield way
    for count in [] if accumulate else counts:
        yield replace(load, remat=remat or REMATS[-1], accumulate=count)


def _remedy(least: Load, memory_bytes: int) -> str:
    """What would make the cheapest way fit."""
    most, config = SHARE * memory_bytes, least.config
    devices = least.data * least.model
    for parts in (2, 4, 8, 16):
        way = replace(least, model=parts, data=devices // parts, accumulate=1)
        way = replace(way, accumulate=max(1, least.batch // way.data)) if way.data else way
        divides = devices % parts == 0 and config.heads % parts == 0 and config.ffn % parts == 0
        if parts > least.model and divides and least.batch % way.data == 0 and estimate(way).bytes <= most:
            return f"{parts} devices along the model axis would fit"
    for factor in (2, 4, 8, 16, 32, 64):
        way = replace(least, data=least.data * factor)
        if least.batch % way.data == 0:
            way = replace(way, accumulate=least.batch // way.data)
            if estimate(way).bytes <= most:
                return f"{devices * factor} devices would fit"
    return "a shorter sequence, a smaller model, or devices with more memory would"
