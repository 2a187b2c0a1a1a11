"""Their tensors in safetensors files: cut into files, written one tensor at a time, opened and checked.

Files are named as the ecosystem names them: `model.safetensors`, or `model-00001-of-0000N.safetensors` with
`model.safetensors.index.json`.
Invariants: equal weights give equal bytes; neither direction holds more than one converted tensor at a time; no file
outside the folder is opened and no pickle is read.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import safetensors

from leaven.ground.errors import BadInput
from leaven.ground.files import read_json, write_json
from leaven.model import cohere
from leaven.model.cohere import Place
from leaven.model.config import ModelConfig
from leaven.model.init import Params, flatten, nest

DTYPES = {"float32": "F32", "bfloat16": "BF16"}
"""Types of exported weights, with their names in safetensors."""

READ = ("F32", "BF16", "F16")
"""Types of weights that are read; each becomes float32, exactly."""

SHARD_BYTES = 5_000_000_000
"""Weights of one file at most, as the ecosystem has it, unless a single tensor is larger."""

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"


def write_tensors(folder: Path, params: Params, config: ModelConfig, dtype: str, shard_bytes: int) -> None:
    """Write `params` into `folder`, into one file or, above `shard_bytes`, into several with an index."""
    files = _cut(list(cohere.places(config)), jnp.dtype(dtype).itemsize, shard_bytes)
    if len(files) == 1:
        _write_file(folder / WEIGHTS, params, files[0], dtype)
        return
    where: dict[str, str] = {}
    for number, places in enumerate(files, 1):
        name = f"model-{number:05d}-of-{len(files):05d}.safetensors"
        _write_file(folder / name, params, places, dtype)
        where.update({place.name: name for place in places})
    size = sum(_size(place, jnp.dtype(dtype).itemsize) for places in files for place in places)
    write_json(folder / INDEX, {"metadata": {"total_size": size}, "weight_map": where})


def _size(place: Place, itemsize: int) -> int:
    return int(np.prod(place.shape, dtype=np.int64)) * itemsize


def _cut(places: Sequence[Place], itemsize: int, most: int) -> list[list[Place]]:
    """Places in order, in files of at most `most` bytes, or of one tensor that is larger by itself."""
    files: list[list[Place]] = [[]]
    size = 0
    for place in places:
        size += _size(place, itemsize)
        if size > most and files[-1]:
            files.append([])
            size = _size(place, itemsize)
        files[-1].append(place)
    return files


def _write_file(path: Path, params: Params, places: Sequence[Place], dtype: str) -> None:
    """One safetensors file: length of the header, header, tensors; https://github.com/huggingface/safetensors#format.

    Written here because the package's own writer wants all tensors in memory at once.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    kind, at = jnp.dtype(dtype), 0
    for place in places:
        after = at + _size(place, kind.itemsize)
        header[place.name] = {"dtype": DTYPES[dtype], "shape": list(place.shape), "data_offsets": [at, after]}
        at = after
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for place in places:
            tensor = np.ascontiguousarray(cohere.take(params, place).astype(kind, copy=False))
            file.write(tensor.reshape(-1).view(np.uint8).data)


@dataclass(frozen=True)
class Mapped:
    """An array in a file, of which only what is cut out is read: a leaf of `params` for `write_tensors`."""

    tensor: Any
    shape: tuple[int, ...]

    def __getitem__(self, at: int) -> Any:
        return self.tensor[at]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self.tensor[...], dtype)


@contextlib.contextmanager
def mapped(path: Path) -> Iterator[Params]:
    """Weights that `leaven.model.weights.save_params` wrote, read where they are cut. Raises BadInput."""
    try:
        file: Any = safetensors.safe_open(path, framework="numpy")
    except (OSError, safetensors.SafetensorError) as error:
        raise BadInput(f"these weights cannot be read: {error}", where=str(path)) from None
    with file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        yield nest({name: Mapped(cut, tuple(cut.get_shape())) for name, cut in slices.items()})


def read_tensors(folder: Path, config: ModelConfig) -> Params:
    """The weights of `config` in float32, on the default device.

    Raises:
        BadInput: a file is missing, damaged or pickled; names, shapes or types are not those of `config`.
    """
    with contextlib.ExitStack() as stack:
        tensors = _open(folder, stack)
        head = tensors.pop(cohere.HEAD, None)
        _check_names(tensors, config, folder)
        for place in cohere.places(config):
            _check_tensor(tensors[place.name].get_slice(place.name), place, folder)
        params = cohere.empty(config)
        for place in cohere.places(config):
            cohere.put(params, place, tensors[place.name].get_tensor(place.name))
        if head is not None and not np.array_equal(head.get_tensor(cohere.HEAD), params["embedding"]):
            raise BadInput(
                "the output head is not the embedding there; here it is", where=str(folder), field=cohere.HEAD
            )
    flat = flatten(params)
    del params
    return nest({name: jnp.asarray(flat.pop(name)) for name in list(flat)})


def _open(folder: Path, stack: contextlib.ExitStack) -> dict[str, Any]:
    """Name of a tensor → the file that has it, open until `stack` ends."""
    tensors: dict[str, Any] = {}
    for name in _weight_files(folder):
        path = folder / name
        try:
            file = stack.enter_context(safetensors.safe_open(path, framework="numpy"))
        except (OSError, safetensors.SafetensorError) as error:
            raise BadInput(f"these weights cannot be read: {error}", where=str(path)) from None
        for tensor in file.keys():  # noqa: SIM118 (no mapping: it has no iterator)
            if tensor in tensors:
                raise BadInput("the weight is in two files", where=str(path), field=tensor)
            tensors[tensor] = file
    return tensors


def _weight_files(folder: Path) -> list[str]:
    """Names of the files of weights. An index may name files of its own folder only."""
    if (folder / WEIGHTS).exists():
        return [WEIGHTS]
    if not (folder / INDEX).exists():
        pickled = sorted(path.name for path in folder.glob("*.bin")) + sorted(path.name for path in folder.glob("*.pt"))
        if pickled:
            raise BadInput(
                f"the weights are pickled ({pickled[0]}), and reading a pickle can run any program",
                where=str(folder),
                fix="Save the model with safe_serialization=True where it comes from.",
            )
        raise BadInput(f"there is neither {WEIGHTS} nor {INDEX}", where=str(folder))
    data = read_object(folder / INDEX)
    named = data.get("weight_map") if isinstance(data, Mapping) else None
    if not isinstance(named, Mapping) or not named:
        raise BadInput("this is no index of weights: it has no weight_map", where=str(folder / INDEX))
    for name in named.values():
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(".safetensors"):
            raise BadInput(f"{name!r} is not a safetensors file of this folder", where=str(folder / INDEX))
    return sorted(set(named.values()))


def _check_names(tensors: Mapping[str, Any], config: ModelConfig, folder: Path) -> None:
    """Raises BadInput unless exactly the weights of `config` are there."""
    for name in sorted(tensors):
        if name.endswith(".bias"):
            raise BadInput("the model has biases; here there are none", where=str(folder), field=name)
        if "q_norm" in name or "k_norm" in name:
            raise BadInput("queries and keys are normed there, not here", where=str(folder), field=name)
    expected = cohere.TENSORS_APART + cohere.TENSORS_OF_A_LAYER * config.layers
    # A configuration may claim any number of layers: count before naming them.
    if len(tensors) != expected or any(place.name not in tensors for place in cohere.places(config)):
        near = ModelConfig(**{**asdict(config), "layers": min(config.layers, len(tensors) + 1)})
        names = {place.name for place in cohere.places(near)}
        missing, beyond = sorted(names - {*tensors}), sorted({*tensors} - names)
        told = [f"{word}: {', '.join(n[:3])}" for word, n in (("missing", missing), ("unexpected", beyond)) if n]
        raise BadInput(
            f"{len(tensors)} weights, where {config.layers} layers make {expected}; {'; '.join(told)}",
            where=str(folder),
        )


def _check_tensor(found: Any, place: Place, folder: Path) -> None:
    if found.get_dtype() not in READ:
        raise BadInput(f"{found.get_dtype()} is not one of {', '.join(READ)}", where=str(folder), field=place.name)
    if tuple(found.get_shape()) != place.shape:
        raise BadInput(f"has shape {tuple(found.get_shape())}, not {place.shape}", where=str(folder), field=place.name)


def read_object(path: Path) -> Any:
    """What a JSON file holds. Raises BadInput."""
    try:
        return read_json(path)
    except OSError as error:
        raise BadInput(error.strerror or "cannot be read", where=str(path)) from None
    except (ValueError, RecursionError):
        raise BadInput("this is not JSON", where=str(path)) from None
