"""A study whose arms complete a set of prompts, all of them judged against all, some of them known from training."""

from __future__ import annotations

import json

import pytest

from leaven.evaluate.overlap import training_texts
from leaven.ground.tables import read_table
from leaven.lab import load
from leaven.study.load_judge import load_judge
from leaven.tournament import judge as held

INSTRUCTIONS = [
    "Write one sentence about the river that runs behind the old stone house.",
    "Name a loaf.",
    "Which of these two animals is the larger one, the whale or the mouse, and why is that so?",
    "List three things that a person who bakes bread at home needs.",
]
INSTRUCT = [*INSTRUCTIONS[:2], "Tell me about something else entirely, and be brief.", "Sing."]
"""Of the instruct data; those that are held out are seen by no model."""


@pytest.fixture
def judged(study_file, material, tmp_path):
    rows = [
        {"instruction": text, "context": "", "response": "An answer in a few words.", "category": "open_qa"}
        for text in INSTRUCT
    ]
    (tmp_path / "dolly.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    prompts = [{"instruction": text, "category": "mine"} for text in INSTRUCTIONS]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in prompts))
    text = study_file.read_text(encoding="utf-8")
    text = text.replace(
        "    facts: {kind: facts",
        f"    instruct: {{kind: instruct, path: {tmp_path}/dolly.jsonl, max: 1MB}}\n    facts: {{kind: facts",
    )
    text = text.replace("judge: {kind: reference-likelihood, mixture: mostly_text, tokens: 2560, completion: 8}", "")
    path = tmp_path / "judged.yaml"
    path.write_text(text, encoding="utf-8")

    def study(judge: str):
        return load(str(path), settings=[f"judge={judge}"], seeds=1, runs=tmp_path / "runs")

    return study


def test_prompts_of_a_file_all_against_all(judged, server, tmp_path):
    server.default = lambda request: server.says("Comparison: x\nPreferred: Answer (A)")
    judge = (
        f"{{kind: endpoint, url: '{server.url}', model: m, completion: 8, pairs: all, controls: 2, "
        f"price: {{input: 2.5, output: 10}}, budget: 50, prompts: '{tmp_path}/mine.jsonl'}}"
    )
    study = judged(judge)
    plan = study.plan()
    assert plan.judging["pairs"] == 3
    assert plan.judging["prompts"] == len(INSTRUCTIONS)
    assert plan.judging["usd"] > 0
    assert any(line.startswith("judge     endpoint: 3 pairs × 4 prompts") for line in plan.lines())
    assert server.requests == []

    results = study.run(quiet=True)
    rows = results.winrates()
    assert sorted(zip(rows["variant"], rows["baseline"], strict=True)) == [
        ("code→text", "text-only"),
        ("no-code", "code→text"),
        ("no-code", "text-only"),
    ]
    assert set(results.votes()["outcome"]) <= {"tie", "error"}  # it goes by position alone
    strengths = results.verdict()["strengths"]
    assert [row["arm"] for row in strengths] == ["text-only", "code→text", "no-code"]

    graph = study.prepare().graph
    trained = "\n".join(training_texts(study.store.folder(graph.find("corpus").identity), "instruct"))
    seen = [text for text in INSTRUCTIONS if text in trained]
    assert seen  # one of the two at least
    prompts = study.store.folder(graph.find("prompts").identity)
    about = json.loads((prompts / "prompts.json").read_text())
    assert about["overlap"]["instruct"] == {"kind": "instruct", "prompts": len(seen)}
    rows_of = [json.loads(line) for line in (prompts / "prompts.jsonl").read_text().splitlines()]
    marked = {row["instruction"] for row in rows_of if row["overlap"]}
    assert marked == set(seen)
    assert set(rows["overlapping"]) == {len(seen)}

    step = next(graph.of_kind("judge"))
    votes = read_table(study.store.folder(step.identity) / "votes.parquet")
    assert set(votes["category"]) == {"mine"}
    assert all(text in INSTRUCTIONS for text in votes["text"])  # the judge reads the instruction, not its frame
    assert any("Question: " in given for given in votes["given"])

    page = results.report().read_text(encoding="utf-8")
    assert "How the judge judged" in page
    assert "instruct" in page
    assert "Costs of judging" in page


def test_a_scripted_judge_marks_the_whole_page(judged, tmp_path):
    results = judged("{kind: scripted, script: longer, completion: 8}").run(quiet=True)
    assert set(results.winrates()["scripted"]) == {True}
    assert "SCRIPTED" in results.report().read_text(encoding="utf-8")
    assert any(line.lstrip().startswith("SCRIPTED") for line in results.lines())

    # The stages are arms of a tournament as well: they complete a set of prompts, each once.
    graph = results.prepared.graph
    folders = [str(results.store.folder(run.stages[-1])) for run in graph.runs[:2]]
    script = load_judge("scripted:longer", settings=[f"prompts={tmp_path}/mine.jsonl", "completion=8"]).judge
    runs = tmp_path / "elsewhere"
    found = held([f"a={folders[0]}", f"b={folders[1]}"], script, runs=runs)
    rows = [json.loads(line) for line in (found.folder / "completions/1/completions.jsonl").read_text().splitlines()]
    assert [row["instruction"] for row in rows] == INSTRUCTIONS
    assert all(row["prompt"] == f"Question: {row['instruction']}\n\nAnswer:" for row in rows)
    written = {path: path.stat().st_mtime_ns for path in (runs / "judgements" / "completions").rglob("*.jsonl")}
    assert held([f"a={folders[0]}", f"b={folders[1]}"], script, runs=runs).winrates == found.winrates
    assert {path: path.stat().st_mtime_ns for path in written} == written
