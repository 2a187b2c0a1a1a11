"""QuAC as leaven asks it, from the form in which its authors publish it."""

from __future__ import annotations

import json

import pytest

from leaven.evaluate.benchmarks.build import gather
from leaven.evaluate.benchmarks.plan import Benchmark

ANSWERS = ["in Vienna", "a piano teacher", "CANNOTANSWER", "he moved to Vienna in 1792", "the court", "in Vienna"]
QUESTIONS = ["Where was he?", "Who taught him?", "Was he happy?", "What then?", "Who paid?", "Where did he stay?"]


def article(name, answers):
    turns = [
        {
            "id": f"{name}_q#{n}",
            "question": QUESTIONS[n],
            "answers": [{"text": text, "answer_start": 0}],
            "orig_answer": {"text": text, "answer_start": 0},
            "followup": "y",
            "yesno": "x",
        }
        for n, text in enumerate(answers)
    ]
    return {
        "title": "Ludwig",
        "section_title": "Youth",
        "background": "",
        "paragraphs": [{"context": "He was in Vienna … CANNOTANSWER", "id": name, "qas": turns}],
    }


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quac")
    articles = [article("C_1", ANSWERS), article("C_2", ["only one"]), article("C_3", ["yes", "yes"])]
    (folder / "val_v0.2.json").write_text(json.dumps({"data": articles}))
    (task,) = gather([Benchmark("quac", "reasoning", "accuracy")], [str(folder)]).tasks
    return task


def test_every_choice_is_an_answer_of_the_dialogue_and_only_one_is_right(task):
    assert [item.id for item in task.items] == [f"C_1_q#{n}" for n in (0, 1, 3, 4, 5)]
    for item in task.items:
        n = int(item.id[-1])
        assert item.choices[item.gold] == ANSWERS[n]
        assert set(item.choices) < set(ANSWERS)
        assert "CANNOTANSWER" not in item.choices
        assert 2 <= len(item.choices) <= 4
        assert len(set(item.choices)) == len(item.choices)


def test_an_answer_that_may_be_right_is_no_choice(task):
    choices = {item.id: set(item.choices) for item in task.items}
    assert choices["C_1_q#0"] == {"in Vienna", "a piano teacher", "the court", "he moved to Vienna in 1792"}
    first, last = choices["C_1_q#0"], choices["C_1_q#5"]
    assert first == last  # "in Vienna" is not put against itself


def test_the_prompt_shows_the_passage_and_the_dialogue_so_far(task):
    item = task.items[2]
    assert item.context == (
        "Title: Ludwig\nSection: Youth\nPassage: He was in Vienna …\n\n"
        "Question: Where was he?\nAnswer: in Vienna\n"
        "Question: Who taught him?\nAnswer: a piano teacher\n"
        "Question: Was he happy?\nAnswer: I don't know.\n"
        "Question: What then?\nAnswer:"
    )
    assert item.delimiter == " "


def test_questions_about_a_passage_are_one_group(task):
    assert len({item.group for item in task.items}) == 1


def test_a_dialogue_without_another_answer_has_no_item(task):
    assert not any(item.id.startswith(("C_2", "C_3")) for item in task.items)
    assert task.chance == pytest.approx(sum(1 / len(item.choices) for item in task.items) / len(task.items))
