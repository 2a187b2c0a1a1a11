"""Devices as a mesh, and arrays spread over it.

A mesh has two axes: `data`, over which sequences and parameters are spread, and `model`, over which heads, channels and
the vocabulary are. Nothing that a stage computes depends on the mesh but the rounding of sums; the order of the data
does not depend on it at all, because every process computes the order of the whole batch and reads its own rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
from jax.experimental.multihost_utils import process_allgather
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from leaven.ground.errors import BadInput
from leaven.model.execution import DATA, MODEL, Execution
from leaven.model.init import Params, flatten, nest
from leaven.model.sharding import spec_of
from leaven.train.optimizer import OptimizerState
from leaven.train.step import TrainState
from leaven.train.watch import Watch

Rows = Callable[[int, int], npt.NDArray[np.int32]]
"""(start, stop) → those rows of a batch."""


def make_mesh(devices: Sequence[Any], model: int = 1) -> Mesh:
    """A mesh of all `devices`, `model` of them along the model axis. Raises BadInput where that does not divide."""
    if len(devices) % model:
        raise BadInput(f"{len(devices)} devices do not divide by {model} along the model axis", field="model axis")
    types = (AxisType.Auto, AxisType.Auto)
    return jax.make_mesh((len(devices) // model, model), (DATA, MODEL), axis_types=types, devices=devices)


def shardings(shapes: Mapping[str, tuple[int, ...]], mesh: Mesh) -> dict[str, NamedSharding]:
    """Flat dotted name → where the weight of that name and shape lives."""
    return {name: NamedSharding(mesh, spec_of(name, shape, mesh)) for name, shape in shapes.items()}


def spread(params: Params, mesh: Mesh | None) -> Params:
    """`params`, whole in every process, put where they live on the mesh; without one, as they are."""
    if mesh is None:
        return params
    flat = flatten(params)
    places = shardings({name: np.shape(value) for name, value in flat.items()}, mesh)
    return nest({name: put(value, places[name]) for name, value in flat.items()})


def put(value: Any, place: NamedSharding) -> jax.Array:
    """An array that every process holds whole, spread out."""
    whole = np.asarray(value)
    return jax.make_array_from_callback(whole.shape, place, lambda index: whole[index] if index is not None else whole)


def replicated(value: Any, mesh: Mesh | None) -> Any:
    """A small array, whole on every device; without a mesh, as it is."""
    return value if mesh is None else put(value, NamedSharding(mesh, PartitionSpec()))


def batches(rows: Rows, steps: int, batch: int, width: int, mesh: Mesh) -> jax.Array:
    """Tokens [steps, batch, width], sequences spread over `data`; each process reads only the rows of its devices.

    `rows(start, stop)` counts rows over all steps.
    """
    place = NamedSharding(mesh, PartitionSpec(None, DATA, None))

    def read(index: Any) -> npt.NDArray[np.int32]:
        first, last, _ = index[1].indices(batch)
        return np.stack([rows(k * batch + first, k * batch + last) for k in range(*index[0].indices(steps))])

    return jax.make_array_from_callback((steps, batch, width), place, read)


def batch_of(tokens_BT: npt.NDArray[np.int32], how: Execution) -> Any:
    """One batch that every process holds whole, sequences spread over `data`; without a mesh, as it is."""
    if how.mesh is None:
        return tokens_BT
    return put(tokens_BT, NamedSharding(how.mesh, PartitionSpec(DATA, None)))


def spread_state(state: TrainState, mesh: Mesh | None) -> TrainState:
    """A state that every process holds whole, put where it lives on the mesh; without one, as it is."""
    if mesh is None:
        return state
    moments = state.optimizer
    return TrainState(
        spread(state.params, mesh),
        OptimizerState(replicated(moments.updates, mesh), spread(moments.mu, mesh), spread(moments.nu, mesh)),
        Watch(*(replicated(value, mesh) for value in state.watch)),
    )


def state_shardings(shapes: Mapping[str, tuple[int, ...]], mesh: Mesh) -> dict[str, NamedSharding]:
    """Where each array of a checkpoint lives, by flat dotted name; `shapes`: of the weights."""
    weights = shardings(shapes, mesh)
    here = NamedSharding(mesh, PartitionSpec())
    small = ("optimizer.updates", *(f"watch.{name}" for name in Watch._fields))
    spread_out = {
        f"{place}.{name}": where
        for place in ("params", "optimizer.mu", "optimizer.nu")
        for name, where in weights.items()
    }
    return {**spread_out, **dict.fromkeys(small, here)}


def whole(tree: Any) -> Any:
    """Arrays as numpy has them in the first process, one after the other; the other processes are left with none."""
    if jax.process_count() == 1:
        return tree

    def gather(x: jax.Array) -> Any:
        gathered = process_allgather(x, tiled=True)
        return np.asarray(gathered) if jax.process_index() == 0 else None

    return jax.tree.map(gather, tree)
