"""The judge step: two folders of completions to votes, a summary and the record of what the judge wrote."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from leaven.ground.errors import LeavenError
from leaven.judge.question import Verdict
from leaven.judge.record import VOTES
from leaven.judge.run import judge_pair, questions_of
from leaven.judge.scored import ReferenceLikelihood
from leaven.judge.scripted import Scripted

TEXTS_A = {"3": "longer text", "1": "same", "2": "ab ab ab", "4": "short"}
TEXTS_B = {"1": "same", "2": "fine", "3": "text", "4": "much longer"}


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


class Errors:
    """A judge that never answers."""

    name, what, scripted = "errors", "a test", True

    def compare(self, questions, progress=None):
        return [Verdict("error", reason="outage", replies=("…",)) for _ in questions]


def test_votes_and_their_summary(complete_step, out):
    a, b = complete_step("a", TEXTS_A, degenerate={"2"}), complete_step("b", TEXTS_B)
    judge_pair(a, b, Scripted("longer"), out)
    votes = pq.read_table(out / "votes.parquet").to_pydict()
    assert votes["prompt"] == ["1", "2", "3", "4"]
    assert votes["text"] == ["prompt 1", "prompt 2", "prompt 3", "prompt 4"]
    assert votes["a"][2:] == ["longer text", "short"]
    assert votes["outcome"] == ["tie", "lose", "win", "lose"]
    assert votes["first_order"] == ["tie", "b", "a", "b"]
    assert votes["second_order"] == ["tie", "b", "a", "b"]
    assert votes["degenerate_a"] == [False, True, False, False]
    assert votes["degenerate_b"] == [False] * 4
    assert votes["by_rule"] == [True, True, False, False]
    assert votes["rule"] == ["identical", "degenerate", "", ""]
    assert (votes["length_a"], votes["length_b"]) == ([4, 8, 11, 5], [4, 4, 4, 11])
    assert votes["given"] == votes["category"] == [""] * 4
    assert votes["overlap"] == [None] * 4
    assert votes["score_a"] == [None] * 4
    summary = json.loads((out / "judge.json").read_text())
    assert summary["judge"] == "scripted:longer"
    assert summary["scripted"] is True
    assert (summary["wins"], summary["losses"], summary["ties"], summary["errors"], summary["flips"]) == (1, 2, 1, 0, 0)
    assert summary["net"] == -25.0
    assert summary["degenerate"]["a"] == 1
    assert summary["degenerate"]["by_rule"] == {"lose": 1}
    assert summary["identical"]["prompts"] == 1
    assert summary["lengths"] == {"a": 7.0, "b": 5.75}
    assert (summary["gate"], summary["template"]) == ("lose", "")
    assert summary["controls"] == {"n": 0, "right": 0, "wrong": 0, "ties": 0, "errors": 0}
    assert not (out / "replies.jsonl").exists()


def test_scores_of_the_reference_model_are_kept(complete_step, out):
    def score(texts):
        return [(2.0 * len(text), len(text)) if "longer" in text else (3.0 * len(text), len(text)) for _, text in texts]

    judge_pair(complete_step("a", TEXTS_A), complete_step("b", TEXTS_B), ReferenceLikelihood(score, 0.05), out)
    votes = pq.read_table(out / "votes.parquet").to_pydict()
    assert votes["score_a"] == [None, 3.0, 2.0, 3.0]
    assert votes["score_b"] == [None, 3.0, 3.0, 2.0]
    assert votes["outcome"] == ["tie", "tie", "win", "lose"]
    summary = json.loads((out / "judge.json").read_text())
    assert (summary["flips"], summary["flip_rate"], summary["first_position_rate"]) == (0, 0.0, 0.5)
    assert "not a judge of quality" in summary["what"]


def test_equal_inputs_give_equal_bytes_and_sides_mirror(complete_step, tmp_path):
    a, b = complete_step("a", TEXTS_A), complete_step("b", TEXTS_B)
    outs = [tmp_path / name for name in ("one", "two", "mirrored")]
    for folder, (x, y) in zip(outs, [(a, b), (a, b), (b, a)], strict=True):
        folder.mkdir()
        judge_pair(x, y, Scripted("longer"), folder)
    for name in ("votes.parquet", "judge.json"):
        assert (outs[0] / name).read_bytes() == (outs[1] / name).read_bytes()
    there, back = (json.loads((folder / "judge.json").read_text()) for folder in (outs[0], outs[2]))
    assert (there["wins"], there["losses"]) == (back["losses"], back["wins"])


def test_a_judge_that_answered_nothing_leaves_no_result(complete_step, out):
    with pytest.raises(LeavenError, match="judge errors answered none of 3 prompts: outage"):
        judge_pair(complete_step("a", TEXTS_A), complete_step("b", TEXTS_B), Errors(), out)
    assert list(out.iterdir()) == []


def test_prompts_that_the_rule_decides_need_no_judge(complete_step, out):
    a, b = complete_step("a", {"1": "fine", "2": ""}), complete_step("b", {"1": "x x", "2": " "}, degenerate={"1"})
    judge_pair(a, b, Errors(), out)
    summary = json.loads((out / "judge.json").read_text())
    assert (summary["wins"], summary["ties"], summary["degenerate"]["by_rule"]) == (1, 1, {"tie": 1, "win": 1})
    assert summary["flip_rate"] is None


def test_what_a_judge_wrote_is_kept_with_the_votes(complete_step, out):
    class Writes(Errors):
        def compare(self, questions, progress=None):
            return [Verdict("first", replies=(f"Hm: {q.first}", "Preferred: Answer (A)")) for q in questions]

    judge_pair(complete_step("a", {"1": "x"}), complete_step("b", {"1": "y"}), Writes(), out)
    lines = [json.loads(line) for line in (out / "replies.jsonl").read_text().splitlines()]
    assert lines == [
        {"prompt": "1", "first": "a", "replies": ["Hm: x", "Preferred: Answer (A)"]},
        {"prompt": "1", "first": "b", "replies": ["Hm: y", "Preferred: Answer (A)"]},
    ]


def test_other_prompts_cannot_be_compared(complete_step, out):
    with pytest.raises(LeavenError, match="a and b did not complete the same prompts"):
        judge_pair(complete_step("a", {"1": "x"}), complete_step("b", {"2": "x"}), Scripted("coin"), out)


DAMAGED = [
    "{",
    "[1]\n",
    '{"id": "1"}\n',
    '{"id": 1, "prompt": "p", "completion": "c", "degenerate": false}\n',
    '{"id": "1", "prompt": "p", "completion": null, "degenerate": false}\n',
    '{"id": "1", "prompt": "p", "completion": "\\ud800", "degenerate": false}\n',
    '{"id": "1", "prompt": "p", "completion": "c", "degenerate": false, "overlap": "dolly"}\n',
    '{"id": "1", "prompt": "p", "completion": "c", "degenerate": false, "overlap": [1]}\n',
    '{"id": "1", "prompt": "p", "completion": "c", "degenerate": false, "overlap": false}\n',
    '{"id": "1", "prompt": "p", "completion": "c", "degenerate": false, "category": 1}\n',
    '{"id": "1", "prompt": "p", "completion": "c", "degenerate": false}\n' * 2,
    None,
]


@pytest.mark.parametrize("content", DAMAGED)
def test_damaged_completions_are_an_error(complete_step, out, content):
    a, b = complete_step("a", {"1": "x"}), complete_step("b", {"1": "x"})
    (a / "completions.jsonl").unlink()
    if content is not None:
        (a / "completions.jsonl").write_text(content)
    with pytest.raises(LeavenError, match="cannot read the completions in a"):
        judge_pair(a, b, Scripted("coin"), out)


def test_completions_may_hold_any_line_separator(complete_step, out):
    """U+2028 ends a line for str.splitlines, not for JSON lines."""
    judge_pair(complete_step("a", {"1": "x\u2028\x85y"}), complete_step("b", {"1": "x"}), Scripted("longer"), out)
    votes = pq.read_table(out / "votes.parquet").to_pydict()
    assert (votes["a"], votes["length_a"]) == (["x\u2028\x85y"], [4])


WORDS = "one small step after another leads to the top of it"
ASKED = {
    "1": {"prompt": "User: Count.\n", "instruction": "Count.", "category": "maths", "overlap": ["dolly", "more"]},
    "2": {"prompt": "Say.", "instruction": "Say.", "overlap": []},
    "3": {"category": "open"},
}


class Keeps(Scripted):
    """A script that keeps what it was asked."""

    def compare(self, questions, progress=lambda *told: None):
        self.__dict__.setdefault("asked", []).append(list(questions))
        progress(len(questions), len(questions))
        return super().compare(questions)


def test_the_judge_reads_the_instruction_and_the_votes_keep_what_the_models_were_given(complete_step, out):
    a = complete_step("a", {"1": "x", "2": "x", "3": "x"}, more=ASKED)
    b = complete_step("b", {"1": "yy", "2": "yy", "3": "yy"}, more=ASKED)
    judge = Keeps("longer")
    judge_pair(a, b, judge, out)
    assert [(q.prompt, q.given) for q in judge.asked[0][::2]] == [
        ("Count.", "User: Count.\n"),
        ("Say.", ""),
        ("prompt 3", ""),
    ]
    table = pq.read_table(out / "votes.parquet")
    assert table.schema.equals(VOTES)
    votes = table.to_pydict()
    assert votes["text"] == ["Count.", "Say.", "prompt 3"]
    assert votes["given"] == ["User: Count.\n", "", ""]
    assert votes["overlap"] == ["dolly, more", "", None]
    assert votes["category"] == ["maths", "", "open"]


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (None, None, None),
        ([], None, ""),
        (None, [], ""),
        ([], [], ""),
        ([], ["x"], "x"),
        (["x", "y"], ["y", "z"], "x, y, z"),
    ],
)
def test_where_a_prompt_was_sought_is_told_from_where_it_was_not(complete_step, out, one, other, told):
    a = complete_step("a", {"1": "x"}, more={"1": {"overlap": one}})
    b = complete_step("b", {"1": "y"}, more={"1": {"overlap": other}})
    judge_pair(a, b, Scripted("coin"), out)
    assert pq.read_table(out / "votes.parquet").to_pydict()["overlap"] == [told]


def test_the_same_instruction_in_another_frame_cannot_be_compared(complete_step, out):
    a = complete_step("a", {"1": "x"}, more=ASKED)
    b = complete_step("b", {"1": "y"}, more={"1": {**ASKED["1"], "prompt": "Q: Count. A:"}})
    with pytest.raises(LeavenError, match="did not complete the same prompts"):
        judge_pair(a, b, Scripted("coin"), out)


def test_with_the_gate_open_flags_are_only_reported(complete_step, out):
    a, b = (
        complete_step("a", {"1": "the the the", "2": "fine"}, degenerate={"1"}),
        complete_step("b", {"1": "x", "2": "y"}),
    )
    judge_pair(a, b, Scripted("longer"), out, gate="ask")
    votes = pq.read_table(out / "votes.parquet").to_pydict()
    assert votes["outcome"] == ["win", "win"]
    assert (votes["rule"], votes["degenerate_a"]) == (["", ""], [True, False])
    summary = json.loads((out / "judge.json").read_text())
    assert summary["gate"] == "ask"
    assert summary["degenerate"] == {
        "rule": "degenerate completions are put before the judge like any other",
        "a": 1,
        "b": 0,
        "by_rule": {},
    }


def test_controls_are_asked_among_the_others_and_never_enter_the_votes(complete_step, out, tmp_path):
    names = [str(i) for i in range(30)]
    a = complete_step("a", {name: f"{name} {WORDS}" for name in names})
    b = complete_step("b", {name: f"{WORDS}, {name}" for name in names})
    judge, told = Keeps("coin"), []
    judge_pair(a, b, judge, out, lambda done, total, note="": told.append((done, total)), controls=20, seed=3)
    assert [len(asked) for asked in judge.asked] == [2 * (30 + 20)]
    assert told == [(100, 100)]
    intact = {f"{WORDS}, {name}" for name in names}
    assert all((q.first in intact) != (q.second in intact) for q in judge.asked[0][60:])
    summary = json.loads((out / "judge.json").read_text())
    found = summary["controls"]
    assert found["n"] == 20 == found["right"] + found["wrong"]
    assert found["ties"] == found["errors"] == 0
    plain = tmp_path / "plain"
    plain.mkdir()
    judge_pair(a, b, Scripted("coin"), plain)
    assert (plain / "votes.parquet").read_bytes() == (out / "votes.parquet").read_bytes()
    without = json.loads((plain / "judge.json").read_text())
    assert {k: v for k, v in without.items() if k != "controls"} == {
        k: v for k, v in summary.items() if k != "controls"
    }


def test_what_a_judge_wrote_about_controls_is_not_among_its_replies(complete_step, out):
    class Writes(Errors):
        def compare(self, questions, progress=None):
            return [Verdict("first", replies=("Hm.",)) for _ in questions]

    judge_pair(complete_step("a", {"1": "x"}), complete_step("b", {"1": WORDS}), Writes(), out, controls=5)
    lines = [json.loads(line) for line in (out / "replies.jsonl").read_text().splitlines()]
    assert [(line["prompt"], line["first"]) for line in lines] == [("1", "a"), ("1", "b")]
    assert json.loads((out / "judge.json").read_text())["controls"]["ties"] == 1


@pytest.mark.parametrize("gate", ["lose", "ask"])
def test_what_would_be_asked_is_what_is_asked(complete_step, out, gate):
    a, b = complete_step("a", TEXTS_A | {"5": "x"}, degenerate={"2"}), complete_step("b", TEXTS_B | {"5": WORDS})
    judge = Keeps("longer")
    judge_pair(a, b, judge, out, gate=gate, controls=4, seed=1)
    (asked,) = judge.asked
    assert questions_of(a, b, gate=gate, controls=4, seed=1) == asked
    assert len(asked) == {"lose": 2 * (3 + 1), "ask": 2 * (4 + 1)}[gate]


def test_the_template_that_was_asked_in_is_named(complete_step, out, paper):
    class Asks(Errors):
        template = paper

        def compare(self, questions, progress=None):
            return [Verdict("first") for _ in questions]

    judge_pair(complete_step("a", {"1": "x"}), complete_step("b", {"1": "y"}), Asks(), out)
    assert json.loads((out / "judge.json").read_text())["template"] == paper.id


@pytest.mark.parametrize(
    ("script", "flip_rate", "first_rate"),
    [
        ("first", (1, 1), (1, 1)),
        ("longer", (0, 0), (0.5, 0.5)),
        ("coin", (0, 0), (0.5, 0.5)),
        ("random", (0.4, 0.6), (0.4, 0.6)),
    ],
)
def test_scripts_are_exposed(complete_step, out, script, flip_rate, first_rate):
    names = [str(i) for i in range(300)]
    a = complete_step("a", {name: f"a {name}" + "!" * (int(name) % 3 + 1) for name in names})
    b = complete_step("b", {name: f"b {name}" + "!" * (int(name) % 5 % 2) for name in names})
    judge_pair(a, b, Scripted(script), out)
    summary = json.loads((out / "judge.json").read_text())
    assert summary["scripted"] is True
    assert flip_rate[0] <= summary["flip_rate"] <= flip_rate[1]
    assert first_rate[0] <= summary["first_position_rate"] <= first_rate[1]


def test_golden_bytes(complete_step, out):
    """What a judge step leaves is part of its identity: another file needs another version of the step."""
    a = complete_step("a", {**TEXTS_A, "5": f"{WORDS}."}, degenerate={"2"}, more=ASKED)
    b = complete_step("b", {**TEXTS_B, "5": WORDS}, more=ASKED)
    judge_pair(a, b, Scripted("longer"), out, controls=1)
    assert (out / "judge.json").read_text() == GOLDEN


GOLDEN = """{
 "controls": {
  "errors": 0,
  "n": 1,
  "right": 0,
  "ties": 1,
  "wrong": 0
 },
 "degenerate": {
  "a": 1,
  "b": 0,
  "by_rule": {
   "lose": 1
  },
  "rule": "a degenerate completion loses to one that is not, and two of them tie, without asking the judge"
 },
 "errors": 0,
 "first_position_rate": 0.5,
 "flip_rate": 0.0,
 "flips": 0,
 "gate": "lose",
 "identical": {
  "prompts": 1,
  "rule": "identical completions tie, without asking the judge"
 },
 "judge": "scripted:longer",
 "lengths": {
  "a": 16.0,
  "b": 14.8
 },
 "losses": 2,
 "net": 0.0,
 "p": 1.0,
 "prompts": 5,
 "reasons": {},
 "scripted": true,
 "template": "",
 "ties": 1,
 "what": "a script (longer) in the place of a judge; its results mean nothing",
 "wins": 2
}
"""
