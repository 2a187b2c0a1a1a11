"""Completions: equal rules for all, a function of prompt, seed and model alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leaven.evaluate.complete import PARAGRAPH, VERSION, Rules, complete
from leaven.evaluate.degenerate import degenerate
from leaven.evaluate.generate import Ask, generate
from leaven.evaluate.item import read_lines, write_lines
from leaven.evaluate.native import Native
from leaven.evaluate.stops import cut
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput

TEN = Rules(tokens=10)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (" one\n\ntwo", " one"),
        (" one\n  \n\ntwo", " one"),
        ("\n\n two\nthree", "\n\n two\nthree"),
        ("\n\n two \n\nthree", "\n\n two"),
        (" one\ntwo", " one\ntwo"),
    ],
)
def test_cut_at_the_first_empty_line_after_something(text, left):
    assert PARAGRAPH.split(text, 1)[0] == left


@pytest.fixture(scope="module")
def model(subject):
    return Native(subject)


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.jsonl"
    write_lines(path, [{"id": f"p{i}", "text": "A prompt of some words "[: 4 + i].rstrip()} for i in range(6)])
    return path


def run(model, prompts, out, rules=TEN):
    out.mkdir()
    complete(model, prompts, out, rules)
    return (out / "completions.jsonl").read_bytes()


class Parrot:
    """A model that writes the prompt back, byte by byte, by the protocol's rules."""

    def __init__(self):
        self.asked = []

    def generate(self, asks, progress, keep=None, *, stop=None, limited=None):
        self.asked += [(ask, stop) for ask in asks]
        broken = [
            place
            for place, ask in enumerate(asks)
            if cut(ask.prompt[: ask.tokens], ask.stops, stop) == ask.prompt[: ask.tokens]
            and len(ask.prompt) >= ask.tokens
        ]
        if broken:
            limited(broken)
        return [cut(ask.prompt[: ask.tokens], ask.stops, stop) for ask in asks]


def test_depends_on_seed_and_prompt_only(model, prompts, tmp_path):
    first = run(model, prompts, tmp_path / "a")
    assert first == run(model, prompts, tmp_path / "b")
    assert first != run(model, prompts, tmp_path / "c", replace(TEN, seed=1))
    few = tmp_path / "few.jsonl"
    write_lines(few, read_lines(prompts)[3:5])
    assert first.splitlines()[3:5] == run(model, few, tmp_path / "d").splitlines()


def test_the_file_holds_what_a_judge_needs(tmp_path):
    more = {"instruction": "Say it.", "category": "qa", "overlap": ["dolly"]}
    write_lines(
        tmp_path / "prompts.jsonl",
        [
            {"id": "1", "text": "Frame: Say it.", **more},
            {"id": "2", "text": "nowhere", "overlap": []},
            {"id": "3", "text": "no more", "overlap": None},
        ],
    )
    run(Parrot(), tmp_path / "prompts.jsonl", tmp_path / "a", Rules(tokens=50))
    assert read_lines(tmp_path / "a" / "completions.jsonl") == [
        {"id": "1", "prompt": "Frame: Say it.", "completion": "Frame: Say it.", "degenerate": False, "cut": False}
        | more,
        {"id": "2", "prompt": "nowhere", "completion": "nowhere", "degenerate": False, "cut": False, "overlap": []},
        {"id": "3", "prompt": "no more", "completion": "no more", "degenerate": False, "cut": False},
    ]


@pytest.mark.parametrize(
    ("rules", "texts", "broken"),
    [
        (Rules(tokens=99), ["\n\n one", "One\nQ", "end"], [False, False, False]),
        (Rules(tokens=99, paragraph=False), ["\n\n one\n \ntwo", "One\nQ", "end"], [False, False, False]),
        (Rules(tokens=99, stop=("\nQ", "nd")), ["\n\n one", "One", "e"], [False, False, False]),
        (Rules(tokens=3), ["\n\n ", "One", "end"], [True, True, True]),
        (Rules(tokens=4, stop=("n",)), ["\n\n o", "O", "e"], [True, False, False]),
    ],
)
def test_one_stop_rule_and_one_limit(rules, texts, broken, tmp_path):
    prompts = tmp_path / "prompts.jsonl"
    write_lines(prompts, [{"id": str(i), "text": t} for i, t in enumerate(["\n\n one\n \ntwo", "One\nQ", "end"])])
    parrot = Parrot()
    run(parrot, prompts, tmp_path / "a", rules)
    rows = read_lines(tmp_path / "a" / "completions.jsonl")
    assert ([row["completion"] for row in rows], [row["cut"] for row in rows]) == (texts, broken)
    assert [row["degenerate"] for row in rows] == [degenerate(text) for text in texts]
    ask, stop = parrot.asked[1]
    key = key64(VERSION, "1", 0)
    assert ask == Ask("One\nQ", rules.tokens, rules.stop, rules.temperature, rules.top_p, key)
    assert stop is (PARAGRAPH if rules.paragraph else None)


def test_a_native_model_stops_at_paragraphs_strings_and_its_limit(model, subject, prompts, tmp_path):
    """Whether it stops early or is cut as a whole is the same."""
    rules = Rules(tokens=40, temperature=1.5, stop=("e", "7"))
    free = [
        Ask(row["text"], 40, temperature=1.5, key=key64(VERSION, row["id"], rules.seed)) for row in read_lines(prompts)
    ]
    whole = generate(subject, free)
    run(model, prompts, tmp_path / "a", rules)
    rows = read_lines(tmp_path / "a" / "completions.jsonl")
    expected = [cut(text, rules.stop, PARAGRAPH) for text in whole]
    assert [row["completion"] for row in rows] == expected
    assert expected != whole
    ended = []
    generate(subject, free, limited=ended.extend)
    assert [row["cut"] for row in rows] == [
        text == before and place in ended for place, (text, before) in enumerate(zip(expected, whole, strict=True))
    ]
    assert (
        len({row["cut"] for row in rows} | {text == before for text, before in zip(expected, whole, strict=True)}) > 1
    )


@pytest.mark.parametrize("wrong", [{"tokens": 0}, {"temperature": -0.1}, {"temperature": float("nan")}, {"top_p": 0.0}])
def test_rules_that_nobody_can_write_by(wrong):
    with pytest.raises(BadInput):
        Rules(**wrong)


def test_prompts_longer_than_the_model_are_cut_from_the_left(subject):
    sequence = subject.config.sequence
    long, kept = "x" * 100 + "y" * (sequence - 8), "y" * (sequence - 8)
    asks = [Ask(long, 8), Ask("z" + kept, 8)]
    first, second = generate(subject, asks)
    assert first == second
