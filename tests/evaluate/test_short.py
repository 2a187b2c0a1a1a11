"""Short answers: our rule by hand, lm-eval's against lm-eval."""

from __future__ import annotations

import json
from pathlib import Path

import lm_eval
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

from leaven.evaluate.benchmarks.named import OWN
from leaven.evaluate.harness import quiet
from leaven.evaluate.short import LmEvalRule, exact_match, first_line, normalise


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        (" The  Beatles.", "beatles"),
        ("A.B.C.", "abc"),
        ("an apple a day", "apple day"),
        ("Theatre, and the others", "theatre and others"),
        ("Ünü\u00a0x", "ünü x"),
        ("the", ""),
        ("!?", ""),
    ],
)
def test_normalisation_by_hand(text, normal):
    assert normalise(text) == normal


@given(st.text())
def test_normalising_again_changes_no_match(text):
    assert exact_match(text, [text.partition("\n")[0]]) == bool(normalise(text.partition("\n")[0]))


@pytest.mark.parametrize(
    ("text", "known", "right"),
    [
        (" Washington, D.C.\nQ: next", ["Washington D.C."], True),
        (" 14 December 1972", ["14 December 1972 UTC", "December 14, 1972"], False),
        (" the horse", ["Horse"], True),
        ("\n Horse", ["Horse"], False),
        ("", ["", "The"], False),
        ("?!", ["?!"], False),
        ("a", ["The"], False),
    ],
)
def test_exact_match_by_hand(text, known, right):
    assert exact_match(text, known) is right


DOCUMENTS = [
    {"question": "who", "answer": ["Washington, D.C.", "D.C."], "text": " Washington, D.C.\nQ:"},
    {"question": "who", "answer": ["The Beatles"], "text": " the beatles"},
    {"question": "who", "answer": ["Beatles"], "text": " The Beatles."},
    {"question": "who", "answer": ["14 December 1972 UTC", "December 1972"], "text": "December 1972, I think"},
    {"question": "who", "answer": ["Ünü"], "text": "  ünü  \n"},
    {"question": "who", "answer": ["2017"], "text": ""},
    {"question": "who", "answer": ["!"], "text": "\n!"},
    {"question": "who", "answer": ["a apple", "U.S."], "text": " U.S. of A"},
]


class Says(LM):
    """Answers the documents in turn, and stops where it is told to."""

    def generate_until(self, requests):
        texts = []
        for request, document in zip(requests, DOCUMENTS, strict=True):
            text = document["text"]
            for stop in request.args[1]["until"]:
                text = text.partition(stop)[0]
            texts.append(text)
        return texts

    def loglikelihood(self, requests):
        raise NotImplementedError

    loglikelihood_rolling = loglikelihood


@pytest.mark.parametrize("task", ["triviaqa", "nq_open"])
def test_lm_evals_rule_is_what_lm_eval_itself_scores(task, tmp_path):
    path = next((Path(lm_eval.__file__).parent / "tasks" / task).glob("*.yaml"))
    config = yaml.safe_load(path.read_text())
    told = ("metric", "aggregation", "higher_is_better")
    options = {name: value for name, value in config["metric_list"][0].items() if name not in told}
    rule = LmEvalRule.of({"lm_eval": {"until": config["generation_kwargs"]["until"], "exact_match": options}})
    assert rule == LmEvalRule(("\n", ".", ","), options)
    answer = "answer" if task == "nq_open" else {"aliases": "answer"}
    rows = [{**row, "answer": row["answer"] if answer == "answer" else {"aliases": row["answer"]}} for row in DOCUMENTS]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    local = {"dataset_path": "json", "dataset_kwargs": {"data_files": {"validation": str(tmp_path / "rows.jsonl")}}}
    local["dataset_kwargs"]["cache_dir"] = str(tmp_path / "cache")
    kept = {name: value for name, value in config.items() if name not in ("dataset_name", "training_split", "tag")}
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "task.yaml").write_text(yaml.safe_dump({**kept, **local}))
    with quiet():
        manager = TaskManager(include_path=str(tmp_path / "task"), include_defaults=False)
        found = lm_eval.evaluator.evaluate(Says(), manager.load([task]), bootstrap_iters=0, log_samples=True)
    theirs = {sample["doc_id"]: sample["exact_match"] for sample in found["samples"][task]}
    ours = [float(rule.match(first_line(row["text"]), row["answer"])) for row in DOCUMENTS]
    assert ours == [theirs[place] for place in range(len(DOCUMENTS))]
    assert 0 < sum(ours) < len(ours)
    # " Washington, D.C." is cut at the comma: never right there, right by our rule
    assert (ours[0], exact_match(DOCUMENTS[0]["text"], DOCUMENTS[0]["answer"])) == (0, True)


def test_a_task_without_lm_evals_rule():
    assert LmEvalRule.of({"until": ["\n"]}) is None


@pytest.mark.parametrize("task", ["triviaqa", "nq_open"])
def test_leavens_task_files_keep_lm_evals_rule(task):
    theirs = yaml.safe_load(next((Path(lm_eval.__file__).parent / "tasks" / task).glob("*.yaml")).read_text())
    ours = yaml.safe_load((OWN / f"{task}.yaml").read_text())
    assert ours["metadata"]["until"] == theirs["generation_kwargs"]["until"]
    for field in ("metric_list", "filter_list", "doc_to_text", "doc_to_target", "description"):
        assert str(ours.get(field, "")).strip("{}") == str(theirs.get(field, "")).strip("{}")
