"""What the plan says in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leaven.engine import pages
from leaven.engine.costs_told import lasting
from leaven.engine.pilots import finder
from leaven.engine.power_plan import foresee
from leaven.engine.store import Store
from leaven.ground.errors import BadInput
from leaven.lab import Study
from leaven.report.contents import read
from leaven.report.methods import paragraph
from leaven.study.load import load

RULE = "0.3m stands for 470m: 846K tokens for 400B, 3 for each of its 282K parameters"


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


@pytest.fixture
def lab(study_file, tmp_path):
    """The small study with these changes."""

    def made(*settings: str) -> Study:
        return Study(load(str(study_file), settings=settings), tmp_path / "runs")

    return made


def test_the_rule_of_a_size_stands_in_the_plan(lab):
    study = lab()
    prepared = study.prepare()
    assert study.plan(device="cpu", prepared=prepared).scaling == ""
    made = study.plan(device="cpu", prepared=replace(prepared, loaded=replace(prepared.loaded, scaling=RULE)))
    assert f"scaled    {RULE}" in made.lines()
    assert made.data()["scaling"] == RULE


def test_the_rule_of_a_size_stands_on_the_page(lab, monkeypatch):
    study = lab()
    prepared = study.prepare()
    prepared = replace(prepared, loaded=replace(prepared.loaded, scaling=RULE))
    for name in ("_stage", "_corpus", "_assembly", "judged", "_costs", "_provenance"):
        row = {"variants": [], "tokens": 0}
        monkeypatch.setattr(pages, name, lambda *_, row=row: row)
    monkeypatch.setattr(pages, "read_json", lambda _: {"tasks": {}})
    made = {step.identity: {"made": {"seconds": 0, "cpu_seconds": 0}} for step in prepared.graph.steps.values()}
    found = pages.gather(prepared, study.store, study.folder, made)["study"]
    assert found["scaling"] == RULE
    assert f"{RULE}." in paragraph(read({"study": found}))


def test_a_page_is_written_anew_where_the_rule_is_another(lab, tmp_path, monkeypatch):
    study = lab()
    prepared = study.prepare()
    written = []
    monkeypatch.setattr(pages, "gather", lambda *_: {})
    monkeypatch.setattr(
        pages, "write_report", lambda _, folder: written.append((folder / "report.html").write_text(""))
    )
    monkeypatch.setattr(Store, "manifest", lambda *_: {"made": {"finished": ""}})
    for scaling in (RULE, RULE, "another rule"):
        scaled = replace(prepared, loaded=replace(prepared.loaded, scaling=scaling))
        pages.write_page(scaled, study.store, tmp_path / "page")
    assert len(written) == 2


def test_where_nothing_is_compared_there_is_nothing_to_resolve(lab):
    made = lab("against={code→text: [], no-code: []}").plan(device="cpu")
    (said,) = made.warnings
    assert said.startswith("no variant is compared with another")
    assert f"warning   {said}" in made.lines()
    assert made.power == []


def test_a_size_at_which_nothing_is_compared_is_named(lab):
    made = lab("sizes={1m: {variants: [text-only]}}").plan(device="cpu")
    assert "nothing is compared at 1m" in made.power_notes
    assert "power     nothing is compared at 1m" in made.lines()


def test_measures_of_which_nothing_is_here_are_not_planned_with(lab, tmp_path):
    """The suite says what `piqa` and `boolq` are worth together; neither has data here."""
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    measure = (
        "{tasks: [piqa, boolq], statistic: accuracy, better: higher, effect: points, margin: 1,"
        " primary: true, pilot: {seed_sd: 1, item_sd: 60, clusters: 5000}}"
    )
    settings = [
        "evaluate.tasks={piqa: {category: reasoning, score: accuracy}, boolq: {category: reasoning, score: accuracy}}",
        f"evaluate.measures.reasoning={measure}",
        f"data={nowhere}",
    ]
    made = lab(*settings).plan(device="cpu")
    assert "reasoning" not in {row["measure"] for row in made.power}
    assert "nothing of measure reasoning is here: this study concludes nothing about it" in made.warnings
    assert "4 comparisons" in made.power[0]["note"]
    (nowhere / "piqa").mkdir()
    (nowhere / "piqa" / "piqa.jsonl").write_text('{"query": "q", "choices": ["a", "b"], "gold": 0}\n')
    made = lab(*settings).plan(device="cpu")
    (row,) = [row for row in made.power if row["measure"] == "reasoning"]
    assert row["source"].startswith("PolyPythias")
    assert row["items"] == 1838
    assert "reasoning: without boolq" in made.power_notes


def test_a_pilot_that_is_given_is_told_of_where_it_knows_less_and_where_it_knows_no_noise(lab, tmp_path):
    study = lab()
    prepared, path = study.prepare(), tmp_path / "noise.csv"
    head = "measure,variant,paired_seed_sd,paired_item_sd,unit,clusters\n"
    path.write_text(f"{head}prose bits-per-byte,a,0,0.0,%,20\n")
    notes = foresee(prepared, finder(study.store, str(path))).notes
    assert notes[0] == "code bits-per-byte: not in the pilot that is given, and planned with other noise"
    assert notes[1].startswith("prose bits-per-byte: the seeds of noise.csv")
    path.write_text(f"{head}prose,a,0.5,1.0,%,20\n")
    with pytest.raises(BadInput, match='it has "prose", the study "prose bits-per-byte", "code bits-per-byte"'):
        study.plan(device="cpu", pilot=str(path), prepared=prepared)


def test_what_a_study_writes_down_twice_is_not_all_that_sharing_saves(lab):
    plain = lab().plan(device="cpu")
    assert plain.tokens_written_twice == 0
    made = lab("variants.again=[pretrain 5120 prose, cooldown 2560 prose]").plan(device="cpu")
    assert made.tokens == plain.tokens
    assert made.tokens_written_twice == 2 * 7680
    assert made.saved_between_different == pytest.approx(plain.saved)
    assert made.saved > plain.saved
    assert made.data()["saved_between_different"] == made.saved_between_different
    said = next(line for line in made.lines() if line.startswith("plan"))
    assert (
        f"{made.saved:.0%} of the tokens saved, {plain.saved:.0%} with runs that are written twice counted once" in said
    )
    assert not any("written twice" in line for line in plain.lines())
