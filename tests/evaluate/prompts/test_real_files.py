"""The published sets beside the checkout: every prompt is read, and found in documents made of the same rows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from leaven.evaluate.prompts.plan import PromptPlan

from .conftest import built, instruct_source

FILES = {"alpaca-eval": "alpaca_eval_805", "mt-bench": "mt_bench_80", "vicuna": "vicuna_bench_80"}


def raw(shared: Path, name: str) -> list[dict]:
    text = (shared / "judge_prompts" / f"{FILES[name]}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def windows(text: str) -> set[tuple[str, ...]]:
    """All that are 13 words in a row."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[place : place + 13]) for place in range(len(words) - 12)}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("below", ["", "judge_prompts"])
def test_every_prompt_is_read(shared: Path, tmp_path: Path, name: str, below: str) -> None:
    given = raw(shared, name)
    rows, about = built(PromptPlan(name), [shared / below], tmp_path / "out")
    asked = [row["instruction"] if "instruction" in row else row["turns"][0] for row in given]
    assert [row["instruction"] for row in rows] == [text.strip() for text in asked]
    assert [row["id"] for row in rows] == [str(row.get("id", row.get("question_id"))) for row in given]
    assert [row["category"] for row in rows] == [row.get("category", row.get("dataset")) for row in given]
    assert [about[count] for count in ("empty", "duplicates", "dropped")] == [0, 0, 0]
    assert about["notes"] == []


def test_alpaca_eval_by_the_files_of_its_authors(shared: Path, tmp_path: Path) -> None:
    """The published outputs hold the same instructions as the list of prompts."""
    path = shared / "alpaca_eval" / "alpaca-7b.model_outputs.json.gz"
    theirs, _ = built(PromptPlan(str(path)), [], tmp_path / "a")
    ours, _ = built(PromptPlan("alpaca-eval"), [shared], tmp_path / "b")
    assert {row["instruction"] for row in theirs} == {row["instruction"] for row in ours}


def test_half_of_a_set_in_the_instruct_data(shared: Path, tmp_path: Path) -> None:
    """Short and long prompts alike: those in the training documents are all found, of the others none."""
    given = raw(shared, "alpaca-eval")
    corpus = instruct_source(
        tmp_path / "corpus", "instruct", [{"instruction": row["instruction"], "response": "So."} for row in given[::2]]
    )
    rows, about = built(PromptPlan("alpaca-eval"), [shared], tmp_path / "out", corpus=corpus)
    assert about["overlap"]["instruct"]["prompts"] == sum(bool(row["overlap"]) for row in rows)
    seen = {window for row in given[::2] for window in windows(row["instruction"])}
    sharing = 0
    for place, row in enumerate(rows):
        shares = not seen.isdisjoint(windows(row["instruction"]))
        assert row["overlap"] == (["instruct"] if place % 2 == 0 or shares else []), row
        sharing += place % 2 and shares
    assert 0 < sharing < 20  # a few of the others share a long sentence with one that is there
