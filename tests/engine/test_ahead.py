"""What `plan --compile` asks for and says; the compilation itself is in tests/peers/test_tpu.py."""

from __future__ import annotations

import importlib.util

import pytest

from leaven.engine.ahead import compile_stages, lines
from leaven.ground.errors import LeavenError
from leaven.study.step import Step
from leaven.train.ahead import Ahead

FIELDS = {
    "model": {"width": 64, "layers": 2, "heads": 2, "ffn": 96, "vocab": 256, "sequence": 32},
    "batch": 4,
    "sequence": 32,
    "precision": "bfloat16",
    "optimizer": {"beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "weight_decay": 0.1, "clip": 1.0, "decay": "none"},
    "z_loss": 0.0,
    "document_mask": False,
    "spike": {},
}

MADE = Ahead(
    topology="v5e:8x8",
    chips=64,
    memory=16 * 2**30,
    model_parts=2,
    batch=512,
    sequence=8192,
    compute="bfloat16",
    attention="splash",
    remat="block",
    accumulate=4,
    tile=1024,
    arguments=500_000_000,
    outputs=500_001_000,
    aliased=500_000_000,
    temporaries=11_000_000_000,
    code=20_000_000,
    estimate=12_000_000_000,
    flops=6.4e16,
    compiler_flops=1e13,
    sent={"all-gather": 40_000_000_000, "all-reduce": 54_000_000_000},
    unknown_loops=(),
    lower_seconds=2.0,
    compile_seconds=60.0,
)


def test_a_compiled_step_in_words() -> None:
    told = "\n".join(lines(MADE))
    assert "v5e:8x8: 64 chips, 2 along the model axis · 512 × 8192 tokens a step in bfloat16, 4 micro-batches" in told
    assert "memory 11.5 GB of 17.2 GB a chip" in told
    assert "a chip sends 94.0 GB a step: all-gather 40.0 GB, all-reduce 54.0 GB" in told
    assert MADE.data()["bytes"] == 500_000_000 + 1_000 + 11_000_000_000 + 20_000_000


@pytest.mark.skipif(importlib.util.find_spec("libtpu") is not None, reason="the TPU compiler is installed")
def test_without_the_compiler_the_error_comes_back_in_words() -> None:
    stage = Step("stage", FIELDS, {}, "0" * 64, ("a stage",))
    with pytest.raises(LeavenError, match="pip install libtpu"):
        compile_stages([stage], "v5e:2x2")
