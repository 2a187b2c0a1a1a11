"""A model ready to answer, and one batch of rows put through it.

Rows are spread over all devices; each device has a whole copy of the weights and computes its own rows by itself. The
output layer is computed only at the positions somebody asked for, a tile of them at a time.
Shapes: n devices, B rows of one device, T columns, P asked positions (capacity), t of a tile, V vocabulary, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from leaven.model.branches import prepare, states
from leaven.model.config import ModelConfig
from leaven.model.execution import DATA, Execution
from leaven.model.init import Params
from leaven.model.transformer import logits

CPU_TOKENS = 512
"""Padded tokens of a batch on a CPU. Measured on one core: at 7M parameters 2,048 take half as long again, because the
activations fall out of the cache and the last batch of each length is emptier; at 1M a tenth."""

ACTIVATIONS = 2 << 30
"""Bytes that the activations of a batch may take on an accelerator: what sizes its batches."""

MOST_TOKENS = 1 << 16
"""Padded tokens of a batch on an accelerator at most: larger ones only leave more of the last batch empty."""

CPU_LOGITS = 1 << 18
"""Logits that exist at once on a CPU (1 MiB in float32, which stays in a core's cache), but 16 positions at least."""

LOGITS = 1 << 27
"""Logits that exist at once on an accelerator: 512 MiB in float32."""

KERNELS = {"gpu": "cudnn", "tpu": "splash"}
"""Attention of rows without branches in bfloat16, as in training; everything else is computed block by block."""


@dataclass(frozen=True)
class Ready:
    """A model ready to answer.

    Args:
        weights: what `leaven.model.branches.prepare` made of the parameters, whole on every device.
        longest: most tokens of an input.
        tokens: padded tokens of a batch on one device.
        tile: asked positions whose logits exist at once.
        platform: "cpu", "gpu" or "tpu".
        mesh: the devices, where there are several.
    """

    weights: Params
    config: ModelConfig
    how: Execution
    longest: int
    tokens: int
    tile: int
    platform: str
    mesh: Mesh | None

    @property
    def devices(self) -> int:
        return 1 if self.mesh is None else int(self.mesh.size)

    @property
    def one_program(self) -> bool:
        """Whether rows without branches go through the program for rows with branches: on a CPU both take the same
        time, and half of the programs need not be compiled."""
        return self.platform == "cpu"


def ready(
    params: Params,
    config: ModelConfig,
    *,
    compute: str | None = None,
    longest: int | None = None,
    devices: Sequence[jax.Device] | None = None,
) -> Ready:
    """Put the weights where they answer from.

    Args:
        compute: float32 or bfloat16; None: what `default_compute` says.
        longest: most tokens of an input, where that is to be fewer than the model's sequence.
        devices: all local ones where not given.
    """
    found = list(jax.local_devices() if devices is None else devices)
    platform = found[0].platform
    compute = compute or default_compute(platform)
    kernel = KERNELS.get(platform, "blocked") if compute == "bfloat16" else "blocked"
    how = Execution(attention=kernel, compute=compute)
    mesh = Mesh(np.array(found), (DATA,)) if len(found) > 1 else None
    place = found[0] if mesh is None else NamedSharding(mesh, PartitionSpec())
    most, largest = (CPU_LOGITS, 128) if platform == "cpu" else (LOGITS, 4096)
    return Ready(
        weights=jax.device_put(_prepare(params, config=config, how=how), place),
        config=config,
        how=how,
        longest=config.sequence if longest is None else longest,
        tokens=_batch_tokens(config, platform),
        tile=max(16, min(largest, most // config.vocab)),
        platform=platform,
        mesh=mesh,
    )


_prepare = jax.jit(prepare, static_argnames=("config", "how"))


def default_compute(platform: str) -> str:
    """The type of activations where nobody asks for another."""
    return "float32" if platform == "cpu" else "bfloat16"


def _batch_tokens(config: ModelConfig, platform: str) -> int:
    """Padded tokens of a batch on one device: a function of the model's shape and not of the memory that happens to be
    free, as the last bits of an answer may follow from it.

    A layer holds about six states and the three parts of SwiGLU, at four bytes each.
    """
    if platform == "cpu":
        return CPU_TOKENS
    fitting = ACTIVATIONS // (4 * (6 * config.width + 3 * config.ffn))
    return max(CPU_TOKENS, min(MOST_TOKENS, 1 << (fitting.bit_length() - 1)))


def start(
    model: Ready, forked: bool, rows_n3BT: npt.NDArray[np.int32], asked_n2P: npt.NDArray[np.int32]
) -> tuple[jax.Array, jax.Array]:
    """Begin a batch: nats [n, P] and likeliest flags [n, P] of what is asked, not waited for.

    Args:
        forked: whether the batch has branches.
        rows_n3BT: tokens, positions and branches of each device's rows.
        asked_n2P: flat positions in B·T and the tokens asked for there, padded with a position of −1; P is a multiple
            of the model's tile.
    """
    counts_n = (asked_n2P[:, 0] >= 0).sum(-1)
    tiles_n = (-(-counts_n // model.tile)).astype(np.int32)
    exact: AbstractContextManager[Any] = nullcontext()
    if model.platform != "cpu" and model.how.compute == "float32":
        exact = jax.default_matmul_precision("highest")  # accelerators multiply in fewer bits unless told otherwise
    static = {"config": model.config, "how": model.how, "tile": model.tile, "forked": forked, "mesh": model.mesh}
    with exact:
        found: tuple[jax.Array, jax.Array] = forward(model.weights, rows_n3BT, asked_n2P, tiles_n, **static)
    return found


@partial(jax.jit, static_argnames=("config", "how", "tile", "forked", "mesh"))
def forward(
    weights: Params,
    rows_n3BT: Any,
    asked_n2P: Any,
    tiles_n: Any,
    *,
    config: ModelConfig,
    how: Execution,
    tile: int,
    forked: bool,
    mesh: Mesh | None,
) -> tuple[jax.Array, jax.Array]:
    """Nats and flags of a batch on n devices; of device i the first `tiles_n[i]` tiles of what is asked."""
    local = partial(_local, config=config, how=how, tile=tile, forked=forked)
    if mesh is not None:
        mine, whole = PartitionSpec(DATA), PartitionSpec()  # type: ignore[no-untyped-call]
        local = jax.shard_map(  # type: ignore[assignment]
            local, mesh=mesh, in_specs=(whole, mine, mine, mine), out_specs=(mine, mine), check_vma=False
        )
    return local(weights, rows_n3BT, asked_n2P, tiles_n)


def _local(
    weights: Params,
    rows_13BT: jax.Array,
    asked_12P: jax.Array,
    tiles_1: jax.Array,
    *,
    config: ModelConfig,
    how: Execution,
    tile: int,
    forked: bool,
) -> tuple[jax.Array, jax.Array]:
    """What one device computes of a batch; the arrays have an axis of one device in front."""
    tokens_BT, positions_BT, branches_BT = rows_13BT[0]
    at_P, targets_P = asked_12P[0]
    where = (positions_BT, branches_BT) if forked else (None, None)
    states_ND = states(weights, config, tokens_BT, how, *where).reshape(-1, config.width)

    def one_tile(i: Any, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        at_t = jax.lax.dynamic_slice(at_P, (i * tile,), (tile,))
        targets_t = jax.lax.dynamic_slice(targets_P, (i * tile,), (tile,))
        scores_tV = logits(weights, config, states_ND[jnp.maximum(at_t, 0)][None])[0]
        picked_t = jnp.take_along_axis(scores_tV, targets_t[:, None], 1)[:, 0]
        nats_t = picked_t - jax.nn.logsumexp(scores_tV, -1)
        # whether the target is the arg max, the first of equals; the library's own is slow on a CPU
        before_tV = jnp.arange(config.vocab) < targets_t[:, None]
        above_tV = jnp.where(before_tV, scores_tV >= picked_t[:, None], scores_tV > picked_t[:, None])
        greedy_t = ~above_tV.any(-1)
        nats_P, greedy_P = carry
        return (
            jax.lax.dynamic_update_slice(nats_P, nats_t, (i * tile,)),
            jax.lax.dynamic_update_slice(greedy_P, greedy_t, (i * tile,)),
        )

    empty = (jnp.zeros(at_P.shape, jnp.float32), jnp.zeros(at_P.shape, bool))
    nats_P, greedy_P = jax.lax.fori_loop(0, tiles_1[0], one_tile, empty)
    return nats_P[None], greedy_P[None]
