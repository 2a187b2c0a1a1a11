"""QuAC: dialogues, asked one question at a time.

A document is one question: `title`, `section`, `background` and `context` of its article, `question`, the list of
`answers` (each annotator's text; CANNOTANSWER where the article has none), `orig_answer` (of the dialogue's own
teacher), and `history`, the questions before it with the answers that the teacher gave.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from leaven.evaluate.data.layouts.layout import Layout
from leaven.evaluate.data.table import Row, Unfit, kind, text_of, value_of


def _nested(row: Row) -> list[Row]:
    """An article of `val_v0.2.json`: {title, section_title, background, paragraphs: [{context, id, qas}]}."""
    made: list[Row] = []
    for paragraph in _objects(row, "paragraphs"):
        turns = [
            {
                "id": text_of(turn, "id"),
                "question": text_of(turn, "question"),
                "answers": [text_of(answer, "text") for answer in _objects(turn, "answers")],
                "orig_answer": text_of(_object(turn, "orig_answer"), "text"),
                "followup": value_of(turn, "followup"),
                "yesno": value_of(turn, "yesno"),
            }
            for turn in _objects(paragraph, "qas")
        ]
        made += _documents(turns, row["title"], row["section_title"], row["background"], text_of(paragraph, "context"))
    return made


def _flat(row: Row) -> list[Row]:
    """A dialogue in the columns of the hub's loader."""
    lists = {name: _list(row, name) for name in ("turn_ids", "questions", "followups", "yesnos")}
    answers = value_of(row, "answers")
    if isinstance(answers, dict):  # a list of structures may be stored as a structure of lists
        texts = _list(answers, "texts")
    else:
        texts = [value_of(answer, "texts") for answer in _objects(row, "answers")]
    original = _list(_object(row, "orig_answers"), "texts")
    counts = {len(values) for values in (*lists.values(), texts, original)}
    if len(counts) != 1:
        raise Unfit("questions", f"the lists of a dialogue differ in length: {sorted(counts)}")
    turns = [
        {
            "id": lists["turn_ids"][n],
            "question": lists["questions"][n],
            "answers": list(texts[n]),
            "orig_answer": original[n],
            "followup": lists["followups"][n],
            "yesno": lists["yesnos"][n],
        }
        for n in range(len(original))
    ]
    return list(
        _documents(turns, row["wikipedia_page_title"], row["section_title"], row["background"], text_of(row, "context"))
    )


def _documents(turns: list[Row], title: str, section: str, background: str, context: str) -> Iterable[Row]:
    history: list[Row] = []
    for turn in turns:
        about = {"title": title, "section": section, "background": background, "context": context}
        yield {**turn, **about, "history": list(history)}
        history.append({"question": turn["question"], "answer": turn["orig_answer"]})


def _object(row: Row, field: str) -> Row:
    value = value_of(row, field)
    if not isinstance(value, dict):
        raise Unfit(field, f"expected an object, found {kind(value)}")
    return value


def _objects(row: Row, field: str) -> list[Row]:
    values = _list(row, field)
    if not all(isinstance(value, dict) for value in values):
        raise Unfit(field, f"expected a list of objects, found {kind(values)}")
    return values


def _list(row: Row, field: str) -> list[Any]:
    value = value_of(row, field)
    if not isinstance(value, list):
        raise Unfit(field, f"expected a list, found {kind(value)}")
    return value


DIALOGUES = (
    Layout("quac-articles", ("title", "section_title", "background", "paragraphs"), _nested, "quac"),
    Layout(
        "quac-dialogues",
        (
            *("wikipedia_page_title", "section_title", "background", "context", "turn_ids", "questions"),
            *("followups", "yesnos", "answers", "orig_answers"),
        ),
        _flat,
        "quac",
    ),
)
