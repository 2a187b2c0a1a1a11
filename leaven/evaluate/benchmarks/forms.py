"""One item of each form from one document, byte for byte what lm-eval would ask.

lm-eval moves white space from the end of a context to the front of the continuation when it encodes them
(`TemplateLM._encode_pair`); here it is moved before, into the item's `delimiter`. So the bytes scored are those in the
file, and acc_norm is divided by the length of the choice alone, as lm-eval does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from leaven.evaluate.benchmarks.load import Row
from leaven.evaluate.benchmarks.named import Named
from leaven.evaluate.item import Choice, Form, Item, Match, Passage, Program, Short, Target

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask


def parted(context: str, continuation: str) -> tuple[str, str]:
    """The pair with the white space at the end of the context moved to the front of the continuation."""
    stripped = context.rstrip()
    return stripped, context[len(stripped) :] + continuation


def _choice(task: ConfigurableTask, named: Named, document: Row, asked: list[Any], name: str, group: str) -> Choice:
    choices = [_text(choice, "a choice") for choice in task.doc_to_choice(document)]
    if len(set(choices)) < 2:
        raise ValueError("its choices are all the same" if len(choices) > 1 else "it has fewer than two choices")
    context, continuation = parted(*asked[0])
    gold = task.doc_to_target(document)
    if isinstance(gold, str) and gold in choices:
        gold = choices.index(gold)
    return Choice(
        name, group, context, tuple(choices), _place(gold, choices), continuation[: len(continuation) - len(choices[0])]
    )


def _match(task: ConfigurableTask, named: Named, document: Row, asked: list[Any], name: str, group: str) -> Match:
    contexts = task.doc_to_choice(document)
    text = _text(task.doc_to_target(document), "its text")
    pairs = [parted(*pair) for pair in asked[: len(contexts)]]
    if len({continuation for _, continuation in pairs}) > 1:
        raise ValueError("its contexts end in different white space")
    if len({context for context, _ in pairs}) < 2:
        raise ValueError("its contexts are all the same")
    delimiter = pairs[0][1][: len(pairs[0][1]) - len(text)]
    gold = _place(task.doc_to_text(document), contexts)
    return Match(name, group, tuple(context for context, _ in pairs), text, gold, delimiter)


def _target(task: ConfigurableTask, named: Named, document: Row, asked: list[Any], name: str, group: str) -> Target:
    context, target = asked[0]
    stripped, moved = parted(context, "")
    return Target(name, group, stripped, _text(target, "its target"), moved)


def _rolling(task: ConfigurableTask, named: Named, document: Row, asked: list[Any], name: str, group: str) -> Passage:
    return Passage(name, group, _text(asked[0][0], "its text"))


def _short(task: ConfigurableTask, named: Named, document: Row, asked: list[Any], name: str, group: str) -> Short:
    found = task.doc_to_target(document)
    answers = [answer for answer in dict.fromkeys(found if isinstance(found, list) else [found]) if answer]
    if not all(isinstance(answer, str) for answer in answers):
        raise ValueError("an answer is not a text")
    if "answer" in named.metadata:
        likeliest = _field(task, named.metadata["answer"], document)
        if likeliest in answers:
            answers = [likeliest, *(answer for answer in answers if answer != likeliest)]
    return Short(name, group, asked[0][0], tuple(answers), task.config.target_delimiter)


def _program(task: ConfigurableTask, named: Named, document: Row, asked: list[Any], name: str, group: str) -> Program:
    solution = _field(task, named.metadata["solution"], document) if "solution" in named.metadata else ""
    return Program(name, group, asked[0][0], _text(task.doc_to_target(document), "its tests"), solution)


Maker = Callable[["ConfigurableTask", Named, Row, list[Any], str, str], Item]
MAKERS: dict[Form, Maker] = {
    "choice": _choice,
    "match": _match,
    "target": _target,
    "rolling": _rolling,
    "short": _short,
    "program": _program,
}


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{what} is {value!r} and not a text")
    if not value.strip():
        raise ValueError(f"{what} is empty")
    return value


def _place(gold: Any, choices: Sequence[Any]) -> int:
    if not isinstance(gold, int) or not 0 <= gold < len(choices):
        raise ValueError(f"its right answer is {gold!r}, of {len(choices)} choices")
    return int(gold)


def _field(task: ConfigurableTask, template: Any, document: Row) -> str:
    """A field of the document, or a template over it."""
    found = document[template] if template in task.features else task.resolve_field(document, str(template))
    return str(found or "")
