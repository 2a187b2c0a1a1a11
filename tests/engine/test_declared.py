"""Planning without network and data: the study's word is taken, and told; a run refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leaven.corpus.hub import snapshot
from leaven.engine.costs import assumed
from leaven.engine.declared import Unseen
from leaven.engine.devices import PROCESSOR
from leaven.engine.plan import plan
from leaven.engine.prepare import prepare
from leaven.engine.store import Store
from leaven.ground.errors import BadInput, LeavenError
from leaven.lab import Study
from leaven.study.load import load

ELSEWHERE = """\
study: elsewhere
question: What would it cost?
corpus:
  corpus: hub
  sources:
    text: {kind: text, hub: {dataset: nobody/prose}, max: 1GB}
    web_code: {kind: web_code, hub: {dataset: nobody/code}, max: 1GB}
  tokenizer: {vocabulary: 256000}
model: 470m
sizes:
  2.8b: {variants: [text-only, balanced], baseline: text-only, cooldown: false, rate: 0.5, seeds: 2}
seeds: 3
mixtures:
  prose: {text: 1}
  even: {text: 0.5, web_code: 0.5}
training:
  pretrain: {schedule: cosine, peak: 4e-4, final: 4e-5, warmup: 1325}
variants:
  text-only: [pretrain 200B prose, cooldown 40B prose]
  balanced: [pretrain 200B even, cooldown 40B even]
  first balanced: [pretrain 200B even]
against:
  first balanced: []
baseline: text-only
evaluate: paper
data: hub
judge: {kind: endpoint, url: "http://127.0.0.1:9/v1", model: some-judge, template: paper, prompts: dolly-200}
"""


@pytest.fixture
def asked(monkeypatch):
    """Nobody said that the hub is not to be asked: neither the user nor a test of this process that ran lm-eval."""
    for name in (*snapshot._OFFLINE, snapshot.UNASKED):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def unreachable(monkeypatch, asked):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")


@pytest.fixture
def lab(tmp_path) -> Study:
    path = tmp_path / "elsewhere.yaml"
    path.write_text(ELSEWHERE, encoding="utf-8")
    return Study(load(str(path)), tmp_path / "runs")


def test_a_plan_needs_neither_network_nor_data(lab, unreachable):
    made = lab.plan(device="cpu", prices={"H100": 2.5})
    (said,) = made.unseen
    assert said.startswith("source text, source web_code, prompts dolly-200, 15 benchmarks: planned as declared")
    assert "the hub cannot be reached" in said
    assert not made.left_out
    lines = made.lines()
    assert f"not seen  {said}" in lines
    assert "3 variants × 3 seeds at 470m, 2 × 2 at 2.8b" in "\n".join(lines)
    assert not (lab.runs / "store").exists()
    json.dumps(made.data())


def test_the_plan_counts_every_size_by_its_own_operations(lab, unreachable):
    made = lab.plan(device="cpu")
    small, large = 3.611295744e9, 20.0343552e9
    each = 47683 * 512 * 8192
    cooldown = 9536 * 512 * 8192
    assert made.flops == pytest.approx(3 * (2 * each + 2 * cooldown) * small + 2 * 2 * each * large, rel=1e-6)
    assert [row["run"] for row in made.paper] == ["200B tokens at 470M", "200B tokens at 2.8B", "40B cooldown at 470M"]
    assert [row["size"] for row in made.sizes] == ["470m", "2.8b"]
    assert sum("chip-hours published" in line for line in made.lines()) == 3


def test_the_plan_says_what_it_cannot_resolve_at_each_size(lab, unreachable):
    made = lab.plan(device="cpu")
    assert {(row["size"], row["measure"]) for row in made.power} == {
        (size, measure) for size in ("470m", "2.8b") for measure in ("reasoning", "world knowledge", "code")
    }
    assert all(row["source"] == "the suite's pilot" for row in made.power)
    # Two primary comparisons (`first balanced` is compared with nothing) of three measures.
    assert "6 comparisons" in made.power[0]["note"]
    (said,) = made.warnings
    assert said.startswith("this study cannot resolve its own question: ")
    assert f"warning   {said}" in made.lines()
    own = next(row for row in made.power if row["size"] == "2.8b")
    assert own["seeds"] == 2


def test_the_tree_is_told_size_by_size(lab, unreachable):
    assert lab.plan(device="cpu").tree_lines() == [
        "  470m: 480B tokens",
        "  ├─ pretrain 200B prose → cooldown 40B prose  text-only",
        "  └─ pretrain 200B even  first balanced",
        "     └─ cooldown 40B even  balanced",
        "  2.8b: 400B tokens",
        "  ├─ pretrain 200B prose  text-only",
        "  └─ pretrain 200B even  balanced",
    ]


def test_a_run_refuses(lab, unreachable):
    with pytest.raises(LeavenError, match="the hub cannot be reached"):
        lab.run(quiet=True, device="cpu")
    with pytest.raises(LeavenError, match="the hub cannot be reached"):
        lab.status()


def test_what_was_not_seen_is_no_step_that_exists(lab, unreachable):
    store = Store(lab.runs / "store")
    first = prepare(lab.loaded, store, declared=True)
    again = prepare(lab.loaded, store, declared=True)
    assert list(first.graph.steps) == list(again.graph.steps)
    prints = {survey.fingerprint for survey in (*first.surveys.values(), *first.given.values())}
    assert len(prints) == len(first.surveys) + len(first.given)


def test_offline_by_wish(lab, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    said = " ".join(lab.plan(device="cpu").unseen)
    assert "source text, source web_code" in said
    assert "15 benchmarks" in said
    assert "HF_HUB_OFFLINE" in said


def test_a_mistake_is_still_one(tmp_path, unreachable):
    path = tmp_path / "wrong.yaml"
    path.write_text(ELSEWHERE)
    with pytest.raises(BadInput, match="pika"):
        Study(load(str(path), settings=["evaluate.tasks.piqa.task=pika"]), tmp_path / "runs").plan(device="cpu")
    path.write_text(ELSEWHERE.replace("prompts: dolly-200", "prompts: mine/prompts.jsonl"))
    with pytest.raises(BadInput, match="prompts"):
        Study(load(str(path)), tmp_path / "runs").plan(device="cpu")
    path.write_text(ELSEWHERE.replace("hub: {dataset: nobody/prose}", f"path: {tmp_path / 'nowhere'}"))
    with pytest.raises(BadInput, match="no such file"):
        Study(load(str(path)), tmp_path / "runs").plan(device="cpu")


def test_what_is_asked_of_a_plan_is_assumed(lab, unreachable):
    made = lab.plan(device="cpu", mfu=0.5, devices=64)
    assert made.assumed == assumed(0.5, 64)
    assert {part.share for cost in made.costs[:3] for part in cost.parts} == {0.5}
    assert all(row["assumed"] == 0.5 for row in made.paper)


def test_benchmarks_that_are_here_are_looked_at_though_the_hub_cannot_be_reached(lab, unreachable, tmp_path):
    items = tmp_path / "data" / "copa"
    items.mkdir(parents=True)
    row = {"query": "The man slept because", "choices": ["he was tired", "he was awake"], "gold": 0}
    (items / "copa.jsonl").write_text(json.dumps(row) + "\n")
    loaded = load(str(lab.loaded.path), data=[str(tmp_path / "data"), "hub"])
    (said,) = Study(loaded, tmp_path / "runs").plan(device="cpu").unseen
    assert "14 benchmarks" in said


def refusing() -> str:
    raise LeavenError("the hub cannot be reached when asked for revision main of a/b\n  Run again later")


def mistaken() -> str:
    raise BadInput("a/b is not on the hub")


def test_the_hub_is_not_asked_again_once_it_could_not_be_reached(asked):
    unseen, looked = Unseen(True), []
    assert unseen.look("source a", refusing, str) != unseen.look("source b", lambda: looked.append(1) or "", str)
    assert not looked
    assert unseen.sentences() == ["source a, source b: planned as declared, without a look (the hub cannot be reached)"]


def test_what_the_hub_may_have_and_is_not_to_be_asked_for_is_no_absence(asked, monkeypatch):
    unseen = Unseen(True)
    assert unseen.look("benchmark a", lambda: None, str) is None
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert unseen.look("benchmark a", lambda: None, str, hub=False) is None
    assert Unseen().look("benchmark a", lambda: None, str) is None
    assert unseen.look("benchmark a", lambda: None, str)
    assert "HF_HUB_OFFLINE" in unseen.sentences()[0]


def test_a_mistake_passes_only_where_it_may_mean_no_more_than_a_missing_network(asked):
    unseen = Unseen(True)
    with pytest.raises(BadInput):
        unseen.look("source a", mistaken, str)
    unseen.look("source a", mistaken, str, mistakes=True)
    assert "a/b is not on the hub" in unseen.sentences()[0]
    with pytest.raises(LeavenError):
        Unseen().look("source a", refusing, str)
    assert unseen.look("source b", lambda: "seen", str) == "seen"


def test_a_small_study_gets_no_table_unless_it_asks(study_file, tmp_path):
    lab = Study(load(str(study_file)), tmp_path / "runs")
    prepared = lab.prepare()
    store = Store(Path(tmp_path / "runs/store"))
    quiet = plan(prepared, store, device=PROCESSOR)
    assert not [line for line in quiet.lines() if line.startswith(("cost", "paper", "not seen"))]
    asked = plan(prepared, store, device=PROCESSOR, assume=assumed(devices=8))
    assert [line for line in asked.lines() if line.startswith("cost")]
    assert quiet.power_unknown == []
