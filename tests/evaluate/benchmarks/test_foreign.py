"""Tasks of a user's own that only lm-eval can score, run from the suite's folder alone."""

from __future__ import annotations

import json
import shutil

import pytest
from lm_eval.evaluator import evaluate
from lm_eval.tasks import TaskManager

from leaven.evaluate.benchmarks.build import gather
from leaven.evaluate.benchmarks.foreign import run_foreign
from leaven.evaluate.benchmarks.plan import Benchmark
from leaven.evaluate.harness import quiet
from leaven.evaluate.item import write_items
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import write_json

TOOLS = """
import datasets

def longer(documents):
    rows = [dict(row) for row in documents]
    return datasets.Dataset.from_list([{**row, "twice": row["q"] * 2} for row in rows for _ in range(2)])

def scored(doc, results):
    return {"length": len(results[0]), "right": float(results[0] == doc["a"])}
"""
TASK = """
task: own
dataset_path: json
dataset_kwargs: {{data_files: {{test: {rows}, train: {rows}}}}}
test_split: test
training_split: train
num_fewshot: 1
process_docs: !function tools.longer
doc_to_text: "{{{{twice}}}}"
doc_to_target: a
output_type: generate_until
generation_kwargs: {{until: ["\\n"]}}
process_results: !function tools.scored
filter_list:
  - name: whole
    filter: [{{function: take_first}}]
  - name: bare
    filter: [{{function: remove_whitespace}}, {{function: take_first}}]
metric_list:
  - {{metric: length, aggregation: mean, higher_is_better: true}}
  - {{metric: right, aggregation: mean, higher_is_better: true}}
"""


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "rows.jsonl").write_text("".join(json.dumps({"q": f"{n}? ", "a": "x"}) + "\n" for n in range(5)))
    (folder / "tools.py").write_text(TOOLS)
    (folder / "own.yaml").write_text(TASK.format(rows=folder / "rows.jsonl"))
    return folder


def suite_of(task, folder):
    (folder / "items").mkdir(parents=True)
    write_items(folder / "items" / f"{task.name}.jsonl", task.items)
    write_json(folder / "suite.json", {"tasks": {task.name: task.describe()}})
    return folder


def test_lm_evals_own_numbers_without_the_users_folder(own, tmp_path, chance):
    with quiet():
        live = TaskManager(include_path=str(own), include_defaults=False).load(["own"])
        for task in live["tasks"].values():
            task.set_fewshot_seed(1234)
        theirs = evaluate(chance, live, bootstrap_iters=0, log_samples=True)["samples"]["own"]
    (task,) = gather([Benchmark("renamed", "reasoning", "accuracy", task="own")], [], [own]).tasks
    assert task.form == "foreign"
    assert len(task.items) == 10
    suite = suite_of(task, tmp_path / "suite")
    shutil.rmtree(own)
    found = run_foreign(chance, suite, "renamed", tmp_path)
    assert [sample.item for sample in found] == [str(n) for n in range(10)]
    for sample, number in zip(found, range(10), strict=True):
        for name in ("whole", "bare"):
            (one,) = [one for one in theirs if one["doc_id"] == number and one["filter"] == name]
            assert {m: sample.metrics[f"{m},{name}"] for m in ("length", "right")} == {
                m: one[m] for m in ("length", "right")
            }
            assert one["arguments"][0][0] == task.items[number].doc["context"]
    assert found[0].texts[0].startswith(" answer")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["suite"]


def test_a_multiple_choice_task_with_another_metric(tmp_path, chance):
    rows = [{"q": f"{n}?", "gold": n % 2} for n in range(4)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = {
        "task": "mcc_only",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(tmp_path / "rows.jsonl")}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{q}}",
        "doc_to_choice": ["no", "yes"],
        "doc_to_target": "gold",
        "metric_list": [{"metric": "mcc"}],
    }
    (tmp_path / "mcc_only.yaml").write_text(json.dumps(config))
    (task,) = gather([Benchmark("mcc_only", "reasoning", "accuracy")], [], [tmp_path]).tasks
    found = run_foreign(chance, suite_of(task, tmp_path / "suite"), "mcc_only", tmp_path)
    assert [sample.metrics["mcc"][0] for sample in found] == [0, 1, 0, 1]
    assert all(len(sample.nats) == 2 and sample.texts == () for sample in found)


def test_functions_that_need_other_files_are_refused_when_the_suite_is_made(own):
    (own / "beside.txt").write_text("x")
    (own / "tools.py").write_text(
        TOOLS + "\nfrom pathlib import Path\nPath(__file__).with_name('beside.txt').read_text()\n"
    )
    with pytest.raises(BadInput, match="cannot be taken from its folder"):
        gather([Benchmark("own", "reasoning", "accuracy")], [], [own])


def test_functions_that_fail_are_named(own, tmp_path, chance):
    (own / "tools.py").write_text(TOOLS.replace("len(results[0])", "1 / 0"))
    (task,) = gather([Benchmark("own", "reasoning", "accuracy")], [], [own]).tasks
    with pytest.raises(LeavenError, match="task own failed .ZeroDivisionError"):
        run_foreign(chance, suite_of(task, tmp_path / "suite"), "own", tmp_path)
