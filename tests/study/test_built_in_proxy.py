"""Every study of the paper at a size for two cores: the same protocol, budgets by one rule, the same sharing."""

from __future__ import annotations

from fractions import Fraction

import pytest

from leaven.study.corpus_graph import Survey
from leaven.study.expand import expand
from leaven.study.load import Loaded, load
from leaven.study.step import Graph
from leaven.study.twins import without_twins
from tests.study.paper_table import APART, SAME, STUDIES
from tests.study.test_built_in_paper import OF_THE_PAPER, step_of

PARAMETERS = {
    "0.3m": 281_856,
    "1m": 1_065_600,
    "3m": 3_048_768,
    "7m": 6_949_120,
    "470m": 467_700_000,
    "2.8b": 2_754_000_000,
}
"""Of the workstation's vocabulary; those of the paper's sizes are its own names' worth."""


def proxy_of(name: str) -> Loaded:
    return load(name, size="0.3m", parameters=lambda vocabulary: PARAMETERS)


def graph_of(name: str) -> Graph:
    study = proxy_of(name).study.settled(sequence=128, batch=16, precision="float32")
    surveys = {source: Survey(f"print-{source}", 1, 1) for source in study.corpus.sources}
    return expand(study, surveys, {"width": 64}, further={size: {"width": 128} for size in study.sizes})


@pytest.fixture(scope="module")
def graphs() -> dict[str, Graph]:
    return {name: graph_of(name) for name in OF_THE_PAPER}


@pytest.mark.parametrize("name", OF_THE_PAPER)
def test_budgets_keep_the_papers_proportions(name):
    here, there = proxy_of(name).study, load(name).study
    tokens = {
        (ours.tokens, theirs.tokens)
        for variant in there.variants
        for ours, theirs in zip(here.variants[variant], there.variants[variant], strict=True)
    }
    for ours, theirs in tokens:
        assert abs(ours - Fraction(3 * PARAMETERS["0.3m"] * theirs, 400 * 10**9)) <= Fraction(1, 2)
    assert (here.model.size, here.corpus.corpus, here.evaluate.suite) == ("0.3m", "workstation", "pocket")
    assert here.data == []
    assert (here.judge.kind == "none") == (there.judge.kind == "none")
    assert (here.compare, here.against, here.sweep, here.figures) == (
        there.compare,
        there.against,
        there.sweep,
        there.figures,
    )


@pytest.mark.parametrize("name", ["paper", "scale"])
def test_the_second_size_stands_for_the_papers(name):
    assert list(proxy_of(name).study.sizes) == ["1m"]  # 2.8B / 470M is 5.9; 1m is 3.8 times 0.3m, 3m 10.8 times


def test_the_schedule_is_the_same_in_every_arm(graphs):
    for name, graph in graphs.items():
        kinds = {(s.fields["kind"], s.fields["schedule"]["kind"]) for s in graph.of_kind("stage") if "seed-" in s.name}
        assert kinds <= {("pretrain", "constant"), ("continue", "constant"), ("cooldown", "linear")}, name


@pytest.mark.parametrize("same", SAME, ids=lambda same: same[0])
def test_shared_ancestors_are_one_step_at_this_size_too(graphs, same):
    assert len({step_of(graphs["paper"], at) for at in same}) == 1


@pytest.mark.parametrize("apart", APART, ids=lambda apart: apart[1])
def test_what_differs_is_another_step_at_this_size_too(graphs, apart):
    assert len({step_of(graphs["paper"], at) for at in apart}) == len(apart)


def test_a_part_trains_and_evaluates_nothing_that_the_whole_does_not(graphs):
    for part in [*(STUDIES.keys() - {"paper"}), "contrast-budget"]:
        for kind in ("source", "corpus", "tokenizer", "suite", "stage", "evaluate"):
            known = {step.identity for step in graphs["paper"].of_kind(kind)}
            assert {step.identity for step in graphs[part].of_kind(kind)} <= known, (part, kind)


def test_without_notebooks_an_arm_is_left_out_by_name_and_nothing_else():
    for name in ("quality", "paper"):
        study = proxy_of(name).study.settled(sequence=128, batch=16, precision="float32")
        left, told = without_twins(study, {"adjacent"})
        assert list(left.variants) == [variant for variant in study.variants if variant != "code+adjacent"]
        assert told == ["variant code+adjacent: without source adjacent it is the same as code"]
        assert without_twins(study, ()) == (study, [])


def test_whoever_wrote_a_factor_down_gets_it_at_this_size(graphs):
    graph = graphs["contrast-rate"]
    peaks = {at: graph.find(f"text-only{at}/seed-1/pretrain").fields["schedule"]["peak"] for at in ("", " ½×", " 2×")}
    assert peaks == {"": 0.01, " ½×": 0.005, " 2×": 0.02}
    follow = {graph.find(f"balanced→text{at}/seed-1/continue").fields["schedule"]["peak"] for at in ("", " ½×", " 2×")}
    assert follow == {"parent"}


def test_the_grid_is_affordable_on_two_cores(graphs):
    trained = {64: 0, 128: 0}
    for step in graphs["paper"].of_kind("stage"):
        trained[step.fields["model"]["width"]] += step.tokens
    # 46,000 tokens a second and core at 0.3m (docs/benchmarks.md); a token of 1m costs 3.6 times as much.
    assert (trained[64] + 3.6 * trained[128]) / (2 * 46_000) < 12 * 60
    assert len(list(graphs["paper"].of_kind("evaluate"))) == 69
