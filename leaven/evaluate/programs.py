"""Programs that the model writes: how it is asked for them, and what becomes of them in the sandbox."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leaven.corpus.synthetic import parse
from leaven.evaluate.item import Program
from leaven.evaluate.model import Ask
from leaven.evaluate.passages import Held, by_turns
from leaven.ground.canonical import key64
from leaven.ground.errors import LeavenError
from leaven.ground.progress import Progress, silent
from leaven.sandbox.cores import cores
from leaven.sandbox.level import Level
from leaven.sandbox.pool import run_many

TOKENS = 64
"""Most tokens of a completion where the task does not say: twice what the longest solutions of the generated families
take."""
END = re.compile(r"\n(?=\n|\S)")
"""Where the task gives no stop strings: the body of a function ends at an empty line or at a line that is not
indented."""

Write = Callable[[Sequence[Ask]], list[str]]
"""Continues prompts."""


@dataclass(frozen=True)
class Attempt:
    """What a model wrote for a problem, one text a sample, and what became of each. `outcomes` are the sandbox's."""

    item: Program
    texts: tuple[str, ...]
    outcomes: tuple[str, ...]
    level: str

    @property
    def passed(self) -> tuple[bool, ...]:
        return tuple(outcome == "passed" for outcome in self.outcomes)


def items(documents: Sequence[Held], n: int) -> list[Program]:
    """The problems of held-out documents, one of each instance first."""
    made = []
    for document in by_turns(documents)[:n]:
        prompt, solution, tests = parse(document.text)
        made.append(Program(document.id, document.group, prompt, "\n".join(tests) + "\n", solution))
    return made


def asks(task: str, programs: Sequence[Program], settings: Mapping[str, Any]) -> list[Ask]:
    """What the model is asked: the samples of the first problem, then of the second, …

    The random numbers of a sample follow from task, item and the sample's number alone.
    """
    stops = settings.get("until")
    return [
        Ask(
            program.prompt,
            settings.get("tokens") or TOKENS,
            # an empty line is the one end of a body that is a fixed string
            ("\n\n",) if stops is None else tuple(stops),
            settings.get("temperature") or 0.0,
            settings.get("top_p") or 1.0,
            key64(task, program.id, 0, sample),
        )
        for program in programs
        for sample in range(settings.get("samples") or 1)
    ]


def attempt(
    task: str,
    programs: Sequence[Program],
    settings: Mapping[str, Any],
    write: Write,
    level: Level,
    *,
    allow_unisolated: bool = False,
    progress: Progress = silent,
) -> list[Attempt]:
    """Write the samples of every problem and run each, behind its prompt, with the problem's tests.

    Raises:
        LeavenError: the isolation level is "none" and not `allow_unisolated`; this machine could not start a program.
    """
    asked = asks(task, programs, settings)
    texts = write(asked)
    if settings.get("until") is None:
        texts = [END.split(text, maxsplit=1)[0] for text in texts]
    samples = len(asked) // max(1, len(programs))
    owners = [program for program in programs for _ in range(samples)]
    outcomes = run_many(
        [(source(program, text), newlines(program.tests)) for program, text in zip(owners, texts, strict=True)],
        level=level,
        workers=cores() + 1,  # one of them is always starting or ending
        allow_unisolated=allow_unisolated,
        progress=progress,
    )
    broken = [outcome for outcome in outcomes if outcome.status == "error"]
    if broken:
        said = broken[0].stderr.strip()[-200:]
        raise LeavenError(
            f"{task}: {len(broken)} of {len(outcomes)} programs could not be started ({said})\n"
            "  This is no fault of the programs; what the model wrote is kept where a request cache is used."
        )
    found = []
    for place, program in enumerate(programs):
        part = slice(place * samples, (place + 1) * samples)
        found.append(
            Attempt(program, tuple(texts[part]), tuple(outcome.status for outcome in outcomes[part]), outcomes[0].level)
        )
    return found


def source(program: Program, text: str) -> str:
    """The program that runs: the prompt and what was written behind it, as lm-eval's humaneval joins them."""
    return newlines(f"{program.prompt}{text}\n")


def newlines(text: str) -> str:
    r"""Lines that end in "\n" alone: MBPP's own solutions, and what imitates them, end lines in "\r\n"."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
