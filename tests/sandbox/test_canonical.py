"""The solutions that come with HumanEval and MBPP pass, all of them; programs that do nothing do not, none of them.

Files: `benchdata/humaneval/HumanEval.jsonl` and `benchdata/mbpp/mbpp.jsonl` of the shared data (see CONTRIBUTING).
"""

from __future__ import annotations

import ast
import json
import os
import warnings
from pathlib import Path
from typing import Any

import pytest

from leaven.sandbox.level import Level
from leaven.sandbox.pool import run_many

Programs = dict[str, tuple[str, str]]


def _read(name: str) -> list[dict[str, Any]]:
    file = Path(os.environ.get("LEAVEN_SHARED", Path(__file__).parents[2] / "../shared")) / "benchdata" / name
    if not file.is_file():
        pytest.skip(f"no {file.name}: benchdata is not beside the checkout and LEAVEN_SHARED does not name it")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _humaneval(*, solved: bool) -> Programs:
    return {
        p["task_id"]: (
            p["prompt"] + (p["canonical_solution"] if solved else "    pass\n"),
            f"{p['test']}\ncheck({p['entry_point']})\n",
        )
        for p in _read("humaneval/HumanEval.jsonl")
    }


def _mbpp(*, solved: bool) -> Programs:
    found = {}
    for p in _read("mbpp/mbpp.jsonl"):
        code = p["code"].replace("\r", "")
        tests = "\n".join([p["test_setup_code"], *p["test_list"]]).replace("\r", "")
        found[f"MBPP/{p['task_id']}"] = code if solved else _emptied(code), tests
    return found


def _emptied(code: str) -> str:
    """The same program, every function of which does nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # at "\\w" in strings that are not raw
        tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.body = [ast.Pass()]
    return ast.unparse(tree)


def _wrong(programs: Programs, level: Level, *, passing: bool) -> dict[str, str]:
    outcomes = run_many(programs.values(), level=level, workers=len(os.sched_getaffinity(0)) + 1)
    return {
        name: f"{outcome.status}: {outcome.stderr[-300:]}"
        for name, outcome in zip(programs, outcomes, strict=True)
        if outcome.passed != passing
    }


def _every(step: int, programs: Programs) -> Programs:
    return dict(list(programs.items())[::step])


def test_humaneval_passes(level: Level) -> None:
    programs = _humaneval(solved=True)
    assert len(programs) == 164
    assert _wrong(programs, level, passing=True) == {}


def test_a_sample_of_mbpp_passes(level: Level) -> None:
    assert _wrong(_every(13, _mbpp(solved=True)), level, passing=True) == {}


def test_empty_bodies_do_not_pass(level: Level) -> None:
    assert _wrong(_every(4, _humaneval(solved=False)), level, passing=False) == {}
    assert _wrong(_every(29, _mbpp(solved=False)), level, passing=False) == {}


@pytest.mark.long
def test_all_of_mbpp_passes(level: Level) -> None:
    programs = _mbpp(solved=True)
    assert len(programs) == 974
    assert _wrong(programs, level, passing=True) == {}


@pytest.mark.long
def test_no_empty_body_passes(level: Level) -> None:
    assert _wrong(_humaneval(solved=False), level, passing=False) == {}
    assert _wrong(_mbpp(solved=False), level, passing=False) == {}
