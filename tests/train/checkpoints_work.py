"""Programs that save and load checkpoints, run as processes of their own: `python checkpoints_work.py MODE ARGUMENT…`.

The content of a checkpoint follows from its step, so that whoever reads one knows what it must hold.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from leaven.train.behind import Saver
from leaven.train.checkpoint import Checkpoint, Pace, latest_good, save
from leaven.train.together import exchange

SPECS = {
    "params.embedding": PartitionSpec("data", "model"),
    "params.layers.up": PartitionSpec(None, ("data", "model"), None),
    "params.layers.down": PartitionSpec(None, "model", "data"),
    "params.norm": PartitionSpec("model"),
    "optimizer.updates": PartitionSpec(),
}


def arrays_of(step: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(step)
    return {
        "params.embedding": draw.standard_normal((32, 8), np.float32),
        "params.layers.up": draw.standard_normal((3, 16, 5), np.float32),
        "params.layers.down": draw.standard_normal((3, 4, 16), np.float32),
        "params.norm": draw.standard_normal(8, np.float32),
        "optimizer.updates": np.array(step, np.int32),
    }


def state_of(step: int) -> dict[str, Any]:
    return {"plan": "p", "losses": [0.1 * step]}


def make_mesh(devices: int) -> Mesh:
    model = 2 if devices >= 4 else 1
    types = (AxisType.Auto, AxisType.Auto)
    return jax.make_mesh((devices // model, model), ("data", "model"), types, devices=jax.devices()[:devices])


def shardings_of(mesh: Mesh) -> dict[str, NamedSharding]:
    return {name: NamedSharding(mesh, spec) for name, spec in SPECS.items()}


def spread(step: int, mesh: Mesh) -> Checkpoint:
    places, whole = shardings_of(mesh), arrays_of(step)
    arrays = {
        name: jax.make_array_from_callback(value.shape, places[name], lambda index, value=value: value[index])
        for name, value in whole.items()
    }
    return Checkpoint(step, arrays, state_of(step))


def check(found: Checkpoint | None, mesh: Mesh | None = None) -> int:
    """The step found, once it is seen to hold what that step's checkpoint must, where it must."""
    if found is None:
        return 0
    assert found.state == state_of(found.step)
    whole = arrays_of(found.step)
    assert sorted(found.arrays) == sorted(whole)
    for name, array in found.arrays.items():
        assert array.dtype == whole[name].dtype
        assert array.shape == whole[name].shape
        assert mesh is None or array.sharding == shardings_of(mesh)[name]
        for shard in array.addressable_shards:
            np.testing.assert_array_equal(np.asarray(shard.data), whole[name][shard.index])
    return found.step


def many_devices(folder: Path) -> None:
    """Write with 1, 2, 4 and 8 devices, read each with 1, 2, 4 and 8 and whole."""
    for written in (1, 2, 4, 8):
        place = folder / str(written)
        place.mkdir()
        save(place, spread(written, make_mesh(written)))
        for read in (1, 2, 4, 8):
            mesh = make_mesh(read)
            assert check(latest_good(place, shardings_of(mesh)), mesh) == written
        assert check(latest_good(place)) == written


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def two_processes(process: int, port: str, folder: Path, eight: Path) -> None:
    """One of two processes with two devices each; the first prints what came out."""
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(f"127.0.0.1:{port}", 2, process)
    mesh = make_mesh(4)
    seen: dict[str, Any] = {}

    def names() -> list[str]:
        exchange(b".")
        found = sorted(path.name for path in folder.iterdir())
        exchange(b".")
        return found

    seen["nothing"] = check(latest_good(folder, shardings_of(mesh)), mesh)
    seen["written by eight devices"] = check(latest_good(eight, shardings_of(mesh)), mesh)
    for step in (10, 20):
        save(folder, spread(step, mesh))
    seen["newest"] = check(latest_good(folder, shardings_of(mesh)), mesh)
    seen["files"] = names()
    for unlucky in (0, 1):
        with largest_file(500 if process == unlucky else 1 << 20):
            try:
                save(folder, spread(30, mesh))
            except OSError as error:
                seen[f"error {unlucky}"] = [said.decode().rstrip() for said in exchange(f"{error}".encode().ljust(200))]
        seen[f"files after error {unlucky}"] = names()
    apart = folder.parent / f"apart {process}"
    apart.mkdir()
    try:
        save(apart, spread(30, mesh))
    except OSError as error:
        seen["folders apart"] = type(error).__name__
    with Saver(folder, Pace(0)) as saver:
        for step in (30, 40, 50):
            if saver.due():
                saver.save(spread(step, mesh))
    seen["files at the end"] = names()
    behind = {name: (folder / name).read_bytes() for name in seen["files at the end"]}
    exchange(b".")
    save(folder, spread(50, mesh))
    seen["same bytes"] = behind == {name: (folder / name).read_bytes() for name in names()}
    exchange(b".")
    if process == 0:  # the second process is the one that looks at the second file
        (folder / "step-000000050.2-of-2.safetensors").write_bytes(behind["step-000000050.2-of-2.safetensors"][:-1])
    exchange(b".")
    seen["agreed"] = check(latest_good(folder, shardings_of(mesh)), mesh)
    exchange(b".")
    save(folder, spread(50, mesh))
    agreed = exchange(json.dumps(seen).encode().ljust(4000))
    seen["told the other"] = agreed[0] == agreed[1]
    if process == 0:
        print(json.dumps(seen))


def nursery() -> None:
    """For every line `FOLDER` read: fork a process that saves one step after another there, saying so."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            keep_saving(Path(line.rstrip()))
        _, status = os.waitpid(child, 0)
        if status != signal.SIGKILL:
            sys.exit(f"it ended by itself, with status {status}")
        print("dead", flush=True)


def keep_saving(folder: Path) -> None:
    os.write(1, f"pid {os.getpid()}\n".encode())
    step = check(latest_good(folder))
    behind = step % 2 == 1
    with Saver(folder, Pace(0)) as saver:
        while True:
            step += 1
            checkpoint = Checkpoint(step, arrays_of(step), state_of(step))
            if behind:
                saver.save(checkpoint)
                os.write(1, f"saved {step - 1}\n".encode())  # the one before is there when the next is begun
            else:
                save(folder, checkpoint)
                os.write(1, f"saved {step}\n".encode())


def fill(folder: Path) -> None:
    """Save into a small file system until it is full; then free some space and save again."""
    for step in (1, 2):
        save(folder, Checkpoint(step, arrays_of(step), state_of(step)))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    ballast = folder / "ballast"
    errors = 0
    for free in range(0, 12_000, 1_500):
        with ballast.open("wb") as file:
            size = os.statvfs(folder)
            file.write(b"." * max(0, size.f_bavail * size.f_frsize - free))
        try:
            save(folder, Checkpoint(3, arrays_of(3), state_of(3)))
            break
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            errors += 1
            ballast.unlink()
            assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
            assert check(latest_good(folder)) == 2
    assert errors
    assert check(latest_good(folder)) == 3
    print(json.dumps({"errors": errors}))


if __name__ == "__main__":
    mode, *arguments = sys.argv[1:]
    match mode:
        case "many-devices":
            many_devices(Path(arguments[0]))
        case "two-processes":
            two_processes(int(arguments[0]), arguments[1], Path(arguments[2]), Path(arguments[3]))
        case "nursery":
            nursery()
        case "fill":
            fill(Path(arguments[0]))
