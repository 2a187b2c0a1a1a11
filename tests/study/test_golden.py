"""Golden identities of pocket: if one changes, every user's store is recomputed. Change them only with a version in
`versions.py`, or with `pocket.yaml` itself.

The verdict is not among them: what it is asked grows, and it is worked out again in seconds. Nor are controls of the
corpus's sources: pocket trains on none, and more of them change no other step.
"""

from __future__ import annotations

import json

import pytest

from leaven.ground.canonical import identity
from leaven.study.corpus_graph import Survey
from leaven.study.expand import expand, start_key
from leaven.study.load import load

START = json.dumps({"kind": "pretrain", "tokens": "600K", "mixture": "code", "start": "/a"})


def graph_of(*changes, execute=True):
    study = load("pocket", settings=changes).study.settled(sequence=128, batch=16, precision="float32")
    known = {name: Survey(f"print-{name}", 0 if name == "adjacent" else 3, 100) for name in study.corpus.sources}
    known[start_key("/a")] = Survey("print", 2, 9)
    return expand(study, known, {"width": 64, "layers": 3}, execute=execute)


STEPS = {
    "corpus": "10c38fe9eb653fe4719eea564f3c42da",
    "tokenizer": "5d31a2f17c9510b8fdc3ab30fb2b39cc",
    "suite": "189574dd9ebb3b7209115f2e73eeb7e5",
    "shards/text": "f00859aabdcfffc094cfdf427d1054e3",
    "reference/pretrain": "8507090ad6685518a2a25e13c25036db",
    "text-only/seed-1/pretrain": "5c2724bc88787f0337ea43e1126ac49e",
    "code→text/seed-2/cooldown": "a9a5593a430b0e7175c11126e7231b67",
    "balanced→text/seed-1/evaluate": "54c162c9f0ad522f33c7e6f97598dd64",
    "balanced-only/seed-3/evaluate-before-cooldown": "400e692c22463c652701c658567cd242",
    "no-code/seed-1/complete": "fa4c4f2389c739520defebf11511720a",
    "code→text/seed-1/judge": "ba663260eb949976c508717c538701ac",
}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_of_pocket(name):
    assert graph_of().find(name).identity == STEPS[name]


@pytest.mark.parametrize(
    ("changes", "execute", "steps", "all_of_them"),
    [
        ((), True, 110, "fae668381088defe70aeeca27a51d1b6"),
        (("judge.pairs=all", "mixtures.code.adjacent=0.2"), False, 128, "09caf04e1448faa4e2d6ae6e5f042e2e"),
        ((f"variants.code→text.0={START}",), True, 111, "d45862a917691bf507b300b71c42b0d3"),
    ],
)
def test_every_step_but_the_verdict(changes, execute, steps, all_of_them):
    graph = graph_of(*changes, execute=execute)
    old = [step for step in graph.steps.values() if step.kind != "verdict" and "transform" not in step.fields]
    assert len(old) == steps - 1
    assert identity(sorted(step.identity for step in old)) == all_of_them
