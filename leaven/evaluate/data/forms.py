"""What lm-eval's templates expect of a document, task by task.

Each check stands for the fields that the task's own YAML names (lm-eval 0.4.13; `quac` and `mbpp` as leaven asks them).
Every row goes through one, whether it was converted, read as it is, or comes from the hub: an answer out of range or
an empty choice is named with its file and line, and never becomes an item.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from leaven.evaluate.data.table import Row, Unfit, index_of, kind, text_of, texts_of, value_of

Check = Callable[[Row], None]


@dataclass(frozen=True)
class Form:
    """The fields of a document, and what must hold in them. `check` raises Unfit."""

    fields: tuple[str, ...]
    check: Check


def _texts(*fields: str) -> Check:
    def check(row: Row) -> None:
        for field in fields:
            text_of(row, field)

    return check


def _maybe(*fields: str) -> Check:
    """Texts that may be empty."""

    def check(row: Row) -> None:
        for field in fields:
            text_of(row, field, empty=True)

    return check


def _list(field: str) -> Check:
    def check(row: Row) -> None:
        texts_of(row, field)

    return check


def _index(field: str, count: int, first: int = 0) -> Check:
    def check(row: Row) -> None:
        index_of(row, field, count, first)

    return check


def _word(field: str, *allowed: str) -> Check:
    def check(row: Row) -> None:
        if text_of(row, field) not in allowed:
            raise Unfit(field, f"expected {' or '.join(allowed)}, found {row[field]!r}")

    return check


def _digit(field: str, count: int, first: int) -> Check:
    """A number that may be written as text."""

    def check(row: Row) -> None:
        value = value_of(row, field)
        if isinstance(value, str):
            if not value.strip().isdecimal():
                hidden = "; a split whose answers are not published has nothing here" if not value.strip() else ""
                raise Unfit(field, f"expected {first} to {first + count - 1}, found {value!r}{hidden}")
            value = int(value)
        index_of({field: value}, field, count, first)

    return check


def _all(*checks: Check) -> Check:
    def check(row: Row) -> None:
        for one in checks:
            one(row)

    return check


def _options(row: Row) -> None:
    """`choices` {text, label} and `answerKey`."""
    choices = value_of(row, "choices")
    if not isinstance(choices, dict):
        raise Unfit("choices", f"expected an object with text and label, found {kind(choices)}")
    try:
        texts, labels = texts_of(choices, "text", least=2), texts_of(choices, "label", least=2)
    except Unfit as error:
        raise Unfit(f"choices.{error.field}", error.what) from None
    if len(texts) != len(labels) or len(set(labels)) < len(labels):
        raise Unfit("choices.label", f"expected one label for each of {len(texts)} texts, found {', '.join(labels)}")
    if text_of(row, "answerKey") not in labels:
        raise Unfit("answerKey", f"expected {' or '.join(labels)}, found {row['answerKey']!r}")


def _gap(row: Row) -> None:
    if "_" not in text_of(row, "sentence"):
        raise Unfit("sentence", 'no "_" stands where the option belongs')


def _endings(row: Row) -> None:
    text_of(row, "ctx_b", empty=True)
    _digit("label", len(texts_of(row, "endings", least=2)), 0)(row)


def _choices(row: Row) -> None:
    index_of(row, "gold", len(texts_of(row, "choices", least=2)))


def _aliases(row: Row) -> None:
    answer = value_of(row, "answer")
    if not isinstance(answer, dict):
        raise Unfit("answer", f"expected an object with aliases, found {kind(answer)}")
    try:
        texts_of(answer, "aliases")
    except Unfit as error:
        raise Unfit(f"answer.{error.field}", error.what) from None


def _last_word(row: Row) -> None:
    text = text_of(row, "text")
    if not text.rpartition(" ")[0].strip() or text.endswith(" "):
        raise Unfit("text", "there is no last word after a space")


def _answered(row: Row) -> None:
    _maybe("background", "section", "title")(row)
    _list("answers")(row)
    history = value_of(row, "history")
    if not isinstance(history, list) or not all(isinstance(turn, dict) for turn in history):
        raise Unfit("history", f"expected a list of objects, found {kind(history)}")
    for turn in history:
        _texts("question", "answer")(turn)


def _tests(row: Row) -> None:
    texts_of(row, "test_list", least=3)
    index_of(row, "task_id", 1 << 31)


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "piqa": Form(("goal", "sol1", "sol2", "label"), _all(_texts("goal", "sol1", "sol2"), _index("label", 2))),
        "arc": Form(("question", "choices", "answerKey"), _all(_texts("question"), _options)),
        "boolq": Form(("passage", "question", "label"), _all(_texts("passage", "question"), _index("label", 2))),
        "copa": Form(
            ("premise", "question", "choice1", "choice2", "label"),
            _all(_texts("premise", "choice1", "choice2"), _word("question", "cause", "effect"), _index("label", 2)),
        ),
        "winogrande": Form(
            ("sentence", "option1", "option2", "answer"),
            _all(_texts("option1", "option2"), _gap, _word("answer", "1", "2")),
        ),
        "cb": Form(("premise", "hypothesis", "label"), _all(_texts("premise", "hypothesis"), _index("label", 3))),
        "hellaswag": Form(
            ("activity_label", "ctx_a", "ctx_b", "endings", "label"), _all(_texts("activity_label", "ctx_a"), _endings)
        ),
        "hellaswag-text": Form(("query", "choices", "gold"), _all(_texts("query"), _choices)),
        "triviaqa": Form(("question", "answer"), _all(_texts("question"), _aliases)),
        "nq_open": Form(("question", "answer"), _all(_texts("question"), _list("answer"))),
        "sciq": Form(
            ("question", "correct_answer", "distractor1", "distractor2", "distractor3", "support"),
            _all(
                _texts("question", "correct_answer", "distractor1", "distractor2", "distractor3"),
                _maybe("support"),
            ),
        ),
        "social_iqa": Form(
            ("context", "question", "answerA", "answerB", "answerC", "label"),
            _all(_texts("context", "question", "answerA", "answerB", "answerC"), _digit("label", 3, 1)),
        ),
        "storycloze": Form(
            (*(f"input_sentence_{n}" for n in range(1, 5)), "sentence_quiz1", "sentence_quiz2", "answer_right_ending"),
            _all(
                _texts(*(f"input_sentence_{n}" for n in range(1, 5)), "sentence_quiz1", "sentence_quiz2"),
                _index("answer_right_ending", 2, 1),
            ),
        ),
        "lambada": Form(("text",), _last_word),
        "quac": Form(("context", "question", "answers", "history"), _all(_texts("context", "question"), _answered)),
        "humaneval": Form(
            ("task_id", "prompt", "entry_point", "canonical_solution", "test"),
            _texts("task_id", "prompt", "entry_point", "canonical_solution", "test"),
        ),
        "mbpp": Form(("text", "code", "task_id", "test_list"), _all(_texts("text", "code"), _tests)),
    }
)
