"""Arrays in a safetensors file: flat dotted names, equal arrays give equal bytes.

A file is written as a stream, header first and then one array at a time, so that no more than one array is on the host
beside the device's own. The bytes are those of `safetensors.numpy.save` without metadata (tests hold them together).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import safetensors
import safetensors.numpy

from leaven.ground.errors import LeavenError
from leaven.model.init import Params, flatten, nest

CODES = {
    "uint64": "U64",
    "int64": "I64",
    "float64": "F64",
    "complex64": "C64",
    "float32": "F32",
    "uint32": "U32",
    "int32": "I32",
    "bfloat16": "BF16",
    "float16": "F16",
    "uint16": "U16",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}
"""Types as the format calls them, in the order in which a file has them: the widest first, so that all are aligned."""


def stream(arrays: Mapping[str, Any]) -> Iterator[bytes | memoryview]:
    """The bytes of a safetensors file: its header, then array after array, each fetched when its turn comes.

    Raises LeavenError for a type that the format does not know.
    """
    values = {name: value if isinstance(value, jax.Array) else np.asarray(value) for name, value in arrays.items()}
    for name, value in values.items():
        if value.dtype.name not in CODES:
            raise LeavenError(f"cannot save {name}: no safetensors type for {value.dtype.name}")
    ranks = {name: rank for rank, name in enumerate(CODES)}
    order = sorted(values, key=lambda name: (ranks[values[name].dtype.name], name))
    header, at = {}, 0
    for name in order:
        value = values[name]
        end = at + math.prod(value.shape) * value.dtype.itemsize
        header[name] = {"dtype": CODES[value.dtype.name], "shape": list(value.shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for name in order:
        yield _bytes_of(on_host(values[name]))


def on_host(value: Any) -> np.ndarray:
    """`value` in this computer's memory.

    A jax.Array remembers its value on the host for as long as it lives; another array of the same buffer is asked, so
    that writing a state does not leave a second copy of it behind.
    """
    if isinstance(value, jax.Array) and len(value.sharding.device_set) == 1:
        value = jax.make_array_from_single_device_arrays(value.shape, value.sharding, [value])
    return np.asarray(value)


def _bytes_of(value: np.ndarray) -> memoryview:
    if value.dtype.byteorder == ">":
        value = value.astype(value.dtype.newbyteorder("<"))
    return np.ascontiguousarray(value).reshape(-1).view(np.uint8).data


def encode(arrays: Mapping[str, Any]) -> bytes:
    """Arrays by name as the bytes of a safetensors file."""
    return b"".join(stream(arrays))


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> str:
    """Write arrays as `leaven.ground.files.write_bytes` writes bytes: whole or not at all, and on the disk on return.

    Returns the SHA-256 of what was meant to be written, so that a disk that writes something else is found out.
    Raises OSError, and leaves no part behind then.
    """
    seen = hashlib.sha256()
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            for data in stream(arrays):
                seen.update(data)
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return seen.hexdigest()


def read_arrays(path: Path) -> dict[str, Any]:
    """Arrays by name. Raises LeavenError where the file is missing or not whole."""
    try:
        return {name: jnp.asarray(value) for name, value in safetensors.numpy.load_file(path).items()}
    except (OSError, safetensors.SafetensorError) as error:
        raise LeavenError(f"cannot read weights from {path.name}: {error}") from error


def save_params(path: Path, params: Params) -> None:
    """Write `params` atomically."""
    write_arrays(path, flatten(params))


def load_params(path: Path) -> Params:
    """Read what `save_params` wrote. Raises LeavenError."""
    return nest(read_arrays(path))
