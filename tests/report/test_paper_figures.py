"""The paper's figures from a study's scores: which arms stand in them, what is beside what, and what is said."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from leaven.analyze.published.paper_results import of_part
from leaven.report import paper_figures, paper_table, preference
from leaven.report.canvas import panel
from leaven.report.chart import Chart, files
from leaven.report.contents import read
from leaven.report.paper_arms import Arm, arm_of, arms, asked, shown

from . import paper_study
from .paper_study import ACCURACY, BITS, BOTH, CODES, CONTINUED, COOLED, HEADLINE, SHARES, STUDIES, study


def charts(data: dict[str, Any]) -> dict[str, Chart]:
    return {drawing.name: drawing for drawing in paper_figures.charts(read(data))}


def drawn(found: Chart) -> str:
    """What stands in the drawings."""
    made = [panel(p.draw, p.height, name=f"x{i}", alt=p.alt) for i, p in enumerate(found.panels)]
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", svg) for svg in made))


def told(html: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", str(html))).split())


@pytest.mark.parametrize(
    ("name", "figure", "ours", "theirs"),
    [
        ("initialization", "2", 3, 0),
        ("scale", "3", 3, 0),
        ("proportion", "4", 3, 0),
        ("quality", "5a", 2, 0),
        ("quality", "5b", 2, 0),
        ("cooldown", "6", 3, 0),
        ("initialization, pocket", "2", 3, 3),
        ("scale, pocket", "3", 3, 3),
        ("proportion, pocket", "4", 3, 3),
        ("quality, pocket", "5a", 2, 2),
        ("quality, pocket", "5b", 2, 2),
        ("cooldown, pocket", "6", 3, 3),
    ],
)
def test_every_figure_has_a_panel_a_category_and_the_papers_beside_it(
    name: str, figure: str, ours: int, theirs: int
) -> None:
    """On the same axis where the unit is the same, in a panel of its own beside ours where it is not."""
    found = charts(STUDIES[name])[f"paper-figure-{figure}"]
    own = [p for p in found.panels if re.match(r"(Bars|Lines), the paper", p.alt)]
    assert (len(found.panels) - len(own), len(own)) == (ours, theirs)
    assert f"(the paper's Figure {figure})" in found.title
    assert str(found.sentence).endswith(".")
    assert "95 % intervals" in str(found.note)
    published = {row[5] for row in found.rows}
    assert published - {"–"}, "no published value in the table behind"


def test_where_units_agree_the_published_value_is_on_our_bar() -> None:
    found = charts(STUDIES["initialization"])["paper-figure-2"]
    assert "(49.0)" in drawn(found)
    assert "◇ the paper, no interval" in drawn(found)
    assert "text-only 200B" in told(found.rows)
    assert [row[5] for row in found.rows if row[0] == "text-only"] == ["49.0 %", "9.5 %", "0.4 %"]


def test_where_units_differ_the_paper_has_its_own_panel_that_says_it_has_no_intervals() -> None:
    found = charts(STUDIES["initialization, pocket"])["paper-figure-2"]
    said = drawn(found)
    assert "no intervals published" in said
    assert "◇" not in said
    assert "compare the pattern, not the height" in str(found.note)
    assert "down is better" in said


def test_figure_2_is_before_the_cooldown_where_that_was_evaluated() -> None:
    before = {row[2] for row in charts(STUDIES["initialization"])["paper-figure-2"].rows}
    assert before == {"before cooldown"}
    later = study(["2"], HEADLINE)
    assert {row[2] for row in charts(later)["paper-figure-2"].rows} == {"final"}


def test_in_a_study_of_everything_each_figure_has_its_own_arms() -> None:
    before = [f"{name} before cooldown" for name in HEADLINE]
    every = [*HEADLINE, *before, *SHARES, *CODES, *CONTINUED, *COOLED, "code→text init"]
    sweep = {"of": "code", "variants": list(SHARES), "shares": SHARES}
    found = charts(study(["2", "4", "5a", "5b", "6", "7"], every, BITS, points=("final",), sweep=sweep))
    assert {name: list(dict.fromkeys(row[0] for row in chart.rows)) for name, chart in found.items()} == {
        "paper-figure-2": before,
        "paper-figure-4": list(SHARES),
        "paper-figure-5a": CODES,
        "paper-figure-5b": CONTINUED,
        "paper-figure-6": COOLED,
    }


def test_a_variant_named_for_the_point_is_there_at_its_end() -> None:
    contents = read(study(["table 2"], ["code→text", "code→text init"]))
    by = {(n.variant, n.point): n for n in of_part("table 2")}
    assert arm_of(contents, by["code→text", "initialization"]) == Arm("code→text init", "final", "code→text")
    assert arm_of(contents, by["code→text", "before cooldown"], strict=True) is None
    assert arm_of(contents, by["code→text", "before cooldown"]) == Arm("code→text", "final", "code→text")
    assert arm_of(contents, by["text-only", "final"]) is None


def test_a_study_with_other_names_has_all_of_its_arms_and_no_overlay() -> None:
    found = charts(study(["2"], ["mine", "yours"]))["paper-figure-2"]
    assert {row[0] for row in found.rows} == {"mine", "yours"}
    assert {row[5] for row in found.rows} == {"–"}


def test_a_study_that_names_no_figure_has_those_whose_variants_it_has() -> None:
    assert asked(read(study([], HEADLINE))) == ["2"]
    assert asked(read(study([], ["mine", "text-only"]))) == []
    assert asked(read(study(["6", "2", "9"], HEADLINE))) == ["2", "6"]
    assert paper_figures.charts(read({})) == []
    assert paper_figures.charts(read({"verdict": {"figures": ["2", "3", "4", "6"]}})) == []


def test_measures_stand_for_the_papers_categories() -> None:
    contents = read(study(["2"], HEADLINE, BITS))
    found = shown(contents, ["reasoning", "world knowledge", "code"])
    assert [(m.name, m.category, m.share, m.same) for m in found] == [
        ("prose bits-per-byte", "reasoning", False, False),
        ("fact recall", "world knowledge", True, False),
        ("code bits-per-byte", "code", False, False),
    ]
    assert all(m.same for m in shown(read(study(["2"], HEADLINE, ACCURACY)), ["reasoning", "code"]))


def test_bars_of_bits_begin_at_the_baseline() -> None:
    data = study(["6"], COOLED, BITS, baseline="no cooldown")
    alt = charts(data)["paper-figure-6"].panels[0].alt
    means = {row["variant"]: row["mean"] for row in data["verdict"]["scores"] if row["measure"].startswith("prose")}
    assert all(f"{name} {mean:.3f}" in alt for name, mean in means.items())


def test_shares_are_where_the_verdict_says_and_the_sentence_is_that_of_the_optimum() -> None:
    variants = {"none": 0.0, "a little": 0.1, "much": 0.7}
    sweep = {"of": "web_code", "variants": list(variants), "shares": variants}
    measures = [
        {"name": "reasoning", "said": "the best share of web_code is 10 % [2, 30]"},
        {"name": "x", "said": "no"},
    ]
    data = study(["4"], list(variants), sweep=sweep, optimum={"measures": measures})
    found = charts(data)["paper-figure-4"]
    assert found.sentence == "the best share of web_code is 10 % [2, 30]."
    assert "10 %" in found.panels[0].alt
    assert "% of web_code" in drawn(found)


def test_the_sentence_is_that_of_the_verdict_where_it_is_about_these_arms() -> None:
    rows = [
        {"variant": v, "baseline": "no cooldown", "measure": "code", "verdict": verdict, "role": "primary"}
        for v, verdict in ((COOLED[1], "worse"), (COOLED[2], "better"))
    ]
    said = charts(study(["6"], COOLED, comparisons=rows))["paper-figure-6"].sentence
    assert said == "Code against no cooldown, better: cooldown with code; worse: cooldown without code."
    unsaid = charts(study(["6"], COOLED))["paper-figure-6"].sentence
    assert str(unsaid).startswith("Best mean: on reasoning ")
    assert "(its interval meets that of " in str(unsaid)


def test_secondary_measures_are_told_against_no_baseline() -> None:
    """Neither the first, which is exploratory, nor a further one, whose rows know no rank of a measure."""
    rows = [
        {"variant": COOLED[2], "baseline": base, "measure": measure, "verdict": "better", "role": role}
        for base, measure, role in (
            (COOLED[1], "code bits-per-byte", "primary"),
            (COOLED[1], "fact recall", "secondary"),
            (COOLED[0], "code bits-per-byte", "other baseline"),
            (COOLED[0], "fact recall", "other baseline"),
        )
    ]
    said = str(charts(study(["6"], COOLED, BITS, comparisons=rows))["paper-figure-6"].sentence)
    assert said == (
        "Code bits-per-byte against cooldown without code, better: cooldown with code. Code bits-per-byte against no "
        "cooldown, better: cooldown with code."
    )


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("better", "on fact recall {0};"),
        ("worse", "on fact recall {0};"),
        ("equivalent", "on fact recall {0} (equivalent to {1});"),
        ("unresolved", "on fact recall {0} (not told from {1});"),
        ("", "on fact recall {0} (its interval meets that of {1});"),
    ],
)
def test_the_best_is_told_from_the_next_by_their_comparison(verdict: str, said: str) -> None:
    """Two scores' intervals meet long after the pair, on the same items, is told apart."""
    data = study(["6"], COOLED, [BITS[2], BITS[0]])
    rows = [row for row in data["verdict"]["scores"] if row["measure"] == "fact recall"]
    best, after, _ = (row["variant"] for row in sorted(rows, key=lambda row: -row["mean"]))
    for row in rows:
        row |= {"low": 0.1, "high": 0.9}
    pair = {"variant": after, "baseline": best, "measure": "fact recall", "role": "secondary", "verdict": verdict}
    data["verdict"]["comparisons"] = [pair] if verdict else []
    found = charts(data)["paper-figure-6"]
    assert said.format(best, after) in str(found.sentence).replace(".", ";").replace(": on", "; on") + ";"
    assert "intervals that meet decide nothing" in str(found.note)


def test_verdicts_at_another_point_are_not_told_of_a_figure() -> None:
    """Figure 6 is about the end of training; these verdicts are about the arms before their cooldown."""
    rows = [{"variant": COOLED[2], "baseline": COOLED[1], "measure": "code", "verdict": "better", "role": "primary"}]
    data = study(["6"], COOLED, points=BOTH, comparisons=rows, point="before cooldown")
    assert str(charts(data)["paper-figure-6"].sentence).startswith("Best mean")


def test_each_size_is_told_by_itself_where_nothing_is_said_of_transfer() -> None:
    said = str(charts(STUDIES["scale"])["paper-figure-3"].sentence)
    assert said.startswith("At 470m, best mean: on reasoning ")
    assert " At 2.8b, best mean: " in said
    data = study(["3"], HEADLINE[1:], sizes=("470m", "2.8b"), transfer={"said": "the sizes agree"})
    assert charts(data)["paper-figure-3"].sentence == "the sizes agree."


def test_one_size_has_no_figure_of_two() -> None:
    assert charts(study(["3"], HEADLINE)) == {}


def test_names_from_elsewhere_are_text() -> None:
    name = '<b onmouseover="x">code $x^2$'
    found = charts(study(["2"], [name, "other"]))["paper-figure-2"]
    svg = panel(found.panels[0].draw, 3.0, name="x", alt=found.panels[0].alt)
    assert "<b " not in svg


def test_table_2_has_every_stage_with_intervals_and_the_published_scores() -> None:
    data = study(["table 2"], [*HEADLINE, "code→text init"], BITS, points=BOTH)
    said = told(paper_table.section(read(data)))
    assert "Stage by stage (the paper's Table 2)" in said
    assert re.search(r"text-only before the cooldown \d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\]", said)
    assert "49.0 9.5 0.4" in said
    assert re.search(r"code→text init initialization \d", said)
    assert "balanced→text initialization – – – 52.0 7.4 7.8" in said
    assert "The best and the worst variant lie apart by: on prose bits-per-byte" in said
    assert paper_table.section(read(study(["2"], HEADLINE))) is None
    assert paper_table.section(read({"verdict": {"figures": ["table 2"]}})) is None


def test_published_judgements_stand_beside_ours_under_our_names() -> None:
    row = {"wins": 60, "losses": 50, "ties": 89, "errors": 1, "net": 5.0, "low": -5.0, "high": 15.0, "unit": "points"}
    variants = ["text-only before cooldown", "code→text before cooldown"]
    rows = [{"variant": variants[1], "baseline": variants[0], "prompts": 200, "seeds": 1, "judge": "x"} | row]
    found = preference.chart(read(study(["9"], variants, winrates=rows)))
    assert found is not None
    assert found.title.endswith("(the paper's Figure 9)")
    assert len(found.panels) == 2
    assert "the paper, Figure 9: code→text before cooldown" in told(found.rows)
    assert "64 (32.2 %)" in told(found.rows)
    assert all(len(line) == len(found.head) for line in found.rows)
    other = preference.chart(read(study([], variants, winrates=rows)))
    assert other is not None
    assert (len(other.panels), other.title) == (1, preference.TITLE)
    renamed = [replace_names(rows[0])]
    mine = preference.chart(read(study(["9"], ["mine", "base"], winrates=renamed)))
    assert mine is not None
    assert len(mine.panels) == 1


def replace_names(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"variant": "mine", "baseline": "base"}


def test_equal_studies_give_equal_files() -> None:
    one, two = (charts(STUDIES["quality, pocket"])["paper-figure-5b"] for _ in range(2))
    vector, image = files(one)
    assert (vector, image) == files(two)
    assert vector.startswith(b"<?xml")
    assert image.startswith(b"\x89PNG")


def test_the_fixture_is_whole() -> None:
    """Every arm of a study has a row for each measure."""
    data = STUDIES["initialization"]
    contents = read(data)
    assert len(arms(contents, "figure 2")) == 5
    assert len(contents.scores) == 5 * 3 * 2
    assert replace(contents) == contents
    assert paper_study.LEVELS.keys() == {row["name"] for row in (*ACCURACY, *BITS)}
