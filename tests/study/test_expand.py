"""The graph: what two runs have in common is one step; identity covers what can change a result and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.ground.errors import BadInput
from leaven.study.expand import REFERENCE, Survey, expand, start_key
from leaven.study.load import load

MODEL = {"width": 64, "layers": 3}


def surveys(study, missing=("adjacent",)):
    return {name: Survey(f"print-{name}", 0 if name in missing else 3, 100) for name in study.corpus.sources}


def graph_of(*changes, missing=("adjacent",), execute=True, sources=(), starts=None, precision="float32"):
    study = load("pocket", settings=changes, sources=sources).study
    study = study.settled(sequence=128, batch=16, precision=precision)
    known = surveys(study, missing) | {start_key(path): Survey(mark, 2, 9) for path, mark in (starts or {}).items()}
    return expand(study, known, MODEL, execute=execute)


def stage_ids(graph):
    return {step.identity for step in graph.of_kind("stage")}


def from_weights(path, **more):
    """A setting: code→text begins with weights trained elsewhere."""
    return "variants.code→text.0=" + json.dumps(
        {"kind": "pretrain", "tokens": "600K", "mixture": "code", "start": path, **more}
    )


def test_shared_ancestors_are_one_step():
    graph = graph_of()
    assert graph.find("text-only/seed-1/pretrain") is graph.find("no-code/seed-1/pretrain")
    assert graph.find("balanced-only/seed-2/pretrain") is graph.find("balanced→text/seed-2/pretrain")
    assert graph.find("text-only/seed-1/cooldown") is not graph.find("no-code/seed-1/cooldown")
    assert sum(step.tokens for step in graph.of_kind("stage")) < graph.unshared_tokens


def test_every_step_follows_its_inputs():
    seen: set[str] = set()
    for step_id, step in graph_of().steps.items():
        assert set(step.inputs.values()) <= seen
        seen.add(step_id)


def test_one_change_changes_only_what_depends_on_it():
    before, after = graph_of(), graph_of("mixtures.code.markup=0.4")
    same = {step.name for step in before.steps.values() if step.identity in after.steps}
    assert {
        "corpus",
        "tokenizer",
        "suite",
        "shards/text",
        "text-only/seed-1/continue",
        "no-code/seed-3/cooldown",
    } <= same
    assert "code→text/seed-1/pretrain" not in same
    assert "text-only/seed-1/cooldown" not in same  # its finish holds code


@pytest.mark.parametrize("change", ["training.repeat=3", "question=Another?", "seeds=4"])
def test_what_cannot_change_a_stage_is_not_in_its_identity(change):
    before, after = graph_of(), graph_of(change)
    assert all(step.identity in after.steps for step in before.of_kind("stage"))


@pytest.mark.parametrize(
    "change",
    [
        "training.batch=8",
        "training.optimizer.clip=0.5",
        "training.pretrain.peak=0.02",
        "model.sequence=64",
        "corpus.heldout=0.1",
        "training.curve=10",
        "training.precision=bfloat16",
        "training.z_loss=1e-4",
        "training.document_mask=true",
        "training.spike.policy=skip",
        "training.spike.sigma=5",
        "training.optimizer.weight_decay=0.2",
    ],
)
def test_what_can_change_a_stage_is_in_its_identity(change):
    before, after = graph_of(), graph_of(change)
    assert not {step.identity for step in before.of_kind("stage")} & {step.identity for step in after.of_kind("stage")}


def test_where_files_lie_is_not_part_of_identity(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, two = (graph_of(sources=[f"text={tmp_path / side}"]) for side in "ab")
    assert list(one.steps) == list(two.steps)


def test_absent_sources():
    graph = graph_of("mixtures.code.adjacent=0.2")
    assert any("adjacent" in sentence for sentence in graph.left_out)
    assert all("adjacent" not in step.fields["mixture"] for step in graph.of_kind("stage"))
    with pytest.raises(BadInput, match="nothing was found for source text"):
        graph_of(missing=("text",))


def test_without_execution_programs_are_left_out_by_name():
    graph = graph_of(execute=False)
    assert any(sentence.startswith("programs") for sentence in graph.left_out)
    assert {step.fields["without"][0] for step in graph.of_kind("evaluate")} == {"programs"}


def test_a_child_reads_its_learning_rate_from_its_parent():
    graph = graph_of()
    for stage in ("continue", "cooldown"):
        step = graph.find(f"text-only/seed-1/{stage}")
        assert step.fields["schedule"]["peak"] == "parent"
        assert graph.steps[step.inputs["parent"]].kind == "stage"
    assert graph.find("text-only/seed-1/cooldown").fields["schedule"] == {
        "kind": "linear",
        "peak": "parent",
        "final": 1e-6,
        "warmup": 0,
        "decay": 0.2,
    }
    # The word stands for what the parent did: another rate there is another child.
    other = graph_of("training.pretrain.peak=0.02")
    assert other.find("text-only/seed-1/continue").fields == graph.find("text-only/seed-1/continue").fields
    assert not stage_ids(other) & stage_ids(graph)


def test_what_a_constant_schedule_never_arrives_at_is_not_in_its_identity():
    before, after = graph_of(), graph_of("training.pretrain.final=1e-5")
    assert stage_ids(before) - {before.find(REFERENCE).identity} <= stage_ids(after)


def test_a_stages_fields_name_what_decides_it_and_not_how_it_is_computed():
    fields = graph_of("training.z_loss=1e-4", precision="bfloat16").find("text-only/seed-1/pretrain").fields
    assert set(fields) == {
        *("kind", "seed", "model", "mixture", "steps", "batch", "sequence", "precision", "schedule", "optimizer"),
        *("z_loss", "document_mask", "spike", "carry", "cursor", "curve"),
    }
    assert (fields["precision"], fields["z_loss"], fields["document_mask"]) == ("bfloat16", 1e-4, False)
    assert fields["spike"] == {"window": 128, "sigma": 6.0, "policy": "record", "patience": 10}


def test_defaults_written_out_are_the_same_stages():
    written = ["training.precision=float32", "training.z_loss=0", "training.spike={sigma: 6, window: 128}"]
    assert list(graph_of(*written).steps) == list(graph_of().steps)


def test_a_study_is_settled_before_it_is_expanded():
    study = load("pocket").study
    with pytest.raises(ValueError, match="settle"):
        expand(study, surveys(study), MODEL)


def test_a_warm_start_is_a_child_of_weights_alone():
    graph = graph_of(from_weights("models/mine"), starts={"models/mine": "print"})
    begin = graph.find("code→text/seed-1/start")
    stage = graph.find("code→text/seed-1/pretrain")
    assert (begin.kind, stage.inputs["parent"]) == ("import", begin.identity)
    assert begin.fields == {"fingerprint": "print", "model": MODEL}
    assert begin.inputs == {"tokenizer": graph.find("tokenizer").identity}
    assert begin.execution == {"path": "models/mine"}
    assert (stage.fields["carry"], stage.fields["cursor"]) == ("weights", "restart")
    assert graph.find("code→text/seed-2/start") is begin  # weights have no seed
    assert all(begin.identity not in run.stages for run in graph.runs)
    assert begin.tokens == 0
    # Nothing but this variant is another.
    before = graph_of()
    assert {step.name.partition("/")[0] for step in graph.steps.values() if step.identity not in before.steps} == {
        "code→text",
        "verdict",
    }


def test_a_warm_start_is_known_by_content_and_not_by_path():
    one = graph_of(from_weights("/a"), starts={"/a": "print"})
    moved = graph_of(from_weights("/b"), starts={"/b": "print"})
    other = graph_of(from_weights("/a"), starts={"/a": "another"})
    assert list(one.steps) == list(moved.steps)
    assert one.find("code→text/seed-1/pretrain").identity != other.find("code→text/seed-1/pretrain").identity


def test_find_by_name_and_identity():
    graph = graph_of()
    step = graph.find("balanced→text/seed-1/continue")
    assert graph.find(step.identity[:10]) is step
    with pytest.raises(BadInput, match="did you mean"):
        graph.find("balanced-text/seed-1/continue")


@settings(max_examples=20, deadline=None)
@given(st.permutations(["text", "web_code", "markup", "synthetic"]), st.randoms(use_true_random=False))
def test_identity_does_not_depend_on_how_a_mixture_is_written(order, random):
    weights = {"text": 0.4, "web_code": 0.3, "markup": 0.2, "synthetic": 0.1}
    written = json.dumps({name: weights[name] for name in order})
    one = graph_of(f"mixtures.finish={written}")
    two = graph_of(f"mixtures.finish={json.dumps(weights)}")
    assert [s.identity for s in one.of_kind("stage")] == [s.identity for s in two.of_kind("stage")]


FIELDS = {
    "training.precision": st.sampled_from(["float32", "bfloat16"]),
    "training.z_loss": st.sampled_from([0.0, 1e-4, 1e-3]),
    "training.document_mask": st.booleans(),
    "training.batch": st.sampled_from([8, 16]),
    "training.spike.policy": st.sampled_from(["record", "skip", "stop"]),
    "training.spike.window": st.sampled_from([64, 128]),
    "training.pretrain.peak": st.sampled_from([0.01, 0.02]),
    "training.optimizer.clip": st.sampled_from([0.0, 1.0]),
}


@settings(max_examples=25, deadline=None)
@given(st.fixed_dictionaries(FIELDS), st.fixed_dictionaries(FIELDS))
def test_stages_are_the_same_exactly_where_their_training_is(one, two):
    def stages(fields):
        return stage_ids(graph_of(*(f"{name}={json.dumps(value)}" for name, value in fields.items())))

    assert (stages(one) == stages(two)) == (one == two)
    assert one == two or not stages(one) & stages(two)


def test_identity_of_pocket_is_pinned():
    """Golden: if this changes, every user's store is recomputed. Change it only with a version in `versions.py`."""
    graph = graph_of()
    assert graph.find("tokenizer").identity == "5d31a2f17c9510b8fdc3ab30fb2b39cc"
    assert graph.find("balanced→text/seed-1/continue").identity == "f0b434216503926c2909b50f4372995c"
