"""The built-in studies of the paper: every variant and token budget of PAPER.md, section 3, and what they share."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import pytest

from leaven.study.corpus_graph import Survey
from leaven.study.expand import expand
from leaven.study.load import built_in, load
from leaven.study.mixtures import exact
from leaven.study.spec import Study
from leaven.study.step import Graph
from leaven.study.surveyed import PROMPTS
from tests.study.paper_table import APART, PARTS, SAME, STUDIES

B = 10**9
BATCH = 512 * 8192
CODE = {"web_code", "markup", "synthetic", "issues", "notebooks", "threads"}
OF_THE_PAPER = [*STUDIES, "contrast-budget", "contrast-controls", "contrast-rate", "contrast-timing"]


def study_of(name: str) -> Study:
    return load(name).study.settled(sequence=8192, batch=512, precision="bfloat16")


def graph_of(name: str) -> Graph:
    study = study_of(name)
    surveys = {source: Survey(f"print-{source}", 1, 1) for source in study.corpus.sources}
    further = {size: {"width": 2560} for size in study.sizes}
    return expand(study, {**surveys, PROMPTS: Survey("print-prompts", 1, 1)}, {"width": 1024}, further=further)


@pytest.fixture(scope="module")
def graphs() -> dict[str, Graph]:
    return {name: graph_of(name) for name in OF_THE_PAPER}


def drawn(study: Study, variant: str) -> list[dict[str, Fraction]]:
    """Tokens of each source in each stage."""
    return [
        {
            source: share * stage.tokens
            for source, share in exact(stage.mixture, study.mixtures, study.corpus.sources).items()
        }
        for stage in study.variants[variant]
    ]


def total(tokens: Iterable[dict[str, Fraction]]) -> dict[str, Fraction]:
    found: dict[str, Fraction] = {}
    for stage in tokens:
        for source, count in stage.items():
            found[source] = found.get(source, Fraction(0)) + count
    return found


@pytest.mark.parametrize("name", STUDIES)
def test_every_variant_has_the_papers_budgets(name):
    study = study_of(name)
    found = {
        variant: [
            (sum(n for source, n in stage.items() if source not in CODE), sum(stage[s] for s in CODE & stage.keys()))
            for stage in drawn(study, variant)
        ]
        for variant in study.variants
    }
    wanted = {v: [(text * B, code * B) for text, code in stages] for v, stages in STUDIES[name].items()}
    assert found == wanted


@pytest.mark.parametrize("variant", PARTS)
def test_kinds_of_code_have_the_papers_shares(variant):
    study = study_of("paper")
    assert drawn(study, variant)[0] == {source: count * B for source, count in PARTS[variant].items()}


def test_every_cooldown_holds_an_eighth_of_its_text_in_code():
    study = study_of("paper")
    for variant in ("text-only", "balanced-only", "balanced→text", "code→text", "cooldown with code"):
        last = drawn(study, variant)[-1]
        assert sum(last[source] for source in CODE & last.keys()) == 8 * B


def test_the_second_size_is_the_papers(graphs):
    runs = [run for run in graphs["paper"].runs if run.size == "2.8b"]
    assert {run.variant for run in runs} == {"balanced-only", "balanced→text", "code→text"}
    kinds = {run.variant: [graphs["paper"].steps[s].fields["kind"] for s in run.stages] for run in runs}
    assert kinds["balanced→text"] == kinds["code→text"] == ["pretrain", "continue"]
    assert kinds["balanced-only"] == ["pretrain"]
    compared = {size["size"]: size["against"] for size in graphs["paper"].find("verdict").fields["sizes"]}["2.8b"]
    assert compared == {"balanced-only": [], "balanced→text": ["balanced-only"], "code→text": ["balanced-only"]}
    assert {run.size for run in graphs["scale"].runs} == {"470m", "2.8b"}


def step_of(graph: Graph, at: str) -> str:
    variant, _, stage = at.rpartition("/")
    return graph.find(f"{variant}/seed-1/{stage}").identity


@pytest.mark.parametrize("same", SAME, ids=lambda same: same[0])
def test_shared_ancestors_of_the_grid_are_one_step(graphs, same):
    assert len({step_of(graphs["paper"], at) for at in same}) == 1


@pytest.mark.parametrize("apart", APART, ids=lambda apart: apart[1])
def test_what_differs_is_another_step(graphs, apart):
    assert len({step_of(graphs["paper"], at) for at in apart}) == len(apart)


def whole(*tokens: int) -> int:
    """So many tokens of each stage, in whole batches."""
    return sum(count * B // BATCH * BATCH for count in tokens)


def test_the_grid_trains_what_is_shared_once(graphs):
    graph = graphs["paper"]
    # One seed at 470M: two of 400B, ten beginnings of 200B, three continuations, five cooldowns. At 2.8B: one of 400B,
    # two beginnings, two continuations.
    first = whole(400, 400, *[200] * 10, *[200] * 3, *[40] * 5)
    second = whole(400, *[200] * 4)
    assert sum(step.tokens for step in graph.of_kind("stage")) == 3 * (first + second)
    # Every chain by itself, and every part of the paper by itself.
    assert sum(text + code for stages in STUDIES["paper"].values() for text, code in stages) == 7840
    assert graph.unshared_tokens == 3 * sum(
        graph.steps[stage].tokens for run in graph.runs if run.seed == 1 for stage in run.stages
    )
    parts = [graphs[part].of_kind("stage") for part in STUDIES if part != "paper"]
    apart = sum(step.tokens for steps in parts for step in steps if step.fields["model"]["width"] == 1024)
    assert round(apart / 3 / B) == 8200
    assert round(first / B) == 3600


def test_a_part_of_the_paper_trains_nothing_that_the_whole_does_not(graphs):
    trained = {step.identity for step in graphs["paper"].of_kind("stage")}
    for part in STUDIES.keys() - {"paper", "scale"}:
        assert {step.identity for step in graphs[part].of_kind("stage")} <= trained, part
    # `scale` compares before the cooldown, and at both sizes that is what the whole trains too.
    assert {step.identity for step in graphs["scale"].of_kind("stage")} <= trained


def test_a_part_evaluates_and_judges_nothing_that_the_whole_does_not(graphs):
    for kind, parts in (("evaluate", STUDIES), ("complete", ("initialization", "cooldown", "recipe"))):
        known = {step.identity for step in graphs["paper"].of_kind(kind)}
        for part in parts:
            assert {step.identity for step in graphs[part].of_kind(kind)} <= known, (kind, part)


def test_the_paper_compares_what_its_figures_compare():
    study = study_of("paper")
    first = {variant: (study.against_of(variant) or [None])[0] for variant in study.variants}
    for variant in ("balanced-only", "balanced→text", "code→text"):
        assert first[variant] == "text-only"  # Table 2, figure 8
        assert first[f"{variant} before cooldown"] == "text-only before cooldown"  # figures 2 and 9
        # the paper's other denominator is the text-only arm of the sweep
        assert study.against_of(f"{variant} before cooldown")[1] == "0 %"
    assert {first[share] for share in ("25 %", "50 %", "75 %", "90 %", "100 %")} == {"0 %"}
    assert first["code+markup"] == first["code+adjacent"] == "code"
    assert study.against_of("code+synth") == ["code+markup", "code"]
    assert first["balanced+synth→text"] == "balanced→text without synthetic"
    # The study asks what the code does beyond the cooldown; the paper's sentences compare both with none.
    assert first["cooldown without code"] == "no cooldown"
    assert study.against["cooldown with code"] == ["cooldown without code", "no cooldown"]
    assert study.figures == ["2", "3", "4", "5a", "5b", "6", "7", "8", "9", "table 2"]


def test_the_parts_repeat_every_figure_once():
    figures = [figure for name in STUDIES if name != "paper" for figure in study_of(name).figures]
    assert sorted(figures) == sorted(study_of("paper").figures)


def test_the_sweep_knows_its_shares(graphs):
    for name in ("proportion", "paper"):
        sweep = graphs[name].find("verdict").fields["sweep"]
        assert sweep["shares"] == {"0 %": 0.0, "25 %": 0.25, "50 %": 0.5, "75 %": 0.75, "90 %": 0.9, "100 %": 1.0}


@pytest.mark.parametrize("name", OF_THE_PAPER)
def test_the_studies_of_the_paper_agree_in_all_but_their_arms(name):
    study, whole_of_it = study_of(name), study_of("paper")
    for field in ("corpus", "model", "seeds", "training", "evaluate", "data", "proxy"):
        assert getattr(study, field) == getattr(whole_of_it, field), field
    assert study.judge == whole_of_it.judge or study.judge.kind == "none"
    for mixture in study.mixtures.keys() & whole_of_it.mixtures.keys():
        assert study.mixtures[mixture] == whole_of_it.mixtures[mixture]
    used = {stage.mixture for stages in study.variants.values() for stage in stages}
    for outer in list(used):
        used |= _within(outer, study)
    assert not study.mixtures.keys() - used, "a mixture that nothing draws from"


def _within(name: str, study: Study) -> set[str]:
    parts = set(study.mixtures.get(name, ()))
    return parts.union(*(_within(part, study) for part in parts))


def test_training_is_the_papers():
    training = study_of("paper").training
    assert (training.batch, training.pretrain.schedule, training.pretrain.warmup) == (512, "cosine", 1325)
    assert (training.cooldown.schedule, training.cooldown.peak, training.cooldown.final) == ("linear", "parent", 1e-6)
    assert study_of("paper").corpus.tokenizer.vocabulary == 256_000


def test_each_study_asks_in_one_line():
    for name, question in built_in().items():
        assert question.endswith("?"), name
        assert "\n" not in question, name
        assert len(question) <= 120, name
