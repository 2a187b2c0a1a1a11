"""What can be known of compiling ahead without the TPU compiler; with it, see tests/peers/test_tpu.py."""

from __future__ import annotations

import importlib.util

import jax
import pytest

from leaven.ground.errors import BadInput, LeavenError
from leaven.model.config import ModelConfig
from leaven.model.init import init
from leaven.train import ahead
from leaven.train.ahead import arguments, devices_of, memory_of
from leaven.train.mesh import make_mesh
from leaven.train.step import Recipe, start

MODEL = ModelConfig(width=32, layers=2, heads=2, ffn=48, vocab=64, sequence=16)


def test_arguments_are_those_of_a_true_step() -> None:
    """In tree, shapes and types; so that what is compiled ahead is what a stage runs."""
    described, tokens, rates, count = arguments(MODEL, Recipe(), 4, make_mesh(jax.devices()[:1]))
    true = jax.eval_shape(lambda: start(init(MODEL, 1), Recipe()))
    assert jax.tree.structure(described) == jax.tree.structure(true)
    assert [(x.shape, x.dtype) for x in jax.tree.leaves(described)] == [
        (x.shape, x.dtype) for x in jax.tree.leaves(true)
    ]
    assert (tokens.shape, str(tokens.dtype)) == ((1, 4, 17), "int32")
    assert (rates.shape, count.shape) == ((1,), ())


def test_every_argument_has_a_place() -> None:
    places = [x.sharding for x in jax.tree.leaves(arguments(MODEL, Recipe(), 4, make_mesh(jax.devices()[:1])))]
    assert None not in places


def test_without_the_compiler_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LeavenError, match="pip install libtpu"):
        devices_of("v5e:8x8")


def test_an_unknown_chip_is_named_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match='no chip "v99" is known') as error:
        memory_of("v99:2x2")
    assert "v5e" in error.value.fix
    assert memory_of("v5e:8x8") == 16 * 2**30


def test_a_refusal_of_the_compiler_becomes_a_sentence() -> None:
    refusal = RuntimeError(
        "RESOURCE_EXHAUSTED: E1000: CompileTimeHbmOom: Ran out of memory on HBM, the total memory required for HLO "
        "temporaries (28.76G) exceeds available HBM (15.75G). HLO module: jit_step.\nSee elsewhere"
    )
    how = ahead.Execution(attention="splash", compute="bfloat16")
    told = str(ahead._too_much(refusal, "v5e:4x4", how, 20 * 2**30))
    assert "does not fit on v5e:4x4: it needs 28.76G of 15.75G, where 20.0G were expected" in told
    assert "failed: INTERNAL" in str(ahead._too_much(RuntimeError("INTERNAL: broken\nmore"), "v5e:4x4", how, 1))
