"""Which noise a study is planned with."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from leaven.engine.pilots import finder, unit_of
from leaven.engine.store import Store
from leaven.ground.errors import BadInput
from leaven.study.step import Graph
from leaven.study.suites import Measure, Pilot

PROSE = Measure(tasks=["bpb_text"], statistic="bits_per_byte", better="lower", effect="relative", margin=1.0)
FIXED = PROSE.model_copy(update={"pilot": Pilot(seed_sd=0.6, item_sd=0.7, clusters=23)})
REASONING = Measure(tasks=["piqa"], statistic="accuracy", better="higher", effect="points", margin=1.0)
CODE = PROSE.model_copy(update={"tasks": ["bpb_web_code"]})
HEAD = ["size", "measure", "variant", "paired_seed_sd", "paired_item_sd", "unit", "seeds", "clusters"]


@pytest.fixture
def store(tmp_path) -> Store:
    made = Store(tmp_path / "store")
    made.prepare()
    return made


def finished(
    store: Store, study: str, rows, sizes=None, measures=None, finished="2026-01-01T00:00:00", inputs=None, graph=None
) -> None:
    """Publish a verdict step with this noise. `rows`: (size, measure, variant, seed sd, item sd, unit, seeds)."""
    fields = {
        "study": study,
        "measures": measures or [{"name": "prose", **PROSE.model_dump(exclude={"pilot"})}],
        "sizes": [{"size": name, "parameters": parameters} for name, parameters in (sizes or {}).items()],
    }
    graph = graph or Graph()
    step = graph.steps[graph.add("verdict", "verdict", fields, inputs or {})]
    out, _ = store.begin(step.identity)
    with (out / "noise.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEAD)
        writer.writerows([*row, 40] for row in rows)
    store.publish(step, {"seconds": 1.0, "finished": finished})


def test_a_suites_figures_count_where_nothing_else_does(store):
    find = finder(store)
    assert find("prose", FIXED, "1m", 10**6).source == "the suite's pilot"
    assert find("prose", PROSE, "1m", 10**6).source.startswith("PolyPythias' loss at 14M")
    assert find("reasoning", REASONING, "470m", 467_682_304).source == "PolyPythias at 160M"
    assert find("mine", REASONING.model_copy(update={"tasks": ["mine"]}), "1m", 10**6) is None


def test_this_stores_past_counts_before_them_and_the_nearest_size_of_it(store):
    finished(
        store,
        "first",
        [("1m", "prose", "a", 0.1, 1.0, "%", 3), ("30m", "prose", "a", 0.2, 1.0, "%", 3)],
        {"1m": 10**6, "30m": 3 * 10**7},
    )
    find = finder(store)
    near = find("called otherwise", FIXED, "0.3m", 300_000)
    assert (near.seed_sd, near.source) == (0.1, "first in this store at 1m")
    assert find("prose", FIXED, "100m", 10**8).seed_sd == 0.2
    other = FIXED.model_copy(update={"tasks": ["bpb_web_code"]})
    assert find("prose", other, "1m", 10**6).source == "the suite's pilot"


def test_of_two_of_one_size_the_one_of_more_seeds_counts(store):
    finished(store, "three", [("", "prose", "a", 0.5, 1.0, "%", 3)], {"1m": 10**6})
    finished(store, "nine", [("", "prose", "a", 0.4, 1.0, "%", 9)], {"1m": 10**6})
    assert finder(store)("prose", PROSE, "1m", 10**6).seed_sd == 0.4


def test_noise_in_another_unit_is_not_this_measures(store):
    finished(store, "ratio", [("", "prose", "a", 0.5, 1.0, "bits per byte", 3)], {"1m": 10**6})
    assert finder(store)("prose", FIXED, "1m", 10**6).source == "the suite's pilot"


def test_a_pilot_that_is_given_counts_first(store, tmp_path):
    finished(store, "past", [("", "prose", "a", 0.5, 1.0, "%", 3)], {"1m": 10**6})
    path = tmp_path / "noise.csv"
    path.write_text(",".join(HEAD) + "\n,prose,a,0.3,2.0,%,3,40\n,facts,a,3,2.0,points,3,40\n", encoding="utf-8")
    find = finder(store, str(path))
    assert find("prose", FIXED, "1m", 10**6).seed_sd == 0.3
    assert find("another", FIXED, "1m", 10**6).source == "past in this store at 1m"
    with pytest.raises(BadInput, match="facts is in points there and in % in this study"):
        find("facts", FIXED, "1m", 10**6)


def test_a_finished_study_is_a_pilot_by_its_name(store):
    rows = [("", "prose", "a", 0.5, 1.0, "%", 3)]
    finished(store, "past", rows, {"1m": 10**6})
    again = [("", "prose", "a", 0.4, 1.0, "%", 3)]
    finished(store, "past", again, {"1m": 10**6, "3m": 3 * 10**6}, finished="2026-02-01T00:00:00")
    noise = finder(store, "past")("prose", FIXED, "30m", 3 * 10**7)
    assert (noise.seed_sd, noise.source) == (0.4, "the study past")


def test_measures_of_a_given_study_are_told_by_their_tasks_not_their_names(store):
    rows = [("", "prose", "a", 0.5, 1.0, "%", 3)]
    finished(store, "past", rows, {"1m": 10**6})
    for given in ("past", *map(str, Path(store.steps).glob("*/noise.csv"))):
        find = finder(store, given)
        assert find("otherwise", FIXED, "1m", 10**6).seed_sd == 0.5
        assert find("prose", CODE.model_copy(update={"pilot": FIXED.pilot}), "1m", 10**6).source == "the suite's pilot"


def test_of_a_given_study_the_nearest_size_counts(store):
    rows = [("1m", "prose", "a", 0.1, 1.0, "%", 3), ("30m", "prose", "a", 0.2, 1.0, "%", 3)]
    finished(store, "past", rows, {"1m": 10**6, "30m": 3 * 10**7})
    assert finder(store, "past")("prose", PROSE, "100m", 10**8).seed_sd == 0.2


def test_a_pilot_that_knows_none_of_the_measures_is_refused_and_what_it_lacks_is_told(store, tmp_path):
    finished(store, "past", [("", "prose", "a", 0.5, 1.0, "%", 3)], {"1m": 10**6})
    path = tmp_path / "noise.csv"
    path.write_text(",".join(HEAD) + "\n,reasonin,a,0.3,2.0,points,3,40\n", encoding="utf-8")
    with pytest.raises(BadInput, match='noise.csv is about nothing .* it has "reasonin", the study "reasoning"'):
        finder(store, str(path)).beyond({"reasoning": REASONING})
    with pytest.raises(BadInput, match='its "prose" is of other tasks'):
        finder(store, "past").beyond({"prose": CODE})
    assert finder(store, "past").beyond({"prose": PROSE, "code": CODE}) == ["code"]
    assert finder(store).beyond({"code": CODE}) == finder(store, "past").beyond({}) == []


def test_a_past_measure_is_about_the_tasks_that_its_suite_held(store):
    graph = Graph()
    suite = graph.steps[graph.add("suite", "suite", {}, {})]
    out, _ = store.begin(suite.identity)
    (out / "suite.json").write_text('{"tasks": {"bpb_text": {}}}')
    store.publish(suite, {"seconds": 1.0, "finished": "2026-01-01T00:00:00"})
    both = PROSE.model_copy(update={"tasks": ["bpb_text", "bpb_markup"]})
    measures = [{"name": "prose", **both.model_dump(exclude={"pilot"})}]
    rows = [("", "prose", "a", 0.5, 1.0, "%", 3)]
    finished(store, "past", rows, {"1m": 10**6}, measures, inputs={"suite": suite.identity}, graph=graph)
    assert finder(store)("prose", PROSE, "1m", 10**6).seed_sd == 0.5
    assert finder(store)("prose", both, "1m", 10**6).source != "past in this store"


def test_what_is_no_pilot(store, tmp_path):
    finished(store, "past", [("", "prose", "a", 0.5, 1.0, "%", 3)], {"1m": 10**6})
    with pytest.raises(BadInput, match='no finished study "pats"; did you mean "past"'):
        finder(store, "pats")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(BadInput, match="it is empty"):
        finder(store, str(tmp_path / "empty.csv"))


def test_a_damaged_file_of_the_past_is_passed_over(store):
    finished(store, "past", [("", "prose", "a", 0.5, 1.0, "%", 3)], {"1m": 10**6})
    (path,) = Path(store.steps).glob("*/noise.csv")
    path.write_text("nothing\n1\n")
    assert finder(store)("prose", FIXED, "1m", 10**6).source == "the suite's pilot"


def test_units():
    assert unit_of(PROSE) == "%"
    assert unit_of(REASONING) == "points"
    assert unit_of(PROSE.model_copy(update={"effect": "difference"})) == "bits per byte"
    assert unit_of(REASONING.model_copy(update={"effect": "difference"})) == "points"
    assert unit_of(PROSE.model_copy(update={"effect": "difference", "statistic": "margin"})) == "units"
