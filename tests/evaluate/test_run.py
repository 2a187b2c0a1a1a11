"""A suite from a small corpus, evaluated from end to end."""

from __future__ import annotations

import filecmp
from collections import Counter
from types import SimpleNamespace

import pytest
import yaml

from leaven.evaluate import run as step
from leaven.evaluate.adapter import JaxLM
from leaven.evaluate.draft import whole_blocks
from leaven.evaluate.harness import run_tasks
from leaven.evaluate.item import Program, read_items, read_lines
from leaven.evaluate.programs import END, attempt
from leaven.evaluate.run import evaluate
from leaven.evaluate.suite import DEFAULT_ITEMS, SuitePlan, build_suite
from leaven.ground.errors import BadInput
from leaven.ground.files import read_json
from leaven.ground.tables import read_table
from leaven.sandbox.level import none, probe

FILES = ("items.parquet", "details.parquet", "scores.json")


@pytest.fixture(scope="module")
def evaluated(subject, suite, tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluated")
    evaluate(subject, suite, out, isolation_level=probe(), allow_unisolated=True)
    return out


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


def test_every_item_has_its_measures(suite, evaluated):
    table = read_table(evaluated / "items.parquet")
    found = Counter(zip(table["task"], table["measure"], strict=True))
    for name, task in read_json(suite / "suite.json")["tasks"].items():
        expected = {
            "rolling": {"bits", "bytes"},
            "choice": {"correct", "acc_norm", "acc_bytes", "tied", "gold_bpb", "margin"},
            "match": {"correct", "acc_norm", "acc_bytes", "tied", "gold_bpb", "margin"},
            "program": {"passed", "degenerate"},
        }[task["form"]]
        assert {measure for task_name, measure in found if task_name == name} == expected
        assert all(found[name, measure] == task["n"] for measure in expected)


def test_scores_agree_with_the_items(evaluated):
    scores = read_json(evaluated / "scores.json")
    table = read_table(evaluated / "items.parquet")
    correct = [
        v
        for t, m, v in zip(table["task"], table["measure"], table["value"], strict=True)
        if (t, m) == ("facts", "correct")
    ]
    assert scores["facts"]["accuracy"]["value"] == pytest.approx(sum(correct) / 20)
    assert scores["facts"]["chance"] == scores["facts"]["constant"] == 0.25
    assert scores["boolean"]["chance"] == scores["boolean"]["constant"] == scores["boolean"]["majority"] == 0.5
    assert scores["facts"]["truncated"] == scores["facts"]["uneven"] == 0
    assert scores["entity_tracking"]["truncated"] == 64  # seven sentences are more than 64 bytes
    assert 4 < scores["bpb_text"]["bits_per_byte"]["value"] < 12
    assert scores["programs"]["pass@1"]["value"] == 0


def test_equal_inputs_give_equal_bytes_and_nothing_is_left_behind(subject, suite, evaluated, tmp_path, capsys):
    evaluate(subject, suite, tmp_path, isolation_level=probe(), allow_unisolated=True)
    assert filecmp.cmpfiles(evaluated, tmp_path, FILES, shallow=False) == (list(FILES), [], [])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    assert capsys.readouterr() == ("", "")


def test_lm_eval_agrees_where_nothing_is_tied(subject, suite, evaluated, tmp_path):
    names = ["boolean", "facts", "bpb_text", "continue_text"]
    samples = run_tasks(JaxLM(subject), suite, names, tmp_path)
    table = read_table(evaluated / "items.parquet")
    ours = {
        (t, i, m): v for t, i, m, v in zip(table["task"], table["item"], table["measure"], table["value"], strict=True)
    }
    for name in names[:2]:
        for sample in samples[name]:
            for theirs, measure in (("acc", "correct"), ("acc_norm", "acc_norm"), ("acc_bytes", "acc_bytes")):
                assert sample.metrics[theirs] == ours[name, sample.item, measure]
    for sample in samples["continue_text"]:
        if not ours["continue_text", sample.item, "tied"]:  # of long texts, the short window shows no context
            assert sample.metrics == {"acc": ours["continue_text", sample.item, "correct"]}
    for sample in samples["bpb_text"]:
        assert sample.metrics["bits_per_byte"][1] == ours["bpb_text", sample.item, "bytes"]


def test_a_text_is_scored_after_each_of_its_contexts(subject, suite, tmp_path):
    lm = JaxLM(subject)
    (sample, *_) = run_tasks(lm, suite, ["continue_code"], tmp_path)["continue_code"]
    item = read_items(suite / "items" / "continue_code.jsonl", "match")[0]
    assert item.id == sample.item
    expected = lm.loglikelihood([SimpleNamespace(args=pair) for pair in item.pairs])
    assert sample.nats == pytest.approx([nats for nats, _ in expected], abs=1e-4)
    assert item.pairs[item.gold] == (item.answer, item.text)


def test_without_isolation_programs_are_left_out_by_name(subject, suite, tmp_path):
    evaluate(
        subject, suite, tmp_path, isolation_level=none("nothing works here"), without=["reasoning", "language", "facts"]
    )
    scores = read_json(tmp_path / "scores.json")
    assert scores["programs"]["left_out"] == "nothing here isolates model-written programs (nothing works here)"
    assert scores["facts"]["left_out"] == scores["boolean"]["left_out"] == "not run in this study"
    assert set(read_table(tmp_path / "items.parquet")["task"]) == {
        name for name, entry in scores.items() if "left_out" not in entry
    }


def test_a_misspelt_task_is_named(subject, suite, tmp_path):
    with pytest.raises(BadInput, match='did you mean "programs"'):
        evaluate(subject, suite, tmp_path, isolation_level=probe(), without=["program"])


def test_known_solutions_pass_and_empty_ones_do_not(subject, suite, monkeypatch):
    level = probe()
    if level.name == "none":
        pytest.skip(f"no isolation here: {level.reason}")
    programs = [item for item in read_items(suite / "items" / "programs.jsonl", "program") if isinstance(item, Program)]
    right = [program.solution.rstrip("\n") for program in programs]
    monkeypatch.setattr("leaven.evaluate.programs.generate", lambda *a, **k: right)
    found = attempt(subject, programs, level)
    assert [entry.outcome for entry in found] == ["passed"] * len(programs)
    monkeypatch.setattr("leaven.evaluate.programs.generate", lambda *a, **k: ["    pass"] * len(programs))
    assert not any(entry.passed for entry in attempt(subject, programs, level))


def test_where_a_body_ends():
    assert END.split("    return 1\n\nassert f()", 1)[0] == "    return 1"
    assert END.split("    if x:\n        return 1\ndef g():", 1)[0] == "    if x:\n        return 1"


def test_samples_out_of_order_are_a_defect(subject, suite, tmp_path, monkeypatch):
    def shuffled(*arguments):
        return {name: samples[::-1] for name, samples in run_tasks(*arguments).items()}

    monkeypatch.setattr(step, "run_tasks", shuffled)
    with pytest.raises(AssertionError, match="not its items in order"):
        evaluate(subject, suite, tmp_path, isolation_level=probe(), without=["code", "language", "knowledge"])
