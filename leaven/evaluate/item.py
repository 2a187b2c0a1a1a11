"""What a suite is made of: items, and the tasks that hold them.

Seven forms of item, one for each way of asking a model: `Passage` (how many bits does this text cost), `Choice`
(which of these continuations is likelier), `Match` (after which of these contexts is this text likeliest), `Target`
(how likely is this continuation), `Short` (a short answer it writes), `Program` (does what it writes pass its tests)
and `Foreign` (a document of an lm-eval task that only lm-eval itself can ask and score). Items are plain data; they
are written as JSON lines with every non-ASCII character escaped, so that no reader can split a line at U+2028 or
U+0085.

Invariants: no context of a Choice, Match or Target ends in white space (lm-eval would move it onto the continuation;
whoever makes items moves it into `delimiter` or the continuation); gold is one of the answers; ids are unique within a
task. `delimiter` stands between context and continuation: it is scored with the continuation, and left out of the
length that lm-eval's acc_norm divides by.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput
from leaven.ground.files import write_text

VERSION = "suite/3"
"""Of what a suite's folder holds. Part of `suite.json`: raise it when the folder of an equal corpus would change."""
DRAWS = "suite/2"
"""Part of every random key: raise it when other items should be drawn."""

Form = Literal["rolling", "choice", "match", "target", "short", "program", "foreign"]


@dataclass(frozen=True)
class Passage:
    """A text whose bits are counted."""

    id: str
    group: str
    text: str

    @property
    def shown(self) -> str:
        """The text that must not occur in the training documents."""
        return self.text


@dataclass(frozen=True)
class Choice:
    """A context and its possible continuations, one of them right."""

    id: str
    group: str
    context: str
    choices: tuple[str, ...]
    gold: int
    delimiter: str = ""

    def __post_init__(self) -> None:
        if self.context != self.context.rstrip():
            raise ValueError(f"the context of item {self.id} ends in white space")
        if not 0 <= self.gold < len(self.choices) or not all(self.choices):
            raise ValueError(f"item {self.id} has no gold answer or an empty choice")

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(context, continuation) of each answer."""
        return tuple((self.context, self.delimiter + choice) for choice in self.choices)

    @property
    def answer(self) -> str:
        """What tells the right answer from the others."""
        return self.choices[self.gold]

    @property
    def shown(self) -> str:
        return self.context + self.delimiter + self.choices[self.gold]


@dataclass(frozen=True)
class Match:
    """A text and the contexts it may continue, one of them right.

    The same string is scored after each context, so neither its length nor how likely it is by itself can decide: what
    is left is what the context tells about it (the partial evaluation of Trinh and Le 2018, arXiv 1806.02847; lm-eval's
    winogrande asks so).
    """

    id: str
    group: str
    contexts: tuple[str, ...]
    text: str
    gold: int
    delimiter: str = ""

    def __post_init__(self) -> None:
        if any(context != context.rstrip() for context in self.contexts):
            raise ValueError(f"a context of item {self.id} ends in white space")
        if not 0 <= self.gold < len(self.contexts) or not all(self.contexts) or not self.text:
            raise ValueError(f"item {self.id} has no gold answer, an empty context or no text")

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(context, continuation) of each answer."""
        return tuple((context, self.delimiter + self.text) for context in self.contexts)

    @property
    def answer(self) -> str:
        """What tells the right answer from the others."""
        return self.contexts[self.gold]

    @property
    def shown(self) -> str:
        return self.contexts[self.gold] + self.delimiter + self.text


@dataclass(frozen=True)
class Target:
    """A context and the one continuation whose likelihood is asked (LAMBADA; the bits of a known answer)."""

    id: str
    group: str
    context: str
    target: str
    delimiter: str = ""

    def __post_init__(self) -> None:
        if self.context != self.context.rstrip():
            raise ValueError(f"the context of item {self.id} ends in white space")
        if not self.target:
            raise ValueError(f"item {self.id} has an empty target")

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(context, continuation)."""
        return ((self.context, self.delimiter + self.target),)

    @property
    def shown(self) -> str:
        return self.context + self.delimiter + self.target


@dataclass(frozen=True)
class Short:
    """A question that the model answers in its own words, and every answer that counts; the first is the one whose
    likelihood is asked too.
    """

    id: str
    group: str
    context: str
    answers: tuple[str, ...]
    delimiter: str = " "

    def __post_init__(self) -> None:
        if not self.answers or not all(self.answers):
            raise ValueError(f"item {self.id} has no answer, or an empty one")

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(context, first answer): what its gold likelihood is asked of."""
        return ((self.context, self.delimiter + self.answers[0]),)

    @property
    def shown(self) -> str:
        return self.context + self.delimiter + self.answers[0]


@dataclass(frozen=True)
class Program:
    """A prompt to complete into a program, the tests it is run with, and a known right completion."""

    id: str
    group: str
    prompt: str
    tests: str
    solution: str

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(prompt, known solution): what its gold likelihood is asked of; nothing where no solution is known."""
        return ((self.prompt, self.solution),) if self.solution else ()

    @property
    def shown(self) -> str:
        return self.prompt + self.solution


@dataclass(frozen=True)
class Foreign:
    """A document of an lm-eval task that leaven has no form for; lm-eval asks and scores it."""

    id: str
    group: str
    doc: dict[str, Any]
    shown: str = ""


Answerable = Choice | Match
Item = Passage | Choice | Match | Target | Short | Program | Foreign


@dataclass(frozen=True)
class Task:
    """A named list of items of one form.

    Args:
        category: the heading the task is reported under: language, knowledge, reasoning or code.
        measure: the primary measure, a name in `leaven.evaluate.scores.SUMMARY` or bits_per_byte.
        chance: what guessing scores; NaN is never used, a rolling task has None.
        needs: what the task cannot run without ("isolation").
        overlap: what the search for the items in the training documents found (see
        `leaven.evaluate.overlap`); empty where there were no documents to search.
        settings: how the model is asked: `until` (stop strings), `tokens` (most generated), `samples`, `temperature`,
        `top_p`, `k` (of pass@k), `labels` (the texts of the answers where every item has the same ones).
        origin: where the task comes from: `task` and `version` (lm-eval's, or leaven's), `lm_eval` (its version),
        `template`, `data` ({file or dataset, split, sha256, rows, cut}), `licence`, `notes`.
    """

    name: str
    category: str
    form: Form
    measure: str
    chance: float | None
    what: str
    items: tuple[Item, ...]
    needs: tuple[str, ...] = ()
    overlap: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """The task's entry in `suite.json`."""
        entry: dict[str, Any] = {
            "category": self.category,
            "form": self.form,
            "measure": self.measure,
            "chance": self.chance,
            "n": len(self.items),
            "what": self.what,
            "needs": list(self.needs),
            "overlap": self.overlap,
            "settings": self.settings,
            "origin": self.origin,
        }
        if self.form == "rolling":
            entry["bytes"] = sum(len(item.shown.encode()) for item in self.items)
        return entry


def generator(*parts: Any) -> np.random.Generator:
    """The random stream named by `parts`: equal parts, equal draws, on every machine."""
    return np.random.Generator(np.random.Philox(key=key64(DRAWS, *parts)))


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """JSON lines, ASCII only, keys sorted."""
    write_text(path, "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows))


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def write_items(path: Path, items: Sequence[Item]) -> None:
    """Raises BadInput for an item that holds half a character (a lone surrogate), which no tokenizer can encode."""
    rows = [asdict(item) for item in items]
    for row in rows:
        try:
            json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise BadInput(f"item {row['id']} holds half a character (a lone surrogate)", where=path.stem) from None
    write_lines(path, rows)


TYPES: dict[Form, Any] = {
    "rolling": Passage,
    "choice": Choice,
    "match": Match,
    "target": Target,
    "short": Short,
    "program": Program,
    "foreign": Foreign,
}


def read_items(path: Path, form: Form) -> list[Item]:
    """The items of a file that `write_items` wrote."""
    made = TYPES[form]
    return [
        made(**{name: tuple(value) if isinstance(value, list) else value for name, value in row.items()})
        for row in read_lines(path)
    ]
