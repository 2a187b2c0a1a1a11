"""Files as the authors of a benchmark published them."""

from __future__ import annotations

from leaven.evaluate.data.layouts.layout import Layout
from leaven.evaluate.data.table import Row, Unfit, index_of, kind, text_of, texts_of, value_of

_CB = ("entailment", "contradiction", "neutral")
"""In the order of the hub's class labels."""
_MBPP = {"prompt": (1, 10), "test": (11, 510), "validation": (511, 600), "train": (601, 974)}
"""First and last task_id of each split, as MBPP's authors give them."""


def _rows(row: Row) -> list[Row]:
    return [row]


def _yes(row: Row, field: str) -> int:
    value = value_of(row, field)
    if not isinstance(value, bool):
        raise Unfit(field, f"expected true or false, found {kind(value)}")
    return int(value)


def _boolq(row: Row) -> list[Row]:
    """Google's `dev.jsonl`."""
    return [{"passage": row["passage"], "question": row["question"], "label": _yes(row, "answer")}]


def _superglue_boolq(row: Row) -> list[Row]:
    """SuperGLUE's `val.jsonl`: label true or false."""
    return [{"passage": row["passage"], "question": row["question"], "label": _yes(row, "label")}]


def _cb(row: Row) -> list[Row]:
    """Labels in words."""
    word = text_of(row, "label")
    if word not in _CB:
        raise Unfit("label", f"expected {', '.join(_CB)}, found {word!r}")
    return [{"premise": row["premise"], "hypothesis": row["hypothesis"], "label": _CB.index(word)}]


def _arc(row: Row) -> list[Row]:
    """AI2's `ARC-Easy-Test.jsonl`: {question: {stem, choices: [{text, label}]}, answerKey}."""
    question = value_of(row, "question")
    if not isinstance(question, dict):
        raise Unfit("question", f"expected an object with stem and choices, found {kind(question)}")
    choices = value_of(question, "choices")
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        raise Unfit("question.choices", f"expected a list of objects, found {kind(choices)}")
    told = {key: [value_of(choice, key) for choice in choices] for key in ("text", "label")}
    return [{"question": value_of(question, "stem"), "choices": told, "answerKey": row["answerKey"]}]


def _storycloze(row: Row) -> list[Row]:
    """The authors' CSV, under the names of the hub's loader."""
    right = text_of(row, "AnswerRightEnding").strip()
    if right not in ("1", "2"):
        raise Unfit("AnswerRightEnding", f"expected 1 or 2, found {right!r}")
    return [
        {
            "story_id": text_of(row, "InputStoryid"),
            **{f"input_sentence_{n}": text_of(row, f"InputSentence{n}") for n in range(1, 5)},
            "sentence_quiz1": text_of(row, "RandomFifthSentenceQuiz1"),
            "sentence_quiz2": text_of(row, "RandomFifthSentenceQuiz2"),
            "answer_right_ending": int(right),
        }
    ]


def _hellaswag(row: Row) -> list[Row]:
    """Texts that are already cleaned and joined: lm-eval's own preparation is left out."""
    query, choices = text_of(row, "query"), texts_of(row, "choices")
    label = query.partition(": ")
    if len(choices) != 4 or not label[1] or "\n" in label[0] or label[0] in ("Question", "Passage"):
        raise Unfit("query", "expected an activity, a colon, a beginning, and four endings")
    return [{"query": query, "choices": choices, "gold": index_of(row, "gold", 4)}]


def _bracket(row: Row) -> str:
    found = any("[" in text for text in (row["query"], *row["choices"]))
    return 'still hold a "[" (lm-eval removes what stands in brackets)' if found else ""


def _mbpp(document: Row, split: str) -> bool:
    if split not in _MBPP:
        raise Unfit("task_id", f'mbpp has no split "{split}"; it has {", ".join(_MBPP)}')
    first, last = _MBPP[split]
    return first <= index_of(document, "task_id", 1 << 31) <= last


ORIGINAL = (
    Layout("rows", (), _rows),
    Layout("boolq-original", ("passage", "question", "answer"), _boolq, "boolq"),
    Layout("superglue-boolq", ("passage", "question", "label"), _superglue_boolq, "boolq"),
    Layout("cb-words", ("premise", "hypothesis", "label"), _cb, "cb"),
    Layout("arc-original", ("question", "answerKey"), _arc, "arc"),
    Layout("storycloze-csv", ("InputStoryid", "RandomFifthSentenceQuiz1"), _storycloze, "storycloze"),
    Layout(
        "hellaswag-text",
        ("query", "choices", "gold"),
        _hellaswag,
        "hellaswag-text",
        notes=(
            "the prompts differ from lm-eval's: the file's text is activity, colon and context, cleaned upstream; its "
            "second sentence begins in lower case, where lm-eval capitalises it",
        ),
        remark=_bracket,
        overrides={
            "process_docs": None,
            "doc_to_text": "{{query}}",
            "doc_to_target": "{{gold}}",
            "doc_to_choice": "choices",
        },
    ),
    Layout("mbpp", ("text", "code", "task_id", "test_list"), _rows, "mbpp", keep=_mbpp),
)
