"""Stages of a study in one program: what each would be alone, diverging alone, killed and continued."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from leaven.engine import crew as crews
from leaven.engine import here, schedule
from leaven.engine.devices import PROCESSOR, Device
from leaven.engine.here import Here
from leaven.engine.packing import Figure
from leaven.engine.store import Store
from leaven.engine.worker import order
from leaven.ground.files import read_json, sha256_file
from leaven.ground.tables import read_table
from leaven.lab import load
from leaven.study.step import Graph
from leaven.train.packed import TOLERANCE

KINDS = ("read", "source", "corpus", "tokenizer", "shards", "stage")
EXACT = (
    "ledger",
    "cursor",
    "first_batch_sha256",
    "learning_rate",
    "mixture",
    "seed",
    "tokens",
    "optimizer",
    "versions",
)


def training_of(path, *settings):
    """The study's graph up to its last stages."""
    whole = load(str(path), settings=settings).prepare().graph
    part = Graph()
    part.steps = {step_id: step for step_id, step in whole.steps.items() if step.kind in KINDS}
    return part


def only(graph, *steps):
    """The graph without the stages that are not named."""
    part = Graph()
    part.steps = {step_id: step for step_id, step in graph.steps.items() if step.kind != "stage" or step in steps}
    return part


def pretrains(graph):
    return [step for step in graph.of_kind("stage") if step.fields["steps"] == 20]


def run(graph, store, *, pack=None, jobs=None, device=PROCESSOR, watch=lambda state: None):
    """On this computer."""
    return schedule.run(graph, store, partial(Here, store, jobs, False, device), pack=pack, device=device, watch=watch)


@pytest.fixture(scope="module")
def study(study_text, tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "micro.yaml"
    path.write_text(study_text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def alone(study, tmp_path_factory):
    """A store in which every stage was trained in a program of its own, as the user wished."""
    store = Store(tmp_path_factory.mktemp("alone") / "store")
    store.prepare()
    state = run(training_of(study), store, pack=1)
    assert not state.failed
    return store


def without_stages(store, folder, *names):
    """A copy of a store that lacks the named stages, or all of them."""
    copy = Store(folder / "store")
    shutil.copytree(store.root, copy.root)
    for step in list(copy.manifests()):
        if step["kind"] == "stage" and (not names or set(names) & set(step["names"])):
            shutil.rmtree(copy.folder(step["identity"]))
    return copy


@pytest.fixture(scope="module")
def packed(study, alone, tmp_path_factory):
    """A store in which they were trained up to four in a program, on one core."""
    store = without_stages(alone, tmp_path_factory.mktemp("packed"))
    state = run(training_of(study), store, pack=4, jobs=1)
    assert not state.failed
    return store


def results(store, step):
    return {
        path.name: sha256_file(path) for path in store.folder(step.identity).iterdir() if path.name != "manifest.json"
    }


def assert_alike(step, one, other):
    """Equal in all that is counted, and in what is computed up to rounding."""
    about, again = (read_json(store.folder(step.identity) / "stage.json") for store in (one, other))
    assert {name: about[name] for name in EXACT} == {name: again[name] for name in EXACT}
    curve, repeated = (read_table(store.folder(step.identity) / "curve.parquet") for store in (one, other))
    assert list(curve) == list(repeated)
    for name, column in curve.items():
        np.testing.assert_allclose(repeated[name], column, rtol=TOLERANCE, err_msg=f"{step.name}: {name}")


def test_each_stage_is_what_it_is_alone(study, alone, packed):
    graph = training_of(study)
    together = {}
    for step in graph.of_kind("stage"):
        assert_alike(step, alone, packed)
        one, other = alone.manifest(step.identity), packed.manifest(step.identity)
        assert {**one, "files": 0, "made": 0} == {**other, "files": 0, "made": 0}
        assert (one["made"]["together"], one["made"]["device"]) == (1, "cpu")
        assert one["made"]["training"]["tokens"] == step.tokens
        together[step.name] = other["made"]["together"]
        assert other["made"]["training"]["tokens"] == step.tokens * other["made"]["together"]
        log = packed.log(step.identity).read_text()
        assert f"— {step.name} (stage {step.identity}), process" in log
        assert ("stages in one program" in log, log.rstrip().endswith(" s")) == (together[step.name] > 1, True)
    assert all(together[step.name] == 4 for step in pretrains(graph))
    # The judge's reference model, which starts from nothing, is of the shape of the six cooldowns.
    assert sorted(together.values()) == [3] * 3 + [4] * 8
    assert list(packed.work.glob("*/out")) == []


def test_off_and_what_happens_by_itself_are_the_same_bytes(study, alone, tmp_path):
    graph = training_of(study)
    names = ("text-only/seed-1/cooldown", "no-code/seed-1/cooldown")
    store = without_stages(alone, tmp_path, *names)
    assert not run(graph, store).failed
    for step in graph.of_kind("stage"):
        assert results(store, step) == results(alone, step)
        assert store.manifest(step.identity)["made"]["together"] == 1


def test_a_stage_that_diverges_fails_alone(study, alone, tmp_path):
    setting = "variants.code→text.0={kind: pretrain, tokens: 5120, mixture: code, schedule: {peak: 1.0e+30}}"
    graph = training_of(study, setting)
    store = without_stages(alone, tmp_path)
    state = run(graph, store, pack=4, jobs=1)
    bad = {step.name for step in pretrains(graph) if "code→text" in step.name}
    assert {graph.steps[step_id].name for step_id in state.failed} == bad
    assert len(bad) == 2
    assert {graph.steps[step_id].name for step_id in state.blocked} == {
        name.replace("pretrain", "cooldown") for name in bad
    }
    assert state.exit_code == 1
    for step in pretrains(graph):
        if step.name in bad:
            assert "where the learning rate is" in state.failed[step.identity]
            assert "Diverged" in store.log(step.identity).read_text()
        else:
            assert_alike(step, alone, store)
            assert store.manifest(step.identity)["made"]["together"] == 4
            assert "Diverged" not in store.log(step.identity).read_text()


KILLED = """
import json, os, signal, sys
from leaven.engine.worker import work
from leaven.train import checkpoint, packed

packed.Pace = lambda seconds: checkpoint.Pace(0)
saves = 0

def save(folder, kept):
    global saves
    checkpoint.save(folder, kept)
    saves += 1
    if saves == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

packed.save = save
work(json.loads(sys.argv[1]), os.dup(2))
"""


@pytest.mark.parametrize(
    ("saves", "resumed"), [(8, [(4, 10)]), (6, [(2, 5), (2, 10)])], ids=["between saves", "while they are saved"]
)
def test_killed_and_run_again(study, alone, packed, tmp_path, saves, resumed):
    """Four stages are killed after their second checkpoint, or after the second of the first two of them."""
    graph = training_of(study)
    store = without_stages(alone, tmp_path)
    crew = pretrains(graph)
    graph = only(graph, *crew)
    words = json.dumps(order(crew, store.where(), tuple(sorted(os.sched_getaffinity(0))[:1]), False))
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", KILLED, words, str(saves)], env=environment, timeout=300)
    assert done.returncode == -signal.SIGKILL
    assert not any(store.has(step.identity) for step in crew)
    assert not run(graph, store, pack=4, jobs=1).failed
    how = set()
    for step in crew:
        made = store.manifest(step.identity)["made"]
        steps = made["training"]["tokens"] // made["together"] // (step.tokens // step.fields["steps"])
        how.add((made["together"], step.fields["steps"] - steps))
        if len(resumed) == 1:
            assert results(store, step) == results(packed, step)
        else:
            assert_alike(step, alone, store)
    assert sorted(how) == resumed


def test_a_killed_program_fails_each_of_its_stages_and_nothing_else(study, alone, tmp_path):
    graph = training_of(study)
    graph = only(graph, *pretrains(graph))
    store = without_stages(alone, tmp_path)
    killed = []

    def watch(state):
        crew = [step for step in pretrains(graph) if step.identity in state.running]
        if crew and not killed and all(store.log(step.identity).exists() for step in crew):
            told = store.log(crew[0].identity).read_text().rpartition("process ")[2]
            if told.endswith("program\n"):
                killed.append(int(told.partition(",")[0]))
                os.kill(killed[0], signal.SIGKILL)

    shutil.rmtree(store.logs)
    store.logs.mkdir()
    state = run(graph, store, pack=4, jobs=1, watch=watch)
    assert killed
    assert set(state.failed) == {step.identity for step in pretrains(graph)}
    assert all("code -9" in why for why in state.failed.values())
    assert not run(graph, store, pack=4, jobs=1).failed


class Measured:
    """A measurement that is over at once and finds three together twice as fast."""

    def __init__(self, program, most, device, cache, log):
        self.program, self.most = program, most

    def over(self):
        return True

    def figure(self):
        return Figure("Pretended 1", 1e5, {2: 1.5e5, 3: 2e5}, self.most)

    def stop(self):
        raise AssertionError("it was over")


def test_an_accelerator_has_one_program_at_a_time_and_packs_what_is_faster(study, alone, tmp_path, monkeypatch):
    """The steps themselves are computed on the processor all the same."""
    monkeypatch.setattr(crews, "Trial", Measured)
    monkeypatch.setattr(here, "order", lambda *words: order(*words[:5], PROCESSOR))
    graph = training_of(study)
    crew = pretrains(graph)
    graph = only(graph, *crew)
    store = without_stages(alone, tmp_path)
    seen = []

    def watch(state):
        seen.append({run.program for run in state.running.values()})

    state = run(graph, store, device=Device("gpu", "Pretended 1", memory=2**35), watch=watch)
    assert not state.failed
    assert max(len(programs) for programs in seen) == 1
    assert len(set.union(*seen)) == 2
    assert sorted(store.manifest(step.identity)["made"]["together"] for step in crew) == [1, 3, 3, 3]
    kept = read_json(store.cache / "packing.json")
    assert [(row["alone"], row["together"], row["tried"]) for row in kept.values()] == [
        (1e5, {"2": 1.5e5, "3": 2e5}, 4)
    ]
