"""What answers rest on: noise and power by size and role, and what was excluded where."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from leaven.report import tables
from leaven.report.contents import read

from .test_gates import two_sizes


def told(html: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", str(html))).split())


def rows(html: Any, place: int) -> list[list[str]]:
    """The cells of a table of a section."""
    found = re.findall(r"<table>.*?</table>", str(html), re.S)[place]
    return [
        [told(cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", line, re.S)]
        for line in re.findall(r"<tr>.*?</tr>", found, re.S)
    ]


def power(measure: str, role: str, least: float, most: float, size: str = "") -> dict[str, Any]:
    about = {"size": size, "measure": measure, "role": role, "unit": "%", "note": role}
    return {**about, "smallest_effect_quietest": least, "smallest_effect": most}


def test_a_further_baseline_has_a_line_of_its_own(data: dict[str, Any]) -> None:
    name = "prose bits-per-byte"
    data["verdict"]["power"] = [power(name, "primary", 1.1, 2.2), power(name, "other baseline", 7.7, 8.8)]
    head, first, second, *_ = rows(tables.noise(read(data)), 0)
    assert head[:3] == ["measure", "comparisons", "effect told"]
    assert first[:4] == [name, "primary", "1.10 to 2.20 %", "1.00 %"]
    assert second[:3] == [name, "other baseline", "7.70 to 8.80 %"]
    # The noise that is known is that of pairs with the first baseline.
    assert "–" not in first
    assert second[4:6] == ["–", "–"]


def test_one_size_and_one_role_need_no_columns(data: dict[str, Any]) -> None:
    head, *lines = rows(tables.noise(read(data)), 0)
    assert head[0] == "measure"
    assert "comparisons" not in head
    assert len(lines) == len(data["verdict"]["measures"])


def test_sizes_are_told_apart(data: dict[str, Any]) -> None:
    verdict = two_sizes(data)["verdict"]
    name = verdict["measures"][0]["name"]
    verdict["power"] = [power(name, "primary", 1.1, 2.2, "0.3m"), power(name, "primary", 4.4, 5.5, "1m")]
    found = tables.noise(read(data))
    head, first, second, *_ = rows(found, 0)
    assert head[:2] == ["size", "measure"]
    assert (first[0], first[2]) == ("0.3m", "1.10 to 2.20 %")
    assert (second[0], second[2]) == ("1m", "4.40 to 5.50 %")
    assert "(first) baseline of each variant" in told(found)
    own, *each = rows(found, 1)
    assert own[0] == "size"
    assert {line[0] for line in each} == {"0.3m", "1m"}


def test_what_is_not_known_is_a_dash_and_no_zero(data: dict[str, Any]) -> None:
    """Runs that others trained: no items counted, no smallest effect of interest named."""
    verdict = data["verdict"]
    verdict["noise"] = [
        {**row, "item_se": 0.0, "items": None, "clusters": None, "paired_item_sd": 0.0} for row in verdict["noise"]
    ]
    verdict["measures"] = [{**row, "margin": 0.0} for row in verdict["measures"]]
    found = tables.noise(read(data))
    assert {(line[2], line[4]) for line in rows(found, 0)[1:]} == {("–", "–")}
    assert {line[4] for line in rows(found, 1)[1:]} == {"–"}
    verdict["noise"] = [{**row, "items": 400} for row in verdict["noise"]]
    assert {line[4] for line in rows(tables.noise(read(data)), 1)[1:]} == {"0.0000"}


def test_what_is_excluded_says_at_which_size(data: dict[str, Any]) -> None:
    two_sizes(data)
    found = tables.excluded(read(data))
    head, first = rows(found, 0)
    assert (head[1], first[1]) == ("size", "0.3m")
    assert "excluded at 0.3m" in told(found)
    data["verdict"]["excluded"].append({**data["verdict"]["excluded"][0], "size": "1m"})
    assert "excluded at" not in told(tables.excluded(read(data)))
