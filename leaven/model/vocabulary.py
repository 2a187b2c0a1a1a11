"""One device's part of the tokens and of the vocabulary, for functions that scan the tied embedding on a mesh.

What: `Part.run` calls a function on each device with its own tokens and its own rows of the embedding's storage; inside
it, `Part` gathers those rows over `data`, finds the device's targets, and sums over the mesh. Without a mesh all of it
is the identity, so that one function serves both.
Shapes: N tokens, V vocabulary, D width; lower-case n, v: of one device.
Invariant: only [n], [n, D] and the table itself travel between devices, never anything of n × v.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec

from leaven.ground.errors import BadInput
from leaven.model.execution import DATA, MODEL, Execution
from leaven.model.sharding import spec_of

TOKENS = PartitionSpec(DATA)  # type: ignore[no-untyped-call]
"""How [N] and [N, D] are spread over a mesh."""


@dataclass(frozen=True)
class Part:
    """The part of any one device.

    Args:
        mesh: None where there is one device.
        table: how the embedding is stored on the mesh.
        stored: the dimension of the embedding that `data` spreads, None for neither.
    """

    mesh: Mesh | None
    table: PartitionSpec
    stored: int | None

    @classmethod
    def of(cls, how: Execution, tokens: int, shape_VD: tuple[int, ...]) -> Part:
        """Raises BadInput where the tokens do not divide over `data` or the vocabulary over `model`."""
        if how.mesh is None:
            return cls(None, PartitionSpec(), None)  # type: ignore[no-untyped-call]
        if tokens % how.data_parts:
            raise BadInput(
                f"{tokens} tokens do not divide over {how.data_parts} devices",
                field="batch",
                fix="choose a batch that the devices along the data axis divide",
            )
        if shape_VD[0] % how.model_parts:
            raise BadInput(
                f"a vocabulary of {shape_VD[0]} does not divide over {how.model_parts} devices", field="model axis"
            )
        table = spec_of("embedding", shape_VD, how.mesh)
        stored = [i for i, axes in enumerate(table) if axes == DATA or (isinstance(axes, tuple) and DATA in axes)]
        return cls(how.mesh, table, stored[0] if stored else None)

    def run(self, body: Callable[..., Any], outs: Any, h_ND: jax.Array, w_VD: jax.Array, y_N: jax.Array) -> Any:
        """`body(h, w, y)` on every device; `outs`: specs of its results."""
        if self.mesh is None:
            return body(h_ND, w_VD, y_N)
        places = (TOKENS, self.table, TOKENS)
        return jax.shard_map(body, mesh=self.mesh, in_specs=places, out_specs=outs)(h_ND, w_VD, y_N)

    def gather(self, w: jax.Array) -> jax.Array:
        """The device's stored piece of the embedding → its rows of the vocabulary [v, D]."""
        if self.stored is None:
            return w
        rows: jax.Array = jax.lax.all_gather(w, DATA, axis=self.stored, tiled=True)
        return rows

    def scatter(self, dw_vD: jax.Array) -> jax.Array:
        """The inverse, summing: every device's gradient of its rows → of its stored piece."""
        if self.mesh is None:
            return dw_vD
        if self.stored is None:
            whole: jax.Array = jax.lax.psum(dw_vD, DATA)  # type: ignore[no-untyped-call]
            return whole
        piece: jax.Array = jax.lax.psum_scatter(dw_vD, DATA, scatter_dimension=self.stored, tiled=True)  # type: ignore[no-untyped-call]
        return piece

    def local(self, y_n: jax.Array, rows: int) -> jax.Array:
        """Targets as rows of this device; `rows`, one past the last, for those that are another's."""
        if self.mesh is None:
            return y_n
        mine = y_n - jax.lax.axis_index(MODEL) * rows
        return jnp.where((mine >= 0) & (mine < rows), mine, rows)

    def sum(self, x: Any) -> Any:
        """Over the vocabulary's parts."""
        return x if self.mesh is None else jax.lax.psum(x, MODEL)  # type: ignore[no-untyped-call]

    def max(self, x: jax.Array) -> jax.Array:
        """Over the vocabulary's parts."""
        return x if self.mesh is None else jax.lax.pmax(x, MODEL)  # type: ignore[no-untyped-call]

    def zeros(self, shape: tuple[int, ...]) -> jax.Array:
        """Float32, of a type that each device may add its own values to."""
        zero = jnp.zeros(shape, jnp.float32)
        return zero if self.mesh is None else jax.lax.pcast(zero, (DATA, MODEL), to="varying")
