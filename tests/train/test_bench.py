from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from leaven.ground.errors import BadInput
from leaven.mixture.ahead import ReadAhead
from leaven.model.config import SIZES, ModelConfig
from leaven.model.init import flatten, shapes
from leaven.train import bench, cost
from leaven.train.bench import UNTIMED, Calls, measure
from leaven.train.packed import train_pack
from leaven.train.speed import Speed, numbers
from leaven.train.stage import tokens_of
from leaven.train.step import train_chunk
from leaven.train.training import Training
from leaven.train.wanted import SHORTEST, Wanted, plan_of, wanted

TINY = Wanted(ModelConfig(width=16, layers=2, heads=2, ffn=24, vocab=40, sequence=16), batch=4, precision="float32")


class Heard:
    """A step that remembers what it was called with."""

    def __init__(self, step: Any) -> None:
        self.step, self.lower = step, step.lower
        self.steps: list[int] = []
        self.tokens: list[Any] = []
        self.weights: list[Any] = []
        self.given_up: list[bool] = []

    def __call__(self, config: Any, recipe: Any, how: Any, state: Any, tokens: Any, rates: Any, n: Any) -> Any:
        self.steps.append(int(n))
        self.tokens.append(np.asarray(tokens))
        self.weights.append(jnp.copy(state.params["embedding"]))  # a view would keep the original
        result = self.step(config, recipe, how, state, tokens, rates, n)
        self.given_up.append(all(leaf.is_deleted() for leaf in jax.tree.leaves(state)))
        return result


def heard(monkeypatch: pytest.MonkeyPatch, name: str, step: Any) -> Heard:
    listening = Heard(step)
    monkeypatch.setattr(bench, name, listening)
    return listening


@pytest.fixture(scope="module")
def speed() -> Speed:
    return measure(replace(TINY, calls=3))


def test_the_formula_printed_is_the_formula_used(speed: Speed) -> None:
    matrices = sum(math.prod(shape) for name, shape in shapes(TINY.model).items() if "norm" not in name)
    by_hand = 6 * matrices + 6 * 2 * 16 * 16
    assert speed.flops_per_token == by_hand
    assert eval(speed.flops_numbers.replace("×", "*").replace("−", "-").replace(",", "")) == by_hand
    assert numbers(replace(TINY.model, vocab=256_000)).startswith("6 × (4,100,400 − 48)")


def test_rates_times_seconds_are_the_tokens(speed: Speed) -> None:
    assert speed.tokens_per_second * speed.seconds_per_step == pytest.approx(4 * 16)
    assert speed.flops_per_second == pytest.approx(speed.tokens_per_second * speed.flops_per_token)
    assert 0 < speed.slowest <= speed.tokens_per_second <= speed.fastest
    assert 0 <= speed.input_wait < 1
    assert speed.compile_seconds > 0
    assert speed.trace_seconds > 0


def test_a_processor_has_no_mfu_and_its_process_is_weighed(speed: Speed) -> None:
    assert (speed.platform, speed.peak_flops, speed.mfu) == ("cpu", None, None)
    assert (speed.peak_of, speed.devices) == ("process", 1)
    assert speed.program_bytes is not None
    weights = 4 * speed.parameters
    assert 3 * weights < speed.program_bytes < speed.peak_bytes
    assert speed.loss == pytest.approx(math.log(40), abs=0.7)


def test_where_the_peak_is_known_the_mfu_is_the_share_of_it(monkeypatch: pytest.MonkeyPatch, speed: Speed) -> None:
    monkeypatch.setattr(bench, "chip_of", lambda kind: bench_chip)
    bench_chip = type("Chip", (), {"flops": 1e12})()
    known = measure(replace(TINY, calls=1))
    assert known.peak_flops == 1e12
    assert known.mfu == known.tokens_per_second * known.flops_per_token / 1e12


def test_warm_up_is_not_counted_and_every_state_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    made = heard(monkeypatch, "train_chunk", train_chunk)
    told: list[str] = []
    speed = measure(replace(TINY, calls=3), lambda done, total, note="": told.append(f"{done:.0f}/{total:.0f} {note}"))
    assert made.steps[:UNTIMED] == [1, 1]
    assert (len(made.steps), speed.calls) == (UNTIMED + 3, 3)
    assert speed.steps == sum(made.steps[UNTIMED:])
    assert all(made.given_up)
    rows = [tokens[:n].reshape(-1, 17) for tokens, n in zip(made.tokens, made.steps, strict=True)]
    assert [len(part) for part in rows] == [4 * n for n in made.steps]
    assert not np.array_equal(rows[0], rows[1])
    assert all((tokens[n:] == 0).all() for tokens, n in zip(made.tokens, made.steps, strict=True))
    assert told[:3] == ["0/0 making weights", "0/3 warming up", "0/0 compiling"]
    assert told[-1] == "2/3 timing"


def test_the_step_is_compiled_once_and_before_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_, at = bench._compile, []

    def noted(*arguments: Any) -> Any:
        before = len(cost._compiled)
        program = compile_(*arguments)
        at.extend((before, len(cost._compiled)))
        return program

    monkeypatch.setattr(bench, "_compile", noted)
    measure(replace(TINY, model=replace(TINY.model, ffn=32), calls=2))
    assert at[1] > at[0]
    assert len(cost._compiled) == at[1]


def test_waiting_for_input_is_what_the_reader_says(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(ReadAhead[Any, Any]):
        def get(self) -> tuple[Any, float]:
            return super().get()[0], 0.25

    monkeypatch.setattr(bench, "ReadAhead", Slow)
    speed = measure(replace(TINY, calls=1))
    assert speed.input_wait * speed.seconds_per_step * speed.steps == pytest.approx(0.25)


def test_models_of_a_pack_have_their_own_weights_and_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = heard(monkeypatch, "train_pack", train_pack)
    asked = replace(TINY, models=3, calls=1)
    speed = measure(asked)
    assert speed.models == 3
    assert speed.tokens_per_second * speed.seconds_per_step == pytest.approx(3 * 4 * 16)
    assert all(made.given_up)
    plan = plan_of(asked, 64 * 3, tmp_path)
    for m in range(3):
        alone = Training.open(replace(plan, seed=m), tmp_path / "work")
        expected = tokens_of(alone, (0, 1), 64, bench.executed(TINY, plan))
        np.testing.assert_array_equal(made.tokens[0][:, m], expected)
        np.testing.assert_array_equal(made.weights[0][m], flatten(alone.begin().params)["embedding"])
    assert not np.array_equal(made.tokens[0][:, 0], made.tokens[0][:, 1])


def test_calls_grow_to_seconds_and_end_when_enough_was_seen() -> None:
    calls = Calls(most=64, wanted=None, seconds_wanted=10.0)
    asked = calls.ranges()
    assert [next(asked), next(asked)] == [(0, 1), (1, 1)]
    calls.seconds.append(0.5)  # a step of the first call took half a second: six of them take three
    assert next(asked) == (2, 6)
    calls.seconds.append(0.01)
    assert next(asked) == (8, 64)
    calls.seconds += [3.0, 3.0]
    next(asked)
    assert not calls.enough
    calls.seconds.append(3.0)
    assert not calls.enough
    next(asked)
    calls.seconds.append(3.0)
    assert calls.enough
    assert calls.timed == [(6, 3.0), (64, 3.0), (64, 3.0), (64, 3.0)]


def test_too_much_memory_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise jax.errors.JaxRuntimeError(said)

    monkeypatch.setattr(bench, "_measure", fail)
    said = "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 12.50GiB."
    with pytest.raises(BadInput, match=r"12\.50GiB more") as error:
        measure(TINY)
    assert error.value.fix == "Try --remat block, --accumulate 2 or --batch 2."
    assert error.value.__context__ is None
    with pytest.raises(BadInput) as error:
        measure(replace(TINY, batch=1, models=4, fixed={"remat": "block"}))
    assert error.value.fix == "Try a shorter --sequence or --models 2."
    said = "INTERNAL: something else"
    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        measure(TINY)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"fixed": {"accumulate": 3}}, "4 sequences cannot be cut into 3 equal micro-batches\n  A multiple of 3"),
        ({"fixed": {"attention": "cudnn"}}, "cudnn does not run on a cpu"),
        ({"fixed": {"remat": "all"}}, '"all" is not one of none, projections, block'),
        ({"fixed": {"tile": 0}}, "--tile: must be at least 1"),
        ({"batch": 0}, "--batch: must be at least 1"),
        ({"calls": 0}, "--calls: must be at least 1"),
        ({"models": 0}, "--models: must be at least 1"),
        ({"precision": "int8"}, '"int8" is not one of float32, bfloat16'),
    ],
)
def test_what_does_not_fit_together(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as error:
        measure(replace(TINY, **changed))
    assert says in str(error.value)


def test_a_size_brings_what_it_is_trained_with() -> None:
    asked = wanted("7m")
    assert (asked.batch, asked.model.sequence, asked.precision, asked.note) == (32, 512, "float32", "")
    assert wanted("470m", vocabulary=64, sequence=128, batch=3).precision == "bfloat16"
    assert wanted("7m", batch=5, sequence=64).model.sequence == 64
    with pytest.raises(BadInput, match="batch"):
        wanted("7m", batch=0)


def test_what_would_take_a_processor_minutes_is_made_smaller_and_told() -> None:
    asked = wanted("100m", vocabulary=64)
    assert (asked.batch, asked.model.sequence) == (1, 1024)
    assert "128 × 2,048 tokens" in asked.note
    assert "1 × 1,024" in asked.note
    assert "--batch 128 --sequence 2048" in asked.note
    assert wanted("100m", vocabulary=64, sequence=2048).model.sequence == 2048
    assert wanted("100m", vocabulary=64, fixed={"accumulate": 4}).batch == 4
    assert wanted("470m", vocabulary=64, fixed={"accumulate": 8}).model.sequence >= SHORTEST
    assert wanted("1m", models=128, sequence=256).batch < SIZES["1m"]["batch"]


def test_a_processor_with_too_little_memory_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = type("Memory", (), {"available": 10**9})()
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    assert wanted("0.3m").note == ""
    with pytest.raises(BadInput, match=r"470m .* needs about \d+ GB; 1 GB of this computer are free"):
        wanted("470m")


def test_tokens_are_zipfs_and_of_the_vocabulary(tmp_path: Path) -> None:
    asked = replace(TINY, model=replace(TINY.model, vocab=70_000, sequence=64), batch=64)
    plan_of(asked, 50, tmp_path)
    tokens = np.fromfile(tmp_path / "train.bin", np.uint32)
    assert len(tokens) == 50 * 64 * 64 + 1
    assert tokens.max() < 70_000
    shares = np.bincount(tokens, minlength=70_000) / len(tokens)
    law = 1 / (np.arange(70_000) + 10)
    law /= law.sum()
    assert shares[:10].sum() == pytest.approx(law[:10].sum(), rel=0.1)
    assert shares[1000:].sum() == pytest.approx(law[1000:].sum(), rel=0.1)
