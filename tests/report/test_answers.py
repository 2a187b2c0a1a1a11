"""The top of the page: what is said of each answer, of sizes, of further baselines, and where there is no answer."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from leaven.report import answers, gains, methods, scores
from leaven.report.contents import read

from .test_gates import two_sizes


def told(html: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", str(html))).split())


def test_what_is_unresolved_says_at_which_size(data: dict[str, Any]) -> None:
    assert "fact recall (balanced→text; text-only, no code in cooldown) is unresolved" in told(
        answers.section(read(data))
    )
    verdict = two_sizes(data)["verdict"]
    (large,) = [row for row in verdict["comparisons"] if (row["size"], row["measure"]) == ("1m", "fact recall")]
    large |= {"verdict": "unresolved", "would_resolve": verdict["comparisons"][9]["would_resolve"]}
    verdict["excluded"][0]["size"] = "1m"
    said = told(answers.section(read(data)))
    names = "balanced→text at 0.3m; code→text at 1m; text-only, no code in cooldown at 0.3m"
    assert f"fact recall ({names}) is unresolved" in said
    assert "Models that beat chance on boolean at 1m," in said


def other(row: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**row, "primary": False, "role": "other baseline", "baseline": "balanced-only", **more}


def test_a_further_baseline_has_primary_measures_only_with_p_and_what_is_open(data: dict[str, Any]) -> None:
    rows = data["verdict"]["comparisons"]
    mine = [row for row in rows if row["variant"] == "code→text"]
    rows += [other(row, verdict="unresolved", would_resolve="7 more seeds", p_holm=0.31) for row in mine]
    said = told(answers.section(read(data)))
    _, _, fold = said.partition("Against other baselines")
    fold = fold.partition("What would change it")[0]
    assert fold.count("against balanced-only: ") == 3
    assert fold.count(", p = 0.31: 7 more seeds.") == 3
    assert "entity tracking" not in fold
    mine[0] |= {"p_holm": None, "p": None}
    assert "None" not in fold


@pytest.mark.parametrize(("left_out", "listed"), [([], False), (["every variant ran once: no verdicts"], True)])
def test_without_an_answer_nothing_is_promised_that_is_not_there(left_out: list[str], listed: bool) -> None:
    said = told(answers.head(read({"verdict": {"left_out": left_out}})))
    assert "No primary comparison could be made" in said
    assert ("is listed below" in said) == listed


def test_a_page_without_a_smallest_effect_has_no_band(data: dict[str, Any]) -> None:
    with_band = read(data)
    assert "shaded band" in told(answers.section(with_band))
    assert 'class="margin"' in str(answers.section(with_band))
    drawn = gains.chart(with_band)
    assert drawn is not None
    assert "; shaded: " in str(drawn.note)
    data["verdict"]["measures"] = [{**row, "margin": 0.0} for row in data["verdict"]["measures"]]
    without = read(data)
    assert "shaded" not in told(answers.section(without))
    assert 'class="margin"' not in str(answers.section(without))
    drawn = gains.chart(without)
    assert drawn is not None
    assert "shaded" not in str(drawn.note)


def test_a_margin_in_another_unit_is_no_band() -> None:
    """An effect told in points because its baseline is near zero has a margin of 0 in its row."""
    found = read({"verdict": {"measures": [{"name": "pass", "margin": 5.0}]}})
    assert gains.margin_of(found, {"measure": "pass"}) == 5.0
    assert gains.margin_of(found, {"measure": "pass", "margin": 0.0}) == 0.0


def signs(**states: str) -> list[dict[str, Any]]:
    return [{"variant": name, "state": state} for name, state in states.items()]


def test_effects_that_do_not_agree_between_sizes_are_named(data: dict[str, Any]) -> None:
    assert "Other sizes: only several sizes that agree" in told(answers.section(read(data)))
    data["verdict"]["transfer"] = {
        "proven": False,
        "measures": [
            {"name": "bpb", "signs": signs(a="signs agree", b="flip", c="same sign, not clear")},
            {"name": "acc", "signs": signs(a="nothing clear", b="possible flip")},
        ],
    }
    assert (
        "Other sizes: b on bpb and acc changed sign from size to size; c on bpb; a on acc had no clear sign at 3 "
        "sizes: only several sizes that agree would speak for a larger model than these."
    ) in told(answers.section(read(data)))
    data["verdict"]["transfer"]["proven"] = True
    assert "Other sizes" not in told(answers.section(read(data)))


def test_the_methods_of_one_size_count_its_parameters(data: dict[str, Any]) -> None:
    data["study"]["model"] = {"size": "0.3m", "layers": 3}
    assert methods.paragraph(read(data)).startswith(
        "We trained decoder-only transformers of 282K parameters (size 0.3m"
    )
    data["study"]["model"] = {}  # others trained them
    assert "We trained" not in methods.paragraph(read(data))


def test_scores_without_an_interval_have_a_dash(data: dict[str, Any]) -> None:
    for row in data["verdict"]["scores"]:
        row |= {"low": None, "high": None}
    drawn = scores.chart(read(data))
    assert drawn is not None
    assert {row[4] for row in drawn.rows} == {"–"}
    assert "95 % intervals" not in str(drawn.note)
