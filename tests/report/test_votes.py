"""What judged preferences must not claim: votes are not prompts, nothing is no number, and a guess is not a fact."""

from __future__ import annotations

import itertools
import math
import re
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from leaven.report import chart, diagnostics, judged, methods, page, preference, strengths, tournament
from leaven.report.canvas import panel
from leaven.report.contents import Contents, read

from . import votes


def contents(scripted: bool = False, **more: Any) -> Contents:
    return tournament.contents(votes.tournament(scripted) | votes.five(scripted) | more)


def told(html: object) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", str(html))).split())


def drawn(found: chart.Chart | None) -> str:
    assert found is not None
    return unescape(" ".join(panel(p.draw, p.height, name=f"x{i}", alt=p.alt) for i, p in enumerate(found.panels)))


def whole(found: Contents) -> str:
    html = tournament.page(found, tournament.figures(found))
    return html.split("</style>")[1].split("<script>")[0]


def test_an_arm_stands_above_only_by_the_interval_and_the_corrected_p() -> None:
    found = strengths.chart(contents())
    assert found is not None
    said = str(found.sentence)
    assert "instructions stands above text-only" in said
    assert "2 other arms cannot be told from text-only" in said  # balanced-only's interval leaves out 0, its p does not
    assert "below" not in said
    assert "not corrected for their number" in str(found.note)
    assert [row[3] for row in found.rows] == ["p < 0.001", "p = 1.00", "–", "p = 0.060", "–"]


def test_strengths_without_corrected_p_are_told_apart_by_nothing() -> None:
    old = [{key: row[key] for key in row if key not in ("p", "p_holm")} for row in votes.five()["strengths"]]
    found = strengths.chart(contents(strengths=old))
    assert found is not None
    assert not re.search("above text|below|cannot be told|hold", str(found.sentence))
    assert "3 arms have a place" in str(found.sentence)
    assert "decides nothing" in str(found.note)


def test_votes_of_several_seeds_are_not_called_prompts() -> None:
    found = contents()
    said = told(whole(found))
    assert "195 votes on 67 prompts judged; 4 errors apart" in said
    assert "% of judged votes" in said
    assert "% of judged prompts" not in said
    assert "Judged votes: balanced-only against" in unescape(whole(found))
    assert "Votes; errors are excluded from every rate" in said
    assert "Flipped: votes decided" in said
    assert "in points, averaged over seeds, with its 95 % interval" in said
    assert "each decided by the majority of its seeds" in methods.tournament(found)
    assert "points of the votes with an outcome, averaged over seeds" in methods.tournament(found)


def test_votes_of_one_seed_are_prompts() -> None:
    said = told(whole(tournament.contents(votes.tournament())))
    for words in ("195 prompts judged", "% of judged prompts", "Prompts; errors are excluded", "Flipped: prompts"):
        assert words in said
    assert "averaged over seeds" not in said


def test_where_nothing_was_judged_there_is_no_number_and_no_bar() -> None:
    row = votes.five()["winrates"][-1]
    for held in (row, {**row, "net": 0.0, "low": -100.0, "high": 100.0, "half": 50.0}):
        found = contents(winrates=[held], baseline=held["baseline"], strengths=[])
        figure = preference.chart(found)
        assert figure is not None
        assert figure.rows[0][6:9] == ["no outcome", "no outcome", "–"]
        said = drawn(figure)
        assert ">no outcome<" in said
        assert ">net " not in said
        assert "ties half" not in said
        assert str(figure.sentence) == (
            "There is no outcome for code→text/seed-1 against micro.yaml code→text, then instructions."
        )
        answers = told(whole(found))
        assert (
            "code→text/seed-1 against micro.yaml code→text, then instructions: no outcome; 201 errors apart" in answers
        )
        assert "cannot be told" not in answers
        assert "none would do" not in told(diagnostics.section(found))


def test_what_was_not_searched_is_not_none() -> None:
    def cell(**row: Any) -> list[str]:
        rows = [{key: value for key, value in votes.winrates()[0].items() if key != "overlapping"} | row]
        html = str(diagnostics.section(contents(winrates=rows))).split("net win without them")[1]
        return [told(part) for part in re.findall(r"<td[^>]*>.*?</td>", html)]

    assert cell(overlapping=None)[1] == "not searched"
    assert cell(overlapping=0)[1] == "0"
    assert cell()[1] == "–"


def test_prompts_of_a_file_are_said_once() -> None:
    found = contents(prompts={"set": "the prompts of x.jsonl", "rows": 25, "chosen": 25})
    assert "25 prompts of x.jsonl." in told(judged.prompts(found))
    assert "on 25 prompts of x.jsonl." in methods.tournament(found)


@given(st.floats(-8, 0), st.floats(0.5, 16))
def test_win_rates_above_strengths_have_room(low: float, width: float) -> None:
    found = strengths.ticks(low, low + width)
    odds = [math.log(rate / (100 - rate)) for rate in found]
    assert all(low <= at <= low + width for at in odds)
    assert all(b - a >= strengths.ROOM * width for a, b in itertools.pairwise(odds))


@pytest.mark.parametrize("half", [0.3, 1.2, 3.0, 6.4])
def test_an_axis_around_the_reference_names_three_rates(half: float) -> None:
    assert 50 in strengths.ticks(-half, half)
    assert len(strengths.ticks(-half, half)) >= 3


def test_the_mark_of_a_script_hides_no_dot() -> None:
    found = strengths.chart(contents(scripted=True))
    assert found is not None
    axes = Figure(figsize=(5, found.panels[0].height)).add_subplot()
    found.panels[0].draw(axes)
    marks = [text for text in axes.texts if text.get_text() == "SCRIPTED"]
    dots = [line for line in axes.lines if line.get_marker() in ("o", "D")]
    assert len(marks) == len(dots) == 4
    assert max(mark.get_zorder() for mark in marks) < 2 <= min(dot.get_zorder() for dot in dots)
    places = {float(dot.get_ydata()[0]) for dot in dots}
    assert all(abs(mark.get_position()[1] - y) > 0.3 for mark in marks for y in places)


def test_long_names_are_readable_whole() -> None:
    names = ("micro.yaml code→text, seed 1", "micro.yaml code→text, seed 2", "micro.yaml code→text, seed 3")
    rows = [
        {**votes.winrates()[0], "variant": a, "baseline": b}
        for a, b in ((names[1], names[0]), (names[2], names[0]), (names[2], names[1]))
    ]
    for scripted in (False, True):
        made = [{**row, "scripted": scripted} for row in rows]
        svg = drawn(preference.chart(contents(winrates=made, baseline=names[0], strengths=[])))
        said = told(svg)
        assert "…" not in said
        assert said.count("seed 1") + said.count("seed 2") + said.count("seed 3") >= 5


@pytest.mark.parametrize("rules", [{}, {"tokens": 256}])
def test_texts_of_files_are_not_said_to_be_drawn_by_one_rule(rules: dict[str, Any]) -> None:
    arms = [{"name": "a", "what": "completions in a.jsonl"}, {"name": "b", "what": "model b" if rules else ""}]
    found = contents(arms=arms, rules=rules)
    for said in (methods.tournament(found), told(judged.prompts(found))):
        assert "The completions of a (a.jsonl) were written elsewhere" in said
        assert "Arms completed" not in said
        assert "Every arm" not in said
        assert ("b completed every prompt by the same rules: at most 256 tokens" in said) == bool(rules)


def test_costs_say_what_is_estimated_and_what_has_no_price() -> None:
    def costs(**cost: Any) -> str:
        return told(judged.costs(contents(cost={"calls": 10, "replies": 10, **cost})))

    assert "cost 2.15 USD" in costs(usd=2.15, unknown=0, unanswered=0)
    assert "cost about 2.15 USD" in costs(usd=2.15, unknown=3, unanswered=0)
    assert "3 replies came without a count of tokens" in costs(usd=2.15, unknown=3)
    assert "cost about 2.15 USD" in costs(usd=2.15, unanswered=1)
    assert "perhaps billed twice 1" in costs(usd=2.15, unanswered=1)
    assert "cost no price given" in costs(usd=None, unknown=3)
    assert "the cost counts" not in costs(usd=None, unknown=3, unanswered=1)


@pytest.mark.parametrize("study", [False, True])
def test_every_table_of_made_up_votes_says_so(study: bool) -> None:
    data = votes.tournament(scripted=True) | votes.five(scripted=True)
    if study:
        found = read({"verdict": {key: data[key] for key in ("baseline", "winrates", "strengths")}})
        html = page.page(found, page.figures(found))
    else:
        html = whole(contents(scripted=True))
    tables = re.findall(r"<table>.*?</table>", html, re.DOTALL)
    assert len(tables) == 5
    assert all("SCRIPTED" in table for table in tables)
    assert not any("SCRIPTED" in table for table in re.findall(r"<table>.*?</table>", whole(contents()), re.DOTALL))


def test_controls_are_said_to_be_as_good_as_their_text() -> None:
    assert "A control is only as good as the text it is made of" in told(diagnostics.section(contents()))
