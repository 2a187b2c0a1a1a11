"""The graph: what two runs have in common is one step; identity covers what can change a result and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.ground.errors import BadInput
from leaven.study.expand import Survey, expand
from leaven.study.load import load

MODEL = {"width": 64, "layers": 3}


def surveys(study, missing=("adjacent",)):
    return {name: Survey(f"print-{name}", 0 if name in missing else 3, 100) for name in study.corpus.sources}


def graph_of(*changes, missing=("adjacent",), execute=True, sources=()):
    study = load("pocket", settings=changes, sources=sources).study
    return expand(study, surveys(study, missing), MODEL, execute=execute)


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


def test_learning_rate_of_a_child_is_its_parents_last():
    graph = graph_of()
    assert graph.find("text-only/seed-1/continue").fields["schedule"]["peak"] == 0.01
    assert graph.find("text-only/seed-1/cooldown").fields["schedule"] == {
        "kind": "linear",
        "peak": 0.01,
        "final": 1e-6,
        "warmup": 0,
        "decay": 0.2,
    }


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


def test_identity_of_pocket_is_pinned():
    """Golden: if this changes, every user's store is recomputed. Change it only with a version in `versions.py`."""
    graph = graph_of()
    assert graph.find("tokenizer").identity == "5d31a2f17c9510b8fdc3ab30fb2b39cc"
    assert graph.find("balanced→text/seed-1/continue").identity == "ae4fd4edfa7ef2d62a467dd044e8ae80"
