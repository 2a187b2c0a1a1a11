"""A synthetic source's documents: in order, labelled, without held-out families and benchmarks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from leaven.corpus.document import Document, Tally
from leaven.corpus.plan import SourcePlan
from leaven.corpus.synthetic import document, documents, held_out, problems
from leaven.ground.errors import BadInput


def built(count: int, seed: int = 0, **options: Any) -> tuple[list[Document], Tally]:
    tally = Tally()
    plan = SourcePlan("s", "synthetic", "generated", 1 << 20, seed=seed, options={"count": count, **options})
    return list(documents(plan, tally)), tally


def test_tiny_documents_are_all_problems_as_they_always_were() -> None:
    found, tally = built(200, seed=3)
    assert [(d.id, d.text, d.group) for d in found] == [(p.id, document(p), p.group) for p in problems(3, 200)]
    assert tally.files == 200
    assert tally.dropped.total() == 0
    assert all(d.licence == "Apache-2.0" and d.language == "python" for d in found)
    assert {d.labels["verified"] for d in found} == {"tests"}


def test_textbook_documents_carry_the_level_they_reached() -> None:
    found, _ = built(40, style="textbook", verify="properties")
    assert len(found) == 40
    assert {d.labels["verified"] for d in found} == {"tests", "properties"}
    assert {d.labels["family"] for d in found} <= {d.id.rpartition("-")[0] for d in found}
    for one in found:
        exec(one.text, {})


def test_families_are_left_out_as_a_whole() -> None:
    found, tally = built(120, seed=2, style="textbook", held_out=0.3)
    assert 0 < tally.dropped["family is held out"] == 120 - len(found)
    assert not any(held_out(d.labels["family"], 2, 0.3) for d in found)


def test_problems_of_a_benchmark_are_left_out(tmp_path: Path) -> None:
    (all_of_them, _), taken = built(30, style="textbook"), problems(0, 1, style="textbook")[0]
    row = {"task_id": "HumanEval/0", "prompt": taken.prompt, "canonical_solution": taken.solution}
    (tmp_path / "items.jsonl").write_text(json.dumps(row) + "\n")
    found, tally = built(30, style="textbook", against=[str(tmp_path / "items.jsonl")])
    assert taken.id in {d.id for d in all_of_them}
    assert taken.id not in {d.id for d in found}
    assert tally.dropped["same solution as a benchmark's"] >= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"verify": "proofs"}, "Known: tests, properties, contracts"),
        ({"style": "novel"}, "Known: tiny, textbook"),
        ({"endpoint": {"url": "http://127.0.0.1:9/v1", "model": "m"}}, "a folder to keep its replies in"),
    ],
)
def test_options_that_cannot_be_used(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        built(3, **options)
