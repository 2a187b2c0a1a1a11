"""The shared public files, every row of them: lm-eval's own templates over what is made of them give the prompts that
the file's text says, and the file can be made again from what was made."""

from __future__ import annotations

import ast
import json
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import lm_eval
import pytest

from leaven.evaluate.data.layouts import LAYOUTS
from leaven.evaluate.data.places import Found, find

TASKS = Path(lm_eval.__file__).parent / "tasks"
YAML = {
    "piqa": "piqa/piqa.yaml",
    "arc_easy": "arc/arc_easy.yaml",
    "boolq": "super_glue/boolq/default.yaml",
    "cb": "super_glue/cb/default.yaml",
    "copa": "super_glue/copa/default.yaml",
    "winogrande": "winogrande/default.yaml",
    "hellaswag": "hellaswag/hellaswag.yaml",
    "triviaqa": "triviaqa/default.yaml",
    "nq_open": "nq_open/nq_open.yaml",
    "humaneval": "humaneval/humaneval.yaml",
    "mbpp": "mbpp/mbpp.yaml",
}
FILES = {
    "piqa": ("piqa/piqa.jsonl", 1838),
    "arc_easy": ("arc_easy/arc_easy.jsonl", 2000),
    "boolq": ("boolq/boolq.jsonl", 2000),
    "cb": ("cb/cb_val.jsonl", 56),
    "copa": ("copa/copa.jsonl", 100),
    "winogrande": ("winogrande/winogrande.jsonl", 1267),
    "hellaswag": ("hellaswag/hellaswag_val.jsonl", 2000),
    "triviaqa": ("triviaqa/triviaqa_sm_sub.jsonl", 2000),
    "nq_open": ("nq_open/NQ-open.dev.jsonl", 2000),
    "humaneval": ("humaneval/HumanEval.jsonl", 164),
    "mbpp": ("mbpp/mbpp.jsonl", 974),
}
CUT = {"arc_easy", "boolq", "hellaswag", "triviaqa", "nq_open"}


@cache
def template(text: str) -> Any:
    from lm_eval.utils import env

    return env.from_string(text)


def rendered(value: Any, row: dict[str, Any]) -> Any:
    """A field of lm-eval's task over a document, as lm-eval does it: a function, a field's name, or a template."""
    if callable(value):
        return value(row)
    if isinstance(value, str) and value in row:
        return row[value]
    return template(value).render(**row) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def task():
    from lm_eval.tasks._yaml_loader import load_yaml

    def loaded(name: str, overrides: dict[str, Any]) -> dict[str, Any]:
        simple = name in ("humaneval", "mbpp")  # their functions load a metric from the hub when they are imported
        return {**load_yaml(TASKS / YAML[name], resolve_func=not simple), **overrides}

    return loaded


@pytest.fixture(scope="module")
def raw(bench):
    def rows(name: str) -> list[dict[str, Any]]:
        text = (bench / FILES[name][0]).read_bytes().decode()
        return [json.loads(line) for line in text.split("\n") if line]

    return rows


@pytest.fixture(scope="module")
def found(bench, wanted):
    def one(name: str) -> Found:
        got = find(wanted[name], [str(bench)])
        assert isinstance(got, Found)
        return got

    return one


def lines(items: Any) -> Any:
    """A list that a template printed."""
    return ast.literal_eval(items) if isinstance(items, str) else items


@pytest.mark.parametrize("name", FILES)
def test_every_row_of_the_file_is_there(found, name: str) -> None:
    got = found(name)
    file, count = FILES[name]
    assert len(got.rows) == (500 if name == "mbpp" else count)
    assert got.origin["file"] == file
    assert got.origin["cut"] is (name in CUT)
    assert any("not the published benchmark" in note for note in got.origin["notes"]) is (name in CUT)
    assert got.origin["licence"]
    assert LAYOUTS[got.origin["layout"]]
    assert bool(got.overrides) is (name == "hellaswag")


def test_piqa(found, raw, task) -> None:
    config = task("piqa", {})
    for row, was in zip(found("piqa").rows, raw("piqa"), strict=True):
        assert rendered(config["doc_to_text"], row) == f"{was['query']}Answer:"
        assert lines(rendered(config["doc_to_choice"], row)) == was["choices"]
        assert rendered(config["doc_to_target"], row) == was["gold"]


def test_arc_easy(found, raw, task) -> None:
    config = task("arc_easy", {})
    short = 0
    for row, was in zip(found("arc_easy").rows, raw("arc_easy"), strict=True):
        assert rendered(config["doc_to_text"], row) == f"{was['query']}\nAnswer:"
        choices = lines(rendered(config["doc_to_choice"], row))
        assert choices == list(dict.fromkeys(was["choices"]))
        short += len(choices) < len(was["choices"])
        assert choices[int(rendered(config["doc_to_target"], row))] == was["choices"][was["gold"]]
    assert short == 6
    assert any(note.startswith("6 of 2,000 rows") for note in found("arc_easy").origin["notes"])


def test_boolq(found, raw, task) -> None:
    config = task("boolq", {})
    for row, was in zip(found("boolq").rows, raw("boolq"), strict=True):
        assert "Passage: " + rendered(config["doc_to_text"], row) == f"{was['query']}\nAnswer:"
        assert config["doc_to_choice"] == was["choices"]
        assert row["label"] == was["gold"]
        assert not row["question"].endswith("?")


def test_cb(found, raw, task) -> None:
    config = task("cb", {})
    words = {"entailment": "True", "contradiction": "False", "neutral": "Neither"}
    for row, was in zip(found("cb").rows, raw("cb"), strict=True):
        text = f"{was['premise']}\nQuestion: {was['hypothesis']}. True, False, or Neither?\nAnswer:"
        assert rendered(config["doc_to_text"], row) == text
        assert config["doc_to_choice"][row["label"]] == words[was["label"]]
    assert Counter(row["label"] for row in found("cb").rows) == {0: 23, 1: 28, 2: 5}


def test_copa(found, raw, task) -> None:
    config = task("copa", {})
    for row, was in zip(found("copa").rows, raw("copa"), strict=True):
        assert (
            rendered(config["doc_to_text"], row).replace(" because", ", because").replace(" therefore", ", therefore")
            == was["query"]
        )
        assert rendered(config["doc_to_choice"], row) == [f" {choice}" for choice in was["choices"]]
        assert rendered(config["doc_to_target"], row) == f" {was['choices'][was['gold']]}"
        assert row["premise"].endswith(".")


def test_winogrande(found, raw, task) -> None:
    config = task("winogrande", {})
    for row, was in zip(found("winogrande").rows, raw("winogrande"), strict=True):
        assert rendered(config["doc_to_choice"], row) == was["context_options"]
        assert rendered(config["doc_to_target"], row) == was["continuation"]
        assert rendered(config["doc_to_text"], row) == was["gold"]
        assert row["sentence"].count("_") == 1
        assert not row["option1"].startswith(" ")


def test_hellaswag_is_asked_as_its_text_stands(found, raw, task) -> None:
    got = found("hellaswag")
    config = task("hellaswag", got.overrides)
    assert config["process_docs"] is None
    for row, was in zip(got.rows, raw("hellaswag"), strict=True):
        assert rendered(config["doc_to_text"], row) == was["query"]
        assert rendered(config["doc_to_choice"], row) == was["choices"]
        assert int(rendered(config["doc_to_target"], row)) == was["gold"]
    assert any("differ from lm-eval's" in note for note in got.origin["notes"])
    assert any(note.startswith("5 of 2,000 rows") for note in got.origin["notes"])


def test_triviaqa(found, raw, task) -> None:
    config = task("triviaqa", {})
    for row, was in zip(found("triviaqa").rows, raw("triviaqa"), strict=True):
        # lm-eval puts a "?" behind every question, the hub's and these alike.
        assert rendered(config["doc_to_text"], row) == was["context"].removesuffix("\nAnswer:") + "?\nAnswer:"
        assert lines(rendered(config["doc_to_target"], row)) == was["aliases"]
        assert row["answer"]["value"] == was["answer"]


def test_nq_open(found, raw, task) -> None:
    config = task("nq_open", {})
    for row, was in zip(found("nq_open").rows, raw("nq_open"), strict=True):
        assert rendered(config["doc_to_text"], row) == f"Q: {was['question']}?\nA:"
        assert lines(rendered(config["doc_to_target"], row)) == was["answer"]


def test_programs_pass_as_they_are(found, raw, task) -> None:
    config = task("humaneval", {})
    assert list(found("humaneval").rows) == raw("humaneval")
    assert all(rendered(config["doc_to_text"], row) == row["prompt"] for row in found("humaneval").rows)
    assert list(found("mbpp").rows) == [row for row in raw("mbpp") if 11 <= row["task_id"] <= 510]


@pytest.mark.parametrize(("split", "count"), [("prompt", 10), ("test", 500), ("validation", 90), ("train", 374)])
def test_splits_of_mbpp(bench, wanted, split: str, count: int) -> None:
    got = find(replace(wanted["mbpp"], split=split), [str(bench)])
    assert isinstance(got, Found)
    assert len(got.rows) == count
