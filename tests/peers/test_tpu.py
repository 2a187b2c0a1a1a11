"""The true training step, compiled by the TPU compiler on a machine without a TPU (`pip install libtpu`).

Longer than a minute on two cores that do other work.
"""

from __future__ import annotations

import pytest

from leaven.engine.ahead import answer, compile_stages, lines
from leaven.ground.errors import BadInput, LeavenError
from leaven.model.config import ModelConfig, count_parameters, flops_per_token, from_size
from leaven.study.step import Step
from leaven.train.ahead import Ahead, compile_ahead, devices_of
from leaven.train.step import Recipe

pytestmark = [pytest.mark.peer, pytest.mark.long]

pytest.importorskip("libtpu", reason="the TPU compiler: pip install libtpu")

TOLERANCE = 0.15
"""Of the compiler's bytes, by which the closed form may be off."""

SMALL = ModelConfig(width=512, layers=5, heads=4, ffn=1408, vocab=8192, sequence=1024)
PAPER = from_size("470m")


@pytest.fixture(scope="module")
def paper() -> Ahead:
    """The paper's smaller size as it is trained: 512 sequences of 8192 tokens on 64 chips."""
    return compile_ahead(PAPER, Recipe(), 512, "v5e:8x8")


def test_topologies_have_a_device_for_each_chip() -> None:
    assert [len(devices_of(name)) for name in ("v5e:8x8", "v5e:16x16", "v4:2x2x1", "v5p:2x2x2", "v6e:2x2")] == [
        64,
        256,
        4,
        8,
        4,
    ]


@pytest.mark.parametrize("name", ["v5e:3x5", "v99:2x2", "v5e"])
def test_what_is_no_topology_is_bad_input(name: str) -> None:
    with pytest.raises(BadInput, match="no topology"):
        devices_of(name)


def test_the_paper_fits_its_chips(paper: Ahead) -> None:
    assert paper.bytes < paper.memory == 16 * 2**30
    assert paper.estimate == pytest.approx(paper.bytes, rel=TOLERANCE)


def test_weights_and_moments_are_spread_and_given_up_to_the_step(paper: Ahead) -> None:
    assert paper.arguments == pytest.approx(12 * count_parameters(PAPER) / 64, rel=0.02)
    assert paper.outputs - paper.aliased < 1 << 20


def test_work_is_counted_by_the_formula(paper: Ahead) -> None:
    assert paper.flops == flops_per_token(PAPER) * 512 * 8192
    # The compiler counts a loop's body once; were it to learn better, this page should say so.
    assert paper.compiler_flops < 0.1 * paper.flops / paper.chips


def test_every_weight_is_gathered_and_every_gradient_sent(paper: Ahead) -> None:
    """In bfloat16, once a micro-batch at least. A TPU gathers small pieces by summing zeros, so kinds are added up."""
    assert paper.unknown_loops == ()
    layers = count_parameters(PAPER) - PAPER.vocab * PAPER.width
    assert sum(paper.sent.values()) > paper.accumulate * 2 * 2 * layers * 63 / 64
    assert paper.sent["all-gather"] > 0


def test_a_model_axis_divides_heads_channels_and_vocabulary() -> None:
    made = compile_ahead(SMALL, Recipe(), 16, "v5e:2x2", model_parts=2, remat="block", accumulate=1, tile=512)
    # Of a program as small as this the compiler keeps a good part in the 128 MB on the chip, which are not counted.
    assert made.bytes < (1 + TOLERANCE) * made.estimate
    assert made.arguments == pytest.approx(12 * count_parameters(SMALL) / 4, rel=0.02)


def test_what_the_compiler_refuses_is_a_sentence() -> None:
    with pytest.raises(LeavenError, match=r"does not fit on v5e:2x2: it needs [\d.]+G of 15.75G"):
        compile_ahead(PAPER, Recipe(), 64, "v5e:2x2", remat="none", accumulate=1)


def stage(**changed: object) -> Step:
    fields = {
        "model": {"width": 128, "layers": 6, "heads": 1, "ffn": 256, "vocab": 1024, "sequence": 256},
        "batch": 16,
        "sequence": 256,
        "precision": "bfloat16",
        "optimizer": {"beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "weight_decay": 0.1, "clip": 1.0, "decay": "none"},
        "z_loss": 1e-4,
        "document_mask": True,
        "spike": {"window": 16, "sigma": 6.0, "policy": "skip", "patience": 3},
    }
    return Step("stage", {**fields, **changed}, {}, "0" * 64, ("a stage",))


def test_stages_of_one_shape_are_compiled_once() -> None:
    made = compile_stages([stage(seed=1), stage(seed=2)], "v5e:2x2")
    assert len(made) == 1
    told = "\n".join(lines(made[0]))
    assert "v5e:2x2: 4 chips" in told
    assert "a chip sends" in told


def test_errors_come_back_from_the_process_that_compiles() -> None:
    with pytest.raises(BadInput, match="does not spread over 4 devices"):
        compile_stages([stage(batch=6)], "v5e:2x2")
    asked = {**stage().fields, "topology": "v5e:3x5", "model_parts": 1}
    assert answer(asked)["exit_code"] == BadInput.exit_code
