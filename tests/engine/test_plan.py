"""What the plan says in words."""

from __future__ import annotations

import pytest

from leaven.engine.costs_told import lasting


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (89, "89 s"),
        (90, "2 min"),
        (7190, "120 min"),
        (7200, "2 h"),
        (48 * 3600, "2 days"),
        (700 * 86400, "700 days"),
        (4.7e10, "1,490 years"),
    ],
)
def test_a_length_of_time_is_told_in_a_unit_that_people_can_picture(seconds, words):
    assert lasting(seconds) == words
