"""Problems that are those of a benchmark."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from leaven.corpus.synthetic import problems
from leaven.corpus.synthetic.overlap import Known, overlaps, read
from leaven.corpus.synthetic.problem import Problem
from leaven.ground.errors import BadInput

BENCHMARKS = ("humaneval/HumanEval.jsonl", "mbpp/mbpp.jsonl")


@pytest.fixture(scope="module")
def folder() -> Path:
    found = Path(os.environ.get("LEAVEN_SHARED", Path(__file__).parents[3] / "../shared")) / "benchdata"
    if not all((found / name).is_file() for name in BENCHMARKS):
        pytest.skip("no benchmarks: benchdata is not beside the checkout and LEAVEN_SHARED does not name it")
    return found


@pytest.fixture(scope="module")
def known(folder: Path) -> Known:
    return read(folder / name for name in BENCHMARKS)


def problem(prompt: str, solution: str) -> Problem:
    return Problem("p", "f", "g", prompt, solution, ("assert True",))


def test_every_benchmark_problem_is_one_of_its_own(folder: Path, known: Known) -> None:
    for line in (folder / BENCHMARKS[0]).read_text().splitlines():
        item = json.loads(line)
        assert overlaps(problem(item["prompt"], item["canonical_solution"]), known), item["task_id"]


def test_a_copy_under_other_names_and_another_statement_is_found(known: Known) -> None:
    copy = problem(
        'def nearest(values: list[float], limit: float) -> bool:\n    """Is something near?"""\n',
        "    for i, a in enumerate(values):\n        for j, b in enumerate(values):\n            if i != j:\n"
        "                gap = abs(a - b)\n                if gap < limit:\n                    return True\n"
        "    return False\n",
    )
    assert overlaps(copy, known) == "same solution as HumanEval/0"


def test_the_same_request_with_another_solution_is_found(known: Known) -> None:
    same = problem("def has_close_elements(numbers, threshold):\n", '    """Do."""\n    return None\n')
    assert overlaps(same, known) == "same signature as HumanEval/0"
    asked = problem(
        "def near(a, b):\n",
        '    """Check if in given list of numbers, are any two numbers closer to each other than\n'
        '    given threshold."""\n    return None\n',
    )
    assert overlaps(asked, known) == "same sentence as HumanEval/0"
    mbpp = problem(
        "def path(c):\n",
        '    """Write a function to find the minimum cost path to reach (m, n) from (0, 0) for the given matrix."""\n'
        "    return c\n",
    )
    assert overlaps(mbpp, known) == "same sentence as MBPP/1"


def test_hardly_any_generated_problem_is_one_of_them(known: Known) -> None:
    made = problems(0, 400, style="textbook")
    assert sum(overlaps(one, known) is not None for one in made) <= 4


@pytest.mark.parametrize("text", ["{", "[]", '{"task_id": 1}', '{"task_id": 1, "text": 2, "code": 3}\n'])
def test_other_files_are_refused_by_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "items.jsonl").write_text(text)
    with pytest.raises(BadInput, match=r"items.jsonl:1: against: not an item"):
        read([tmp_path / "items.jsonl"])
    with pytest.raises(BadInput, match="cannot be read"):
        read([tmp_path / "absent.jsonl"])
