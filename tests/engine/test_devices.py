"""What a run computes on: found without touching it, asked for by name, and told to the steps."""

from __future__ import annotations

import os
import sys

import pytest

from leaven.engine import devices, hardware
from leaven.engine.devices import PROCESSOR, Device, answer, find, uses_model
from leaven.engine.doctor import examine
from leaven.engine.estimate import (
    bytes_of,
    flops_per_token,
    largest,
    measured,
    seconds_of,
    training_bytes,
)
from leaven.engine.here import steps_at_once
from leaven.engine.makespan import forecast
from leaven.engine.room import Room
from leaven.engine.worker import _check, _choose
from leaven.ground.errors import BadInput, LeavenError
from leaven.model.config import from_size
from leaven.study.step import Graph

H200 = Device("gpu", "NVIDIA H200", 1, 150 * 2**30, "cuda,cpu")


@pytest.fixture
def nodes(tmp_path):
    """A folder in the place of /dev."""
    folder = tmp_path / "dev"
    (folder / "vfio").mkdir(parents=True)
    (folder / "null").touch()
    (folder / "nvidiactl").touch()
    (folder / "vfio/vfio").touch()
    return folder


@pytest.fixture
def jax_says(tmp_path, monkeypatch):
    """Put a shell script in the place of the Python that is asked; every call is asked anew and noted."""
    devices.ask.cache_clear()
    monkeypatch.setattr(devices, "_installed", lambda package: True)

    def set_to(script):
        path = tmp_path / "python"
        path.write_text(f'#!/bin/sh\necho "$JAX_PLATFORMS" >> {tmp_path}/asked\n{script}\n')
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))

    yield set_to
    devices.ask.cache_clear()


def asked(tmp_path):
    path = tmp_path / "asked"
    return path.read_text().split() if path.exists() else []


def test_without_an_accelerator_it_is_the_processor_and_nobody_is_asked(nodes, jax_says, tmp_path):
    jax_says("exit 1")
    assert find("auto", nodes, {}) == PROCESSOR
    assert find("cpu", nodes, {}) == PROCESSOR
    assert find("auto", nodes, {"JAX_PLATFORMS": "cpu"}) == PROCESSOR
    assert asked(tmp_path) == []


@pytest.mark.parametrize(
    ("node", "platform", "setting"),
    [("nvidia0", "gpu", "cuda,cpu"), ("accel0", "tpu", "tpu,cpu"), ("vfio/0", "tpu", "tpu,cpu")],
)
def test_what_jax_says_is_the_device(nodes, jax_says, tmp_path, node, platform, setting):
    (nodes / node).touch()
    jax_says(f"""echo chatter; echo '["{platform}", "NVIDIA or so", 4, 1024]'""")
    found = Device(platform, "NVIDIA or so", 4, 1024, setting)
    assert find("auto", nodes, {}) == found
    assert find(platform, nodes, {}) == found
    assert asked(tmp_path) == [setting]  # once for both


def test_an_accelerator_that_jax_cannot_use_is_told_and_not_used(nodes, jax_says, monkeypatch):
    (nodes / "nvidia0").touch()
    jax_says("echo 'RuntimeError: no driver' >&2; exit 1")
    found = find("auto", nodes, {})
    assert (found.accelerates, found.note) == (
        False,
        "an NVIDIA GPU is here that JAX cannot use: RuntimeError: no driver",
    )
    with pytest.raises(BadInput, match="--device: an NVIDIA GPU is here that JAX cannot use: RuntimeError: no driver"):
        find("gpu", nodes, {})
    monkeypatch.setattr(devices, "_installed", lambda package: False)
    assert "pip install 'jax[cuda13]'" in find("auto", nodes, {}).words()


def test_a_device_that_does_not_answer_is_given_up(nodes, jax_says, monkeypatch):
    (nodes / "accel0").touch()
    monkeypatch.setattr(devices, "PATIENCE", 0.1)
    jax_says("exec sleep 60")
    assert "did not answer within" in find("auto", nodes, {}).note


@pytest.mark.parametrize("word", ["gpu", "tpu", "cuda"])
def test_a_device_that_is_not_here_is_refused(nodes, word):
    with pytest.raises(BadInput, match="no sign of|not one of auto, cpu, gpu, tpu"):
        find(word, nodes, {})


def test_the_environment_decides_unless_the_user_does(nodes, jax_says, tmp_path):
    jax_says("""echo '["gpu", "AMD", 1, null]'""")
    assert find("auto", nodes, {"JAX_PLATFORMS": "rocm"}) == Device("gpu", "AMD", 1, None, "rocm")
    assert find("cpu", nodes, {"JAX_PLATFORMS": "rocm"}) == PROCESSOR
    devices.ask.cache_clear()
    jax_says("exit 1")
    with pytest.raises(BadInput, match='JAX_PLATFORMS: JAX finds no device "rocm": it said nothing'):
        find("auto", nodes, {"JAX_PLATFORMS": "rocm"})


def test_an_answer_that_names_only_the_processor_is_none():
    with pytest.raises(LeavenError, match="only the processor"):
        answer('["cpu", "cpu", 1, null]\n', "", "cuda,cpu")
    assert answer('["cpu", "cpu", 1, null]\n', "", "cpu") == PROCESSOR
    for said in ("", "3\n", "[1]\n", "{}\n"):
        with pytest.raises(LeavenError, match="the end of it"):
            answer(said, "first\nthe end of it\n\n", "cuda,cpu")


def test_the_question_is_one_that_jax_answers():
    devices.ask.cache_clear()
    assert devices.ask("cpu") == PROCESSOR


def test_the_doctor_says_what_is_used_and_what_could_be(monkeypatch, tmp_path):
    def line():
        return next(finding for finding in examine(tmp_path) if finding.what == "device")

    monkeypatch.setattr(devices, "find", lambda: H200)
    assert (line().well, line().found.startswith("gpu: NVIDIA H200, 150 GiB")) == (True, True)
    monkeypatch.setattr(devices, "find", lambda: Device("cpu", "cpu", note="a TPU is here that JAX cannot use: why"))
    assert (line().well, "why" in line().advice) == (False, True)


def test_a_step_whose_device_is_gone_says_so(monkeypatch):
    import subprocess

    code = (
        "import sys, jax.numpy\n"
        "from leaven.engine.devices import Device, PROCESSOR\n"
        "from leaven.engine.worker import _check, _choose\n"
        "device = Device('gpu', 'NVIDIA X', setting='nosuch')\n"
        "try:\n    _choose(device)\n    _check(device)\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}  # as the nursery has it: the order must overrule it
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("LeavenError JAX cannot use NVIDIA X: "), done.stderr
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    device = Device("gpu", "NVIDIA X", setting="cpu")
    _choose(device)
    with pytest.raises(LeavenError, match="NVIDIA X is no longer here"):
        _check(device)


def graph_of(size, batch, **more):
    """Two stages of one shape and an evaluation of each."""
    graph = Graph()
    model = from_size(size)
    fields = {
        "model": dict(model.__dict__),
        "steps": 10,
        "batch": batch,
        "sequence": model.sequence,
        "precision": "float32",
        **more,
    }
    for seed in (1, 2):
        stage = graph.add("stage", f"seed-{seed}", {**fields, "seed": seed}, {})
        graph.add("evaluate", f"evaluate-{seed}", {"seed": seed}, {"stage": stage})
    return graph, next(graph.of_kind("stage"))


def test_models_go_to_the_device_and_nothing_else_does():
    graph = Graph()
    kinds = ("corpus", "tokenizer", "stage", "evaluate", "complete", "verdict")
    steps = [graph.steps[graph.add(kind, kind, {}, {})] for kind in kinds]
    assert [step.kind for step in steps if uses_model(step)] == ["stage", "evaluate", "complete"]
    judges = [
        graph.steps[graph.add("judge", name, {"judge": name}, {})] for name in ("reference-likelihood", "endpoint")
    ]
    assert [uses_model(step) for step in judges] == [True, False]


def test_an_accelerator_is_estimated_by_its_peak_until_it_was_measured():
    graph, stage = graph_of("150m", 8)
    flops = flops_per_token(stage.fields) * stage.tokens
    assert seconds_of(stage, {}, H200) == pytest.approx(flops / (989e12 * 0.4))
    assert seconds_of(stage, {}, Device("gpu", "NVIDIA H200", 4)) == pytest.approx(flops / (989e12 * 0.4) / 4)
    assert seconds_of(stage, {}) > 1000 * seconds_of(stage, {}, H200)
    # One at a time on the device; on cores both at once.
    order = list(graph.steps)
    there = forecast(graph, order, {}, at_once=2, memory=10**12, device=H200)
    assert there.seconds == pytest.approx(2 * seconds_of(stage, {}, H200) + 12)
    here = forecast(graph, order, {}, at_once=2, memory=10**12)
    assert here.seconds == pytest.approx(seconds_of(stage, {}) + 6)


def test_speeds_of_different_devices_are_kept_apart():
    _, stage = graph_of("1m", 8)

    def manifest(seconds, **made):
        return {"kind": "stage", "fields": stage.fields, "made": {"seconds": seconds, **made}}

    training = {"tokens": 4 * stage.tokens, "compile_seconds": 0.0}
    rates = measured(
        [
            manifest(10.0),  # of an earlier version
            manifest(1.0, device="NVIDIA H200", together=4, training=training),
        ]
    )
    assert seconds_of(stage, rates) == pytest.approx(10.0)
    assert seconds_of(stage, rates, H200) == pytest.approx(1.0)
    # What was left of a resumed stage says as much as a whole one.
    rates = measured([manifest(2.5, together=1, training={"tokens": stage.tokens / 4, "compile_seconds": 0.0})])
    assert seconds_of(stage, rates) == pytest.approx(10.0)


def test_compilation_is_not_taken_for_slow_training():
    _, stage = graph_of("1m", 8)

    def manifest(seconds, **training):
        return {"kind": "stage", "fields": stage.fields, "made": {"seconds": seconds, "together": 2, **training}}

    # Two together, 40 seconds of which 30 were compiling: half of them each.
    rates = measured([manifest(20.0, training={"tokens": 2 * stage.tokens, "compile_seconds": 30.0})])
    assert seconds_of(stage, rates) == pytest.approx(5.0)


def test_rates_of_another_precision_are_of_no_use():
    _, stage = graph_of("1m", 8)
    other = {"kind": "stage", "fields": {**stage.fields, "precision": "bfloat16"}, "made": {"seconds": 1e-2}}
    assert seconds_of(stage, measured([other])) == seconds_of(stage)


def test_large_stages_do_not_run_side_by_side_in_little_memory():
    _, small = graph_of("0.3m", 16)
    _, large = graph_of("150m", 8)
    assert bytes_of(small) == bytes_of(small, together=4) == 10**9
    assert bytes_of(large) > 4e9 > bytes_of(large, H200)
    assert bytes_of(large, H200, together=8) > 6 * bytes_of(large, H200) - 4e9
    room = Room([0, 1], 4 * 10**9)
    seat = room.take(large, bytes_of(large))  # alone it may try
    assert seat
    assert room.take(large, bytes_of(large)) is None
    room.give_back(seat)
    assert room.take(small, bytes_of(small))
    assert room.take(small, bytes_of(small))


def test_steps_at_once_follow_the_largest(monkeypatch):
    monkeypatch.setattr(hardware, "cores", lambda: [0, 1, 2, 3])
    monkeypatch.setattr(hardware, "memory", lambda: 10**10)
    _, small = graph_of("0.3m", 16)
    _, large = graph_of("150m", 8)
    counts = [steps_at_once(None, largest(steps)) for steps in ([], [small], [small, large])]
    assert counts == [4, 4, 1]
    assert steps_at_once(2, largest([small])) == 2


def test_the_formula_of_memory_is_not_below_what_xla_takes():
    """Of `train_chunk` on a processor, as its compiled program accounts for it."""
    import jax
    import jax.numpy as jnp

    from leaven.model.init import init
    from leaven.train import step
    from leaven.train.step import Recipe, train_chunk

    config, B = from_size("1m"), 8
    state = jax.eval_shape(lambda: step.start(init(config, 0), Recipe()))
    tokens = jax.ShapeDtypeStruct((1, B, config.sequence + 1), jnp.int32)
    rates, n = jax.ShapeDtypeStruct((1,), jnp.float32), jax.ShapeDtypeStruct((), jnp.int32)
    taken = train_chunk.lower(config, Recipe(), step.Execution(), state, tokens, rates, n).compile().memory_analysis()
    _, stage = graph_of("1m", B)
    needed = taken.argument_size_in_bytes + taken.temp_size_in_bytes
    assert needed < training_bytes(stage.fields) < 2 * needed


def test_one_process_at_a_time_has_the_device():
    _, step = graph_of("0.3m", 16)
    room = Room([0, 1, 2], 10**10)
    first = room.take(step, 10**9, device=True)
    assert first
    assert not room.device_is_free
    assert room.take(step, 10**9, device=True) is None
    assert room.take(step, 10**9)
    room.give_back(first)
    assert room.take(step, 10**9, device=True)
    assert room.take(step, 10**11, whatever=False) is None
