from __future__ import annotations

from typing import Any

import pytest

from leaven.analyze.measures import parse_measure
from leaven.analyze.request import parse_request
from leaven.ground.errors import BadInput

GOOD: dict[str, Any] = {
    "name": "facts",
    "tasks": ["facts"],
    "statistic": "accuracy",
    "better": "higher",
    "effect": "points",
    "margin": 5.0,
    "primary": True,
}
REQUEST: dict[str, Any] = {
    "study": "s",
    "question": "q",
    "baseline": "text-only",
    "variants": ["text-only", "code→text"],
    "seeds": [0, 1, 2],
    "measures": [GOOD],
}


def test_units() -> None:
    assert parse_measure(GOOD, 0).unit == "points"
    assert parse_measure({**GOOD, "effect": "relative"}, 0).unit == "%"
    bits = {**GOOD, "statistic": "gold_bpb", "effect": "difference"}
    assert parse_measure(bits, 0).unit == "bits per byte"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"statistic": "acuracy"}, 'measures\\[3\\].statistic: unknown statistic "acuracy"; did you mean "accuracy"'),
        ({"better": "more"}, "measures\\[3\\].better"),
        ({"effect": "percent"}, "measures\\[3\\].effect"),
        ({"margin": -1}, "measures\\[3\\].margin"),
        ({"margin": float("nan")}, "measures\\[3\\].margin"),
        ({"tasks": []}, "measures\\[3\\].tasks: a measure needs tasks"),
        ({"tasks": ["a", "a"]}, "named twice"),
        ({"statistic": "margin", "effect": "relative"}, "relative difference of margins"),
    ],
)
def test_a_wrong_measure_names_its_field(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parse_measure({**GOOD, **change}, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"baseline": "text_only"}, 'did you mean "text-only"'),
        ({"measures": [GOOD, GOOD]}, "same name"),
        ({"alpha": 0.7}, "alpha"),
        ({"draws": 10}, "draws"),
    ],
)
def test_a_wrong_request_names_its_field(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parse_request({**REQUEST, **change})
