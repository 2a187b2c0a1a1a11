"""What the page claims about evidence: power, chance, preference, intervals."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from leaven.report import gains, page, preference
from leaven.report.chart import Chart
from leaven.report.contents import read


def told(data: dict[str, Any]) -> str:
    """The text of the page, which without its figures is quickly made."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", page.page(read(data), []))).split())


def made(chart: Chart | None) -> Chart:
    assert chart is not None
    return chart


def test_power_and_noise_are_ranges_in_the_unit_of_the_effect(data: dict[str, Any]) -> None:
    """A study whose noisiest comparison tells 6 % also told smaller effects elsewhere: one number would be untrue."""
    said = told(data)
    assert "0.41 to 0.60 %" in said
    assert "2.90 to 4.10 points" in said
    assert "effects smaller than these stay unresolved" not in said
    for row in data["verdict"]["power"]:
        row["smallest_effect"] = None
    assert "2.90 points to none" in told(data)


def test_means_of_excluded_tasks_are_shares_in_the_order_of_the_study(data: dict[str, Any]) -> None:
    values = data["verdict"]["excluded"][0]["values"]
    data["verdict"]["excluded"][0]["values"] = dict(sorted(values.items()))
    assert "text-only 51.2 %; balanced-only 56.1 %; balanced→text 54.8 %" in told(data)


def test_a_preference_needs_the_corrected_p_beside_its_interval(data: dict[str, Any]) -> None:
    row = data["verdict"]["winrates"][1]
    row.update(net=20.0, low=4.0, high=36.0, p=0.02, p_holm=0.08)
    assert "separates no variant" in str(made(preference.chart(read(data))).sentence)
    row["p_holm"] = 0.01
    assert "prefers balanced→text over text-only" in str(made(preference.chart(read(data))).sentence)


def test_intervals_are_called_what_they_are_whatever_alpha_is(data: dict[str, Any]) -> None:
    data["verdict"]["alpha"] = 0.1
    assert "lines: 95 % intervals" in str(made(gains.chart(read(data))).note)
