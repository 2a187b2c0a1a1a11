"""The closed form of a step's memory against the compiler's account, and the choice that is made by it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.ground.errors import BadInput
from leaven.model.config import ModelConfig, count_parameters, from_size
from leaven.model.execution import REMATS
from leaven.train.memory import FEWEST_TOKENS, SHARE, Load, choose, estimate

from .memory_work import CASES

TOLERANCE = 0.25
"""Of the compiler's bytes. Its own order of operations decides which moment is the peak, and CPUs keep one more copy of
the embedding's gradient than accelerators do: large vocabularies are underestimated there."""

GB = 10**9
PAPER = from_size("470m")

shapes = st.builds(
    ModelConfig,
    width=st.sampled_from([128, 512, 2048]),
    layers=st.integers(2, 40),
    heads=st.sampled_from([4, 8, 16]),
    ffn=st.sampled_from([512, 1408, 8192]),
    vocab=st.sampled_from([2048, 32768, 256000]),
    sequence=st.sampled_from([128, 2048, 8192]),
)
loads = st.builds(
    lambda config, batch, remat, data, model: Load(config, 8 * batch, config.sequence, remat, 1, 128, 2, data, model),
    shapes,
    st.integers(1, 16),
    st.sampled_from(REMATS),
    st.sampled_from([1, 2, 4]),
    st.sampled_from([1, 2, 4]),
)


def fits(remat: str, accumulate: int, chips: int, memory: int) -> bool:
    found = choose(
        PAPER,
        512,
        8192,
        data=chips,
        model=1,
        memory_bytes=memory,
        platform="tpu",
        compute="bfloat16",
        remat=remat,
        accumulate=accumulate,
    )
    return found.bytes <= SHARE * memory


def chosen(config: ModelConfig = PAPER, batch: int = 512, chips: int = 64, model: int = 1, memory: int = 16 * GB):
    return choose(
        config,
        batch,
        config.sequence,
        data=chips // model,
        model=model,
        memory_bytes=memory,
        platform="tpu",
        compute="bfloat16",
    )


def test_the_formula_is_what_the_compiler_accounts_for() -> None:
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_force_host_platform_device_count=8"}
    command = [sys.executable, str(Path(__file__).with_name("memory_work.py"))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert [estimate(case).bytes / bytes_ for case, bytes_ in zip(CASES, told, strict=True)] == [
        pytest.approx(1, abs=TOLERANCE) for _ in CASES
    ]


@given(loads)
def test_weights_and_moments_are_twelve_bytes_a_parameter_and_spread(load: Load) -> None:
    devices = load.data * load.model
    assert estimate(load).kept >= 12 * count_parameters(load.config) // devices
    assert estimate(replace(load, data=1, model=1)).kept == pytest.approx(estimate(load).kept * devices, abs=devices)


@given(loads)
def test_recomputing_more_never_takes_more(load: Load) -> None:
    sizes = [estimate(replace(load, remat=remat)).bytes for remat in REMATS]
    assert sizes == sorted(sizes, reverse=True)


@given(loads)
def test_more_and_smaller_micro_batches_never_take_more(load: Load) -> None:
    sizes = [estimate(replace(load, accumulate=count)).bytes for count in (2, 4, 8) if load.batch % (count * 4) == 0]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(("chips", "memory"), list(product([16, 64, 256], [16 * GB, 32 * GB, 95 * GB])))
def test_the_choice_fits_and_nothing_cheaper_does(chips: int, memory: int) -> None:
    found = chosen(chips=chips, memory=memory)
    assert found.bytes <= SHARE * memory
    for remat in REMATS[: REMATS.index(found.remat) + 1]:
        counts = [count for count in (1, 2, 4, 8, 16, 32) if 512 % (count * chips) == 0]
        cheaper = counts if remat != found.remat else [count for count in counts if count < found.accumulate]
        assert not any(fits(remat, count, chips, memory) for count in cheaper)


@pytest.mark.parametrize(("memory", "remat"), [(95, "none"), (7, "projections"), (4.5, "block")])
def test_less_memory_means_more_recomputation(memory: float, remat: str) -> None:
    assert chosen(replace(PAPER, sequence=4096), memory=int(memory * GB)).remat == remat


@pytest.mark.parametrize("memory", [1, 0.98])
def test_micro_batches_are_small_only_where_nothing_else_fits(memory: float) -> None:
    config = replace(from_size("2.8b"), sequence=512, vocab=32768)
    small = choose(
        config,
        4096,
        512,
        data=64,
        model=1,
        memory_bytes=1,
        platform="tpu",
        compute="bfloat16",
        remat="block",
        accumulate=4096 // 64 * 512 // FEWEST_TOKENS,
        tile=128,
    )
    found = choose(
        config,
        4096,
        512,
        data=64,
        model=1,
        memory_bytes=int(small.bytes / SHARE * memory) + 1,
        platform="tpu",
        compute="bfloat16",
        tile=128,
    )
    assert found.remat == "block"
    assert (found.accumulate > small.accumulate) == (memory < 1)


def test_a_batch_that_does_not_spread_is_an_error() -> None:
    with pytest.raises(BadInput, match="a batch of 100 sequences does not spread over 64 devices"):
        chosen(batch=100)


def test_what_does_not_fit_says_what_would() -> None:
    config = from_size("2.8b")
    with pytest.raises(BadInput) as error:
        chosen(config, batch=64, chips=8)
    told = str(error.value)
    assert "does not fit: at least" in told
    found = re.search(r"(\d+) devices (along the model axis )?would fit", told)
    assert found
    if found[2]:
        assert chosen(config, batch=64, chips=8, model=int(found[1])).bytes <= SHARE * 16 * GB
    else:
        assert chosen(config, batch=64, chips=int(found[1])).bytes <= SHARE * 16 * GB


def test_where_nothing_helps_the_error_says_so() -> None:
    with pytest.raises(BadInput, match="a shorter sequence, a smaller model"):
        chosen(from_size("2.8b"), batch=1, chips=1)


def test_micro_batches_that_do_not_divide_the_batch_are_refused() -> None:
    with pytest.raises(BadInput, match="32 sequences cannot be cut into 3 equal micro-batches on each of 2 devices"):
        choose(
            from_size("1m"),
            32,
            data=2,
            model=1,
            sequence=256,
            memory_bytes=16 * 10**9,
            platform="gpu",
            compute="float32",
            accumulate=3,
        )
