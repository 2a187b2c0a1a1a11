"""Parameters in a safetensors file: flat dotted names, float32, equal weights give equal bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import safetensors
import safetensors.numpy

from leaven.ground.errors import LeavenError
from leaven.ground.files import write_bytes
from leaven.model.init import Params, flatten, nest


def encode(arrays: Mapping[str, Any]) -> bytes:
    """Arrays by name as the bytes of a safetensors file; names are sorted, there is no metadata."""
    data: bytes = safetensors.numpy.save({name: np.array(arrays[name], order="C") for name in sorted(arrays)})
    return data


def read_arrays(path: Path) -> dict[str, Any]:
    """Arrays by name. Raises LeavenError where the file is missing or not whole."""
    try:
        return {name: jnp.asarray(value) for name, value in safetensors.numpy.load_file(path).items()}
    except (OSError, safetensors.SafetensorError) as error:
        raise LeavenError(f"cannot read weights from {path.name}: {error}") from error


def save_params(path: Path, params: Params) -> None:
    """Write `params` atomically."""
    write_bytes(path, encode(flatten(params)))


def load_params(path: Path) -> Params:
    """Read what `save_params` wrote. Raises LeavenError."""
    return nest(read_arrays(path))
