"""The suites `paper` and `proxy` from real benchmark files, beside lm-eval itself."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import lm_eval.tasks
import pytest
import yaml
from lm_eval.evaluator import evaluate
from lm_eval.tasks import TaskManager

from leaven.evaluate.benchmarks.build import documents_of, gather
from leaven.evaluate.benchmarks.forms import parted
from leaven.evaluate.benchmarks.load import compiled_once
from leaven.evaluate.benchmarks.named import OWN, find_task
from leaven.evaluate.benchmarks.plan import Benchmark
from leaven.evaluate.harness import quiet, run_tasks
from leaven.evaluate.item import write_items
from leaven.evaluate.taskfile import task_file

SUITES = Path(__file__).parents[3] / "leaven" / "studies" / "suites"
SIZES = {
    "triviaqa": 2000,
    "nq_open": 2000,
    "boolq": 2000,
    "piqa": 1838,
    "cb": 56,
    "copa": 100,
    "hellaswag": 2000,
    "winogrande": 1267,
    "arc_easy": 2000,
    "humaneval": 164,
    "mbpp": 500,
}
CHOICES = ("boolq", "piqa", "cb", "copa", "hellaswag", "winogrande", "arc_easy")


def benchmarks(suite):
    tasks = yaml.safe_load((SUITES / f"{suite}.yaml").read_text())["tasks"]
    return [Benchmark(name=name, **{**entry, "k": tuple(entry.get("k", (1,)))}) for name, entry in tasks.items()]


@pytest.fixture(scope="module")
def paper(benchdata):
    return gather(benchmarks("paper"), [benchdata])


@pytest.fixture(scope="module")
def tasks(paper):
    return {task.name: task for task in paper.tasks}


def original(name, rows, folder, overrides):
    """lm-eval's own task over local rows, as a user would write it: its file included, the data replaced."""
    files = Path(lm_eval.tasks.__file__).parent
    path = OWN / f"{name}.yaml"
    for below in (
        f"{name}/{name}.yaml",
        f"{name}/default.yaml",
        f"super_glue/{name}/default.yaml",
        "arc/arc_easy.yaml",
    ):
        if (files / below).is_file():
            path = files / below
            break
    if name in ("humaneval", "mbpp"):
        path = OWN / f"{name}.yaml"
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = {
        "include": str(path),
        "task": f"their_{name}",
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": {"here": str(folder / "rows.jsonl")}, "cache_dir": str(folder / "cache")},
        "training_split": None,
        "validation_split": None,
        "test_split": "here",
        **overrides,
    }
    (folder / "their.yaml").write_text(json.dumps(config))
    return TaskManager(include_path=str(folder), include_defaults=False).load([f"their_{name}"])


def test_the_whole_paper_suite_is_there_but_for_what_must_be_fetched(paper, tasks):
    assert {name: len(task.items) for name, task in tasks.items()} == SIZES
    assert list(tasks) == [each.name for each in benchmarks("paper") if each.name in SIZES]
    assert set(paper.left_out) == {"sciq", "social_iqa", "quac", "storycloze"}
    for name, source in (
        ("sciq", "allenai/sciq"),
        ("social_iqa", "siqa"),
        ("quac", "quac.ai"),
        ("storycloze", "authors"),
    ):
        assert source in paper.left_out[name]
    assert {name: task.form for name, task in tasks.items()} == {
        **dict.fromkeys(CHOICES, "choice"),
        "winogrande": "match",
        **dict.fromkeys(("triviaqa", "nq_open"), "short"),
        **dict.fromkeys(("humaneval", "mbpp"), "program"),
    }


def test_no_path_of_this_machine_is_in_a_task(tasks, benchdata):
    for task in tasks.values():
        told = json.dumps(task.describe())
        assert benchdata not in told
        assert str(Path.home()) not in told.replace(str(OWN), "")
        assert len(task.origin["data"]["sha256"]) == 64
        assert task.origin["lm_eval"] == "0.4.13"


def test_equal_files_give_equal_items(tasks, benchdata):
    some = [each for each in benchmarks("paper") if each.name in ("copa", "winogrande", "nq_open")]
    assert gather(some, [benchdata]).tasks == tuple(tasks[each.name] for each in some)


@pytest.mark.parametrize("name", [*CHOICES, "triviaqa", "nq_open", "humaneval", "mbpp"])
def test_every_prompt_is_lm_evals_to_the_byte(name, tasks, benchdata, tmp_path):
    found = documents_of(find_task(name), [benchdata])
    with quiet(), compiled_once():
        (task,) = original(name, found.rows, tmp_path, found.overrides)["tasks"].values()
        task.build_all_requests()
    items = tasks[name].items
    if name in CHOICES:
        pairs = [parted(*instance.arguments) for instance in task.instances]
        assert pairs == [pair for item in items for pair in item.pairs]
        golds = [task.doc_to_text(row) if name == "winogrande" else task.doc_to_target(row) for row in task.eval_docs]
        choices = [task.doc_to_choice(row) for row in task.eval_docs]
        assert [item.gold for item in items] == [
            gold if isinstance(gold, int) else listed.index(gold) for gold, listed in zip(golds, choices, strict=True)
        ]
        if name != "winogrande":
            assert [list(item.choices) for item in items] == choices  # what acc_norm divides by
    elif name in ("triviaqa", "nq_open"):
        assert [instance.arguments[0] for instance in task.instances] == [item.context for item in items]
        assert [set(map(str, task.doc_to_target(row))) - {""} for row in task.eval_docs] == [
            set(item.answers) for item in items
        ]
    else:
        assert [instance.arguments[0] for instance in task.instances] == [item.prompt for item in items]


@pytest.mark.parametrize("name", CHOICES)
def test_lm_eval_gives_equal_scores_for_the_frozen_task(name, tasks, benchdata, tmp_path, chance):
    found = documents_of(find_task(name), [benchdata])
    n = min(60, len(found.rows))
    with quiet():
        live = original(name, found.rows[:n], tmp_path, found.overrides)
        theirs = evaluate(chance, live, bootstrap_iters=0, log_samples=True)["samples"][f"their_{name}"]
    items = tasks[name].items[:n]
    suite = tmp_path / "suite"
    for folder in ("items", "tasks"):
        (suite / folder).mkdir(parents=True)
    write_items(suite / "items" / f"{name}.jsonl", items)
    (suite / "tasks" / f"{name}.yaml").write_text(task_file(name, tasks[name].form, items))
    ours = run_tasks(chance, suite, [name], tmp_path)[name]
    assert [sample.item for sample in ours] == [item.id for item in items]
    for sample, other in zip(ours, sorted(theirs, key=lambda one: one["doc_id"]), strict=True):
        assert list(sample.nats) == [answer[0] for answer in other["filtered_resps"]]
        for metric in {"acc", "acc_norm"} & set(other["metrics"]) & set(sample.metrics):
            assert sample.metrics[metric] == other[metric]


def test_code_prompts_keep_their_bytes(tasks, benchdata):
    (file,) = Path(benchdata).glob("humaneval/HumanEval.jsonl")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
    items = tasks["humaneval"].items
    assert [(item.id, item.prompt, item.solution) for item in items] == [
        (row["task_id"], row["prompt"], row["canonical_solution"]) for row in rows
    ]
    assert all(item.prompt.endswith("\n") and item.tests.endswith(")\n") for item in items)
    assert tasks["humaneval"].settings["tokens"] == 512
    assert {int(item.id) for item in tasks["mbpp"].items} == set(range(11, 511))
    for item in (*items, *tasks["mbpp"].items):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # known solutions with "\w" in plain strings
            compile(item.prompt + item.solution + "\n" + item.tests, item.id, "exec")
        assert "\r" not in item.prompt + item.solution + item.tests
    for task in (tasks["humaneval"], tasks["mbpp"]):
        assert not any(stop in item.solution for item in task.items for stop in task.settings["until"])


def test_what_clusters_does(tasks):
    counts = {name: len({item.group for item in task.items}) for name, task in tasks.items()}
    assert counts["winogrande"] < 1000
    assert counts["boolq"] < 1900
    assert counts["humaneval"] == 164


def test_the_proxy_suite_generates_nothing(benchdata, tasks):
    found = gather(benchmarks("proxy"), [benchdata])
    assert set(found.left_out) == {"sciq", "social_iqa", "quac", "storycloze", "lambada_openai"}
    assert {task.form for task in found.tasks} == {"choice", "match", "target"}
    by_name = {task.name: task for task in found.tasks}
    for name in ("triviaqa", "humaneval", "mbpp"):
        targets = by_name[f"{name}_bpb"].items
        assert len(targets) == len(tasks[name].items)
        for item, other in zip(targets, tasks[name].items, strict=True):
            ((context, scored),), ((prompt, answer),) = item.pairs, other.pairs
            assert context + scored == prompt + answer
