"""A study whose suite asks benchmarks: surveyed before it runs, frozen once, averaged by the suite's formulas."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from leaven.ground.files import read_json
from leaven.lab import load

LEAVEN = [sys.executable, "-m", "leaven.cli"]
SUITE = """\
suite: bench
made: passages
passage_bytes: 4KB
prompts: 2
tasks:
  piqa: {category: reasoning, score: gold_bpb}
  copa: {category: reasoning, score: gold_bpb}
averages:
  reason: [piqa, copa]
measures:
  prose bits-per-byte:
    {tasks: [bpb_text], statistic: bits_per_byte, better: lower, effect: relative, margin: 1.0, primary: true}
  reasoning bits-per-byte:
    {tasks: [piqa, copa], statistic: gold_bpb, better: lower, effect: relative, margin: 1.0}
"""


def rows(n: int) -> str:
    made = [
        {"goal": f"how people cross river {i}", "sol1": "over the stone", "sol2": "under water", "label": i % 2}
        for i in range(n)
    ]
    return "".join(json.dumps(row) + "\n" for row in made)


def write(folder: Path, study_text: str) -> None:
    """The micro study with this suite, two variants of one stage and one seed."""
    head, _, _ = study_text.partition("evaluate:\n")
    head = head.replace("seeds: 2", "seeds: 1")
    for arm in ("  text-only: ", "  code→text: ", "  no-code: "):
        line = next(line for line in head.splitlines() if line.startswith(arm))
        head = head.replace(line + "\n", "" if arm.startswith("  no") else line.partition(", cooldown")[0] + "]\n")
    (folder / "bench.yaml").write_text(SUITE)
    (folder / "data").mkdir()
    (folder / "data" / "data.yaml").write_text("piqa: {file: piqa.jsonl}\n")
    (folder / "data" / "piqa.jsonl").write_text(rows(20))
    (folder / "micro.yaml").write_text(head + "evaluate: bench.yaml\ndata: data\n")


def leaven(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*LEAVEN, *words], cwd=cwd, capture_output=True, text=True, timeout=400, check=False)


@pytest.fixture(scope="module")
def finished(study_text, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    write(folder, study_text)
    done = leaven("run", "micro.yaml", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "copa: no data in the places given" in done.stdout
    return folder


def suite_of(folder: Path, **more) -> Path:
    study = load(str(folder / "micro.yaml"), runs=folder / "runs", **more)
    return study.store.folder(study.prepare().graph.find("suite").identity)


def test_every_arm_answers_the_benchmark_and_what_is_missing_is_named(finished):
    about = read_json(suite_of(finished) / "suite.json")
    assert about["tasks"]["piqa"]["n"] == 20
    assert about["tasks"]["piqa"]["overlap"]["candidates"] == 20
    assert about["tasks"]["piqa"]["overlap"]["decontaminated"] is False
    assert "copa" in about["left_out"]
    said = leaven("verdict", "micro.yaml", "--json", cwd=finished)
    found = json.loads(said.stdout)
    assert {row["variant"] for row in found["averages"]["rows"]} == {"text-only", "code→text"}
    assert all(row["tasks"] == ["piqa"] for row in found["averages"]["rows"])
    assert "copa" in found["averages"]["missing"]
    assert "copa" in {row["task"] for row in found["excluded"]}
    page = (finished / "runs/micro/report.html").read_text()
    assert "Category scores" in page


def test_where_the_data_lies_changes_nothing_and_other_data_is_another_suite(finished, tmp_path):
    here = suite_of(finished)
    shutil.copytree(finished / "data", tmp_path / "elsewhere")
    assert suite_of(finished, settings=[f"data={tmp_path / 'elsewhere'}"]) == here
    (tmp_path / "elsewhere" / "piqa.jsonl").write_text(rows(21))
    assert suite_of(finished, settings=[f"data={tmp_path / 'elsewhere'}"]) != here


def test_data_that_changes_after_planning_stops_the_suite(finished, tmp_path):
    from leaven.engine.kinds import KINDS
    from leaven.engine.task import Task
    from leaven.ground.errors import LeavenError
    from leaven.ground.progress import silent

    study = load(str(finished / "micro.yaml"), runs=finished / "runs")
    step = study.prepare().graph.find("suite")
    moved = tmp_path / "data"
    shutil.copytree(finished / "data", moved)
    (moved / "piqa.jsonl").write_text(rows(22))
    changed = type(step)(
        step.kind, step.fields, step.inputs, step.identity, step.names, {**step.execution, "data": [str(moved)]}
    )
    task = Task(changed, {"corpus": finished}, tmp_path, tmp_path, tmp_path, False, silent)
    with pytest.raises(LeavenError, match="benchmark piqa: its data has changed since the study was planned"):
        KINDS["suite"](task)


def test_mistakes_are_told_before_anything_runs(finished):
    told = leaven("plan", "micro.yaml", "--data", "nowhere", cwd=finished)
    assert told.returncode == 2
    assert "nowhere" in told.stderr
    told = leaven("plan", "micro.yaml", "--set", "evaluate.tasks.piqa.task=piqqa", cwd=finished)
    assert told.returncode == 2
    assert "piqqa" in told.stderr
    assert "Traceback" not in told.stderr


def test_what_a_suite_cannot_say_is_told_before_anything_runs(finished):
    told = leaven("plan", "micro.yaml", "--set", "evaluate.tasks.piqa.score=exact_match", cwd=finished)
    assert told.returncode == 2
    assert "average reason mixes gold_bpb and shares of right answers" in told.stderr
    statistic = "evaluate.measures.reasoning bits-per-byte.statistic=exact_match"
    told = leaven("plan", "micro.yaml", "--set", statistic, cwd=finished)
    assert told.returncode == 2
    assert "items of piqa have no exact_match" in told.stderr
    assert "Traceback" not in told.stderr


def test_programs_are_told_by_what_they_execute(finished):
    """A benchmark of programs is left out where nothing isolates them, whatever its score."""
    (finished / "data" / "data.yaml").write_text("piqa: {file: piqa.jsonl}\nhumaneval: {file: he.jsonl}\n")
    row = {"task_id": "HumanEval/0", "prompt": "def one():\n", "canonical_solution": "    return 1\n"}
    tests = {"entry_point": "one", "test": "def check(candidate):\n    assert candidate() == 1\n"}
    (finished / "data" / "he.jsonl").write_text(json.dumps(row | tests) + "\n")
    settings = ["evaluate.tasks.humaneval={category: code, score: gold_bpb}"]
    graph = (
        load(str(finished / "micro.yaml"), runs=finished / "runs", settings=settings).prepare(without_code=True).graph
    )
    assert any(said.startswith("humaneval: nothing here isolates") for said in graph.left_out)
    assert [step.fields["without"] for step in graph.of_kind("evaluate")] == [["humaneval"]] * 2
