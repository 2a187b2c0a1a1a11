"""A stage that several processes train together, as orders to the worker."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from leaven.engine.gang import Gang, address, follow, gang_of, lead
from leaven.engine.nursery import Nursery
from leaven.engine.store import Store
from leaven.engine.worker import order
from leaven.ground.canonical import identity
from leaven.ground.errors import LeavenError
from leaven.ground.files import read_json
from leaven.ground.tables import read_table
from leaven.model.weights import read_arrays
from leaven.study.step import Step, describe

EXACT = ("ledger", "cursor", "first_batch_sha256", "learning_rate", "mixture", "seed", "tokens", "versions")
"""Of a stage's results, what does not depend on how many processes computed it."""
TOLERANCE = 1e-3
"""Absolute difference of weights that is still the rounding of sums: it grows with steps and learning rate."""
STEPS = 6000
"""Of a stage that lasts long enough to be checkpointed: after five seconds."""
PATIENCE = 400.0


def test_an_order_without_a_gang_is_one_process_alone():
    alone = gang_of({"gang": None})
    assert alone == Gang()
    assert alone.leads
    assert not alone.many
    assert alone.leader_says(True)
    assert not alone.leader_says(False)
    assert alone.made() == {}
    assert alone.words() == ""
    assert alone.log(Path("a.log")) == Path("a.log")


def test_each_process_of_a_gang_has_a_log_of_its_own():
    second = Gang("there:1", 2, 1)
    assert not second.leads
    assert second.log(Path("logs/abc.log")) == Path("logs/abc.1.log")
    assert second.words() == ", 2 of 2 that train it"
    assert second.made() == {"processes": 2}


def test_the_others_hear_where_the_first_is_to_be_met(tmp_path):
    chosen = lead(tmp_path / "meeting")
    assert follow(tmp_path / "meeting", 1.0) == chosen
    assert int(chosen.rpartition(":")[2]) > 0


def test_a_first_process_that_does_not_say_where_is_not_waited_for_for_ever(tmp_path):
    with pytest.raises(LeavenError, match="did not say within 0 seconds"):
        follow(tmp_path / "meeting", 0.2)


def toy() -> ModuleType:
    """What makes the toy corpus of the training tests."""
    path = Path(__file__).parents[1] / "train" / "conftest.py"
    spec = importlib.util.spec_from_file_location("train_conftest", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


INPUTS = {"tokenizer": "tokenizer", "shards:text": "text", "shards:code": "code"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return toy().corpus.__wrapped__(tmp_path_factory)


def stage(steps: int) -> Step:
    fields = {
        "model": {"width": 16, "layers": 2, "heads": 2, "ffn": 24, "vocab": 24, "sequence": 16},
        "seed": 1,
        "kind": "pretrain",
        "mixture": {"text": 0.75, "code": 0.25},
        "steps": steps,
        "batch": 8,
        "sequence": 16,
        "schedule": {"kind": "cosine", "peak": 1e-4, "final": 1e-5, "warmup": 3},
        "optimizer": {
            "beta1": 0.9,
            "beta2": 0.95,
            "epsilon": 1e-8,
            "weight_decay": 0.1,
            "clip": 1.0,
            "decay": "matrices",
        },
        "precision": "float32",
        "z_loss": 0.0,
        "document_mask": False,
        "spike": {"window": 16, "sigma": 6.0, "policy": "record", "patience": 10},
        "carry": None,
        "cursor": None,
        "curve": {"rows": {"text": 5, "code": 5}, "every": max(1, steps // 4)},
    }
    step_id = identity(describe("stage", fields, INPUTS))
    return Step("stage", fields, INPUTS, step_id, ("toy",))


def store_at(root: Path, corpus: Path) -> Store:
    store = Store(root)
    store.prepare()
    for name in INPUTS.values():
        (store.steps / name).symlink_to(corpus / name)
    return store


def heard(nursery: Nursery, exits: int) -> list[dict[str, Any]]:
    """Everything until so many processes have ended."""
    messages: list[dict[str, Any]] = []
    until = time.monotonic() + PATIENCE
    while sum(message["event"] == "exit" for message in messages) < exits:
        assert time.monotonic() < until, messages[-5:]
        messages += nursery.messages(0.2)
    return messages


def start(nursery: Nursery, store: Store, step: Step, processes: int) -> None:
    met = address().replace(address().partition(":")[0], "127.0.0.1")
    for process in range(processes):
        gang = {"coordinator": met, "processes": processes, "process": process} if processes > 1 else None
        nursery.start(order([step], store.where(), [], False, gang=gang))


def codes(messages: list[dict[str, Any]]) -> list[int]:
    """How the processes ended; pytest shows why where they should not have."""
    print([message["note"] for message in messages if message["event"] == "failed"])
    return [message["code"] for message in messages if message["event"] == "exit"]


def assert_alike(one: Path, many: Path) -> None:
    first, second = read_json(one / "stage.json"), read_json(many / "stage.json")
    assert {name: first[name] for name in EXACT} == {name: second[name] for name in EXACT}
    assert read_table(one / "curve.parquet")["tokens"] == read_table(many / "curve.parquet")["tokens"]
    weights, others = read_arrays(one / "model.safetensors"), read_arrays(many / "model.safetensors")
    assert weights.keys() == others.keys()
    for name, values in weights.items():
        assert np.allclose(values, others[name], atol=TOLERANCE), name


@pytest.fixture
def nursery():
    opened = Nursery()
    yield opened
    opened.close()


@pytest.mark.long
def test_two_processes_train_the_stage_that_one_would_and_find_it_done_the_next_time(nursery, corpus, tmp_path):
    step = stage(24)
    alone, both = store_at(tmp_path / "alone", corpus), store_at(tmp_path / "both", corpus)
    start(nursery, alone, step, 1)
    assert codes(heard(nursery, 1)) == [0]
    start(nursery, both, step, 2)
    assert codes(heard(nursery, 2)) == [0, 0]
    assert_alike(alone.folder(step.identity), both.folder(step.identity))
    assert both.manifest(step.identity)["made"]["processes"] == 2
    before = (both.folder(step.identity) / "manifest.json").stat().st_mtime_ns
    start(nursery, both, step, 2)
    assert codes(heard(nursery, 2)) == [0, 0]
    assert (both.folder(step.identity) / "manifest.json").stat().st_mtime_ns == before


@pytest.mark.long
def test_a_stage_of_two_processes_goes_on_from_its_checkpoint_after_one_was_killed(nursery, corpus, tmp_path):
    step = stage(STEPS)
    alone, both = store_at(tmp_path / "alone", corpus), store_at(tmp_path / "both", corpus)
    start(nursery, alone, step, 1)
    assert codes(heard(nursery, 1)) == [0]
    start(nursery, both, step, 2)
    until = time.monotonic() + PATIENCE
    while not list((both.work / step.identity / "state").glob("step-*.json")):
        assert time.monotonic() < until
        nursery.messages(0.05)
    log = both.log(step.identity).with_suffix(".1.log")
    os.kill(int(re.findall(r"process (\d+)", log.read_text())[-1]), signal.SIGKILL)
    messages = heard(nursery, 2)
    ends = codes(messages)
    assert any("another process" in message["note"] for message in messages if message["event"] == "failed")
    assert -signal.SIGKILL in ends
    assert 0 not in ends
    assert not both.has(step.identity)
    start(nursery, both, step, 2)
    assert codes(heard(nursery, 2)) == [0, 0]
    assert_alike(alone.folder(step.identity), both.folder(step.identity))
    trained = both.manifest(step.identity)["made"]["training"]["tokens"]
    assert trained < step.tokens, "it began anew"
