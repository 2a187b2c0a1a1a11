"""Completions: equal rules for all, a function of prompt, seed and model alone."""

from __future__ import annotations

import pytest

from leaven.evaluate.complete import PARAGRAPH, complete, degenerate
from leaven.evaluate.generate import Ask, generate
from leaven.evaluate.item import read_lines, write_lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        (" \n ", True),
        (" the the the the the the the", True),
        ("=" * 30, True),
        (" a b c d a b c d a b c d a b c d", True),
        (" is a module that reads files, and writes them again.", False),
        (" short", False),
        ("!!", False),
    ],
)
def test_degenerate(text, expected):
    assert degenerate(text) is expected


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        (" one\n\ntwo", " one"),
        (" one\n  \n\ntwo", " one"),
        ("\n\n two\nthree", "\n\n two\nthree"),
        ("\n\n two \n\nthree", "\n\n two"),
        (" one\ntwo", " one\ntwo"),
    ],
)
def test_cut_at_the_first_empty_line_after_something(text, cut):
    assert PARAGRAPH.split(text, 1)[0] == cut


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.jsonl"
    write_lines(path, [{"id": f"p{i}", "text": "A prompt of some words "[: 4 + i].rstrip()} for i in range(6)])
    return path


def run(subject, prompts, out, **settings):
    out.mkdir()
    complete(subject, prompts, out, **settings)
    return (out / "completions.jsonl").read_bytes()


def test_depends_on_seed_and_prompt_only(subject, prompts, tmp_path):
    first = run(subject, prompts, tmp_path / "a", tokens=10, seed=0)
    assert first == run(subject, prompts, tmp_path / "b", tokens=10, seed=0)
    assert first != run(subject, prompts, tmp_path / "c", tokens=10, seed=1)
    few = tmp_path / "few.jsonl"
    write_lines(few, read_lines(prompts)[3:5])
    assert first.splitlines()[3:5] == run(subject, few, tmp_path / "d", tokens=10, seed=0).splitlines()


def test_the_file_holds_what_a_judge_needs(subject, prompts, tmp_path):
    run(subject, prompts, tmp_path / "a", tokens=10, seed=0)
    rows = read_lines(tmp_path / "a" / "completions.jsonl")
    assert [row["id"] for row in rows] == [f"p{i}" for i in range(6)]
    assert all(set(row) == {"id", "prompt", "completion", "degenerate"} for row in rows)


def test_prompts_longer_than_the_model_are_cut_from_the_left(subject):
    sequence = subject.config.sequence
    long, kept = "x" * 100 + "y" * (sequence - 8), "y" * (sequence - 8)
    asks = [Ask(long, 8), Ask("z" + kept, 8)]
    first, second = generate(subject, asks)
    assert first == second
