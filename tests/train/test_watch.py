from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.ground.errors import BadInput
from leaven.train.watch import BROKEN, ORDINARY, SPIKE, Spike, look, start

LOOK = jax.jit(look, static_argnums=0)


def kinds(spike: Spike, losses: list[float], norms: list[float]) -> list[int]:
    watch, found = start(spike), []
    for loss, norm in zip(losses, norms, strict=True):
        watch, kind = LOOK(spike, watch, jnp.float32(loss), jnp.float32(norm))
        found.append(int(kind))
    return found


def plainly(spike: Spike, losses: list[float], norms: list[float]) -> list[int]:
    """The rule as its docstring says it, with lists and in float64."""
    past: list[tuple[float, float]] = []
    found = []
    for loss, norm in zip(losses, norms, strict=True):
        if not (math.isfinite(loss) and math.isfinite(norm)):
            found.append(BROKEN)
            continue
        last = np.array(past[-spike.window :], np.float64).reshape(-1, 2)
        out = len(last) == spike.window and any(
            value > column.mean() + spike.sigma * column.std(ddof=1)
            for value, column in zip((loss, norm), last.T, strict=True)
        )
        found.append(SPIKE if out else ORDINARY)
        past.append((loss, norm))
    return found


# Multiples of 1/8 keep float32 sums exact, so that no comparison hangs on a last bit.
VALUES = st.one_of(st.integers(0, 24).map(lambda i: i / 8), st.sampled_from([1000.0, math.nan, math.inf]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(VALUES, VALUES), max_size=40), st.sampled_from([2, 5, 8]), st.sampled_from([1.5, 3.3]))
def test_the_compiled_rule_is_the_plain_one(steps: list[tuple[float, float]], window: int, sigma: float) -> None:
    losses, norms = [a for a, _ in steps], [b for _, b in steps]
    spike = Spike(window=window, sigma=sigma)
    assert kinds(spike, losses, norms) == plainly(spike, losses, norms)


def test_a_jump_is_out_of_the_ordinary_until_it_has_become_ordinary() -> None:
    spike = Spike(window=8, sigma=4)
    calm = [2.0 + 0.01 * (i % 3) for i in range(12)]
    assert kinds(spike, [*calm, 9.0], [1.0] * 13) == [ORDINARY] * 12 + [SPIKE]
    assert kinds(spike, [9.0, *calm[:7]], [1.0] * 8) == [ORDINARY] * 8, "the window has to be full"
    level = kinds(spike, calm + [9.0] * 10, [1.0] * 22)
    assert level[12] == SPIKE
    assert level[-1] == ORDINARY


def test_a_step_that_is_no_number_does_not_enter_the_window() -> None:
    spike = Spike(window=4)
    watch = start(spike)
    after, kind = look(spike, watch, jnp.float32(jnp.nan), jnp.float32(1))
    assert int(kind) == BROKEN
    assert int(after.seen) == 0
    assert not np.asarray(after.losses).any()


@pytest.mark.parametrize("fields", [{"policy": "panic"}, {"window": 1}, {"sigma": 0.0}, {"patience": -1}])
def test_impossible_rules_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        Spike(**fields)
