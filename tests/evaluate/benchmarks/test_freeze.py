"""Forms, settings and errors, on small tasks of a user's own."""

from __future__ import annotations

import hashlib
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.evaluate.benchmarks.build import gather
from leaven.evaluate.benchmarks.clusters import groups, twins
from leaven.evaluate.benchmarks.forms import parted
from leaven.evaluate.benchmarks.plan import Benchmark, first
from leaven.evaluate.benchmarks.survey import fingerprint
from leaven.evaluate.harness import run_tasks
from leaven.evaluate.item import Choice, Foreign, Match, Passage, Program, Short, Target, write_items
from leaven.evaluate.taskfile import task_file
from leaven.ground.errors import BadInput

ROWS = [{"q": f"What is {n}? ", "options": ["one", "two", "three"], "gold": n % 3} for n in range(6)]
CHOICE = {"output_type": "multiple_choice", "doc_to_text": "{{q}}", "doc_to_target": "gold", "doc_to_choice": "options"}


def frozen(folder, fields, rows=ROWS, score="accuracy", **asked):
    """The one task of a user's folder."""
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = {
        "task": "mine",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": "rows.jsonl"}},
        "test_split": "test",
        **fields,
    }
    (folder / "mine.yaml").write_text(json.dumps(config))
    (task,) = gather([Benchmark("mine", "reasoning", score, **asked)], [], [folder]).tasks
    return task


def test_a_choice(tmp_path):
    task = frozen(tmp_path, CHOICE)
    assert task.form == "choice"
    assert task.items[1] == Choice("1", "1", "What is 1?", ("one", "two", "three"), 1, "  ")
    assert task.chance == pytest.approx(1 / 3)
    assert task.settings == {"labels": ["one", "two", "three"]}
    assert task.origin["data"]["file"] == "rows.jsonl"
    assert task.origin["file"] == "mine.yaml"
    assert str(tmp_path) not in json.dumps(task.describe())
    assert task == frozen(tmp_path, CHOICE)


def test_answers_given_as_text_and_choices_that_differ(tmp_path):
    rows = [{"q": "a", "options": ["x", "y"], "gold": "y"}, {"q": "b", "options": ["x", "y", "z"], "gold": "x"}]
    task = frozen(tmp_path, CHOICE, rows)
    assert [item.gold for item in task.items] == [1, 0]
    assert task.settings == {}
    assert task.chance == pytest.approx((1 / 2 + 1 / 3) / 2)


def test_other_metrics_beside_accuracy_are_named(tmp_path):
    task = frozen(tmp_path, {**CHOICE, "metric_list": [{"metric": "acc"}, {"metric": "f1"}]})
    assert task.form == "choice"
    assert task.origin["notes"] == ["not computed: f1"]


def test_a_target_a_passage_and_a_match(tmp_path):
    target = frozen(
        tmp_path, {"output_type": "loglikelihood", "doc_to_text": "{{q}}", "doc_to_target": "{{' ' + options[0]}}"}
    )
    assert target.items[0] == Target("0", "0", "What is 0?", " one", " ")
    rolling = frozen(tmp_path, {"output_type": "loglikelihood_rolling", "doc_to_text": "", "doc_to_target": "{{q}}"},
                     score="bits_per_byte")  # fmt: skip
    assert (rolling.items[0], rolling.chance) == (Passage("0", "0", "What is 0? "), None)
    rows = [{"a": "The cat ", "b": "The dog ", "text": "barked.", "answer": 1}]
    match = frozen(
        tmp_path,
        {
            "output_type": "multiple_choice",
            "doc_to_text": "{{answer}}",
            "doc_to_choice": "{{[a, b]}}",
            "doc_to_target": "text",
            "target_delimiter": "",
        },
        rows,
    )
    assert match.items == (Match("0", "0", ("The cat", "The dog"), "barked.", 1, " "),)


def test_a_target_through_lm_eval(tmp_path, chance):
    fields = {"output_type": "loglikelihood", "doc_to_text": "{{q}}", "doc_to_target": "{{options[gold]}}"}
    task = frozen(tmp_path, fields)
    for folder in ("items", "tasks"):
        (tmp_path / folder).mkdir()
    write_items(tmp_path / "items" / "mine.jsonl", task.items)
    (tmp_path / "tasks" / "mine.yaml").write_text(task_file("mine", task.form, task.items))
    samples = run_tasks(chance, tmp_path, ["mine"], tmp_path)["mine"]
    assert [sample.item for sample in samples] == [item.id for item in task.items]
    for sample, item in zip(samples, task.items, strict=True):
        ((context, target),) = item.pairs
        assert sample.nats == (
            chance._loglikelihood_tokens([(None, list(context.encode()), list(target.encode()))])[0][0],
        )


GENERATED = {"output_type": "generate_until", "doc_to_text": "{{q}}", "generation_kwargs": {"until": ["\n", "."]}}


def test_what_is_written(tmp_path):
    exact = {"metadata": {"leaven": "short"}, "metric_list": [{"metric": "exact_match", "ignore_case": True}]}
    short = frozen(tmp_path, {**GENERATED, **exact, "doc_to_target": "options"}, score="exact_match")
    assert short.items[0] == Short("0", "0", "What is 0? ", ("one", "two", "three"))
    assert short.settings["lm_eval"] == {"until": ["\n", "."], "exact_match": {"ignore_case": True}}
    assert short.settings["tokens"] == 256
    program = frozen(
        tmp_path,
        {**GENERATED, "doc_to_target": "{{options[0]}}", "metadata": {"leaven": "program", "solution": "q"},
         "metric_list": [{"metric": "bypass"}]},
        score="pass@1", samples=4, temperature=0.5, k=(1, 4), tokens=9,
    )  # fmt: skip
    assert program.items[0] == Program("0", "0", "What is 0? ", "one", "What is 0? ")
    assert program.settings == {
        "until": ["\n", "."], "tokens": 9, "samples": 4, "temperature": 0.5, "top_p": 1.0, "k": [1, 4]
    }  # fmt: skip
    assert program.needs == ("isolation",)


WRITING = {"samples": 2, "temperature": 0.5, "top_p": 0.9, "k": (1, 2), "tokens": 9}
EXACT = {"metadata": {"leaven": "short"}, "metric_list": [{"metric": "exact_match"}], "doc_to_target": "options"}


@pytest.mark.parametrize("option", WRITING)
@pytest.mark.parametrize(
    ("fields", "score", "why"),
    [
        (CHOICE, "accuracy", "the model writes nothing"),
        ({**CHOICE, "output_type": "loglikelihood", "doc_to_choice": None}, "accuracy", "the model writes nothing"),
        ({**CHOICE, "metadata": {"leaven": "foreign"}}, "accuracy", "its own file says how"),
        ({**GENERATED, **EXACT}, "exact_match", "answered once"),
    ],
)
def test_options_that_would_do_nothing_are_refused(tmp_path, fields, score, why, option):
    fields = {name: value for name, value in fields.items() if value is not None}
    if fields["output_type"] == "loglikelihood":
        fields["doc_to_target"] = "{{options[gold]}}"
    if (score, option) == ("exact_match", "tokens"):
        assert frozen(tmp_path, fields, score=score, tokens=9).settings["tokens"] == 9
        return
    with pytest.raises(BadInput, match=rf"tasks\.mine\.{option}: {option} would do nothing for mine: .*{why}"):
        frozen(tmp_path, fields, score=score, **{option: WRITING[option]})


@pytest.mark.parametrize("until", [["."], "\n\n", None])
def test_a_short_answer_that_would_not_end_with_its_line_is_refused(tmp_path, until):
    given = {"until": until} if until else {}
    with pytest.raises(BadInput, match=r"mine\.yaml.*generation_kwargs\.until: .*ends at the first line break"):
        frozen(tmp_path, {**GENERATED, **EXACT, "generation_kwargs": given}, score="exact_match")
    given = {"until": "\n"}
    assert frozen(tmp_path, {**GENERATED, **EXACT, "generation_kwargs": given}, score="exact_match").form == "short"


@pytest.mark.parametrize(
    ("fields", "score"),
    [
        ({**GENERATED, "doc_to_target": "{{options[0]}}", "metric_list": [{"metric": "exact_match"}]}, "exact_match"),
        ({**CHOICE, "metric_list": [{"metric": "mcc"}]}, "lm_eval/mcc"),
        ({**CHOICE, "doc_to_target": "{{[0, 1]}}"}, "accuracy"),
        ({**CHOICE, "metadata": {"leaven": "foreign"}}, "accuracy"),
    ],
)
def test_what_only_lm_eval_can_score_is_foreign(tmp_path, fields, score):
    task = frozen(tmp_path, fields, score=score)
    assert task.form == "foreign"
    assert isinstance(task.items[0], Foreign)
    assert task.items[0].doc["document"] == ROWS[0]
    assert task.items[0].shown.startswith("What is 0? ")


def test_examples_are_in_the_prompt(tmp_path):
    shown = {**CHOICE, "num_fewshot": 2, "fewshot_split": "test", "fewshot_delimiter": "\n\n", "target_delimiter": ""}
    task = frozen(tmp_path, shown)
    assert task.origin["shots"] == 2
    for item in task.items:
        *examples, last = item.context.split("\n\n")
        assert last == f"What is {item.id}?"
        assert len(examples) == 2
        assert not any(example.startswith(last) for example in examples)
    assert task == frozen(tmp_path, shown)


def test_examples_from_another_split(tmp_path):
    (tmp_path / "train.jsonl").write_text(json.dumps({"q": "Example ", "options": ["one", "two"], "gold": 1}) + "\n")
    files = {"data_files": {"test": "rows.jsonl", "train": "train.jsonl"}}
    task = frozen(tmp_path, {**CHOICE, "dataset_kwargs": files, "training_split": "train", "num_fewshot": 1})
    assert task.items[0].context == "Example  two\n\nWhat is 0?"


def test_the_files_of_the_examples_are_part_of_what_a_task_is(tmp_path):
    """Of the fingerprint and of what is recorded alike; a split that is not used is part of neither."""
    files = {"data_files": {"test": "rows.jsonl", "train": "train.jsonl", "validation": "other.jsonl"}}
    fields = {**CHOICE, "dataset_kwargs": files, "training_split": "train", "num_fewshot": 1}
    benchmark = Benchmark("mine", "reasoning", "accuracy")

    def known():
        task = frozen(tmp_path, fields)
        return fingerprint(benchmark, [], [tmp_path]), task.origin["data"]["sha256"]

    def example(name, text):
        (tmp_path / name).write_text(json.dumps({"q": text, "options": ["one", "two"], "gold": 1}) + "\n")

    example("train.jsonl", "Example ")
    example("other.jsonl", "Unused ")
    before = known()
    assert known() == before
    example("other.jsonl", "Unused, and other ")
    assert known() == before
    example("train.jsonl", "Another ")
    assert all(one != other for one, other in zip(known(), before, strict=True))


def test_rows_that_a_function_makes_are_part_of_what_a_task_is(tmp_path):
    (tmp_path / "made.py").write_text(
        "import json, pathlib\n"
        "def rows(**ignored):\n"
        "    return json.loads(pathlib.Path(__file__).with_name('rows.json').read_text())\n"
    )
    (tmp_path / "made.yaml").write_text(
        json.dumps({"task": "made", "test_split": "test", "training_split": "train", "num_fewshot": 1, **CHOICE})[:-1]
        + ', "custom_dataset": !function made.rows}\n'
    )
    benchmark = Benchmark("made", "reasoning", "accuracy")

    def known(split, **changed):
        rows = {"test": ROWS, "train": [{"q": "E ", "options": ["one", "two"], "gold": 1}]}
        rows[split] = [{**row, **changed} for row in rows[split]]
        (tmp_path / "rows.json").write_text(json.dumps(rows))
        (task,) = gather([benchmark], [], [tmp_path]).tasks
        return fingerprint(benchmark, [], [tmp_path]), task.origin["data"]["sha256"]

    before = known("test")
    assert known("test") == before
    for split in ("test", "train"):
        assert all(one != other for one, other in zip(known(split, q="new "), before, strict=True))


def test_what_is_known_of_examples_stands_beside_the_documents(tmp_path):
    rows = [{"goal": f"to sit {n}", "sol1": "a chair", "sol2": "a cloud", "label": 0} for n in range(3)]
    (tmp_path / "valid.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def train(goal):
        given = [{**rows[0], "goal": goal}, {**rows[0], "goal": goal + " up"}]
        (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given))

    train("to stand")
    (tmp_path / "data.yaml").write_text(
        "physical:\n- {file: valid.jsonl, split: validation}\n- {file: train.jsonl, split: train, notes: mine}\n"
    )
    (tmp_path / "own").mkdir()
    shown = {
        "task": "shown",
        "dataset_path": "baber/piqa",
        "validation_split": "validation",
        "training_split": "train",
        "num_fewshot": 1,
        "output_type": "multiple_choice",
        "doc_to_text": "{{goal}}",
        "doc_to_target": "label",
        "doc_to_choice": "{{[sol1, sol2]}}",
    }
    (tmp_path / "own" / "shown.yaml").write_text(json.dumps(shown))
    benchmark = Benchmark("physical", "reasoning", "accuracy", task="shown")
    (task,) = gather([benchmark], [str(tmp_path)], [tmp_path / "own"]).tasks
    assert task.items[0].context.startswith("to stand")
    assert task.origin["data"]["cut"] is True
    assert task.origin["data"]["shots"]["file"] == "train.jsonl"
    assert task.origin["notes"] == [
        "3 rows, where the published file has 1,838; not the published benchmark",
        "examples: mine",
    ]
    before = fingerprint(benchmark, [str(tmp_path)], [tmp_path / "own"])
    train("to run")
    assert fingerprint(benchmark, [str(tmp_path)], [tmp_path / "own"]) not in (None, before)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"q": "a", "options": ["x", ""], "gold": 0}, "row 6 .*a choice is empty"),
        ({"q": "a", "options": ["x", "x"], "gold": 0}, "row 6 .*choices are all the same"),
        ({"q": "a", "options": ["x", "y"], "gold": 2}, "row 6 .*right answer is 2, of 2 choices"),
        ({"q": "a", "options": ["x", "y"], "gold": -1}, "row 6 .*right answer is -1"),
        ({"q": "a", "options": ["x"], "gold": 0}, "row 6 .*fewer than two"),
    ],
)
def test_documents_that_make_no_item_are_named_by_their_row(tmp_path, row, said):
    with pytest.raises(BadInput, match=said):
        frozen(tmp_path, CHOICE, [*ROWS, row])


def test_tasks_and_documents_that_do_not_fit(tmp_path):
    with pytest.raises(BadInput, match=r"do not fit the task.*'nowhere' is undefined"):
        frozen(tmp_path, {**CHOICE, "doc_to_text": "{{nowhere}}"})
    with pytest.raises(BadInput, match=r"tasks.mine.score: items of mine have no exact_match"):
        frozen(tmp_path, CHOICE, score="exact_match")
    with pytest.raises(BadInput, match="cannot take the task for `short`"):
        frozen(tmp_path, {**CHOICE, "metadata": {"leaven": "short"}})
    with pytest.raises(BadInput, match="no split to score"):
        frozen(tmp_path, {**CHOICE, "test_split": None})
    with pytest.raises(BadInput, match="there is no file absent"):
        frozen(tmp_path, {**CHOICE, "dataset_kwargs": {"data_files": {"test": "absent.jsonl"}}})
    with pytest.raises(BadInput, match="not a file of this machine"):
        frozen(tmp_path, {**CHOICE, "dataset_kwargs": {"data_files": {"test": "https://example.org/rows.jsonl"}}})
    target = {"output_type": "loglikelihood", "doc_to_text": "{{q}}", "doc_to_target": "gap"}
    with pytest.raises(BadInput, match="row 1 makes no item: its target is empty"):
        frozen(tmp_path, target, [{"q": "a", "gap": "b"}, {"q": "a", "gap": " "}])


def test_unknown_tasks_are_told_before_any_data_is_read(tmp_path):
    with pytest.raises(BadInput, match=r"tasks\.second\.task: there is no task .*did you mean .piqa"):
        gather([Benchmark("piqa", "reasoning", "accuracy"), Benchmark("second", "reasoning", "accuracy", task="pika")],
               [str(tmp_path / "absent")])  # fmt: skip


def test_a_limit_keeps_what_a_smaller_one_kept(tmp_path):
    few, more = (frozen(tmp_path, CHOICE, limit=limit) for limit in (2, 4))
    assert set(few.items) < set(more.items)
    assert [int(item.id) for item in more.items] == first("mine", 6, 4)
    assert more.origin["notes"] == ["4 of 6 items, chosen by the hash of their place"]


def test_the_rule_of_the_limit_is_the_published_one():
    by_hash = sorted(range(10), key=lambda n: hashlib.sha256(f"piqa:{n}".encode()).hexdigest())
    assert first("piqa", 10, 3) == sorted(by_hash[:3])
    assert first("piqa", 3, None) == first("piqa", 3, 3) == [0, 1, 2]


def test_ids_are_the_documents_own_where_they_tell_them_apart(tmp_path):
    own = [{**row, "id": f"x{n}"} for n, row in enumerate(ROWS)]
    assert [item.id for item in frozen(tmp_path, CHOICE, own).items] == [f"x{n}" for n in range(6)]
    twice = [{**row, "id": "same", "idx": n + 10} for n, row in enumerate(ROWS)]
    assert [item.id for item in frozen(tmp_path, CHOICE, twice).items] == [str(n + 10) for n in range(6)]


@given(st.text(), st.text(min_size=1))
def test_white_space_moves_and_nothing_else_changes(context, continuation):
    stripped, scored = parted(context, continuation)
    assert stripped + scored == context + continuation
    assert stripped == stripped.rstrip()
    assert scored.endswith(continuation)


def test_questions_about_one_passage_belong_together():
    documents = [{"passage": "p"}, {"passage": "q"}, {"passage": "p"}, {"passage": ""}, {"passage": ""}]
    found = groups(list("abcde"), documents)
    assert found[0] == found[2] != "a"
    assert found[1:2] + found[3:] == ["b", "d", "e"]


def test_the_article_counts_before_the_passage():
    documents = [{"passage": p, "title": t} for p, t in (("p", "a"), ("q", "a"), ("q", "b"))]
    found = groups(list("abc"), documents)
    assert found[0] == found[1] != found[2]
    assert found[2] == "c"


def test_twin_sentences_belong_together():
    def pair(name, before, options, after):
        return Match(name, name, tuple(before + option for option in options), after, 0, " ")

    names = ("Sarah", "Maria")
    items = [
        pair("0", "Sarah was a much better surgeon than Maria so ", names, "always got the easier cases."),
        pair("1", "Sarah was a much better surgeon than Maria so ", names[::-1], "always got the harder cases."),
        pair("2", "The lawn of Sarah is greener than Maria's since ", names, "waters it."),
    ]
    assert twins(items) == ["0", "0", "2"]


def test_nothing_is_left_behind(tmp_path, monkeypatch, capfd):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr("tempfile.tempdir", str(home))
    (tmp_path / "task").mkdir()
    frozen(tmp_path / "task", CHOICE)
    row = {
        "text": "Add.",
        "code": "def f():\r\n  pass",
        "task_id": 11,
        "test_setup_code": "",
        "test_list": ["assert f"] * 3,
    }
    (home.parent / "mbpp.jsonl").write_text(json.dumps(row) + "\n")
    (task,) = gather([Benchmark("mbpp", "code", "pass@1")], [str(home.parent)]).tasks  # its documents are mapped
    assert [item.solution for item in task.items] == ["def f():\n  pass"]
    assert os.listdir(home) == []
    assert sorted(os.listdir(tmp_path / "task")) == ["mine.yaml", "rows.jsonl"]
    assert capfd.readouterr() == ("", "")
