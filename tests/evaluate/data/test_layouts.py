"""Layouts of files that are not among the shared ones, laws of those that are, and rows that do not fit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.evaluate.data.fit import Wishes, fit
from leaven.evaluate.data.layouts import LAYOUTS
from leaven.evaluate.data.table import Table, Unfit
from leaven.ground.errors import BadInput

PIQA = {"query": "Question: to sit\n", "choices": ["a chair", "a cloud"], "gold": 0}
ARC = {"query": "Question: why", "choices": ["a", "b", "c", "d"], "gold": 3}
BOOLQ = {"query": "Passage: It is.\nQuestion: is it?", "choices": ["no", "yes"], "gold": 1}
COPA = {"query": "It rained, therefore", "choices": ["it was wet.", "it was dry."], "gold": 0}
WINO = {"context_options": ["The pen", "The pencil"], "continuation": "broke.", "gold": 1}
TRIVIA = {"context": "Question: who?\nAnswer:", "answer": "I", "aliases": ["I", "me"]}
LAMBADA = {"context": "so\nit", "continuation": "goes"}
HELLA = {"query": "Cooking: he", "choices": ["a", "b", "c", "d"], "gold": 2}


def turned(layout: str, row: dict[str, Any]) -> dict[str, Any]:
    [made] = LAYOUTS[layout].documents(row, "")
    return made


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: text.strip())
WORD = st.from_regex(r"[A-Za-z']{1,6}", fullmatch=True)


@given(WORDS, WORDS, WORDS, st.integers(0, 1))
def test_what_is_wrapped_is_unwrapped(text: str, first: str, second: str, gold: int) -> None:
    row = {"query": f"Question: {text}\n", "choices": [first, second], "gold": gold}
    assert turned("foundry-piqa", row) == {"goal": text, "sol1": first, "sol2": second, "label": gold}
    row = {"query": f"Passage: {first}\nQuestion: {text}?", "choices": ["no", "yes"], "gold": gold}
    made = turned("foundry-boolq", row)
    assert f"Passage: {made['passage']}\nQuestion: {made['question']}?" == row["query"]
    row = {"context": f"Question: {text}\nAnswer:", "answer": first, "aliases": [second, first]}
    assert turned("foundry-triviaqa", row) == {"question": text, "answer": {"value": first, "aliases": [second, first]}}


@given(st.lists(WORD, min_size=0), WORD, WORD, st.sampled_from(["broke.", ".", "'s", "and so on"]), st.integers(0, 1))
def test_the_gap_of_winogrande(before: list[str], first: str, second: str, after: str, gold: int) -> None:
    contexts = [" ".join([*before, option]) for option in (first, second)]
    row = {"context_options": contexts, "continuation": after, "gold": gold}
    if first == second:
        with pytest.raises(Unfit):
            turned("foundry-winogrande", row)
        return
    made = turned("foundry-winogrande", row)
    gap = made["sentence"].index("_")
    assert [made["sentence"][:gap] + made[f"option{n}"] for n in (1, 2)] == contexts
    assert made["sentence"][gap + 1 :].strip() == after
    assert (made["option1"], made["option2"], made["answer"]) == (first, second, str(gold + 1))


@given(st.lists(WORDS.filter(lambda text: " " not in text), min_size=2), st.booleans())
def test_lambada_is_taken_apart_again(words: list[str], space: bool) -> None:
    row = {"context": " ".join(words[:-1]), "continuation": " " * space + words[-1]}
    text = turned("foundry-lambada", row)["text"]
    assert " ".join(text.split(" ")[:-1]) == row["context"]
    assert text.split(" ")[-1] == words[-1]


def test_padding_is_taken_out_and_the_gold_answer_kept() -> None:
    made = turned("foundry-arc", {"query": "Question: why", "choices": ["a", "b", "a", "c"], "gold": 2})
    assert made["choices"] == {"text": ["a", "b", "c"], "label": ["A", "B", "C"]}
    assert made["answerKey"] == "A"


def test_original_files() -> None:
    stem = {"stem": "why", "choices": [{"text": "x", "label": "1"}, {"text": "y", "label": "2"}]}
    assert turned("arc-original", {"id": "a", "question": stem, "answerKey": "2"}) == {
        "question": "why",
        "choices": {"text": ["x", "y"], "label": ["1", "2"]},
        "answerKey": "2",
    }
    boolq = {"question": "q", "passage": "p", "title": "t", "answer": True}
    assert turned("boolq-original", boolq) == {"passage": "p", "question": "q", "label": 1}
    assert turned("superglue-boolq", {"question": "q", "passage": "p", "label": False, "idx": 0})["label"] == 0
    story = {f"InputSentence{n}": f"s{n}." for n in range(1, 5)} | {"InputStoryid": "id", "AnswerRightEnding": "2"}
    story |= {"RandomFifthSentenceQuiz1": "e1.", "RandomFifthSentenceQuiz2": "e2."}
    made = turned("storycloze-csv", story)
    assert [made[f"input_sentence_{n}"] for n in range(1, 5)] == ["s1.", "s2.", "s3.", "s4."]
    assert (made["sentence_quiz1"], made["sentence_quiz2"], made["answer_right_ending"]) == ("e1.", "e2.", 2)


def dialogue() -> tuple[dict[str, Any], dict[str, Any]]:
    """One dialogue as its authors' file nests it, and as the hub's columns hold it."""
    qas = [
        {
            "id": f"d_q#{n}",
            "question": f"q{n}?",
            "answers": [{"text": f"a{n}", "answer_start": 0}, {"text": f"b{n}", "answer_start": 1}],
            "orig_answer": {"text": f"a{n}", "answer_start": 0},
            "followup": "y",
            "yesno": "x",
        }
        for n in range(3)
    ]
    paragraph = {"context": "text CANNOTANSWER", "id": "d", "qas": qas}
    nested = {"title": "T", "section_title": "S", "background": "", "paragraphs": [paragraph]}
    flat = {
        "dialogue_id": "d",
        "wikipedia_page_title": "T",
        "section_title": "S",
        "background": "",
        "context": "text CANNOTANSWER",
        "turn_ids": [turn["id"] for turn in qas],
        "questions": [turn["question"] for turn in qas],
        "followups": ["y"] * 3,
        "yesnos": ["x"] * 3,
        "answers": [{"texts": [f"a{n}", f"b{n}"], "answer_starts": [0, 1]} for n in range(3)],
        "orig_answers": {"texts": ["a0", "a1", "a2"], "answer_starts": [0, 0, 0]},
    }
    return nested, flat


def test_a_dialogue_becomes_its_questions() -> None:
    nested, flat = dialogue()
    made = LAYOUTS["quac-articles"].documents(nested, "quac")
    assert made == LAYOUTS["quac-dialogues"].documents(flat, "quac")
    columns = {**flat, "answers": {"texts": [row["texts"] for row in flat["answers"]]}}
    assert made == LAYOUTS["quac-dialogues"].documents(columns, "quac")
    assert made[2] == {
        "id": "d_q#2",
        "title": "T",
        "section": "S",
        "background": "",
        "context": "text CANNOTANSWER",
        "question": "q2?",
        "answers": ["a2", "b2"],
        "orig_answer": "a2",
        "followup": "y",
        "yesno": "x",
        "history": [{"question": "q0?", "answer": "a0"}, {"question": "q1?", "answer": "a1"}],
    }


@pytest.mark.parametrize(
    ("layout", "row", "change", "said"),
    [
        ("foundry-piqa", PIQA, {"query": "to sit\n"}, "query: expected 'Question: …"),
        ("foundry-piqa", PIQA, {"query": "Question: \n"}, "query: expected"),
        ("foundry-piqa", PIQA, {"gold": 2}, "gold: expected 0 to 1, found 2"),
        ("foundry-piqa", PIQA, {"gold": -1}, "gold: .*not published has -1"),
        ("foundry-piqa", PIQA, {"gold": "0"}, "gold: expected a whole number, found text"),
        ("foundry-piqa", PIQA, {"gold": True}, "gold: expected a whole number, found true or false"),
        ("foundry-piqa", PIQA, {"choices": ["a", " "]}, r"choices\[1\]: the text is empty"),
        ("foundry-piqa", PIQA, {"choices": ["a"]}, "choices: expected 2 texts"),
        ("foundry-piqa", PIQA, {"choices": ["a", 3]}, "choices: expected a list of texts, found a list with a whole"),
        ("foundry-piqa", PIQA, {"choices": None}, "choices: expected a list of texts, found nothing"),
        ("foundry-arc", ARC, {"choices": ["a", "b"]}, "choices: expected 4 texts"),
        ("foundry-arc", ARC, {"query": "Question: why\n"}, "query: expected no line end"),
        ("foundry-boolq", BOOLQ, {"choices": ["yes", "no"]}, "choices: expected no, yes"),
        ("foundry-boolq", BOOLQ, {"query": "Passage: It is. is it?"}, "query: expected one line with the question"),
        ("foundry-copa", COPA, {"query": "It rained"}, "query: expected"),
        ("foundry-winogrande", WINO, {"context_options": ["a_b c", "a_b d"]}, "no sentence with one gap"),
        ("foundry-winogrande", WINO, {"context_options": ["a b", "a b c"], "gold": 0}, ""),
        ("foundry-winogrande", WINO, {"continuation": " broke."}, "no sentence with one gap"),
        ("foundry-triviaqa", TRIVIA, {"aliases": ["me"]}, "aliases: the answer 'I' is not among them"),
        ("foundry-triviaqa", TRIVIA, {"aliases": []}, "aliases: expected at least 1"),
        ("foundry-lambada", LAMBADA, {"context": "so "}, "do not meet at the last space"),
        ("foundry-lambada", LAMBADA, {"continuation": "goes on"}, "do not meet at the last space"),
        ("hellaswag-text", HELLA, {"query": "Question: he"}, "query: expected an activity"),
        ("hellaswag-text", HELLA, {"choices": ["a", "b", "c"]}, "expected an activity"),
        (
            "cb-words",
            {"premise": "p", "hypothesis": "h", "label": "neutral"},
            {"label": "yes"},
            "label: expected entail",
        ),
        ("superglue-boolq", {"passage": "p", "question": "q", "label": True}, {"label": 1}, "expected true or false"),
    ],
)
def test_rows_that_do_not_fit(layout: str, row: dict[str, Any], change: dict[str, Any], said: str) -> None:
    assert turned(layout, row)
    if not said:
        assert turned(layout, {**row, **change})
        return
    with pytest.raises(Unfit, match=said):
        turned(layout, {**row, **change})


def fitted(rows: list[dict[str, Any]], layout: str = "rows", **wishes: Any):
    return fit(Table("x.jsonl", tuple(rows), tuple(range(1, len(rows) + 1))), LAYOUTS[layout], Wishes("test", **wishes))


def test_rows_are_renamed() -> None:
    rows = [{"g": "goal", "a": "one", "b": "two", "label": 1, "more": [1]}]
    got = fitted(rows, form="piqa", fields={"goal": "g", "sol1": "a", "sol2": "b"})
    assert got.rows == ({"goal": "goal", "sol1": "one", "sol2": "two", "label": 1, "more": [1]},)
    with pytest.raises(BadInput, match=r"x\.jsonl:1: c: the field is missing; the row has g, a, b, label, more"):
        fitted(rows, form="piqa", fields={"goal": "c"})
    swapped = fitted([{"a": 1, "b": 2}], fields={"a": "b", "b": "a"})
    assert swapped.rows == ({"a": 2, "b": 1},)


def test_equal_rows_are_refused_or_told() -> None:
    rows = [{"a": 1, "b": 2}, {"a": 2}, {"b": 2, "a": 1}]
    with pytest.raises(BadInput, match=r"x\.jsonl:3: the row is the same as x\.jsonl:1"):
        fitted(rows)
    got = fitted(rows, kept=True)
    assert len(got.rows) == 3
    assert got.notes == ("1 of 3 rows equal an earlier one; they are kept",)
    cut = [{"a": 1, "_src_index": 4}, {"a": 1, "_src_index": 9}]
    with pytest.raises(BadInput, match="the same as"):
        fitted(cut)


def test_a_cut_file_says_so() -> None:
    got = fitted([{"a": n, "_src_index": 3 * n} for n in range(2000)], published=3270)
    assert got.cut
    assert got.notes == ("2,000 of the file's 3,270 rows; not the published benchmark",)
    assert got.rows[1] == {"a": 1}
    assert fitted([{"a": 1}], published=2).notes == (
        "1 row, where the published file has 2; not the published benchmark",
    )
    assert not fitted([{"a": 1}], published=1).notes
    for rows, said in (
        ([{"a": 1, "_src_index": 1}, {"a": 2, "_src_index": 1}], r"x\.jsonl:2: _src_index: 1 is given in x\.jsonl:1"),
        ([{"a": 1, "_src_index": 1}, {"a": 2}], r"x\.jsonl:2: the field is missing, which other rows have"),
        ([{"a": 1, "_src_index": "1"}], "expected the row's place"),
    ):
        with pytest.raises(BadInput, match=said):
            fitted(rows)
    with pytest.raises(BadInput, match="the file has 3 rows, the published one 2"):
        fitted([{"a": n} for n in range(3)], published=2)


@pytest.mark.parametrize(
    "form", ["piqa", "arc", "boolq", "copa", "winogrande", "cb", "hellaswag", "sciq", "social_iqa"]
)
def test_a_row_without_its_fields_is_named(form: str) -> None:
    with pytest.raises(BadInput, match=r"x\.jsonl:1: \w+: the field is missing; the row has nothing_of_it"):
        fitted([{"nothing_of_it": 1}], form=form)


GOOD: dict[str, dict[str, Any]] = {
    "arc": {"question": "q", "choices": {"text": ["a", "b"], "label": ["1", "2"]}, "answerKey": "1"},
    "winogrande": {"sentence": "a _ b", "option1": "x", "option2": "y", "answer": "1"},
    "hellaswag": {"activity_label": "A", "ctx_a": "a", "ctx_b": "", "endings": ["a", "b", "c", "d"], "label": "3"},
    "social_iqa": {"context": "c", "question": "q", "answerA": "a", "answerB": "b", "answerC": "c", "label": "3"},
    "copa": {"premise": "p", "question": "cause", "choice1": "a", "choice2": "b", "label": 0},
    "sciq": {"question": "q", "correct_answer": "a", **{f"distractor{n}": f"{n}" for n in (1, 2, 3)}, "support": ""},
    "lambada": {"text": "a b"},
    "triviaqa": {"question": "q", "answer": {"aliases": ["a"], "value": "a"}},
    "nq_open": {"question": "q", "answer": ["a"]},
    "mbpp": {"text": "t", "code": "c", "task_id": 11, "test_list": ["a", "b", "c"]},
}


@pytest.mark.parametrize(
    ("form", "change", "said"),
    [
        ("arc", {"answerKey": "3"}, "answerKey: expected 1 or 2, found '3'"),
        ("arc", {"choices": {"text": ["a", "b"], "label": ["1", "1"]}}, r"choices\.label: expected one label"),
        ("arc", {"choices": {"text": ["a", ""], "label": ["1", "2"]}}, r"choices\.text\[1\]: the text is empty"),
        ("arc", {"choices": ["a"]}, "choices: expected an object"),
        ("winogrande", {"sentence": "a b"}, 'sentence: no "_"'),
        ("winogrande", {"answer": ""}, "answer: the text is empty"),
        ("hellaswag", {"label": "4"}, "label: expected 0 to 3, found 4"),
        ("hellaswag", {"label": ""}, "label: .*not published has nothing here"),
        ("social_iqa", {"label": 0}, "label: expected 1 to 3, found 0"),
        ("copa", {"question": "why"}, "question: expected cause or effect"),
        ("sciq", {"distractor2": ""}, "distractor2: the text is empty"),
        ("lambada", {"text": "word"}, "text: there is no last word"),
        ("triviaqa", {"answer": {"aliases": []}}, r"answer\.aliases: expected at least 1"),
        ("triviaqa", {"answer": ["a"]}, "answer: expected an object"),
        ("nq_open", {"answer": "a"}, "answer: expected a list of texts, found text"),
        ("mbpp", {"test_list": ["a"]}, "test_list: expected at least 3"),
    ],
)
def test_documents_that_the_template_could_not_ask(form: str, change: dict[str, Any], said: str) -> None:
    assert fitted([GOOD[form]], form=form).rows
    with pytest.raises(BadInput, match=r"x\.jsonl:1: " + said):
        fitted([{**GOOD[form], **change}], form=form)


def test_a_file_of_another_task_is_recognised() -> None:
    with pytest.raises(
        BadInput, match=r"x\.jsonl:1: query: expected 'Question: (.|\n)*looks like one of layout foundry-boolq"
    ):
        fitted([BOOLQ], "foundry-piqa")
