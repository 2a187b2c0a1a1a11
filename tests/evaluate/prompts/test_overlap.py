"""Prompts in training documents: the same rows, made into documents by the corpus room, are all found; others are not.

The paper's Dolly-200 was drawn from Dolly-15k, which was in its cooldown: that must be told.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from leaven.corpus.read.shapes import Shape
from leaven.evaluate.overlap import training_texts
from leaven.evaluate.prompts import overlap
from leaven.evaluate.prompts.frame import FRAME
from leaven.evaluate.prompts.overlap import occurrences
from leaven.evaluate.prompts.plan import PromptPlan
from leaven.evaluate.prompts.read import Prompt
from leaven.ground.errors import BadInput

from .conftest import built, instruct_source, text_source

LONG = "Explain to a child of seven why the sea is salt and the rivers that feed it are not."
PASSAGE = "The heron stands in the shallow water of the lake all morning and waits for a fish to come near its feet."
ROWS: list[dict[str, Any]] = [
    {"instruction": "Why is the sky blue?", "context": ""},
    {"instruction": "Which is a species of fish? Tope or Rope", "context": ""},
    {"instruction": LONG, "context": ""},
    {"instruction": "Summarize this paragraph", "context": PASSAGE},
    {"instruction": "Who stands in the water?", "context": "A heron stands in it."},
    {"instruction": LONG.replace("sea", "ocean"), "context": "A river is not salt."},
    {"instruction": "Sort these:\n- pear\n\n- fig", "context": ""},
    {"instruction": "Question: what is a label?", "context": ""},
    {"instruction": "one two three four five six seven eight nine ten eleven twelve", "context": ""},
    {"instruction": "一つの質問ですか", "context": ""},
    {"instruction": "Sum: 2 + 2 = ?", "context": "\r\n"},
]
OTHERS: list[dict[str, Any]] = [
    {"instruction": "Why is the sky green?", "context": ""},
    {"instruction": "Which is a species of bird? Tope or Rope", "context": ""},
    {"instruction": "Summarize this paragraph", "context": PASSAGE.replace("a", "o").replace("e", "i")},
    {"instruction": "Who stands in the water?", "context": "An egret stands in it."},
    {"instruction": "Why is the sky blue? Answer in French.", "context": ""},
    {"instruction": "the sky", "context": ""},
]


def records(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "response": "Because it is so.", "category": "open_qa"} for row in rows]


def test_rows_of_instruction_data_are_all_found_in_it(put, tmp_path: Path) -> None:
    corpus = instruct_source(tmp_path / "corpus", "dolly", records(ROWS))
    text_source(corpus, "web", ["Nothing of it.\nWhy is the sky blue, they ask.", PASSAGE])
    path = put("dolly_15k.jsonl", records(ROWS + OTHERS))
    kinds = {"dolly": "instruct", "web": "text"}
    rows, about = built(PromptPlan("dolly-15k"), [path.parent], tmp_path / "out", corpus=corpus, kinds=kinds)
    assert ["dolly" in row["overlap"] for row in rows] == [True] * len(ROWS) + [False] * len(OTHERS)
    assert [row["overlap"] for row in rows if "web" in row["overlap"]] == [["dolly", "web"]]
    assert about["overlap"] == {
        "dolly": {"kind": "instruct", "prompts": len(ROWS)},
        "web": {"kind": "text", "prompts": 1},
    }
    assert about["searched"] == about["chosen"] == len(ROWS) + len(OTHERS)


def test_the_hand_picked_rows_of_a_suite_are_found_in_what_they_were_picked_from(put, tmp_path: Path) -> None:
    corpus = instruct_source(tmp_path / "corpus", "dolly", records(ROWS))
    ways = ["{}\n\nContext: {}", "{} Context: {}", "{}\n{}", "{}\n\nInput:\n{}"]
    aya = [
        {"id": n, "inputs": ways[n % 4].format(row["instruction"], row["context"]).strip(), "language": "eng"}
        if row["context"].strip()
        else {"id": n, "inputs": row["instruction"].replace("?", " ?"), "language": "eng"}
        for n, row in enumerate(ROWS)
    ]
    for turn in range(4):
        ways = ways[1:] + ways[:1]
        short = {"id": 99, "inputs": ways[0].format(ROWS[4]["instruction"], ROWS[4]["context"]), "language": "eng"}
        place = put(f"{turn}/dolly_200.jsonl", [*aya, short, {"id": 100, "inputs": "Who ?", "language": "eng"}]).parent
        rows, _ = built(PromptPlan("dolly-200"), [place], tmp_path / f"out{turn}", corpus=corpus)
        assert {row["id"] for row in rows if not row["overlap"]} == {"100"}


def test_a_prompt_without_a_context_occurs_wherever_its_line_does(tmp_path: Path) -> None:
    corpus = instruct_source(tmp_path / "corpus", "dolly", records(ROWS))
    asked = [Prompt("alone", "Summarize this paragraph"), Prompt("of another", "Summarize this paragraph", "A cat.")]
    assert occurrences(asked, corpus, FRAME)[1] == {"alone": ["dolly"], "of another": []}


def test_what_is_sought_is_what_the_corpus_writes(tmp_path: Path) -> None:
    corpus = instruct_source(tmp_path / "corpus", "dolly", records(ROWS))
    texts = list(training_texts(corpus, "dolly"))
    assert len(texts) == len(ROWS)
    for template in overlap._templates():
        for row, text in zip(ROWS, texts, strict=True):
            asked = overlap._rendered(template, Prompt("", row["instruction"], row["context"].strip()))
            assert text == f"{asked}\n\nAnswer: Because it is so."


def test_another_rendering_of_the_corpus_is_sought_too(tmp_path: Path, monkeypatch) -> None:
    parts = Shape("other", {}, template="[About {context}\n]reply to {instruction}\n{response}").parts
    corpus = text_source(tmp_path / "corpus", "chat", ["About birds\nreply to Why sing?\nSo.", "reply to Who?\nI."])
    asked = [Prompt("a", "Why sing?", "birds"), Prompt("b", "Who?"), Prompt("c", "Why sing?", "whales")]
    assert not any(occurrences(asked, corpus, FRAME)[1].values())
    monkeypatch.setattr(overlap, "_templates", lambda: (overlap._asking(parts),))
    assert occurrences(asked, corpus, FRAME)[1] == {"a": ["chat"], "b": ["chat"], "c": []}


def test_the_shape_of_alpaca(put, tmp_path: Path) -> None:
    alpaca = [{"instruction": row["instruction"], "input": row["context"], "output": "So."} for row in ROWS]
    corpus = instruct_source(tmp_path / "corpus", "alpaca", alpaca, shape="alpaca")
    rows, _ = built(PromptPlan(str(put("p.jsonl", alpaca))), [], tmp_path / "out", corpus=corpus)
    assert all(row["overlap"] == ["alpaca"] for row in rows)


@pytest.mark.parametrize(
    "document",
    [
        "Why is the sky blue?",
        "Chapter 1\n\n  why is the sky blue\nIt scatters light.",
        "### Instruction:\nWhy is the sky blue?\n\n### Response:\nIt is.",
        "User: Why is the sky blue?\nAssistant: It is.",
        "<|user|> Why is the sky blue?\n<|assistant|> It is.",
        "Ask me: Why is the sky blue?\nTell: It is.",
    ],
)
def test_short_prompts_in_other_frames(tmp_path: Path, document: str) -> None:
    corpus = text_source(tmp_path / "corpus", "chat", ["nothing", document])
    frame = "Ask me: {instruction}\nTell:"
    names, found = occurrences([Prompt("a", "Why is the sky blue?"), Prompt("b", "the sky")], corpus, frame)
    assert (names, found) == (["chat"], {"a": ["chat"], "b": []})


def test_dropping_keeps_the_limit(put, tmp_path: Path) -> None:
    corpus = instruct_source(
        tmp_path / "corpus", "dolly", [{"instruction": f"Say {n}", "response": "a"} for n in range(30)]
    )
    path = str(put("p.jsonl", [{"id": n, "prompt": f"Say {n}"} for n in range(60)]))
    kept, about = built(PromptPlan(path, limit=20, overlapping="drop"), [], tmp_path / "a", corpus=corpus)
    assert len(kept) == about["chosen"] == 20
    assert all(int(row["id"]) >= 30 and row["overlap"] == [] for row in kept)
    assert [row["id"] for row in kept] == sorted((row["id"] for row in kept), key=int)
    assert about["overlap"]["dolly"]["prompts"] == about["dropped"] == about["searched"] - 20 > 0
    told, seen = built(PromptPlan(path, limit=20), [], tmp_path / "b", corpus=corpus)
    clean = {row["id"] for row in told if not row["overlap"]}
    assert clean < {row["id"] for row in kept}
    assert (seen["dropped"], seen["overlap"]["dolly"]["prompts"]) == (0, 20 - len(clean))
    every, all_about = built(PromptPlan(path, overlapping="drop"), [], tmp_path / "c", corpus=corpus)
    assert (len(every), all_about["dropped"]) == (30, 30)


def test_nothing_is_left(put, tmp_path: Path) -> None:
    corpus = instruct_source(tmp_path / "corpus", "dolly", records(ROWS))
    path = str(put("p.jsonl", records(ROWS)))
    with pytest.raises(BadInput, match="every prompt of .* occurs in the training documents"):
        built(PromptPlan(path, overlapping="drop"), [], tmp_path / "a", corpus=corpus)
    rows, _ = built(PromptPlan(path, overlapping="drop"), [], tmp_path / "b")  # nobody knows what was trained on
    assert len(rows) == len(ROWS)
    assert all("overlap" not in row for row in rows)


LITTLE = ["???", "😀", "1 + 1 = ?", "Introduction", "Tides", "x?", "3, 5, 7, 9, …", "Define: loaf", "Solving"]
LITTLE += ["*it*", "Straße?", "Go\n???"]
"""Prompts whose words alone say too little."""


def occurring(tmp_path: Path, asked: list[str], documents: list[str], frame: str = FRAME) -> list[str]:
    corpus = text_source(tmp_path / "corpus", "text", documents)
    _, found = occurrences([Prompt(text, text) for text in asked], corpus, frame)
    return [text for text in asked if found[text]]


def test_prompts_that_say_little_are_not_found_in_what_is_no_question(tmp_path: Path) -> None:
    documents = [
        "?\n\n!",
        "",
        "Question:\n\nAnswer: it depends.",
        "Q\nUser:\nPrompt",
        "Introduction\n\nThe tides.",
        "# Introduction\n\n1. Introduction\n\nIntroduction:",
        "1 1\n3 5 7 9\n| 1 | 1 |\n1, 1",
        "Define loaf\nDEFINE: Loaf\nx\nx?\n\U0001f600\n1 + 1 = ?",
        "# Problem solving\nProblem\nSolving\nInput 1 + 1 = ?\nQuestionable: ???",
        "Question: Go\nNow\nQuestion: Go!\n???\nQ: it*",
        "Question: Introduction to tides\nQuestion: What is 1 + 1 = ?\nQuestion: ????\nQ: 1 + 1\nQuestion: 3 5 7 9",
    ]
    assert occurring(tmp_path, LITTLE, documents, "{instruction}") == []


@pytest.mark.parametrize(
    "form",
    [
        "Question: {}\n\nAnswer: So.",
        "question:{}",
        "Chapter\n### Instruction:\n\n{}\n\n### Response:\nSo.",
        "**Q:** {}",
        "<|user|> {}\n<|assistant|> So.",
        "[INPUT] {}",
        "## Problem\n{}",
        "Ask, me: {}\nTell: So.",
    ],
)
def test_prompts_that_say_little_are_found_where_they_are_asked(tmp_path: Path, form: str) -> None:
    documents = ["nothing", *(form.format(text.upper()) for text in LITTLE)]
    assert occurring(tmp_path, [*LITTLE, "!!!", "Waves"], documents, "Ask, me: {instruction}\nTell:") == LITTLE


def test_prompts_that_say_little_are_found_in_records(tmp_path: Path, monkeypatch) -> None:
    rows = [{"instruction": text, "context": ""} for text in LITTLE]
    corpus = instruct_source(
        tmp_path / "corpus",
        "dolly",
        records([*rows, {"instruction": "Sum", "context": "2\n2"}, {"instruction": "Double", "context": "7"}]),
    )
    asked = [Prompt(text, text) for text in (*LITTLE, "Name a loaf.")] + [
        Prompt("sum", "Sum", "2\n2"),
        Prompt("inside", "Sum Context: 2\n2"),
        Prompt("shorter inside", "Double Context: 7"),
        Prompt("of another", "Sum", "2\n3"),
    ]
    found = occurrences(asked, corpus, FRAME)[1]
    assert [name for name, sources in found.items() if sources] == [*LITTLE, "sum", "inside", "shorter inside"]
    # a rendering that adds nothing is any line; one that does is sought as it is
    own = text_source(tmp_path / "own", "chat", ["???\nSo.", "Tides", "tell of 1+1=?\nTwo."])
    parts = [Shape("a", {}, template=f"{before}{{instruction}}\n{{response}}").parts for before in ("", "tell of ")]
    monkeypatch.setattr(overlap, "_templates", lambda: tuple(map(overlap._asking, parts)))
    assert [name for name, sources in occurrences(asked, own, FRAME)[1].items() if sources] == ["1 + 1 = ?"]


@pytest.mark.parametrize("form", ["Question: {}\n\nAnswer: So.", "Introduction\n{}\nSo.", "{}"])
def test_three_words_are_sought_by_their_words(tmp_path: Path, form: str) -> None:
    assert occurring(tmp_path, ["Name a loaf.", "Name a boat."], [form.format("name a loaf")]) == ["Name a loaf."]


WORDS = ["Sun", "sea,", "salt;", "river.", "fish?", "(heron)", "7", "é", "don't", "Context:", "Answer:"]
words = st.lists(st.sampled_from(WORDS), min_size=1)
asked = st.builds(
    "".join, st.lists(st.builds("{}{}".format, words.map(" ".join), st.sampled_from(["\n", "\n\n", " "])))
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(asked, asked | st.just("")), min_size=1, max_size=4))
def test_whatever_is_asked_is_found_in_its_own_document(tmp_path_factory, rows: list[tuple[str, str]]) -> None:
    rows = [(instruction.strip(), context.strip()) for instruction, context in rows if instruction.strip()]
    assume(rows)
    corpus = tmp_path_factory.mktemp("law") / "corpus"
    texts = [f"Question: {i}" + (f"\n\n{c}" if c else "") + "\n\nAnswer: So." for i, c in rows]
    text_source(corpus, "instruct", texts)
    prompts = [Prompt(str(n), instruction, context) for n, (instruction, context) in enumerate(rows)]
    _, found = occurrences(prompts, corpus, "{instruction}")
    assert all(found[prompt.id] == ["instruct"] for prompt in prompts)
