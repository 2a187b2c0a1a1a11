"""The contrasts that ask for causes: in each, everything but what it asks about is held equal."""

from __future__ import annotations

from fractions import Fraction

import pytest

from leaven.study.load import load
from leaven.study.mixtures import exact
from leaven.study.spec import Study
from leaven.study.stages import Schedule
from tests.study.test_built_in_paper import CODE, B, drawn, graph_of, study_of, total

CONTROLS = {
    "scrambled identifiers": "identifiers",
    "shuffled lines": "lines",
    "without comments": "no_comments",
    "comments only": "comments_only",
    "whitespace only": "whitespace",
}


def sums(study: Study, variant: str) -> tuple[Fraction, Fraction]:
    """Tokens of text and of code over a chain."""
    found = total(drawn(study, variant))
    code = sum((n for source, n in found.items() if source in CODE), Fraction(0))
    return sum(found.values(), Fraction(0)) - code, code


def test_budget_holds_the_total_then_the_text_then_the_cost():
    study = study_of("contrast-budget")
    found = {variant: sums(study, variant) for variant in study.variants}
    assert found == {
        "text-only": (200 * B, 0),
        "competitive": (100 * B, 100 * B),
        "additive": (200 * B, 200 * B),
        "text at equal FLOPs": (400 * B, 0),
    }
    assert study.against_of("additive") == ["text-only", "text at equal FLOPs"]
    assert study.against_of("competitive") == ["text-only"]


def test_timing_changes_nothing_but_the_order():
    study = study_of("contrast-timing")
    early, spread, late = (total(drawn(study, variant)) for variant in ("early", "spread", "late"))
    assert early == spread == late
    # before the cooldown too, which is one and the same in every arm
    assert len({stages[-1] for stages in map(tuple, study.variants.values())}) == 1
    before = [total(drawn(study, variant)[:-1]) for variant in ("early", "spread", "late")]
    assert before[0] == before[1] == before[2]
    assert sum(before[0][source] for source in CODE & before[0].keys()) == 100 * B
    stages = {tuple((stage.kind, stage.tokens) for stage in chain) for chain in study.variants.values()}
    assert len(stages) == 1, "the same boundaries, so the same learning rates"
    code = {v: [sum(stage.get(s, 0) for s in CODE) / B for stage in drawn(study, v)] for v in study.variants}
    assert code == {"text-only": [0, 0, 8], "early": [100, 0, 8], "spread": [50, 50, 8], "late": [0, 100, 8]}


def test_controls_take_the_place_of_web_code_and_of_nothing_else():
    study = study_of("contrast-controls")
    [real] = drawn(study, "code")
    for variant, transform in CONTROLS.items():
        [found] = drawn(study, variant)
        [control] = found.keys() - real.keys()
        source = study.corpus.sources[control]
        assert (source.kind, source.of, source.transform) == ("control", "web_code", transform)
        assert {**found, "web_code": found[control]} == {**real, control: found[control]}
        assert study.against_of(variant) == ["code", "text-only"]
    assert list(study.variants) == ["text-only", "code", *CONTROLS]


def test_controls_are_those_of_either_corpus():
    proxy = load("contrast-controls", settings=["corpus=workstation", "evaluate=pocket"])
    ours, theirs = proxy.study.corpus.sources, study_of("contrast-controls").corpus.sources
    controls = {name: source for name, source in theirs.items() if source.kind == "control"}
    assert {name: source for name, source in ours.items() if source.kind == "control"} == controls


def test_controls_are_built_only_where_something_draws_from_them():
    plain, contrast = graph_of("quality"), graph_of("contrast-controls")
    built = {name for step in contrast.of_kind("shards") for name in step.names}
    assert {name for step in plain.of_kind("shards") for name in step.names} == built - {
        f"shards/{name}" for name in ("renamed", "shuffled", "bare", "comments", "layout")
    }
    assert not any("control" in sentence for sentence in plain.left_out)


def test_rate_changes_the_peak_of_both_arms_and_nothing_else():
    study = study_of("contrast-rate")
    peaks = {v: [study.schedule_of(stage).peak for stage in stages] for v, stages in study.variants.items()}
    assert peaks == {
        "text-only": [4e-4],
        "balanced→text": [4e-4, 4e-4],
        "text-only ½×": [2e-4],
        "balanced→text ½×": [2e-4, 2e-4],
        "text-only 2×": [8e-4],
        "balanced→text 2×": [8e-4, 8e-4],
    }
    for arm in ("text-only", "balanced→text"):
        for at in ("½×", "2×"):
            pairs = zip(study.variants[arm], study.variants[f"{arm} {at}"], strict=True)
            assert all(a.words() == b.words() for a, b in pairs)
    for at in ("½×", "2×"):
        assert study.against_of(f"balanced→text {at}") == [f"text-only {at}"]


def test_a_rate_leaves_a_parents_learning_rate_as_it_is():
    settings = ["training.pretrain.rate=0.25", "training.continue={schedule: constant, peak: parent, rate: 3}"]
    study = load("contrast-rate", settings=settings).study
    first, second = study.variants["balanced→text"]
    assert study.schedule_of(first).peak == 1e-4
    assert study.schedule_of(first) == study.training.pretrain.model_copy(update={"peak": 1e-4, "rate": 1.0})
    assert study.schedule_of(second).peak == "parent"
    assert study.schedule_of(study.variants["balanced→text 2×"][0]).peak == 8e-4, "a stage's own factor stands instead"
    with pytest.raises(ValueError, match="greater than 0"):
        Schedule(rate=0)


def test_what_a_contrast_shares_with_the_paper_is_the_papers_step():
    paper = graph_of("paper")
    trained = {step.identity for step in paper.of_kind("stage")}
    budget = {step.identity for step in graph_of("contrast-budget").of_kind("stage")}
    assert budget <= trained, "the budgets are all among the paper's own arms"
    for name, arms in {
        "contrast-rate": ("text-only", "balanced→text"),
        "contrast-controls": ("text-only", "code"),
        "contrast-timing": ("early", "spread", "late"),
    }.items():
        graph = graph_of(name)
        for arm in arms:
            assert graph.find(f"{arm}/seed-2/pretrain").identity in trained, (name, arm)


def test_sources_of_the_papers_corpus_are_known_to_the_corpus_room():
    from leaven.engine.names import check_source

    loaded = load("paper")
    for name, source in loaded.study.corpus.sources.items():
        check_source(name, source, loaded.where)
    hubs = {name for name, source in loaded.study.corpus.sources.items() if source.origin == "hub"}
    assert hubs == {
        "text", "web_code", "markup", "issues", "notebooks", "threads", "quality", "math", "instruct",
    }  # fmt: skip
    flat = exact("finish", loaded.study.mixtures, loaded.study.corpus.sources)
    # Dolly is some 12 MB, so about 2.7 million tokens: a cooldown without code takes the most of it.
    assert flat["instruct"] / Fraction("0.8") * 40 * B / 2_700_000 < loaded.study.training.repeat
