"""Judges that follow a script, for tests and for trying a configuration out. Their results say so and mean
nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput, did_you_mean
from leaven.ground.progress import Progress, silent
from leaven.judge.question import Choice, Question, Verdict


def _longer(question: Question) -> Choice:
    first, second = len(question.first), len(question.second)
    return "tie" if first == second else "first" if first > second else "second"


def _first(question: Question) -> Choice:
    return "first"


def _coin(question: Question) -> Choice:
    """Heads or tails by what is asked, whatever the order: fair, and always the same."""
    low, high = sorted((question.first, question.second))
    prefers_low = key64("coin/1", question.prompt, low, high) % 2 == 0
    return "first" if (question.first == low) == prefers_low else "second"


def _random(question: Question) -> Choice:
    """Heads or tails, thrown anew for each order."""
    heads = key64("random/1", question.prompt, question.first, question.second) % 2 == 0
    return "first" if heads else "second"


SCRIPTS: dict[str, Callable[[Question], Choice]] = {
    "longer": _longer,
    "first": _first,
    "coin": _coin,
    "random": _random,
}


@dataclass(frozen=True)
class Scripted:
    """Follows SCRIPTS[script]: `longer` (pure length bias), `first` (pure position bias), `coin` (the same in both
    orders, so that only controls tell it from a judge) or `random` (anew in each). Raises BadInput for another."""

    script: str
    scripted: bool = True

    def __post_init__(self) -> None:
        if self.script not in SCRIPTS:
            raise BadInput(f'unknown script "{self.script}"{did_you_mean(self.script, SCRIPTS)}', field="judge.script")

    @property
    def name(self) -> str:
        return f"scripted:{self.script}"

    @property
    def what(self) -> str:
        return f"a script ({self.script}) in the place of a judge; its results mean nothing"

    def compare(self, questions: Sequence[Question], progress: Progress = silent) -> list[Verdict]:
        return [Verdict(SCRIPTS[self.script](question)) for question in questions]
