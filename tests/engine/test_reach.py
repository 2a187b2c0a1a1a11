"""Where a step may run: what only the driver has is read by the driver, and nothing is missed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leaven.engine.reach import LISTS, NO_PATHS, TABLES, absolute, at_home
from leaven.study.judging import Judge
from leaven.study.step import Step


def step(kind, fields=None, **execution):
    return Step(kind, fields or {}, {}, "a" * 32, (kind,), execution)


READ = {"origin": "path"}


@pytest.mark.parametrize(
    ("asked", "home"),
    [
        (step("read", {"origin": "workstation"}, path=None), "installed"),
        (step("read", {"origin": "packages"}, path=None), "installed"),
        (step("read", {"origin": "hub"}, path=None, hub={"id": "a/b"}), ""),
        (step("read", {"origin": "generated"}, path=None), ""),
        (step("read", {"origin": "generated", "reached": "tests"}, path=None), "means of this computer"),
        (step("read", {"origin": "generated", "endpoint": {"url": "x"}}, path=None, key="KEY"), "key"),
        (step("read", READ, path="books"), "books"),
        (step("corpus", decontaminate={"arc": "items/arc.jsonl"}), "items/arc.jsonl"),
        (step("corpus", decontaminate={}), ""),
        (step("tokenizer", {"kind": "given"}, path="words.json"), "words.json"),
        (step("import", path="weights"), "weights"),
        (step("suite", data=["hub"], include=[], tasks={"arc": "arc_easy"}), ""),
        (step("suite", data=["/data/arc"], include=[], tasks={}), "/data/arc"),
        (step("suite", data=[], include=["mine"], tasks={}), "mine"),
        (step("suite", data=[], include=[], tasks={"own": "tasks/own.yaml"}), "own.yaml"),
        (step("prompts", data=[], set="dolly-200"), ""),
        (step("prompts", data=[], set="prompts.jsonl"), "prompts.jsonl"),
        (step("judge", {"judge": "endpoint"}, url="http://x", model="m"), "key"),
        (step("judge", {"judge": "local"}, model="owner/name"), "a model of this computer"),
        (step("judge", {"judge": "reference-likelihood"}, model=None), ""),
        (step("stage", repeat=4), ""),
        (step("evaluate"), ""),
    ],
)
def test_what_only_the_driver_has_is_read_at_home(asked, home):
    why = at_home(asked)
    assert bool(why) == bool(home)
    assert home in why


def test_what_every_machine_sees_is_read_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = step("suite", data=["nfs/arc", "hub"], include=["nfs/mine"], tasks={"own": "nfs/own.yaml", "arc": "arc"})
    assert at_home(asked)
    assert at_home(asked, [Path("nfs")]) == ""
    assert at_home(asked, [Path("nf")])
    full = absolute(asked).execution
    assert full["data"] == [str(tmp_path / "nfs/arc"), "hub"]
    assert full["include"] == [str(tmp_path / "nfs/mine")]
    assert full["tasks"] == {"own": str(tmp_path / "nfs/own.yaml"), "arc": "arc"}
    assert absolute(full_step := absolute(asked)) is full_step


def test_every_name_that_tells_a_step_where_is_known(study_file):
    """A new one is a path or is none; this fails until it has been decided which."""
    from leaven.lab import load

    known = {"path", "set", *LISTS, *TABLES, *NO_PATHS}
    told = {name for row in load(str(study_file)).prepare().graph.steps.values() for name in row.execution}
    assert told
    assert told | set(Judge(kind="none").execution()) <= known


def test_relative_paths_are_those_of_where_leaven_was_called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute(step("read", READ, path="books")).execution["path"] == os.path.join(tmp_path, "books")
