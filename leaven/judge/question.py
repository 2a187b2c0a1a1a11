"""What a judge is asked and what it answers: the one interface that every judge has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from leaven.ground.progress import Progress, silent

Choice = Literal["first", "second", "tie", "error"]


@dataclass(frozen=True)
class Question:
    """Two completions of one prompt, in the order in which the judge sees them.

    `prompt` is what the judge reads: an instruction, say. `given` is what the models were given to write on,
    where that differs (the instruction in a frame); empty where it does not.
    """

    prompt: str
    first: str
    second: str
    given: str = ""


@dataclass(frozen=True)
class Verdict:
    """A judge's answer to one question.

    `scores` are bits per byte (lower is preferred) of first and second where the judge has such a thing.
    `reason` says in a word or two why there is no answer; it goes into results, so it names no host and no
    key. `replies` are what the judge wrote, every attempt.
    """

    choice: Choice
    scores: tuple[float, float] | None = None
    reason: str = ""
    replies: tuple[str, ...] = ()


class Judge(Protocol):
    """Anything that compares completions.

    `name` identifies it in results, `what` is one honest sentence on what it measures, `scripted` is true
    where the answers are made up for a test.
    """

    @property
    def name(self) -> str: ...

    @property
    def what(self) -> str: ...

    @property
    def scripted(self) -> bool: ...

    def compare(self, questions: Sequence[Question], progress: Progress = silent) -> list[Verdict]:
        """One verdict for each question, in their order. A question that cannot be answered is an `error`."""
        ...
