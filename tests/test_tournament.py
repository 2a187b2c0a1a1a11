"""`leaven judge`: arms, prompts, completions, a judge behind an endpoint, and what came out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from leaven.engine.judging import alone
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.tables import read_table
from leaven.study.load_judge import load_judge
from leaven.tournament import judge as held

PROMPTS = [
    "Name a river.",
    "Say why the sky is blue in one sentence.",
    "Count to three.",
    "Translate bread into French.",
    "Give a reason to sleep.",
    "What does yeast do?",
]
GOOD = "This is a good and complete answer with quite a few different words in it, number {n}."
BAD = "bad {n}"


def write(path: Path, texts) -> str:
    rows = [{"instruction": prompt, "output": text} for prompt, text in zip(PROMPTS, texts, strict=True)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


@pytest.fixture
def arms(tmp_path):
    good = write(tmp_path / "good.jsonl", [GOOD.format(n=n) for n in range(6)])
    bad = write(tmp_path / "bad.jsonl", [BAD.format(n=n) for n in range(6)])
    fair = write(tmp_path / "fair.jsonl", [(GOOD if n % 2 else BAD).format(n=n) for n in range(6)])
    return {"good": good, "bad": bad, "fair": fair}


def reads(request) -> str:
    """Prefers the side that says good; a shuffled control has lost its order."""
    asked = request["messages"][1]["content"]
    first = asked.split("Answer (A): ")[1].split("Answer (B): ")[0]
    second = asked.split("Answer (B): ")[1]
    scores = [("a good and complete answer" in side) - ("bad" in side.split("\n")[0]) for side in (first, second)]
    return "A" if scores[0] >= scores[1] else "B"


@pytest.fixture
def endpoint(server, tmp_path):
    server.default = lambda request: server.says(f"Comparison: x\nPreferred: Answer ({reads(request)})")
    path = tmp_path / "judge.yaml"
    path.write_text(
        f"judge:\n  kind: endpoint\n  url: {server.url}\n  model: some-model\n  price: {{input: 2.5, output: 10}}\n"
    )
    return str(path)


def outcome(row):
    return row["wins"], row["ties"], row["losses"], row["errors"]


def test_two_files_and_a_judge(server, endpoint, arms, tmp_path):
    told = []
    found = held(
        [f"new={arms['good']}", f"old={arms['bad']}"],
        load_judge(endpoint).judge,
        runs=tmp_path / "runs",
        tell=told.append,
    )
    assert found is not None
    (row,) = found.winrates
    assert (row["variant"], row["baseline"], outcome(row)) == ("new", "old", (6, 0, 0, 0))
    assert told[0].estimate.calls == len(server.requests) == found.cost["replies"]
    assert told[0].estimate.usd > 0
    assert (found.folder / "report.html").is_file()
    assert json.loads((found.folder / "tournament.json").read_text())["winrates"][0]["wins"] == 6


def test_a_finished_tournament_is_held_again_offline_to_the_same_bytes(server, endpoint, arms, tmp_path):
    words = [arms["good"], arms["fair"], arms["bad"]]
    judge = load_judge(endpoint).judge
    first = held(words, judge, runs=tmp_path / "runs", all_pairs=True)
    asked = len(server.requests)
    bytes_of = {path.relative_to(first.folder): path.read_bytes() for path in first.folder.rglob("*") if path.is_file()}
    again = held(words, judge, runs=tmp_path / "runs", all_pairs=True, offline=True)
    assert len(server.requests) == asked
    assert again.folder == first.folder
    assert bytes_of == {
        path.relative_to(again.folder): path.read_bytes() for path in again.folder.rglob("*") if path.is_file()
    }


def test_offline_without_answers_says_how_many_are_missing(endpoint, arms, tmp_path):
    with pytest.raises(LeavenError, match="12 of 12 questions are not among the kept replies"):
        held([arms["good"], arms["bad"]], load_judge(endpoint).judge, runs=tmp_path / "runs", offline=True)


def test_three_arms_that_all_meet_have_strengths(endpoint, arms, tmp_path):
    words = [f"{name}={path}" for name, path in arms.items()]
    found = held(words, load_judge(endpoint).judge, runs=tmp_path / "runs", all_pairs=True, baseline="fair")
    assert [(row["variant"], row["baseline"]) for row in found.winrates] == [
        ("good", "bad"),
        ("good", "fair"),
        ("bad", "fair"),
    ]
    assert [row["arm"] for row in found.strengths] == ["good", "bad", "fair"]
    star = held(words, load_judge(endpoint).judge, runs=tmp_path / "runs", baseline="fair")
    assert star.strengths == []
    assert len(star.winrates) == 2


def test_only_a_plan_asks_nobody(server, endpoint, arms, tmp_path):
    told = []
    judge = load_judge(endpoint, settings=["budget=3"]).judge
    assert held(list(arms.values()), judge, runs=tmp_path / "runs", only_plan=True, tell=told.append) is None
    assert server.requests == []
    assert (told[0].pairs, told[0].prompts, told[0].budget) == (2, 6, 3)


def test_a_budget_that_is_too_small_stops_and_goes_on_from_there(server, endpoint, arms, tmp_path):
    words, small = [arms["good"], arms["bad"]], load_judge(endpoint, settings=["most_calls=5"]).judge
    with pytest.raises(LeavenError, match="5 calls"):
        held(words, small, runs=tmp_path / "runs")
    assert len(server.requests) == 5
    assert not list((tmp_path / "runs" / "judgements").glob("*/report.html"))
    found = held(words, load_judge(endpoint).judge, runs=tmp_path / "runs")
    assert outcome(found.winrates[0]) == (6, 0, 0, 0)
    assert len(server.requests) == found.cost["replies"]


def test_a_set_of_prompts_and_files_that_complete_more(endpoint, arms, tmp_path):
    (tmp_path / "some.jsonl").write_text("".join(json.dumps({"instruction": p}) + "\n" for p in PROMPTS[:3]))
    judge = load_judge(endpoint, settings=[f"prompts={tmp_path}/some.jsonl"]).judge
    found = held([arms["good"], arms["bad"]], judge, runs=tmp_path / "runs")
    assert outcome(found.winrates[0]) == (3, 0, 0, 0)
    (tmp_path / "more.jsonl").write_text(json.dumps({"instruction": "Nobody completed this."}) + "\n")
    judge = load_judge(endpoint, settings=[f"prompts={tmp_path}/more.jsonl"]).judge
    with pytest.raises(BadInput, match='1 of 1 prompts have no completion here; the first: "Nobody'):
        held([arms["good"], arms["bad"]], judge, runs=tmp_path / "runs")


def test_a_script_is_never_a_result(arms, tmp_path):
    found = held([arms["good"], arms["bad"]], load_judge("scripted:longer").judge, runs=tmp_path / "runs")
    assert found.judge["scripted"]
    assert "SCRIPTED" in (found.folder / "report.html").read_text(encoding="utf-8")
    assert any("not a result" in warning for warning in found.winrates[0]["warnings"])


@pytest.mark.parametrize(
    ("judge", "says"),
    [
        ("pocket", "a judge of kind reference-likelihood is part of a study"),
        ("scripted:best", "script"),
    ],
)
def test_judges_that_cannot_be_asked_here(judge, says, arms, tmp_path):
    with pytest.raises(BadInput, match=says):
        held([arms["good"], arms["bad"]], load_judge(judge).judge, runs=tmp_path / "runs")


def test_models_need_prompts(arms, tmp_path):
    with pytest.raises(BadInput, match="nothing says which prompts"):
        held(["some/model", arms["bad"]], load_judge("scripted:longer").judge, runs=tmp_path / "runs")
    with pytest.raises(BadInput, match='no arm "nobody"'):
        held([arms["good"], arms["bad"]], load_judge("scripted:longer").judge, baseline="nobody")


@pytest.mark.parametrize(
    "name", ["../../x", "a/b", ".", "..", ".hidden", "completions", "prompts", "replies.jsonl", "", "n" * 300]
)
def test_a_name_is_a_folder_of_its_own(name, server, arms, endpoint, tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "thesis.txt").write_text("mine")
    with pytest.raises(BadInput, match="cannot name a folder of results"):
        held([arms["good"], arms["bad"]], load_judge(endpoint).judge, runs=tmp_path / "runs", name=name)
    assert server.requests == []
    assert (tmp_path / "x" / "thesis.txt").read_text() == "mine"


def test_only_the_same_tournament_is_replaced(server, arms, endpoint, tmp_path):
    runs, judge = tmp_path / "runs", load_judge(endpoint).judge
    first = held([arms["good"], arms["bad"]], judge, runs=runs, name="final")
    assert held([arms["good"], arms["bad"]], judge, runs=runs, name="final").folder == first.folder
    (runs / "judgements" / "mine").mkdir()
    for words, name in (([arms["good"], arms["fair"]], "final"), ([arms["good"], arms["bad"]], "mine")):
        asked = len(server.requests)
        with pytest.raises(BadInput, match="there is something else under this name"):
            held(words, judge, runs=runs, name=name)
        assert len(server.requests) == asked


def test_prompts_that_read_alike_are_told_apart_by_their_ids(arms, tmp_path):
    def write_rows(name, rows):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(tmp_path / name)

    same = [{"id": n, "prompt": "Write a poem.", "output": f"poem {n}, and some more words of it"} for n in range(3)]
    twice = [{**row, "output": f"other {row['output']}"} for row in same]
    runs, judge = tmp_path / "runs", load_judge("scripted:longer").judge
    found = held([write_rows("a.jsonl", same), write_rows("b.jsonl", twice)], judge, runs=runs)
    votes = read_table(found.folder / "pairs" / "1-2" / "votes.parquet")
    assert votes["a"] == [row["output"] for row in same]
    without = [{"prompt": row["prompt"], "output": row["output"]} for row in same]
    with pytest.raises(BadInput, match="a prompt is completed twice"):
        held([write_rows("a.jsonl", same), write_rows("b.jsonl", without)], judge, runs=runs)
    others = [{**row, "id": f"x{row['id']}"} for row in same]
    with pytest.raises(BadInput, match="3 rows have the prompt .* none of them the id 0"):
        held([write_rows("a.jsonl", same), write_rows("b.jsonl", others)], judge, runs=runs)


def test_a_context_belongs_to_its_instruction(tmp_path):
    rows = [{"instruction": "Summarise.", "input": f"text {n}", "output": f"sum {n}"} for n in range(3)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "b.jsonl").write_text("".join(json.dumps({**row, "output": "x"}) + "\n" for row in rows))
    found = held(
        [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")],
        load_judge("scripted:longer").judge,
        runs=tmp_path / "runs",
    )
    votes = read_table(found.folder / "pairs" / "1-2" / "votes.parquet")
    assert sorted(zip(votes["text"], votes["a"], strict=True)) == [
        (f"Summarise.\n\ntext {n}", f"sum {n}") for n in range(3)
    ]


def test_what_was_not_judged_or_taken_on_trust_is_told(arms, tmp_path):
    (tmp_path / "some.jsonl").write_text(
        "".join(json.dumps({"id": n, "instruction": PROMPTS[n]}) + "\n" for n in (0, 1))
    )
    answers = [{"question_id": n, "choices": [{"turns": [f"answer {n}"]}]} for n in (0, 1)]
    (tmp_path / "fast.jsonl").write_text("".join(json.dumps(row) + "\n" for row in answers))
    told = []
    judge = load_judge("scripted:longer", settings=[f"prompts={tmp_path}/some.jsonl"]).judge
    held([f"fast={tmp_path}/fast.jsonl", f"good={arms['good']}"], judge, runs=tmp_path / "runs", tell=told.append)
    said = " ".join(told[0].about["notes"])
    assert "good completes 4 more prompts than were judged" in said
    assert "fast names its prompts by id only" in said


def test_a_missing_key_is_told_before_anything_is_written(server, arms, endpoint, tmp_path, monkeypatch):
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    judge = load_judge(endpoint, settings=["key=NO_SUCH_KEY"]).judge
    with pytest.raises(BadInput, match="NO_SUCH_KEY is not set"):
        held([arms["good"], arms["bad"]], judge, runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    assert held([arms["good"], arms["bad"]], judge, runs=tmp_path / "runs", only_plan=True) is None


def test_a_key_itself_is_never_taken_nor_repeated(endpoint):
    with pytest.raises(BadInput, match="never the key itself") as caught:
        load_judge(endpoint, settings=["key=sk-abcdef0123456789"])
    assert "sk-abc" not in str(caught.value)


def test_answers_go_to_a_file_of_answers_only(arms, endpoint, tmp_path):
    before = Path(arms["good"]).read_bytes()
    with pytest.raises(BadInput, match="no file of a judge's answers"):
        held(
            [arms["good"], arms["bad"]],
            load_judge(endpoint).judge,
            runs=tmp_path / "runs",
            replies=Path(arms["good"]),
        )
    assert Path(arms["good"]).read_bytes() == before


def test_who_asks_nobody_waits_for_nobody(arms, endpoint, tmp_path):
    runs, judge = tmp_path / "runs", load_judge(endpoint).judge
    held([arms["good"], arms["bad"]], judge, runs=runs)
    with alone(runs / "judgements" / "replies.jsonl"):
        held([arms["good"], arms["bad"]], judge, runs=runs, offline=True)
        held([arms["good"], arms["bad"]], load_judge("scripted:longer").judge, runs=runs)


def test_arms_that_are_called_otherwise_spend_from_one_budget(arms, endpoint, tmp_path):
    judge = load_judge(endpoint).judge
    first = held([f"a={arms['good']}", f"b={arms['bad']}"], judge, runs=tmp_path / "runs")
    second = held([f"c={arms['good']}", f"d={arms['bad']}"], judge, runs=tmp_path / "runs")
    assert first.folder != second.folder
    assert (first.calls, second.calls) == (first.cost["replies"], 0)
    assert second.cost == first.cost


def test_the_command(server, endpoint, arms, tmp_path):
    command = [sys.executable, "-m", "leaven.cli", "judge", f"new={arms['good']}", f"old={arms['bad']}"]
    command += ["--judge", endpoint, "--runs", str(tmp_path / "runs")]
    environment = {**os.environ, "no_proxy": "127.0.0.1"}
    planned = subprocess.run([*command, "--plan"], capture_output=True, text=True, env=environment, timeout=120)
    assert planned.returncode == 0, planned.stderr
    assert "calls left" in planned.stdout
    assert "USD" in planned.stdout
    assert server.requests == []
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "new against old" in done.stdout
    assert "report.html" in done.stdout
    again = subprocess.run(
        [*command, "--offline", "--json"], capture_output=True, text=True, env=environment, timeout=120
    )
    assert json.loads(again.stdout)["winrates"][0]["wins"] == 6
    wrong = subprocess.run(
        [*command[:-2], "--baseline", "x"], capture_output=True, text=True, env=environment, timeout=120
    )
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert 'no arm "x"' in wrong.stderr
