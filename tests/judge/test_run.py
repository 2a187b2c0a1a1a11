"""The judge step: two folders of completions to votes, a summary and the record of what the judge wrote."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from leaven.ground.errors import LeavenError
from leaven.judge.question import Verdict
from leaven.judge.run import judge_pair
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
    assert votes["by_rule"] == [False, True, False, False]
    assert votes["score_a"] == [None] * 4
    summary = json.loads((out / "judge.json").read_text())
    assert summary["judge"] == "scripted:longer"
    assert summary["scripted"] is True
    assert (summary["wins"], summary["losses"], summary["ties"], summary["errors"], summary["flips"]) == (1, 2, 1, 0, 0)
    assert summary["net"] == -25.0
    assert summary["degenerate"]["a"] == 1
    assert summary["degenerate"]["by_rule"] == {"lose": 1}
    assert not (out / "replies.jsonl").exists()


def test_scores_of_the_reference_model_are_kept(complete_step, out):
    def score(texts):
        return [(2.0 * len(text), len(text)) if "longer" in text else (3.0 * len(text), len(text)) for _, text in texts]

    judge_pair(complete_step("a", TEXTS_A), complete_step("b", TEXTS_B), ReferenceLikelihood(score, 0.05), out)
    votes = pq.read_table(out / "votes.parquet").to_pydict()
    assert votes["score_a"] == [3.0, 3.0, 2.0, 3.0]
    assert votes["score_b"] == [3.0, 3.0, 3.0, 2.0]
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
    with pytest.raises(LeavenError, match="judge errors answered none of 4 prompts: outage"):
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


@pytest.mark.parametrize("content", ["{", "[1]\n", '{"id": "1"}\n', None])
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
    assert pq.read_table(out / "votes.parquet").to_pydict()["a"] == ["x\u2028\x85y"]
