from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from leaven.train.cost import Clock, Cost, device_bytes, process_bytes


def test_compiling_is_counted_once_and_for_the_clock_that_was_running() -> None:
    clock = Clock()
    step = jax.jit(lambda x: jnp.sin(x) * 3.25 + x)
    step(np.ones(7, np.float32)).block_until_ready()
    cost = clock.cost()
    assert 0 < cost.compile_seconds <= cost.seconds
    later = Clock()
    step(np.ones(7, np.float32)).block_until_ready()
    assert later.cost().compile_seconds == 0
    assert clock.cost().compile_seconds == cost.compile_seconds


def test_tokens_are_divided_by_the_seconds_that_were_not_the_compilers() -> None:
    cost = Cost(12.0, 2.0, 0.5, 1000, "cpu", 1, None)
    assert cost.tokens_per_second == 100.0


def test_the_device_and_its_memory() -> None:
    cost = Clock().cost()
    assert (cost.device, cost.devices) == ("cpu", len(jax.devices()))
    assert cost.device_bytes is None
    assert device_bytes() is None


class Device:
    def __init__(self, stats: dict[str, int] | None) -> None:
        self.stats = stats

    def memory_stats(self) -> dict[str, int] | None:
        return self.stats


def test_the_fullest_device_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [{"peak_bytes_in_use": 5, "bytes_in_use": 1}, {"peak_bytes_in_use": 7}, {}, None]
    monkeypatch.setattr(jax, "local_devices", lambda: [Device(stats) for stats in told])
    assert device_bytes() == 7


def test_the_process_is_weighed_at_its_largest() -> None:
    before = process_bytes()
    much = np.ones(before // 4, np.float64)
    with_it = process_bytes()
    assert with_it >= before + much.nbytes // 2
    del much
    assert process_bytes() > before + (with_it - before) // 2  # the kernel counts in batches
