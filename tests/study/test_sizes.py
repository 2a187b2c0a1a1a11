"""A study at several sizes: one graph, one corpus, what is written down for a size and nothing else."""

from __future__ import annotations

import pytest

from leaven.ground.errors import BadInput
from leaven.study.corpus_graph import Survey
from leaven.study.expand import REFERENCE, expand
from leaven.study.load import load
from leaven.study.sizes import views
from leaven.study.stages import Stage
from leaven.study.sweeps import uneven

MODELS = {"0.3m": {"width": 64}, "1m": {"width": 128}, "3m": {"width": 192}}
SIZES = (
    "sizes={1m: {variants: [balanced-only, code→text], baseline: balanced-only, rate: 0.3, cooldown: false, seeds: 2}}"
)


def study_of(*changes):
    return load("pocket", settings=changes).study.settled(sequence=128, batch=16, precision="float32")


def graph_of(study, parameters=None):
    surveys = {name: Survey(f"print-{name}", 1, 100) for name in study.corpus.sources}
    further = {size: MODELS[size] for size in study.sizes}
    return expand(study, surveys, MODELS["0.3m"], further=further, parameters=parameters)


def test_a_view_is_the_study_with_what_the_size_says():
    own, other = views(study_of(SIZES, "against={balanced-only: text-only, code→text: [balanced-only, text-only]}"))
    assert (own.model.size, own.sizes, own.seeds) == ("0.3m", {}, [1, 2, 3])
    assert (other.model.size, other.baseline, other.seeds) == ("1m", "balanced-only", [1, 2])
    assert list(other.variants) == ["balanced-only", "code→text"]
    assert [stage.kind for stage in other.variants["code→text"]] == ["pretrain", "continue"]
    assert (other.training.pretrain.peak, other.training.continue_.peak) == (0.003, "parent")
    assert (own.training.pretrain.peak, other.sequence, other.batch) == (0.01, 128, 16)
    assert (other.against_of("balanced-only"), other.against_of("code→text")) == ([], ["balanced-only"])
    assert own.against_of("code→text") == ["balanced-only", "text-only"]


def test_a_rate_acts_on_the_peaks_that_stages_state_themselves():
    stage = "{kind: continue, tokens: 600K, mixture: code, schedule: {peak: 0.02}}"
    own, other = views(study_of(SIZES, f"variants.code→text.1={stage}"))
    peaks = [view.schedule_of(view.variants["code→text"][1]).peak for view in (own, other)]
    assert peaks == [0.02, 0.006]


def test_the_dimensions_of_the_first_model_are_its_own():
    _, other = views(study_of("sizes={1m: {}}", "model={size: 0.3m, width: 96, heads: 2, rope_theta: 5e5}"))
    assert other.model.changed() == {"rope_theta": 5e5}
    assert (list(other.variants), other.baseline) == (list(study_of().variants), "text-only")


def test_sizes_share_everything_before_the_first_stage():
    alone, graph = graph_of(study_of()), graph_of(study_of(SIZES))
    added = [step for step_id, step in graph.steps.items() if step_id not in alone.steps and step.kind != "verdict"]
    assert {step.kind for step in added} == {"stage", "evaluate", "complete", "judge"}
    assert all(name.partition("/")[0].endswith("@1m") for step in added for name in step.names)
    assert set(alone.steps) - set(graph.steps) == {alone.find("verdict").identity}
    stage = graph.find("code→text@1m/seed-2/continue")
    assert stage.fields["model"] == MODELS["1m"]
    assert stage.inputs["tokenizer"] == graph.find("tokenizer").identity
    assert graph.find("code→text@1m/seed-2/pretrain").fields["schedule"]["peak"] == 0.003
    assert graph.find("code→text@1m/seed-2/pretrain").fields["seed"] == 2
    with pytest.raises(BadInput):
        graph.find("code→text@1m/seed-2/cooldown")


def test_runs_know_their_size_and_the_reference_model_is_of_the_first():
    graph = graph_of(study_of(SIZES))
    assert [(run.variant, run.seed) for run in graph.runs if run.size == "1m"] == [
        ("balanced-only", 1),
        ("code→text", 1),
        ("balanced-only", 2),
        ("code→text", 2),
    ]
    assert sum(run.size == "0.3m" for run in graph.runs) == 15
    assert graph.runs[0].size == "0.3m"
    reference = graph.find(REFERENCE)
    assert reference.fields["model"] == MODELS["0.3m"]
    judged = graph.find("code→text@1m/seed-1/judge")
    assert judged.inputs["reference"] == reference.identity
    assert judged.inputs["b"] == graph.find("balanced-only@1m/seed-1/complete").identity


def test_what_the_verdict_is_asked():
    changes = ("sweep={of: code, variants: [text-only, balanced-only, code→text]}", "figures=[3, table 2]")
    graph = graph_of(study_of(SIZES, *changes), {"0.3m": 281_856, "1m": 1_065_600})
    fields, inputs = graph.find("verdict").fields, graph.find("verdict").inputs
    assert (fields["point"], fields["figures"], fields["proxy"]) == ("final", ["3", "table 2"], True)
    assert [(row["size"], row["parameters"], row["baseline"], row["seeds"]) for row in fields["sizes"]] == [
        ("0.3m", 281_856, "text-only", [1, 2, 3]),
        ("1m", 1_065_600, "balanced-only", [1, 2]),
    ]
    assert fields["sizes"][0]["against"] == {
        "text-only": [],
        **{name: ["text-only"] for name in ("balanced-only", "balanced→text", "code→text", "no-code")},
    }
    assert fields["sizes"][1]["against"] == {"balanced-only": [], "code→text": ["balanced-only"]}
    # 292 + 292 + 58 batches; of code→text all of the first, a tenth of the second, a fifth of the last.
    assert fields["sweep"] == {
        "of": "code",
        "variants": ["text-only", "balanced-only", "code→text"],
        "shares": {
            "text-only": pytest.approx(0.2 * 58 / 642),
            "balanced-only": pytest.approx((0.5 * 584 + 0.2 * 58) / 642),
            "code→text": pytest.approx((292 + 29.2 + 0.2 * 58) / 642),
        },
        "budget": 642 * 2048,
    }
    swept = {"text", "facts", "web_code", "markup", "synthetic"}
    assert {role.partition(":")[2] for role in inputs if role.startswith("shards:")} == swept
    chain = next(run for run in graph.runs if (run.variant, run.seed, run.size) == ("code→text", 2, "1m")).stages
    assert inputs["stage@1m:code→text:2"] == chain[-1]
    assert inputs["evaluate@1m:code→text:2:final"] == graph.find("code→text@1m/seed-2/evaluate").identity
    assert inputs["judge@1m:code→text/balanced-only:2"] == graph.find("code→text@1m/seed-2/judge").identity
    assert inputs["stage:code→text:3"] == graph.find("code→text/seed-3/cooldown").identity
    assert inputs["evaluate:code→text:3:before cooldown"] == (
        graph.find("code→text/seed-3/evaluate-before-cooldown").identity
    )


@pytest.mark.parametrize(
    ("parameters", "changes", "proxy"),
    [
        ({"0.3m": 10**6}, (), True),
        ({"0.3m": 10**6, "1m": 2 * 10**9}, (SIZES,), False),
        ({"0.3m": 10**6, "1m": 2 * 10**9}, (SIZES, "stand_in=true"), True),
        ({"0.3m": 10**6}, ("stand_in=false",), False),
    ],
)
def test_models_of_less_than_a_billion_parameters_stand_in_for_larger_ones(parameters, changes, proxy):
    assert graph_of(study_of(*changes), parameters).find("verdict").fields["proxy"] is proxy


def test_before_the_cooldown_completions_are_of_the_models_that_are_compared():
    final, before = graph_of(study_of()), graph_of(study_of("compare=before cooldown", SIZES))
    written = before.find("code→text/seed-1/complete")
    assert written.inputs["stage"] == before.find("code→text/seed-1/continue").identity
    assert final.find("code→text/seed-1/complete").inputs["stage"] == final.find("code→text/seed-1/cooldown").identity
    run = next(run for run in before.runs if run.size == "1m")
    assert run.evaluations["before cooldown"] == run.evaluations["final"]
    assert before.find("verdict").fields["point"] == "before cooldown"


def test_a_share_before_the_cooldown_is_of_what_was_trained_until_then():
    sweep = "sweep={of: code, variants: [text-only, balanced-only, code→text]}"
    asked = graph_of(study_of("compare=before cooldown", sweep)).find("verdict").fields["sweep"]
    assert (asked["shares"], asked["budget"]) == (
        {"text-only": 0.0, "balanced-only": 0.5, "code→text": pytest.approx(0.55)},
        584 * 2048,
    )
    assert uneven(study_of("compare=before cooldown", sweep)) == []


def test_arms_of_a_sweep_that_are_trained_on_unequal_budgets_are_told():
    more = "variants.no-code=[pretrain 1200K code]"
    study = study_of(more, "sweep={of: code, variants: [text-only, balanced-only, no-code]}")
    assert uneven(study) == [
        "the variants of the sweep of code are trained on 1.2M to 1.32M tokens: what a share does cannot be told from "
        "what a budget does"
    ]
    assert uneven(study_of()) == []


def test_completions_are_judged_against_what_their_variant_is_compared_with():
    against = "against={code→text: [balanced→text, text-only], no-code: []}"
    graph = graph_of(study_of(against))
    run = {run.variant: run for run in graph.runs if run.seed == 1}
    assert list(run["code→text"].judgements) == ["balanced→text", "text-only"]
    assert list(run["no-code"].judgements) == list(run["text-only"].judgements) == []
    assert list(run["balanced-only"].judgements) == ["text-only"]
    pair = graph.find("code→text/seed-1/judge-against-balanced→text")
    assert (pair.inputs["a"], pair.inputs["b"]) == (run["code→text"].completion, run["balanced→text"].completion)


def test_among_all_pairs_a_comparison_goes_the_way_it_is_declared():
    graph = graph_of(study_of("against={balanced-only: no-code}", "judge.pairs=all"))
    run = {run.variant: run for run in graph.runs if run.seed == 1}
    assert "no-code" in run["balanced-only"].judgements
    assert "balanced-only" not in run["no-code"].judgements
    assert sum(len(each.judgements) for each in run.values()) == 10


def test_stages_of_a_view_are_stages():
    for view in views(study_of(SIZES)):
        assert all(isinstance(stage, Stage) for stages in view.variants.values() for stage in stages)
