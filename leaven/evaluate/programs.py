"""Tiny programs: held-out generated problems, completed by the model and run against their tests in the
sandbox.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from leaven.corpus.synthetic import parse
from leaven.evaluate.complete import degenerate
from leaven.evaluate.generate import Ask, generate
from leaven.evaluate.item import Program
from leaven.evaluate.passages import Held, by_turns
from leaven.evaluate.subject import Subject
from leaven.ground.progress import Progress, silent
from leaven.sandbox.level import Level
from leaven.sandbox.pool import run_many

TOKENS = 64
"""Most tokens of a completion: twice what the longest solutions of the generated families take."""
END = re.compile(r"\n(?=\n|\S)")
"""The body of a function ends at an empty line or at a line that is not indented."""


@dataclass(frozen=True)
class Attempt:
    """What a model wrote for a problem and what became of it. `outcome` is the sandbox's status."""

    item: Program
    text: str
    outcome: str
    level: str
    degenerate: bool

    @property
    def passed(self) -> bool:
        return self.outcome == "passed"


def items(documents: Sequence[Held], n: int) -> list[Program]:
    """The problems of held-out documents, one of each instance first."""
    made = []
    for document in by_turns(documents)[:n]:
        prompt, solution, tests = parse(document.text)
        made.append(Program(document.id, document.group, prompt, "\n".join(tests) + "\n", solution))
    return made


def attempt(
    subject: Subject,
    programs: Sequence[Program],
    level: Level,
    *,
    allow_unisolated: bool = False,
    progress: Progress = silent,
) -> list[Attempt]:
    """Complete every prompt greedily, once, and run prompt and completion with the tests.

    Raises LeavenError at the isolation level "none" unless `allow_unisolated`.
    """
    written = generate(subject, [Ask(program.prompt, TOKENS) for program in programs], stop=END, progress=progress)
    outcomes = run_many(
        [(f"{program.prompt}{text}\n", program.tests) for program, text in zip(programs, written, strict=True)],
        level=level,
        workers=len(os.sched_getaffinity(0)),
        allow_unisolated=allow_unisolated,
        progress=progress,
    )
    return [
        Attempt(program, text, outcome.status, outcome.level, degenerate(text))
        for program, text, outcome in zip(programs, written, outcomes, strict=True)
    ]
