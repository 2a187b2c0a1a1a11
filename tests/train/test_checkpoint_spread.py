"""Arrays over many devices and processes: whoever writes them, whoever reads them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import SingleDeviceSharding
from safetensors import safe_open

from leaven.ground.errors import LeavenError
from leaven.train.checkpoint import latest_good
from leaven.train.pieces import own_pieces, parse_piece, piece_name, read_pieces

from .checkpoints_work import SPECS, arrays_of, check
from .damage import damaged

PROGRAM = str(Path(__file__).with_name("checkpoints_work.py"))


def start(devices: int, *arguments: Any) -> subprocess.Popen[str]:
    flags = f"--xla_force_host_platform_device_count={devices}"
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    command = [sys.executable, PROGRAM, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(program: subprocess.Popen[str]) -> str:
    out, err = program.communicate(timeout=120)
    assert program.returncode == 0, err
    return out


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `1`, `2`, `4`, `8`: the number of devices, and the step, of the checkpoint in it."""
    folder = tmp_path_factory.mktemp("devices")
    ended(start(8, "many-devices", folder))
    return folder


@pytest.fixture(scope="module")
def processes(devices: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """What two processes saw, and the folder they saved into."""
    folder = tmp_path_factory.mktemp("processes") / "work"
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    both = [start(2, "two-processes", process, port, folder, devices / "8") for process in (0, 1)]
    try:
        said = [ended(program) for program in both]
    finally:
        for program in both:
            program.kill()
            program.wait()
    return json.loads(said[0].splitlines()[-1]), folder


def files(step: int, count: int) -> list[str]:
    return [f"step-{step:09d}.{p}-of-{count}.safetensors" for p in range(1, count + 1)] + [f"step-{step:09d}.json"]


def test_what_any_number_of_devices_wrote_one_reads(devices: Path) -> None:
    for written in (1, 2, 4, 8):
        folder = devices / str(written)
        one = f"step-{written:09d}" + (".safetensors" if written == 1 else ".1-of-1.safetensors")
        assert sorted(path.name for path in folder.iterdir()) == sorted([one, f"step-{written:09d}.json"])
        assert check(latest_good(folder)) == written
        place = SingleDeviceSharding(jax.devices()[0])
        nested = {"params": {"embedding": place, "layers": {"up": place}}}
        assert check(latest_good(folder, nested)) == written


def test_each_piece_is_written_once(devices: Path) -> None:
    with safe_open(devices / "8" / "step-000000008.1-of-1.safetensors", framework="numpy") as file:
        names = list(file.keys())
        assert "params.embedding[8:16,4:8]" in names
        assert "params.layers.up[0:3,2:4,0:5]" in names
        assert "optimizer.updates[]" in names
        counts = {name: sum(key.startswith(f"{name}[") for key in names) for name in SPECS}
        assert list(counts.values()) == [8, 8, 8, 2, 1]
        assert file.get_tensor("params.embedding[8:16,4:8]").shape == (8, 4)


def test_two_processes_write_a_file_each_and_agree(processes: tuple[dict[str, Any], Path]) -> None:
    seen, _ = processes
    assert seen["nothing"] == 0
    assert seen["written by eight devices"] == 8
    assert seen["newest"] == 20
    assert seen["files"] == sorted(files(10, 2) + files(20, 2))
    assert seen["agreed"] == 40
    assert seen["told the other"]


def test_an_error_of_one_process_is_raised_in_both_and_leaves_nothing(processes: tuple[dict[str, Any], Path]) -> None:
    seen, _ = processes
    for unlucky in (0, 1):
        assert seen[f"files after error {unlucky}"] == seen["files"]
        said = seen[f"error {unlucky}"]
        assert said[unlucky] == "[Errno 27] File too large"
        assert said[1 - unlucky] == f"[Errno 27] process {unlucky} cannot write the checkpoint: File too large"


def test_a_folder_that_is_not_the_same_for_all_is_an_error(processes: tuple[dict[str, Any], Path]) -> None:
    assert processes[0]["folders apart"] == "FileNotFoundError"


def test_two_processes_save_behind_the_back_of_training(processes: tuple[dict[str, Any], Path]) -> None:
    seen, _ = processes
    assert seen["files at the end"] == sorted(files(40, 2) + files(50, 2))
    assert seen["same bytes"]


def test_one_process_reads_what_two_wrote(processes: tuple[dict[str, Any], Path]) -> None:
    assert check(latest_good(processes[1])) == 50


@settings(deadline=None)
@given(st.data())
def test_a_damaged_checkpoint_is_passed_over(processes: tuple[dict[str, Any], Path], data: st.DataObject) -> None:
    _, folder = processes
    path = folder / data.draw(st.sampled_from(files(50, 2)))
    with damaged(path, data):
        # White space of a note may change without harm; what comes back is what was saved all the same.
        assert check(latest_good(folder)) in ((40, 50) if path.suffix == ".json" else (40,))


def test_pieces_in_each_others_place_and_a_note_of_another_step(
    processes: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "work"
    shutil.copytree(processes[1], folder)
    first, second, note = (folder / name for name in files(50, 2))
    first.rename(tmp_path / "first")
    second.rename(first)
    (tmp_path / "first").rename(second)
    assert check(latest_good(folder)) == 40
    for name, other in zip(files(40, 2), files(50, 2), strict=True):
        shutil.copy(folder / name, folder / other)
    assert check(latest_good(folder)) == 40
    note.unlink()
    assert check(latest_good(folder)) == 40


def test_missing_pieces_are_found_though_no_hash_is_asked(processes: tuple[dict[str, Any], Path]) -> None:
    shapes = {name: value.shape for name, value in arrays_of(50).items()}
    paths = [processes[1] / name for name in files(50, 2)[:2]]
    assert sorted(read_pieces(paths, shapes, {})) == sorted(shapes)
    with pytest.raises(LeavenError, match="pieces of .* are missing"):
        read_pieces(paths[:1], shapes, {})
    with pytest.raises(LeavenError, match="pieces of other are missing"):
        read_pieces(paths, {**shapes, "other": (1,)}, {})


def test_arrays_without_elements_and_of_the_host_are_pieces_too() -> None:
    pieces = own_pieces({"empty": np.zeros((0, 3)), "here": np.ones(2), "one": jax.numpy.ones((2, 2))})
    assert sorted(pieces) == ["empty[0:0,0:3]", "here[0:2]", "one[0:2,0:2]"]


@given(st.text(min_size=1), st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=4))
def test_a_piece_is_named_by_what_it_is(name: str, ranges: list[tuple[int, int]]) -> None:
    assert parse_piece(piece_name(name, tuple(ranges))) == (name, tuple(ranges))
