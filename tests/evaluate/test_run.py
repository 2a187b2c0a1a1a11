"""A suite from a small corpus, evaluated from end to end."""

from __future__ import annotations

import filecmp
from collections import Counter

import pytest
import yaml

from leaven.evaluate import asking
from leaven.evaluate.draft import whole_blocks
from leaven.evaluate.harness import run_tasks
from leaven.evaluate.item import read_items, read_lines
from leaven.evaluate.made import DEFAULT_ITEMS, SuitePlan
from leaven.evaluate.native import Native
from leaven.evaluate.run import evaluate
from leaven.evaluate.suite import build_suite
from leaven.ground.errors import BadInput
from leaven.ground.files import read_json
from leaven.ground.tables import read_table
from leaven.sandbox.level import none, probe

FILES = ("items.parquet", "details.parquet", "scores.json")
CHOSEN = {"correct", "acc_lm_eval", "acc_norm", "acc_bytes", "tied", "gold_bpb", "margin"}
LM_EVAL = {f"lm_eval/{name}" for name in ("acc", "acc_norm", "acc_bytes")}


@pytest.fixture(scope="module")
def model(subject):
    return Native(subject)


@pytest.fixture(scope="module")
def evaluated(model, suite, tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluated")
    evaluate(model, suite, out, isolation_level=probe(), allow_unisolated=True)
    return out


@pytest.fixture(scope="module")
def values(evaluated):
    """{(task, item, measure): value}."""
    table = read_table(evaluated / "items.parquet")
    keys = zip(table["task"], table["item"], table["measure"], strict=True)
    return dict(zip(keys, table["value"], strict=True))


def test_the_suite_says_what_it_holds(suite, plan):
    described = read_json(suite / "suite.json")
    tasks = described["tasks"]
    assert set(tasks) == {"bpb_text", "bpb_web_code", "bpb_synthetic", "facts", *plan.items}
    assert described["left_out"] == {"bpb_facts": "the corpus holds out no document of facts"}
    for name, task in tasks.items():
        assert len(read_items(suite / "items" / f"{name}.jsonl", task["form"])) == task["n"]
        assert (suite / "tasks" / f"{name}.yaml").exists() == (task["form"] != "program")
    assert {name: tasks[name]["n"] for name in plan.items} == dict(plan.items)
    assert tasks["facts"]["overlap"]["stated"] == {"facts": 20, "least": 4, "most": 4}
    assert tasks["facts"]["overlap"]["documents_naming_a_subject"]["text"] == 0
    assert all(task["overlap"]["occurring"] == 0 for name, task in tasks.items() if task["form"] != "program")
    assert tasks["bpb_text"]["bytes"] <= plan.passage_bytes
    assert described["prompts"] == len(read_lines(suite / "prompts.jsonl")) == 5


def test_task_files_hold_no_path_of_this_machine(suite):
    for path in (suite / "tasks").iterdir():
        config = yaml.safe_load(path.read_text())
        assert config["dataset_kwargs"]["data_files"] == {"test": f"{{items}}/{path.stem}.jsonl"}


def test_equal_corpora_give_equal_suites(corpus, plan, suite, tmp_path):
    build_suite(plan, corpus, tmp_path)
    names = sorted(str(path.relative_to(suite)) for path in suite.rglob("*") if path.is_file())
    assert names == sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert filecmp.cmpfiles(suite, tmp_path, names, shallow=False) == (names, [], [])


def test_items_that_occur_in_training_are_dropped_by_block(suite):
    items = read_items(suite / "items" / "arithmetic.jsonl", "choice")
    assert len(whole_blocks(items[1:])) == len(items) - 4


def test_unknown_tasks_in_the_plan(corpus, tmp_path):
    with pytest.raises(BadInput, match='did you mean "boolean"'):
        build_suite(SuitePlan(sources={"text": "text"}, items={"bolean": 3}), corpus, tmp_path)


def test_a_corpus_without_prose_has_no_prompts(corpus, tmp_path):
    with pytest.raises(BadInput, match="no held-out prose"):
        build_suite(
            SuitePlan(sources={"web_code": "web_code"}, items=dict.fromkeys(DEFAULT_ITEMS, 0)), corpus, tmp_path
        )


def test_every_item_has_its_measures(suite, values):
    found = Counter((task, measure) for task, _, measure in values)
    for name, task in read_json(suite / "suite.json")["tasks"].items():
        expected = {
            "rolling": {"bits", "bytes"},
            "choice": CHOSEN | LM_EVAL,
            "match": CHOSEN | {"lm_eval/acc"},
            "program": {"passed", "degenerate", "gold_bpb"},
        }[task["form"]]
        assert {measure for task_name, measure in found if task_name == name} == expected
        assert all(found[name, measure] == task["n"] for measure in expected)


def test_scores_agree_with_the_items(evaluated, values):
    scores = read_json(evaluated / "scores.json")
    correct = [value for (task, _, measure), value in values.items() if (task, measure) == ("facts", "correct")]
    assert scores["facts"]["accuracy"]["value"] == pytest.approx(sum(correct) / 20)
    assert scores["facts"]["chance"] == scores["facts"]["constant"] == 0.25
    assert scores["boolean"]["chance"] == scores["boolean"]["constant"] == scores["boolean"]["majority"] == 0.5
    assert scores["facts"]["truncated"] == scores["facts"]["uneven"] == 0
    assert scores["entity_tracking"]["truncated"] == 64  # seven sentences are more than 64 bytes
    assert 4 < scores["bpb_text"]["bits_per_byte"]["value"] < 12
    assert scores["programs"]["pass@1"]["value"] == 0
    assert scores["facts"]["decontamination"]["searched"] is True


def test_equal_inputs_give_equal_bytes_and_nothing_is_left_behind(model, suite, evaluated, tmp_path, capsys):
    told = []
    evaluate(
        model,
        suite,
        tmp_path,
        isolation_level=probe(),
        allow_unisolated=True,
        progress=lambda done, total, note="": told.append(done / total),
    )
    assert filecmp.cmpfiles(evaluated, tmp_path, FILES, shallow=False) == (list(FILES), [], [])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    assert capsys.readouterr() == ("", "")
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)


def test_lm_eval_agrees_where_nothing_is_tied(values):
    for (task, item, measure), theirs in values.items():
        if measure == "lm_eval/acc":
            assert theirs == values[task, item, "acc_lm_eval"]
        elif measure.startswith("lm_eval/") and not values[task, item, "tied"] and task == "boolean":
            assert theirs == values[task, item, measure.removeprefix("lm_eval/")]


def test_details_hold_what_the_measures_came_from(suite, evaluated, values):
    table = read_table(evaluated / "details.parquet")
    rows = [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]
    facts = {item.id: item for item in read_items(suite / "items" / "facts.jsonl", "choice")}
    for row in rows:
        if row["task"] == "facts":
            item = facts[row["item"]]
            assert row["gold"] == item.gold
            assert row["characters"] == [len(choice) for choice in item.choices]
            assert row["bytes"] == row["tokens"] == [len(choice.encode()) for _, choice in item.pairs]
            assert row["predicted"] == row["nats"].index(max(row["nats"]))
        elif row["task"] == "bpb_text":
            assert row["bytes"] == [values["bpb_text", row["item"], "bytes"]] == row["tokens"]
            assert row["prompts"] == []
        elif row["task"] == "programs":
            assert len(row["texts"]) == len(row["outcomes"]) == len(row["nats"]) == 1
    assert {len(row["prompts"]) for row in rows if row["task"] == "continue_text"} == {4}


def test_without_isolation_programs_are_left_out_by_name(model, suite, tmp_path):
    evaluate(
        model, suite, tmp_path, isolation_level=none("nothing works here"), without=["reasoning", "language", "facts"]
    )
    scores = read_json(tmp_path / "scores.json")
    assert scores["programs"]["left_out"] == "nothing here isolates model-written programs (nothing works here)"
    assert scores["facts"]["left_out"] == scores["boolean"]["left_out"] == "left out as asked"
    assert set(read_table(tmp_path / "items.parquet")["task"]) == {
        name for name, entry in scores.items() if "left_out" not in entry
    }


def test_a_misspelt_task_is_named(model, suite, tmp_path):
    with pytest.raises(BadInput, match='did you mean "programs"'):
        evaluate(model, suite, tmp_path, isolation_level=probe(), without=["program"])


def test_samples_out_of_order_are_a_defect(model, suite, tmp_path, monkeypatch):
    def shuffled(*arguments):
        return {name: samples[::-1] for name, samples in run_tasks(*arguments).items()}

    monkeypatch.setattr(asking, "run_tasks", shuffled)
    with pytest.raises(AssertionError, match="not its items in order"):
        evaluate(model, suite, tmp_path, isolation_level=probe(), without=["code", "language", "knowledge"])
