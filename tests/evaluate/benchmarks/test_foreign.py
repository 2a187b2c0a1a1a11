"""Tasks of a user's own that only lm-eval can score, run from the suite's folder alone."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import pytest
from lm_eval.evaluator import evaluate
from lm_eval.tasks import TaskManager

from leaven.evaluate.asking import Asking
from leaven.evaluate.benchmarks.build import gather
from leaven.evaluate.benchmarks.foreign import run_foreign
from leaven.evaluate.benchmarks.plan import Benchmark
from leaven.evaluate.harness import quiet
from leaven.evaluate.item import write_items
from leaven.evaluate.scores import summarise
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import write_json
from leaven.sandbox.level import none

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
        everything = evaluate(chance, live, bootstrap_iters=0, log_samples=True)
        theirs = everything["samples"]["own"]
    (task,) = gather([Benchmark("renamed", "reasoning", "lm_eval/right,bare", task="own")], [], [own]).tasks
    assert task.form == "foreign"
    assert len(task.items) == 10
    suite = suite_of(task, tmp_path / "suite")
    shutil.rmtree(own)
    found, aggregates = run_foreign(chance, suite, "renamed", tmp_path)
    assert [sample.item for sample in found] == [str(n) for n in range(10)]
    for sample, number in zip(found, range(10), strict=True):
        for name in ("whole", "bare"):
            (one,) = [one for one in theirs if one["doc_id"] == number and one["filter"] == name]
            assert {m: sample.metrics[f"{m},{name}"] for m in ("length", "right")} == {
                m: one[m] for m in ("length", "right")
            }
            assert all(sample.metrics[m] == sample.metrics[f"{m},whole"] for m in ("length", "right"))
            assert one["arguments"][0][0] == task.items[number].doc["context"]
    assert found[0].texts[0].startswith(" answer")
    results = everything["results"]["own"]
    assert {one.name: one.value for one in aggregates} == {
        **{f"{m},{name}": results[f"{m},{name}"] for m in ("length", "right") for name in ("whole", "bare")},
        **{m: results[f"{m},whole"] for m in ("length", "right")},
    }
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
    (task,) = gather([Benchmark("mcc_only", "reasoning", "lm_eval/mcc")], [], [tmp_path]).tasks
    assert (task.chance, task.origin["notes"]) == (None, ["no chance level known"])
    found, aggregates = run_foreign(chance, suite_of(task, tmp_path / "suite"), "mcc_only", tmp_path)
    assert [sample.metrics["mcc"][0] for sample in found] == [0, 1, 0, 1]
    assert all(len(sample.nats) == 2 and sample.texts == () for sample in found)
    (whole,) = aggregates
    assert (whole.name, whole.n, whole.plain, whole.why) == ("mcc", 4, False, "")
    assert -1 <= whole.value <= 1


def test_functions_that_need_other_files_are_refused_when_the_suite_is_made(own):
    (own / "beside.txt").write_text("x")
    (own / "tools.py").write_text(
        TOOLS + "\nfrom pathlib import Path\nPath(__file__).with_name('beside.txt').read_text()\n"
    )
    with pytest.raises(BadInput, match="cannot be taken from its folder"):
        gather([Benchmark("own", "reasoning", "lm_eval/right")], [], [own])


def test_functions_that_fail_are_named(own, tmp_path, chance):
    (own / "tools.py").write_text(TOOLS.replace("len(results[0])", "1 / 0"))
    (task,) = gather([Benchmark("own", "reasoning", "lm_eval/right")], [], [own]).tasks
    with pytest.raises(LeavenError, match="task own failed .ZeroDivisionError"):
        run_foreign(chance, suite_of(task, tmp_path / "suite"), "own", tmp_path)


ROWS = [{"q": f"{n}?", "options": ["no", "yes", "maybe"], "gold": gold} for n, gold in enumerate([0, 1, 1, 2, 1, 0])]
ASKED = {
    "output_type": "multiple_choice",
    "doc_to_text": "{{q}}",
    "doc_to_choice": "options",
    "doc_to_target": "gold",
    "metadata": {"leaven": "foreign"},
}
WRITTEN = {"output_type": "generate_until", "doc_to_text": "{{q}}", "doc_to_target": "{{options[gold]}}"}


def asked(folder, chance, fields, score, rows=ROWS):
    """The frozen task, its entry in `scores.json` and lm-eval's own results of it."""
    folder.mkdir(exist_ok=True)
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    files = {"data_files": {"test": str(folder / "rows.jsonl")}}
    config = {"task": "mine", "dataset_path": "json", "dataset_kwargs": files, "test_split": "test", **fields}
    (folder / "mine.yaml").write_text(json.dumps(config))
    with quiet():
        live = TaskManager(include_path=str(folder), include_defaults=False).load(["mine"])
        theirs = evaluate(chance, live, bootstrap_iters=0)["results"]["mine"]
    (task,) = gather([Benchmark("mine", "reasoning", score)], [], [folder]).tasks
    assert task.form == "foreign"
    lm = chance
    lm.model = SimpleNamespace(identity="chance")
    asking = Asking(lm, suite_of(task, folder / "suite"), folder, none())
    records = asking.records("mine", "foreign", task.items, task.settings)
    return task, summarise("foreign", records, task.describe()), theirs


def test_an_aggregation_that_is_no_mean_is_lm_evals(tmp_path, chance):
    listed = [{"metric": name} for name in ("bleu", "chrf")]
    _, entry, theirs = asked(tmp_path, chance, {**WRITTEN, "metric_list": listed}, "lm_eval/chrf")
    for name in ("bleu", "chrf"):
        assert entry[f"lm_eval/{name}"] == {"value": theirs[f"{name},none"], "n": 6, "se": None}
    assert entry["score"] == {"measure": "lm_eval/chrf", **entry["lm_eval/chrf"]}
    assert "of the task as a whole only, not of its items: bleu, chrf" in entry["notes"]
    assert "no chance level known" in entry["notes"]
    assert entry["chance"] is entry["bound"] is entry["above_chance_hint"] is None


def test_a_median_is_no_accuracy(tmp_path, chance):
    listed = [{"metric": "acc", "aggregation": "median", "higher_is_better": True}]
    _, entry, theirs = asked(tmp_path, chance, {**ASKED, "metric_list": listed}, "lm_eval/acc")
    assert entry["lm_eval/acc"] == {"value": theirs["acc,none"], "n": 6, "se": None}
    assert "accuracy" not in entry
    assert entry["chance"] is None
    with pytest.raises(
        BadInput, match=r"tasks\.mine\.score: items of mine have no accuracy(.|\n)*give one of lm_eval/acc"
    ):
        gather([Benchmark("mine", "reasoning", "accuracy")], [], [tmp_path])


def test_the_accuracy_of_a_foreign_choice_has_its_chance(tmp_path, chance):
    task, entry, theirs = asked(tmp_path, chance, ASKED, "accuracy")
    assert entry["accuracy"]["value"] == pytest.approx(theirs["acc,none"])
    assert entry["accuracy"]["se"] == entry["lm_eval/acc"]["se"] > 0
    assert entry["chance"] == task.chance == pytest.approx(1 / 3)
    assert (entry["constant"], entry["majority"], entry["bound"]) == (0.5, 0.5, 0.5)
    assert entry["above_chance_hint"] in (True, False)
    assert "notes" not in entry


def test_any_of_several_right_answers_counts(tmp_path, chance):
    rows = [
        {"q": "a", "options": ["x", "y", "z", "w"], "gold": [0, 1]},
        {"q": "b", "options": ["z", "x"], "gold": [0]},
        {"q": "c", "options": ["x", "z"], "gold": [0, 1]},
    ]
    task, *_ = asked(tmp_path, chance, ASKED, "accuracy", rows)
    assert task.chance == pytest.approx((1 / 2 + 1 / 2 + 1) / 3)
    assert task.settings["baselines"] == {"constant": 1.0, "majority": pytest.approx(2 / 3)}


def test_what_a_function_calls_right_has_no_known_chance(tmp_path, chance):
    (tmp_path / "tools.py").write_text("def scored(doc, results):\n    return {'acc': 0.25}\n")
    listed = [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}]
    fields = {**ASKED, "metric_list": listed}
    tagged = json.dumps(fields)[1:-1] + ', "process_results": !function tools.scored'
    files = {"data_files": {"test": "rows.jsonl"}}
    head = {"task": "mine", "dataset_path": "json", "dataset_kwargs": files, "test_split": "test"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROWS[0]) + "\n")
    (tmp_path / "mine.yaml").write_text(json.dumps(head)[:-1] + ", " + tagged + "}\n")
    (task,) = gather([Benchmark("mine", "reasoning", "accuracy")], [], [tmp_path]).tasks
    assert (task.chance, task.origin["notes"]) == (None, ["no chance level known"])


def test_the_first_filter_is_the_one_that_counts(tmp_path, chance):
    filters = [
        {
            "name": "first",
            "filter": [{"function": "regex", "regex_pattern": "answer (\\d)"}, {"function": "take_first"}],
        },
        {"name": "whole", "filter": [{"function": "take_first"}]},
    ]
    rows = [{**row, "options": ["3", "5", "7"]} for row in ROWS]
    fields = {**WRITTEN, "filter_list": filters, "metric_list": [{"metric": "exact_match"}]}
    _, entry, theirs = asked(tmp_path, chance, fields, "exact_match", rows)
    assert entry["exact_match"]["value"] == entry["lm_eval/exact_match"]["value"] == theirs["exact_match,first"]
    for name in ("first", "whole"):
        assert entry[f"lm_eval/exact_match,{name}"]["value"] == theirs[f"exact_match,{name}"]
    assert entry["lm_eval/exact_match"] == entry["lm_eval/exact_match,first"]
    assert "no chance level known" in entry["notes"]
    with pytest.raises(
        BadInput, match="items of mine have no accuracy(.|\n)*give one of exact_match, lm_eval/exact_match,"
    ):
        gather([Benchmark("mine", "reasoning", "accuracy")], [], [tmp_path])


def test_a_metric_that_fails_does_not_cost_the_others(tmp_path, chance):
    listed = [
        {"metric": "exact_match"},
        {"metric": "bleu", "aggregation": "perplexity", "higher_is_better": True},
    ]
    fields = {**WRITTEN, "metric_list": listed}
    folder = tmp_path / "task"
    folder.mkdir()
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    files = {"data_files": {"test": "rows.jsonl"}}
    config = {"task": "mine", "dataset_path": "json", "dataset_kwargs": files, "test_split": "test", **fields}
    (folder / "mine.yaml").write_text(json.dumps(config))
    (task,) = gather([Benchmark("mine", "reasoning", "exact_match")], [], [folder]).tasks
    _, aggregates = run_foreign(chance, suite_of(task, folder / "suite"), "mine", tmp_path)
    found = {one.name: one for one in aggregates}
    assert found["exact_match"].value is not None
    assert found["bleu"].value is None
    assert "TypeError" in found["bleu"].why
