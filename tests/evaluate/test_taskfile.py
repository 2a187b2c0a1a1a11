"""Task files that lm-eval itself can run: it asks exactly the items' pairs."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from lm_eval.tasks import TaskManager

from leaven.evaluate.harness import quiet
from leaven.evaluate.item import Choice, Match, Passage, Short, Target, write_items
from leaven.evaluate.taskfile import placed, task_file


def asked(form, items, settings=None):
    """The arguments of every request that lm-eval makes of a task file over `items`."""
    with TemporaryDirectory() as name, quiet():
        folder = Path(name)
        write_items(folder / "t.jsonl", items)
        (folder / "t.yaml").write_text(placed(task_file("t", form, items, settings), folder, folder / "cache"))
        task = TaskManager(include_path=str(folder), include_defaults=False).load(["t"])["tasks"]["t"]
        task.build_all_requests()
        return [instance.arguments for instance in task.instances], task


def moved(pair):
    """lm-eval's own rule: white space at the end of a context belongs to the continuation."""
    context, continuation = pair
    return context.rstrip(), context[len(context.rstrip()) :] + continuation


words = (
    st.text("ab {}%'\"\\\nö", min_size=1, max_size=8).map(str.strip).filter(lambda text: any(map(str.isalpha, text)))
)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(words, words, words, st.sampled_from(["", " ", "\n", " \n"])), min_size=1, max_size=4))
def test_whatever_the_delimiters_lm_eval_asks_the_pairs_of_the_items(drawn):
    items = [
        Choice(str(n), str(n), context, (one, other + "x"), 1, space + " ")
        for n, (context, one, other, space) in enumerate(drawn)
    ]
    found, task = asked("choice", items)
    assert [moved(pair) for pair in found] == [pair for item in items for pair in item.pairs]
    assert [task.doc_to_choice(row) for row in task.eval_docs] == [list(item.choices) for item in items]
    targets = [Target(str(n), str(n), context, one, space) for n, (context, one, _, space) in enumerate(drawn)]
    assert [moved(pair) for pair in asked("target", targets)[0]] == [item.pairs[0] for item in targets]


def test_delimiters_that_differ_in_more_than_white_space_are_a_defect():
    items = [Choice("0", "0", "a", ("b", "c"), 0, "x"), Choice("1", "1", "a", ("b", "c"), 0, "y")]
    with pytest.raises(ValueError, match="more than white space"):
        task_file("t", "choice", items)


def test_a_text_is_asked_after_each_of_its_contexts():
    items = [Match("0", "0", ("a cat", "a dog"), "barks.", 1, " "), Match("1", "1", ("1", "2"), "3", 0, " ")]
    found, task = asked("match", items)
    assert found == [pair for item in items for pair in item.pairs]
    assert [task.doc_to_text(row) for row in task.eval_docs] == [1, 0]


def test_a_passage_is_asked_whole():
    assert asked("rolling", [Passage("0", "0", " a\n")])[0] == [(" a\n",)]


def test_short_answers_are_asked_by_lm_evals_rule():
    settings = {
        "until": ["\n"],
        "tokens": 7,
        "lm_eval": {"until": ["\n", "."], "exact_match": {"ignore_case": True}},
    }
    items = [Short("0", "0", "Q: a?\nA:", ("Yes", "No.")), Short("1", "1", "Q: b?\nA:", ("Maybe",))]
    found, task = asked("short", items, settings)
    assert [prompt for prompt, _ in found] == ["Q: a?\nA:", "Q: b?\nA:"]
    assert found[0][1]["until"] == ["\n", "."]
    assert found[0][1]["max_gen_toks"] == 7
    assert task.process_results(task.eval_docs[0], ["yes"]) == {"exact_match": 1.0}
    assert task.process_results(task.eval_docs[1], ["yes"]) == {"exact_match": 0.0}


def test_without_items_the_bytes_in_the_file_are_the_bytes_scored():
    config = yaml.safe_load(task_file("facts", "choice"))
    assert (config["doc_to_text"], config["target_delimiter"]) == ("context", "")
    assert config["dataset_kwargs"]["data_files"] == {"test": "{items}/facts.jsonl"}
