"""How a model's functions are computed on the devices at hand; never what they mean.

Invariant: two values of `Execution` that agree in `compute` give equal results up to rounding. `compute` is the one
field that a study declares (`training.precision`); the others follow from the device, its memory and the mesh.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from leaven.ground.errors import BadInput

DATA, MODEL = "data", "model"
"""Axes of a mesh: sequences and parameters are spread over `data`, heads, channels and vocabulary over `model`."""

ATTENTIONS = ("reference", "blocked", "cudnn", "splash")
COMPUTES = ("float32", "bfloat16")
REMATS = ("none", "projections", "block")


@dataclass(frozen=True)
class Execution:
    """Static: an argument of compiled functions.

    Args:
        attention: `blocked` anywhere, `cudnn` on NVIDIA (bfloat16), `splash` on TPU, `reference` for tests.
        compute: type of activations, and of weights where they enter a product. Weights are kept in float32; norms,
            softmax, logits' sums and the loss are float32 in either.
        tile: tokens of one tile of the loss, on each device.
        remat: what the backward pass recomputes: `none` keeps everything, `projections` keeps the outputs of matrix
            products and of attention, `block` keeps only the input of each layer.
        accumulate: micro-batches that a batch is cut into; their gradients are summed in float32.
        mesh: devices, with the axes `data` and `model`; None computes wherever the arrays are.
        interpret: run Pallas kernels in their interpreter, so that their arithmetic can be tested on CPU.
    """

    attention: str = "blocked"
    compute: str = "float32"
    tile: int = 128
    remat: str = "none"
    accumulate: int = 1
    mesh: Mesh | None = None
    interpret: bool = False

    def __post_init__(self) -> None:
        for name, known in (("attention", ATTENTIONS), ("compute", COMPUTES), ("remat", REMATS)):
            if getattr(self, name) not in known:
                raise BadInput(f'"{getattr(self, name)}" is not one of {", ".join(known)}', field=name)

    @property
    def dtype(self) -> jnp.dtype:
        """Of activations."""
        return jnp.dtype(self.compute)

    @property
    def model_parts(self) -> int:
        """Devices along the model axis."""
        return 1 if self.mesh is None else int(self.mesh.shape[MODEL])

    @property
    def data_parts(self) -> int:
        """Devices along the data axis."""
        return 1 if self.mesh is None else int(self.mesh.shape[DATA])

    def place(self, x: jax.Array, *axes: str | None) -> jax.Array:
        """`x` spread over the mesh, one axis name (or None) for each dimension; without a mesh, `x`."""
        if self.mesh is None:
            return x
        placed: jax.Array = jax.lax.with_sharding_constraint(x, NamedSharding(self.mesh, PartitionSpec(*axes)))
        return placed


HERE = Execution()
"""One device, float32: the defaults."""
