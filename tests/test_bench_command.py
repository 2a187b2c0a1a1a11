"""`leaven bench`: what it prints, for people and for programs, and what it says to mistakes."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

from leaven import cli
from leaven.ground.errors import BadInput
from leaven.sentences_training import bench_lines, told
from leaven.train import devices
from leaven.train.speed import Speed

SMALL = ("0.3m", "--batch", "2", "--sequence", "16", "--vocabulary", "64", "--calls", "2")
SPEED = Speed(
    parameters=467_700_000,
    vocabulary=256_000,
    models=1,
    batch=64,
    sequence=8192,
    precision="bfloat16",
    attention="cudnn",
    remat="none",
    accumulate=8,
    tile=8192,
    platform="gpu",
    device="NVIDIA H200",
    devices=1,
    model_parts=1,
    threads=None,
    calls=3,
    steps=3,
    seconds_per_step=4.0,
    tokens_per_second=131_072.0,
    slowest=130_000.0,
    fastest=131_500.0,
    flops_per_token=3.6e9,
    flops_formula="a × b",
    flops_numbers="2 × 3",
    flops_per_second=4.7e14,
    peak_flops=9.89e14,
    mfu=0.4752,
    peak_bytes=90 * 10**9,
    peak_of="device",
    program_bytes=80 * 10**9,
    trace_seconds=0.5,
    compile_seconds=40.0,
    input_wait=0.001,
    loss=12.0,
    kernels=(),
)


@pytest.fixture
def leaven(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Iterator[Callable[..., Any]]:
    """The command line in this process: (exit code, stdout, stderr)."""
    monkeypatch.setenv("NPROC", os.environ.get("NPROC", "1"))
    before = signal.getsignal(signal.SIGTERM)

    def call(*words: str) -> tuple[Any, str, str]:
        monkeypatch.setattr("sys.argv", ["leaven", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code, *capsys.readouterr()

    yield call
    signal.signal(signal.SIGTERM, before)


def test_json_holds_every_field(leaven: Callable[..., Any]) -> None:
    code, said, wrong = leaven("bench", *SMALL, "--json", "--threads", "1")
    assert (code, wrong) == (0, "")
    data = json.loads(said)
    assert set(data) == {field.name for field in fields(Speed)} | {"size", "note"}
    assert (data["size"], data["batch"], data["sequence"], data["vocabulary"]) == ("0.3m", 2, 16, 64)
    assert (data["platform"], data["mfu"], data["threads"], data["calls"]) == ("cpu", None, 1, 2)
    assert data["loss"] == pytest.approx(math.log(64), abs=0.7)


def test_people_read_the_formula_and_how_it_was_executed(leaven: Callable[..., Any]) -> None:
    options = ("--accumulate", "2", "--remat", "block", "--tile", "8", "--attention", "reference", "--device", "cpu")
    code, said, wrong = leaven("bench", *SMALL, *options)
    assert (code, wrong) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in said.splitlines() if not line.startswith(" "))
    assert list(lines) == [
        *("size", "step", "device", "executed", "speed", "FLOPs", "MFU", "memory", "compile", "input"),
    ]
    assert lines["size"] == "0.3m: 154,880 parameters, vocabulary 64"
    assert lines["step"] == "2 sequences of 16 = 32 tokens"
    assert lines["executed"] == ("float32, attention reference, remat block, 2 micro-batches, loss tiles of 8 tokens")
    assert lines["FLOPs"].startswith("6 × (parameters − norms) + 6 × layers × width × sequence, a token")
    assert "6 × (154,880 − 256) + 6 × 3 × 64 × 16 = 946,176\n" in said
    assert lines["MFU"].startswith("unknown: ")
    assert "whole process" in lines["memory"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["1x"], 'no model size "1x"'),
        ([*SMALL, "--accumulate", "3"], "2 sequences cannot be cut into 3 equal micro-batches"),
        ([*SMALL, "--device", "gpu"], "JAX finds no gpu here, only a cpu"),
        ([*SMALL, "--device", "npu"], '"npu" is not one of auto, cpu, gpu, tpu'),
        ([*SMALL, "--attention", "splash"], "splash does not run on a cpu"),
        ([*SMALL, "--precision", "half"], '"half" is not one of float32, bfloat16'),
        ([*SMALL, "--threads", "0"], "--threads"),
        (
            ["0.3m", "--compile", "v5e:2x2", "--remat", "none", "--models", "2"],
            "no effect with --compile: --remat, --m",
        ),
    ],
)
def test_mistakes(leaven: Callable[..., Any], words: list[str], says: str) -> None:
    code, said, complained = leaven("bench", *words)
    assert (code, said) == (2, "")
    assert complained.startswith("leaven: ")
    assert says in complained


def test_lines_of_an_accelerator() -> None:
    said = "\n".join(bench_lines("470m", SPEED, "less of it"))
    assert "47.5% of 989 TFLOP/s, the published peak in bfloat16" in said
    assert "470 TFLOP/s" in said
    assert "90 GB at most of the fullest device; the program takes 80 GB" in said
    assert "131,072 tokens/s (slowest 130,000, fastest 131,500; 3 calls, 3 steps), 4 s a step" in said
    assert said.endswith("note      less of it")
    many = replace(SPEED, models=64, devices=8, model_parts=2, loss=None, mfu=None, device="NVIDIA X1", peak_flops=None)
    said = "\n".join(bench_lines("1m", many))
    assert "64 models at once, each of" in said
    assert "8 × NVIDIA X1" in said
    assert "2 along the model axis" in said
    assert 'no published peak of a "NVIDIA X1"' in said
    assert "the loss is not a number" in said


def test_progress_is_for_terminals(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with told() as progress:
        progress(1, 3, "timing")
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with told() as progress:
        progress(1, 3, "timing")
    out, wrong = capsys.readouterr()
    assert (out, "timing, 1 of 3 calls done" in wrong) == ("", True)


def test_threads_are_told_to_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPROC", "7")
    devices.use(threads=3)
    assert os.environ["NPROC"] == "3"
    devices.use(threads=1)
    assert os.environ["NPROC"] == "1"
    with pytest.raises(BadInput, match="finds no tpu"):
        devices.use("tpu")


def test_the_command_line_starts_without_jax() -> None:
    program = "import sys, leaven.cli, leaven.sentences_training; print('jax' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
