"""What follows from the paper's scores and is not in it, against an independent computation and by its sentences."""

from __future__ import annotations

import math

import pytest

from leaven.analyze.published.paper_weak_points import checks, standard_error, weak_points


def test_another_computation_agrees() -> None:
    found = checks()
    assert len(found) == 14
    assert all(check.ok for check in found)
    assert all(check.published is None for check in found)


def test_what_is_said() -> None:
    said = {point.name: point.says for point in weak_points()}
    assert "the gain of 8.2 % in reasoning is 5.6 %, and 3.6 % without the synthetic code" in said["the baseline"]
    assert "+1.5 % in reasoning (before: +8.2 %), −1.8 % in knowledge" in said["after the cooldown"]
    assert "1.3× in code (12×)" in said["after the cooldown"]
    assert "a standard error of 0.82 points" in said["items"]
    assert "beyond it: balanced→text against text-only (3.5)" in said["items"]
    assert "Guessing scores 35.6" in said["chance"]
    assert "Of the 5 comparisons with text-only 5 have p > 0.05" in said["preferences"]


def test_standard_error_of_a_mean_of_tasks() -> None:
    """Of one task the binomial one; of four alike half of it."""
    assert standard_error([100]) == pytest.approx(5.0)
    assert standard_error([100] * 4) == pytest.approx(2.5)
    assert standard_error([400], 0.05) == pytest.approx(100 * math.sqrt(0.05 * 0.95 / 400))
