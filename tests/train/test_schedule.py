from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.ground.errors import BadInput
from leaven.train.schedule import KINDS, check_schedule, learning_rate


@st.composite
def schedules(draw: st.DrawFn) -> tuple[dict[str, Any], int]:
    steps = draw(st.integers(1, 200))
    peak = draw(st.floats(1e-6, 1.0))
    schedule = {
        "kind": draw(st.sampled_from(KINDS)),
        "peak": peak,
        "final": peak * draw(st.floats(0, 1)),
        "warmup": draw(st.integers(0, steps)),
        "decay": draw(st.floats(0.01, 1)),
    }
    return schedule, steps


@settings(deadline=None)
@given(schedules())
def test_it_rises_through_the_warmup_and_never_after(case: tuple[dict[str, Any], int]) -> None:
    schedule, steps = case
    check_schedule(schedule, steps)
    rates = [learning_rate(schedule, steps, i) for i in range(steps)]
    warmup = schedule["warmup"]
    assert rates[:warmup] == sorted(rates[:warmup])
    assert rates[warmup:] == sorted(rates[warmup:], reverse=True)
    assert all(0 <= rate <= schedule["peak"] for rate in rates)
    if warmup < steps and schedule["kind"] != "constant":
        assert rates[-1] == schedule["final"]
    if warmup:
        assert rates[warmup - 1] == schedule["peak"]


def test_the_four_kinds() -> None:
    def rates(**fields: Any) -> list[float]:
        return [round(learning_rate({"peak": 1.0, "final": 0.0, **fields}, 5, i), 6) for i in range(5)]

    assert rates(kind="constant") == [1, 1, 1, 1, 1]
    assert rates(kind="linear") == [1, 0.75, 0.5, 0.25, 0]
    assert rates(kind="cosine") == [1, 0.853553, 0.5, 0.146447, 0]
    assert rates(kind="wsd", decay=0.4) == [1, 1, 1, 0.5, 0]
    assert rates(kind="linear", warmup=2) == [0.5, 1, 1, 0.5, 0]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "cosin"}, 'did you mean "cosine"'),
        ({"peek": 1}, 'did you mean "peak"'),
        ({"peak": 0.0}, "above 0"),
        ({"final": 2.0}, "between 0 and the peak"),
        ({"warmup": 11}, "10 steps"),
        ({"kind": "wsd", "decay": 0.0}, "share of the steps"),
    ],
)
def test_what_cannot_be_meant_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        check_schedule({"kind": "linear", "peak": 1.0, **fields}, 10)
