"""Judged prompts for a page: every outcome is seen, the choice is keyed, what the judge wrote is there."""

from __future__ import annotations

from collections import Counter

import pyarrow.parquet as pq
import pytest

from leaven.ground.errors import LeavenError
from leaven.judge.question import Verdict
from leaven.judge.run import judge_pair
from leaven.judge.sample import sample
from leaven.judge.scripted import Scripted

NAMES = {"variant": "code→text", "baseline": "text-only", "seed": 1}


class Writes:
    """Prefers by what the first text says, and writes it down."""

    name, what, scripted = "writes", "a test", True

    def compare(self, questions, progress=None):
        return [self.verdict(question) for question in questions]

    def verdict(self, question):
        said = question.first + question.second
        if "broken" in said:
            return Verdict("error", reason="no verdict", replies=("Hm.", "<script>"))
        better = "first" if ("good" in question.first) or ("bad" in question.second) else "second"
        return Verdict("tie" if "even" in said else better, replies=(f"{better}\u2028it is",))


KINDS = ["good"] * 30 + ["bad"] * 6 + ["even"] * 3 + ["broken"]


@pytest.fixture
def judged(complete_step, tmp_path):
    more = {str(i): {"instruction": f"do {i}", "category": "qa", "overlap": ["dolly"]} for i in range(len(KINDS))}
    a = complete_step("a", {str(i): f"{kind} {i}" for i, kind in enumerate(KINDS)}, more=more)
    b = complete_step("b", {str(i): f"other {i}" for i in range(len(KINDS))}, more=more)
    folder = tmp_path / "judged"
    folder.mkdir()
    judge_pair(a, b, Writes(), folder)
    return folder


def test_a_row_tells_all_about_a_prompt(judged):
    row = next(row for row in sample(judged, **NAMES, limit=40) if row["id"] == "39")
    assert row == {
        "id": "39",
        "prompt": "do 39",
        "given": "prompt 39",
        "category": "qa",
        "variant": "code→text",
        "baseline": "text-only",
        "seed": 1,
        "variant_text": "broken 39",
        "baseline_text": "other 39",
        "outcome": "error",
        "first_order": "error",
        "second_order": "error",
        "score_a": None,
        "score_b": None,
        "rule": "",
        "reason": "no verdict",
        "overlap": "dolly",
        "replies": [["Hm.", "<script>"], ["Hm.", "<script>"]],
    }


def test_replies_stand_with_their_order(judged):
    row = next(row for row in sample(judged, **NAMES, limit=40) if row["id"] == "0")
    assert (row["outcome"], row["replies"]) == ("win", [["first\u2028it is"], ["second\u2028it is"]])


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (0, {}),
        (1, {"win": 1}),
        (4, {"win": 1, "lose": 1, "tie": 1, "error": 1}),
        (10, {"win": 3, "lose": 3, "tie": 3, "error": 1}),
        (20, {"win": 10, "lose": 6, "tie": 3, "error": 1}),
        (99, {"win": 30, "lose": 6, "tie": 3, "error": 1}),
    ],
)
def test_outcomes_take_turns(judged, limit, expected):
    rows = sample(judged, **NAMES, limit=limit)
    assert Counter(row["outcome"] for row in rows) == expected
    assert len({row["id"] for row in rows}) == len(rows)


def test_the_choice_is_keyed_and_a_longer_sample_begins_with_a_shorter(judged):
    rows = sample(judged, **NAMES, limit=12)
    assert rows == sample(judged, **NAMES, limit=12)
    assert sample(judged, **NAMES, limit=30)[:12] == rows
    other = sample(judged, variant="x", baseline="y", seed=2, limit=12)
    assert [row["id"] for row in other] == [row["id"] for row in rows]
    wins = [row["id"] for row in sample(judged, **NAMES, limit=40) if row["outcome"] == "win"]
    assert wins != sorted(wins)


def test_a_judge_that_writes_nothing_has_no_replies(complete_step, tmp_path):
    judge_pair(complete_step("a", {"1": "x"}), complete_step("b", {"1": "x"}), Scripted("coin"), tmp_path)
    (row,) = sample(tmp_path, **NAMES, limit=3)
    assert (row["outcome"], row["rule"], row["replies"]) == ("tie", "identical", [[], []])


@pytest.mark.parametrize(("more", "told"), [({}, None), ({"overlap": []}, "")])
def test_a_prompt_that_nobody_sought_is_not_one_that_was_found_nowhere(complete_step, tmp_path, more, told):
    a, b = (complete_step(name, {"1": name}, more={"1": more}) for name in "xy")
    judge_pair(a, b, Scripted("coin"), tmp_path)
    assert [row["overlap"] for row in sample(tmp_path, **NAMES, limit=3)] == [told]


def test_votes_from_before_a_column_existed_are_shown_without_it(judged):
    path = judged / "votes.parquet"
    table = pq.read_table(path).slice(0, 2)
    old = table.drop_columns(["rule", "length_a", "length_b", "given", "overlap", "category"])
    pq.write_table(old.set_column(old.schema.get_field_index("by_rule"), "by_rule", [[True, False]]), path)
    rows = {row["id"]: row for row in sample(judged, **NAMES, limit=3)}
    assert [rows[id]["rule"] for id in ("0", "1")] == ["degenerate", ""]
    assert {rows["0"][name] for name in ("given", "category")} == {""}
    assert rows["0"]["overlap"] is None


@pytest.mark.parametrize(
    "content", ["{", "[1]\n", '{"prompt": "1"}\n', '{"prompt": "1", "first": "a", "replies": 1}\n']
)
def test_damaged_replies_are_an_error(judged, content):
    (judged / "replies.jsonl").write_text(content)
    with pytest.raises(LeavenError, match="cannot read the judge's replies in judged"):
        sample(judged, **NAMES, limit=3)


@pytest.mark.parametrize("content", [None, b"PAR1"])
def test_missing_or_damaged_votes_are_an_error(judged, content):
    (judged / "votes.parquet").unlink()
    if content is not None:
        (judged / "votes.parquet").write_bytes(content)
    with pytest.raises(LeavenError, match="cannot read the votes in judged"):
        sample(judged, **NAMES, limit=3)
