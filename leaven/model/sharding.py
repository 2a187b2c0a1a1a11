"""Where each weight lies on a mesh, by its name and shape alone.

Every matrix is spread over `data`, so that no device keeps a whole one, and over `model` along heads, channels or the
vocabulary, so that a device computes with its own part. A layer's weights are gathered over `data` while they are used.
Invariants: an axis is spread only where its length divides, so every shape has a placement; the layer axis never is,
because the scan over layers takes it apart.
"""

from __future__ import annotations

import math

from jax.sharding import Mesh, PartitionSpec

from leaven.model.execution import DATA, MODEL

PLACES = {
    # name → axis spread over `model`, axes that may be spread over `data`, the better one first.
    "embedding": (0, (0, 1)),
    "query": (2, (1, 2)),
    "key": (2, (1, 2)),
    "value": (2, (1, 2)),
    "gate": (2, (1, 2)),
    "up": (2, (1, 2)),
    "output": (1, (2, 1)),
    "down": (1, (2, 1)),
}


def spec_of(name: str, shape: tuple[int, ...], mesh: Mesh) -> PartitionSpec:
    """Of a weight of `leaven.model.init.shapes`, by its flat dotted name, its gradient and moments. Norms are whole."""
    kind = name.rsplit(".", 1)[-1]
    if kind == "norm":
        return PartitionSpec()  # type: ignore[no-untyped-call]
    over_model, over_data = PLACES[kind]
    spread: list[tuple[str, ...]] = [()] * len(shape)
    for name, choices in ((MODEL, (over_model,)), (DATA, over_data)):
        for axis in choices:
            wider = (*spread[axis], name)
            if shape[axis] % math.prod(mesh.shape[part] for part in wider) == 0:
                spread[axis] = wider
                break
    axes_of = [names if len(names) > 1 else (names[0] if names else None) for names in spread]
    return PartitionSpec(*axes_of)  # type: ignore[no-untyped-call]
