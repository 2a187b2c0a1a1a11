"""Arrays that are spread over devices, as named pieces in files: `layers.up[0:2,0:64,128:256]`.

A piece is what one device holds of an array; of equal copies the first is taken, so the pieces of all processes cover
each array exactly once. Whatever devices wrote them, a reader takes the part it wants out of the pieces it overlaps.
Invariant: no array is put together on the host but where its sharding wants it whole, and reading goes array by array.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from safetensors import safe_open

from leaven.ground.errors import LeavenError

Ranges = tuple[tuple[int, int], ...]
"""First and last + 1 of each dimension."""


def piece_name(name: str, ranges: Ranges) -> str:
    return f"{name}[{','.join(f'{first}:{end}' for first, end in ranges)}]"


def parse_piece(piece: str) -> tuple[str, Ranges]:
    """The inverse of `piece_name`. Raises ValueError."""
    name, bracket, inside = piece.removesuffix("]").rpartition("[")
    if not bracket or not piece.endswith("]"):
        raise ValueError(f"{piece} is not the name of a piece")
    parts = [part.partition(":") for part in inside.split(",")] if inside else []
    return name, tuple((int(first), int(end)) for first, _, end in parts)


def ranges_of(index: Sequence[slice], shape: Sequence[int]) -> Ranges:
    """The ranges that slices without a step select."""
    return tuple(part.indices(size)[:2] for part, size in zip(index, shape, strict=True))


def lie_whole(arrays: Mapping[str, Any]) -> bool:
    """Whether there is one process, and each array on one device of it or on the host: then a piece is an array."""
    devices = (value.sharding.device_set for value in arrays.values() if isinstance(value, jax.Array))
    return jax.process_count() == 1 and all(len(some) == 1 for some in devices)


def own_pieces(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The pieces that this process writes, still on their devices.

    With several processes, an array that lies in one of them must be the same in all; the first writes it.
    """
    several, first = jax.process_count() > 1, jax.process_index() == 0
    pieces = {}
    for name, value in arrays.items():
        if isinstance(value, jax.Array) and not (several and value.is_fully_addressable):
            for shard in value.addressable_shards:
                if shard.replica_id == 0:
                    pieces[piece_name(name, ranges_of(shard.index, value.shape))] = shard.data
        elif first:
            pieces[piece_name(name, tuple((0, size) for size in np.shape(value)))] = value
    return pieces


def read_pieces(
    paths: Sequence[Path], shapes: Mapping[str, Sequence[int]] | None, shardings: Mapping[str, Any]
) -> dict[str, jax.Array]:
    """The arrays of the files, each spread by its sharding, or whole on the default device where it has none.

    Only what this process's devices hold is read. `shapes` are those of the whole arrays; None where the file (there
    is one then) has the arrays whole, by their own names. Raises OSError, SafetensorError (from safetensors), and
    LeavenError where pieces are missing.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(safe_open(path, framework="numpy")) for path in paths]
        if shapes is None:
            (file,) = files
            shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
            found = {name: [_Piece(file, name, _all_of(shape))] for name, shape in shapes.items()}
        else:
            found = {name: [] for name in shapes}
            for file in files:
                for key in file.keys():  # noqa: SIM118
                    name, ranges = parse_piece(key)
                    if name in found:
                        found[name].append(_Piece(file, key, ranges))
        return {
            name: _place(name, tuple(shapes[name]), pieces, shardings.get(name))
            for name, pieces in sorted(found.items())
        }


@dataclass(frozen=True)
class _Piece:
    """Where a piece is: an open file, its name in it, and what part of the array it is."""

    file: Any
    key: str
    ranges: Ranges

    def read(self, ranges: Ranges) -> np.ndarray:
        """The part of the array, which must lie within this piece."""
        if not ranges:
            return np.asarray(self.file.get_tensor(self.key))
        inside = tuple(slice(a - first, b - first) for (a, b), (first, _) in zip(ranges, self.ranges, strict=True))
        return np.asarray(self.file.get_slice(self.key)[inside])


def _place(name: str, shape: tuple[int, ...], pieces: Sequence[_Piece], sharding: Any) -> jax.Array:
    if not pieces or sum(_volume(piece.ranges) for piece in pieces) != math.prod(shape):
        raise LeavenError(f"pieces of {name} are missing")
    if sharding is None:
        return jnp.asarray(_read(pieces, _all_of(shape)))
    read: dict[Ranges, np.ndarray] = {}  # devices with equal parts share one reading

    def part(index: Any) -> np.ndarray:
        ranges = ranges_of(index, shape)
        if ranges not in read:
            read[ranges] = _read(pieces, ranges)
        return read[ranges]

    return jax.make_array_from_callback(shape, sharding, part)


def _read(pieces: Sequence[_Piece], wanted: Ranges) -> np.ndarray:
    if not _volume(wanted):
        dtype = pieces[0].file.get_tensor(pieces[0].key).dtype
        return np.empty([end - first for first, end in wanted], dtype)
    parts = [(piece, _overlap(piece.ranges, wanted)) for piece in pieces]
    parts = [(piece, ranges) for piece, ranges in parts if _volume(ranges)]
    piece, ranges = parts[0]
    first = piece.read(ranges)
    if ranges == wanted:
        return first
    out = np.empty([end - start for start, end in wanted], first.dtype)
    _put(out, wanted, ranges, first)
    for piece, ranges in parts[1:]:
        _put(out, wanted, ranges, piece.read(ranges))
    return out


def _put(out: np.ndarray, wanted: Ranges, ranges: Ranges, value: np.ndarray) -> None:
    out[tuple(slice(a - start, b - start) for (a, b), (start, _) in zip(ranges, wanted, strict=True))] = value


def _overlap(one: Ranges, other: Ranges) -> Ranges:
    return tuple((max(a, c), max(a, c, min(b, d))) for (a, b), (c, d) in zip(one, other, strict=True))


def _all_of(shape: Sequence[int]) -> Ranges:
    return tuple((0, size) for size in shape)


def _volume(ranges: Ranges) -> int:
    return math.prod(end - first for first, end in ranges)
