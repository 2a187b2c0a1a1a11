"""A study at two sizes, run to its verdict: one store, one corpus, one verdict over both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leaven.engine.kinds import execute
from leaven.engine.repeats import repeats
from leaven.engine.task import Task
from leaven.ground.errors import BadInput
from leaven.ground.files import write_json
from leaven.lab import Results, Study
from leaven.model.config import parameters_of_sizes
from leaven.study.load import load
from leaven.study.step import Step

SIZES = "sizes={1m: {variants: [text-only, code→text], cooldown: false, rate: 0.5}}"


@pytest.fixture(scope="module")
def done(study_text, tmp_path_factory) -> Results:
    folder = tmp_path_factory.mktemp("sizes")
    path = folder / "micro.yaml"
    path.write_text(study_text, encoding="utf-8")
    settings = [
        SIZES,
        "compare=before cooldown",
        "variants.no-code.0=pretrain 5120 mostly_text",
        "sweep={of: code, variants: [text-only, no-code, code→text]}",
        "against={no-code: []}",
    ]
    return Study(load(str(path), settings=settings), folder / "runs").run(quiet=True, device="cpu")


@pytest.mark.long
def test_the_verdict_is_of_both_sizes(done):
    verdict = done.verdict()
    assert verdict["point"] == "before cooldown"
    compared = {(row["size"], row["variant"], row["baseline"]) for row in verdict["comparisons"]}
    assert compared == {(size, "code→text", "text-only") for size in ("0.3m", "1m")}
    assert {row["size"] for row in verdict["scores"]} == {"0.3m", "1m"}
    told = [(row["size"], row["variants"], row["parameters"]) for row in verdict["sizes"]]
    assert [size for size, _, _ in told] == ["0.3m", "1m"]
    assert told[1][1] == ["text-only", "code→text"]
    assert told[1][2] > told[0][2] > 0


@pytest.mark.long
def test_votes_and_items_know_their_size(done):
    assert set(done.items()["size"]) == {"0.3m", "1m"}
    votes = done.votes()
    assert set(zip(votes["size"], votes["variant"], strict=True)) == {("0.3m", "code→text"), ("1m", "code→text")}


@pytest.mark.long
def test_stages_of_both_sizes_are_one_study_in_the_store(done):
    graph = done.prepared.graph
    assert all(done.store.has(step_id) for step_id in graph.steps)
    own, other = graph.find("code→text/seed-1/pretrain"), graph.find("code→text@1m/seed-1/pretrain")
    assert own.inputs == other.inputs
    assert (own.fields["schedule"]["peak"], other.fields["schedule"]["peak"]) == (0.01, 0.005)
    assert done.prepared.label(other.identity) == "pretrain 5.12K code"
    assert list(done.prepared.models) == list(done.prepared.parameters) == ["0.3m", "1m"]


@pytest.mark.long
def test_the_page_can_be_written(done):
    assert json.loads((done.verdict_folder / "verdict.json").read_text(encoding="utf-8"))["sizes"]
    assert "1m" in done.report().read_text(encoding="utf-8")


def test_what_the_verdict_step_reads_is_handed_on_by_size(tmp_path, monkeypatch):
    fields = {"study": "s", "sizes": [{"size": "470m"}, {"size": "2.8b"}]}
    roles = {
        "evaluate:a:b:1:final": "e1",
        "evaluate@2.8b:a:b:2:before cooldown": "e2",
        "judge:a:b/base:1": "j1",
        "judge@2.8b:x/base:2": "j2",
        "stage:a:b:1": "s1",
        "stage@2.8b:x:2": "s2",
        "suite": "suite",
    }
    step = Step("verdict", fields, dict.fromkeys(roles, "0" * 32), "1" * 32, ("verdict",))
    inputs = {role: Path(folder) for role, folder in roles.items()}
    task = Task(step, inputs, tmp_path, tmp_path, tmp_path, False, lambda *told: None)
    asked = {}

    def analyze(request, evaluations, judgements, out, progress, **more):
        asked.update(request=request, evaluations=evaluations, judgements=judgements, **more)

    monkeypatch.setattr("leaven.analyze.verdict.analyze", analyze)
    execute(task)
    assert asked["request"] == {**fields, "seed": 0}
    assert [tuple(map(str, row.values())) for row in asked["evaluations"]] == [
        ("470m", "a:b", "1", "final", "e1"),
        ("2.8b", "a:b", "2", "before cooldown", "e2"),
    ]
    assert [tuple(map(str, row.values())) for row in asked["judgements"]] == [
        ("470m", "a:b", "base", "1", "j1"),
        ("2.8b", "x", "base", "2", "j2"),
    ]
    assert [tuple(map(str, row.values())) for row in asked["stages"]] == [
        ("470m", "a:b", "1", "s1"),
        ("2.8b", "x", "2", "s2"),
    ]
    assert asked["suite"] == Path("suite")


def test_epochs_are_what_a_chain_drew_over_what_a_source_holds(tmp_path):
    for name, tokens in (("text", 641), ("code", 129)):
        (tmp_path / name).mkdir()
        write_json(tmp_path / name / "shards.json", {"splits": {"train": {"tokens": tokens}}})
    for name, cursor in (("a", {"text": 15}), ("b", {"text": 5, "code": 5}), ("c", {"code": 9})):
        (tmp_path / name).mkdir()
        write_json(tmp_path / name / "stage.json", {"cursor": cursor, "sequence": 64})
    stages = [{"variant": name, "seed": 1, "folder": tmp_path / name} for name in "abc"]
    found = repeats(["a", "b"], stages, {name: tmp_path / name for name in ("text", "code")})
    assert found == {"a": {"text": 1.5}, "b": {"code": 2.5, "text": 0.5}}


def test_an_unknown_further_size_is_named(study_file, tmp_path):
    loaded = load(str(study_file), settings=["sizes={1n: {}}"])
    with pytest.raises(BadInput, match='command line: sizes.1n: unknown model size "1n"; known: 0.3m, 1m'):
        Study(loaded, tmp_path / "runs").prepare()


def test_every_named_size_has_its_parameters():
    counts = parameters_of_sizes()
    assert counts["0.3m"] == 281_856
    assert list(counts.values()) == sorted(counts.values())
    small = parameters_of_sizes(2048)
    assert {name: small[name] for name in ("0.3m", "7m")} == {name: counts[name] for name in ("0.3m", "7m")}
    assert counts["470m"] - small["470m"] == (256_000 - 2048) * 1024
