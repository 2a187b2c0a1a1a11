"""The texts of items, from files as their authors publish them."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from leaven.corpus.contamination.items import Items, load, tasks
from leaven.ground.errors import BadInput

HUMANEVAL = [
    {
        "task_id": "HumanEval/0",
        "prompt": 'import math\n\ndef half(x):\n    """ Half. """\n\ndef area(r):\n    """ Area of a circle. """\n',
        "canonical_solution": "    return math.pi * r * r\n",
    },
    {
        "task_id": "HumanEval/1",
        "prompt": "def f(x, y):\n    ''' Add two things '''\n",
        "canonical_solution": "    return x + y\n",
    },
]
MBPP = [
    {"task_id": n, "text": f"Write a function that returns {n}.", "code": f"def f():\r\n  return {n}"} for n in (10, 11)
]


@pytest.fixture
def benchmarks() -> Path:
    folder = Path(os.environ.get("LEAVEN_SHARED", Path(__file__).parents[3] / "../shared")) / "benchdata"
    if not folder.is_dir():
        pytest.skip(
            "no shared benchmark files: benchdata is not beside the checkout and LEAVEN_SHARED does not name it"
        )
    return folder


def lines(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_docstrings_and_solutions_but_trivial_ones(tmp_path):
    items = load(lines(tmp_path / "HumanEval.jsonl", HUMANEVAL), "humaneval")
    assert items.texts == ("Area of a circle.", "return math.pi * r * r", "Add two things")
    assert items.ids == ("HumanEval/0", "HumanEval/0", "HumanEval/1")
    assert items.rules == ("ngram", "exact", "ngram")
    assert items.unsearched == ()


def test_only_the_test_part_of_mbpp(tmp_path):
    (tmp_path / "mbpp").mkdir()
    lines(tmp_path / "mbpp" / "mbpp.jsonl", MBPP)
    assert load(tmp_path, "mbpp").texts == ("Write a function that returns 11.", "def f():\r\n  return 11")


def test_the_gold_choice_without_the_wrapper(tmp_path):
    row = {"query": "Question: What is the colour of grass?", "choices": ["red", "green"], "gold": 1}
    with gzip.open(tmp_path / "arc_easy.jsonl.gz", "wt") as file:
        file.write(json.dumps(row) + "\n\n" + json.dumps({**row, "query": "Question: Why?"}) + "\n")
    items = load(tmp_path, "arc_easy")
    assert items.texts == ("What is the colour of grass? green",)
    assert items.ids == ("0",)
    assert items.unsearched == ("2",)


def test_other_tasks_have_text_fields(tmp_path):
    path = lines(tmp_path / "own.jsonl", [{"id": "a", "text": ["one two three four five", "short", "a b c d e f"]}])
    items = load(path, "own")
    assert items == Items("own", ("one two three four five", "a b c d e f"), ("a", "a"), ("ngram", "ngram"))
    assert Items.from_data(json.loads(json.dumps(items.as_data()))) == items


def test_a_line_ends_with_a_newline_only(tmp_path):
    path = tmp_path / "nq.jsonl"
    path.write_text('{"question": "who wrote the\u2028first\u0085book of all"}\n', encoding="utf-8")
    assert load(path, "nq_open").texts == ("who wrote the\u2028first\u0085book of all",)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"text": 3}\n', "not a text"),
        (b'{"text": "a b c d e f"}\n[1]\n', "own.jsonl:2"),
        (b"\xff\xfe\n", "not a JSON object"),
        (b"[" * 200_000, "not a JSON object"),
        (b"", "no text"),
        (b'{"text": "too short"}', "no text"),
    ],
)
def test_bad_files_are_refused(tmp_path, content, says):
    (tmp_path / "own.jsonl").write_bytes(content)
    with pytest.raises(BadInput, match=says):
        load(tmp_path / "own.jsonl", "own")


def test_truncated_files_are_refused(tmp_path):
    whole = gzip.compress(json.dumps({"text": "a b c d e f " * 100}).encode())
    (tmp_path / "own.jsonl.gz").write_bytes(whole[:-9])
    with pytest.raises(BadInput, match="to its end"):
        load(tmp_path / "own.jsonl.gz", "own")


def test_a_choice_that_is_not_there_is_refused(tmp_path):
    path = lines(tmp_path / "copa.jsonl", [{"query": "a", "choices": ["b"], "gold": 1}])
    with pytest.raises(BadInput, match="gold does not choose"):
        load(path, "copa")


@pytest.mark.parametrize(
    ("task", "place", "says"),
    [("humaneval", "", "HumanEval.jsonl"), ("humaneval", "none", "not there"), ("humanevil", "", "humaneval")],
)
def test_missing_files_are_named(tmp_path, task, place, says):
    with pytest.raises(BadInput) as caught:
        load(tmp_path / place, task)
    assert says in str(caught.value)
    assert caught.value.field == f"decontaminate.{task}"


def test_the_published_files(benchmarks):
    counts = {task: load(benchmarks, task) for task in tasks()}
    assert {task: len({*row.ids, *row.unsearched}) for task, row in counts.items()} == {
        "humaneval": 164,
        "mbpp": 500,
        "arc_easy": 2000,
        "boolq": 2000,
        "cb": 56,
        "copa": 100,
        "hellaswag": 2000,
        "nq_open": 2000,
        "piqa": 1838,
        "triviaqa": 2000,
        "winogrande": 1267,
        "alpaca_eval": 805,
        "mt_bench": 80,
        "vicuna_bench": 80,
    }
    assert len(counts["humaneval"].texts) == 164 + 160
    assert counts["triviaqa"].texts[0] == "What type of animal is a Garron?"
