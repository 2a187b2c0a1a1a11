"""What is said of judged preferences: shares, net wins, strengths, diagnostics; and that a script is never a judge."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from leaven.report import chart, judged, methods, preference, strengths
from leaven.report.canvas import panel
from leaven.report.contents import Contents, read
from leaven.report.page import page
from leaven.report.page import write_report as write_study

from . import votes
from .test_gates import two_sizes


def contents(scripted: bool = False, **more: Any) -> Contents:
    data = votes.tournament(scripted)
    verdict = {key: data[key] for key in ("baseline", "winrates", "strengths")}
    return read({"verdict": verdict, **{key: data[key] for key in ("judge", "prompts", "rules", "samples")}, **more})


def made(found: chart.Chart | None) -> chart.Chart:
    assert found is not None
    return found


def told(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def drawn(found: chart.Chart) -> str:
    return " ".join(panel(p.draw, p.height, name=f"x{i}", alt=p.alt) for i, p in enumerate(found.panels))


def test_shares_are_of_prompts_with_an_outcome_and_errors_stand_apart() -> None:
    row = {"wins": 30, "ties": 10, "losses": 10, "errors": 50}
    assert preference.judged(row) == 50
    assert [preference.share(row, column) for column, *_ in preference.SHARES] == [60.0, 20.0, 20.0]
    found = read({"verdict": {"winrates": [{**row, "variant": "b", "baseline": "a", "net": 40.0, "unit": "points"}]}})
    said = drawn(made(preference.chart(found)))
    assert ">60<" in said
    assert ">20<" in said
    assert "50 errors apart" in said


def test_only_errors_still_make_a_bar_without_an_outcome() -> None:
    row = {"variant": "b", "baseline": "a", "wins": 0, "ties": 0, "losses": 0, "errors": 7, "net": 0.0}
    assert "no outcome" in drawn(made(preference.chart(read({"verdict": {"winrates": [row]}}))))


def test_pairs_with_the_baseline_come_first_and_others_have_a_panel_of_their_own() -> None:
    found = made(preference.chart(contents()))
    assert len(found.panels) == 2
    assert [row[:2] for row in found.rows] == [list(pair) for pair in votes.pairs()]
    assert "vs balanced→text" in drawn(found)
    assert "prefers code→text over text-only, and cannot separate 2 other variants" in str(found.sentence)


def test_every_size_has_panels_and_a_sentence_of_its_own(data: dict[str, Any]) -> None:
    found = made(preference.chart(read(two_sizes(data))))
    first, second = found.panels
    assert "at 0.3m" in first.alt
    assert "balanced-only" in second.alt
    assert "at 1m" in second.alt
    assert "99 wins" in second.alt
    assert "99 wins" not in first.alt
    assert [row[0] for row in found.rows] == ["0.3m"] * 4 + ["1m"]
    assert found.head[:3] == ["size", "variant", "against"]
    said = str(found.sentence)
    assert said.startswith("At 0.3m the judge (reference model) ")
    assert "At 1m the judge (reference model) " in said
    assert "against balanced-only, at 1m" in told(drawn(found))
    assert "size" not in made(preference.chart(contents())).head


@pytest.mark.parametrize(
    ("change", "sign"),
    [
        ({"p_holm": 0.01, "low": 2.0, "high": 9.0}, 1),
        ({"p_holm": 0.01, "low": -9.0, "high": -2.0}, -1),
        ({"p_holm": 0.2, "low": 2.0, "high": 9.0}, 0),
        ({"p_holm": 0.01, "low": -1.0, "high": 9.0}, 0),
        ({"p_holm": None, "low": 2.0, "high": 9.0}, 0),
    ],
)
def test_a_leaning_needs_both_the_interval_and_the_corrected_p(change: dict[str, Any], sign: int) -> None:
    assert preference.leaning(change, 0.05) == sign


def test_ties_count_half_where_the_analysis_did_not_say() -> None:
    assert preference.half({"wins": 2, "ties": 4, "losses": 2}) == "50.0 %"
    assert preference.half(votes.winrates()[0]) == "47.7 % [42.2, 53.2]"
    assert preference.half({}) == "no outcome"


def test_an_arm_without_a_place_is_told_in_words_and_not_drawn() -> None:
    found = made(strengths.chart(contents()))
    said = drawn(found)
    assert "balanced→text" in said
    assert "code→text" not in said
    assert "code→text never lost, so no finite strength fits." in told(str(found.more))
    assert "code→text has no place on the scale" in str(found.sentence)
    assert "52.2 %" in said
    assert "50 %" in said


def test_no_strengths_without_a_second_arm_on_the_scale() -> None:
    rows = [row for row in votes.strengths() if row["arm"] in ("text-only", "code→text")]
    assert strengths.chart(read({"verdict": {"strengths": rows}})) is None
    assert strengths.chart(read({})) is None


def test_wide_strengths_are_drawn_to_the_edge() -> None:
    rows = votes.strengths()
    rows[1] |= {"strength": 4.0, "low": -20.0, "high": 300.0}
    assert drawn(made(strengths.chart(read({"verdict": {"strengths": rows}}))))


def test_a_script_is_marked_in_title_sentence_alt_bars_and_tables() -> None:
    for make in (preference.chart, strengths.chart):
        found = made(make(contents(scripted=True)))
        assert found.title.startswith("SCRIPTED, not a result")
        assert str(found.sentence).startswith("SCRIPTED. A script answered in the place of a judge.")
        assert all(p.alt.startswith("SCRIPTED, not a result.") for p in found.panels)
        marks = drawn(found).count(">SCRIPTED<")
        assert marks >= 3
        assert all("SCRIPTED" in row for row in found.rows)
        assert "SCRIPTED" not in made(make(contents())).title
        assert "SCRIPTED" not in drawn(made(make(contents())))


@pytest.mark.parametrize("how", ["flag", "name of old rows", "judge alone"])
def test_a_script_is_known_by_flag_or_name(how: str) -> None:
    data = votes.tournament(how == "name of old rows")
    for row in data["winrates"]:
        row["scripted"] = how == "flag"
    judge = {"judge": {"name": "x", "scripted": how == "judge alone"}}
    found = read({"verdict": {"winrates": data["winrates"]}, **judge})
    assert page(found, []).count('class="watermark"') == 1


def test_a_study_with_a_script_is_marked_over_the_page_and_in_its_exports(tmp_path: Path) -> None:
    data = votes.tournament(scripted=True)
    verdict = {key: data[key] for key in ("baseline", "winrates", "strengths")}
    write_study({"verdict": verdict, "samples": data["samples"], "study": {"question": "Why?"}}, tmp_path)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<title>SCRIPTED JUDGE · Why? · leaven</title>" in html
    assert '<div class="scripted" role="alert">' in html
    for name in ("winrates", "strengths", "samples"):
        table = pq.read_table(tmp_path / "data" / f"{name}.parquet").to_pydict()
        assert set(table["scripted"]) == {True}


def test_a_page_with_a_judge_has_no_mark(rendered: Path) -> None:
    html = (rendered / "report.html").read_text(encoding="utf-8")
    assert "SCRIPTED" not in html
    assert set(pq.read_table(rendered / "data" / "winrates.parquet").to_pydict()["scripted"]) == {False}


def test_how_the_judge_judged_is_told_for_each_pair() -> None:
    said = told(page(contents(), []))
    for words in (
        "12.9 %",
        "52.6 % [48.0, 57.0]",
        "50.5 % [45.0, 56.0]",
        "4 (2.0 %): refusal 4",
        "degenerate 3, identical 1",
        "19 of 20",
        "−6.6 points [−18.6, +5.4]",
        "about 850",
        "±14.2 points",
    ):
        assert words in said
    assert said.count(votes.LONGER) == 1
    assert "balanced→text against text-only and balanced→text against balanced-only:" in said


def test_rows_from_before_these_figures_have_no_such_section(data: dict[str, Any]) -> None:
    assert "How the judge judged" not in told(page(read(data), []))


@pytest.mark.parametrize(
    ("overlap", "said"),
    [
        ({"sft": {"kind": "instruct", "prompts": 31}}, "31 of 199 prompts occur in the instruct data"),
        ({"sft": {"kind": "instruct", "prompts": 1}}, "1 of 199 prompts occurs in the instruct data"),
        ({"prose": {"kind": "text", "prompts": 0}}, "0 of 199 prompts occur in prose (text)."),
        ({}, "they cannot be called unseen"),
    ],
)
def test_prompts_seen_in_training_are_told_by_source(overlap: dict[str, Any], said: str) -> None:
    assert said in judged.overlaps({"chosen": 199, "rows": 200, "overlap": overlap})[0]


def test_prompts_left_out_are_said_to_be() -> None:
    overlap = {"a": {"prompts": 3}, "b": {"prompts": 0}}
    found = {"chosen": 197, "searched": 200, "overlapping": "drop", "overlap": overlap}
    assert judged.overlaps(found) == [
        "3 of 200 prompts occur in a, and were left out.",
        "0 of 200 prompts occur in b.",
    ]


def test_the_methods_say_template_orders_ties_errors_rules_and_statistics() -> None:
    said = methods.paragraph(contents())
    for words in (
        "paper/1a2b3c4d5e6f",
        "both orders",
        "is a tie",
        "then excluded",
        "at most 256 tokens",
        "31 of 199 prompts occur in the instruct data",
        "equal length",
        "exact sign test",
        "Holm",
        "Bradley–Terry",
        "A degenerate completion loses",
    ):
        assert words in said
    assert methods.paragraph(contents(scripted=True)).startswith("SCRIPTED: ")


def test_costs_of_judging_name_what_was_perhaps_billed_twice() -> None:
    said = told(str(judged.costs(contents(judge_cost=votes.tournament()["cost"]))))
    assert "2.15 USD" in said
    assert "2 requests ended without an answer" in said
    assert "0.0042 USD" in told(str(judged.costs(contents(judge_cost={"usd": 0.0042}))))
    assert judged.costs(contents()) is None
